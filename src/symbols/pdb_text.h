/* pdb_text.h - texts of a PDB that live as long as its symbols
 *
 * Most lie whole in the file and are handed out from there.  One that lies in blocks that do not
 * adjoin is copied once, and found again by where it is.
 */
#pragma once

#include "symbols/pdb_msf.h"

struct pdb_texts {
	const struct msf *msf;
	struct arena arena;
	void *kept; /* a balanced tree by key, of tsearch(3): the keys are the file's, and a hash
		       table could be made to collide */
	size_t n_kept;
	uint32_t names; /* the stream "/names" */
};

void pdb_texts_init(struct pdb_texts *texts, const struct msf *msf, uint32_t names);
void pdb_texts_done(struct pdb_texts *texts);

/* The text that begins at OFFSET of STREAM and ends before a NUL or at END.
 * ERR_CORRUPT: OFFSET is past END or the stream.  ERR_LIMIT: too many copies. */
err_t pdb_text(struct pdb_texts *texts, uint32_t stream, uint32_t offset, uint32_t end,
	       struct slice *ret_text) ERR_CHECK;

/* A text of the string table "/names", by its offset there.  ERR_CORRUPT: it has none there. */
err_t pdb_text_of_table(struct pdb_texts *texts, uint32_t offset, struct slice *ret_text) ERR_CHECK;

/* Texts that were made, by a KEY with the highest bit set.  False: none was kept yet. */
bool pdb_text_find(const struct pdb_texts *texts, uint64_t key, struct slice *ret_text);
/* Keeps "SCOPE::NAME".  ERR_LIMIT: too many. */
err_t pdb_text_join(struct pdb_texts *texts, uint64_t key, struct slice scope, struct slice name,
		    struct slice *ret_text) ERR_CHECK;
