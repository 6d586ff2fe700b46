/* pdb_types.h - the type streams, as far as the names of inlined functions need them
 *
 * The IPI stream numbers functions: LF_FUNC_ID with a scope (a namespace, as text) and a name,
 * LF_MFUNC_ID with a class of the TPI stream and a name.  Records have no fixed size; the file
 * has an index of some of them, from which to go on record by record.  When it is absent, out of
 * order or too thin, one is made.
 */
#pragma once

#include "symbols/pdb_text.h"

struct pdb_type_mark {
	uint32_t index;  /* of a type */
	uint32_t offset; /* of its record, from the first one */
};

struct pdb_types {
	const struct msf *msf;
	uint32_t stream;
	uint32_t first; /* index of the first record */
	uint32_t end;   /* behind the last */
	uint32_t records_offset;
	uint32_t records_bytes;
	const struct pdb_type_mark *marks;
	size_t n_marks;
};

struct pdb_inlinee_names {
	struct pdb_texts *texts;
	struct pdb_types types;
	struct pdb_types ids;
};

/* Marks lie in ARENA.  ERR_CORRUPT, ERR_TRUNCATED, ERR_UNSUPPORTED, ERR_LIMIT. */
err_t pdb_inlinee_names_open(struct pdb_texts *texts, struct arena *arena,
			     struct pdb_inlinee_names *ret_names) ERR_CHECK;

/* "Class::method", "space::function"; of an id that is no function ERR_CORRUPT. */
err_t pdb_inlinee_name(const struct pdb_inlinee_names *names, uint32_t id,
		       struct slice *ret_name) ERR_CHECK;
