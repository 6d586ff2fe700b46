#include "symbols/pdb_info.h"

#include "base/limits.h"
#include "base/reader.h"

enum {
	INFO_STREAM = 1,
	VERSION_WITH_GUID = 19990604
};

/* A bit set, as its count of 32-bit words and the words. */
static void
skip_bits(struct reader *r)
{
	uint32_t n_words = reader_u32(r);
	(void)reader_bytes(r, (size_t)n_words * sizeof(uint32_t));
}

/* The map of names: texts, then a hash table of pairs (offset of the text, stream), of which only
 * the pairs matter here.  A file without "/names" has no lines, which is no error. */
static uint32_t
find_names(struct reader *r)
{
	uint32_t found = MSF_NO_STREAM;
	struct slice texts = reader_bytes(r, reader_u32(r));
	uint32_t n = reader_u32(r);
	(void)reader_u32(r); /* slots */
	skip_bits(r);        /* those in use */
	skip_bits(r);        /* those that were */
	for (uint32_t i = 0; i < n && r->error == OK; i++) {
		struct slice text = slice_sub(texts, reader_u32(r), texts.len);
		uint32_t stream = reader_u32(r);
		/* With the NUL that ends it. */
		if (slice_starts_with(text, slice_of("/names", sizeof("/names"))))
			found = stream;
	}
	return found;
}

err_t
pdb_info_parse(const struct msf *msf, struct pdb_info *ret_info, struct err_detail *detail)
{
	struct pdb_info info = {0};
	struct arena arena;
	struct slice bytes;
	struct reader r;
	uint32_t len = msf_bytes(msf, INFO_STREAM);
	if (len > LIMIT_PDB_INFO_BYTES)
		return err_set(detail, ERR_LIMIT, "a PDB stream of %u bytes, %u at most", len,
			       LIMIT_PDB_INFO_BYTES);
	arena_init(&arena, LIMIT_PDB_INFO_BYTES + 64);
	err_t err = msf_view(msf, INFO_STREAM, 0, len, &arena, &bytes);
	if (err != OK)
		goto done;
	reader_init(&r, bytes);
	uint32_t version = reader_u32(&r);
	if (r.error == OK && version < VERSION_WITH_GUID) {
		err = err_set(detail, ERR_UNSUPPORTED, "a PDB stream of version %u: it has no GUID",
			      version);
		goto done;
	}
	(void)reader_u32(&r); /* time of writing, or a hash of the content */
	info.age = reader_u32(&r);
	struct slice guid = reader_bytes(&r, PDB_GUID_BYTES);
	if (r.error == OK) {
		memcpy(info.guid, guid.data, PDB_GUID_BYTES);
		info.names = find_names(&r);
	}
	err = r.error == OK ? OK : err_set(detail, r.error, "the PDB stream ends early");
	if (err == OK)
		*ret_info = info;
done:
	arena_done(&arena);
	return err;
}
