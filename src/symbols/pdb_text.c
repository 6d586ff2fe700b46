#include "symbols/pdb_text.h"

#include <search.h>
#include <stdlib.h>

#include "base/limits.h"
#include "base/reader.h"

enum {
	TABLE_SIGNATURE = (int)0xeffeeffe,
	TABLE_HEADER_BYTES = 12
};

struct kept {
	uint64_t key;
	struct slice text;
};

static int
compare_keys(const void *a, const void *b)
{
	const struct kept *x = a;
	const struct kept *y = b;
	return (x->key > y->key) - (x->key < y->key);
}

void
pdb_texts_init(struct pdb_texts *texts, const struct msf *msf, uint32_t names)
{
	*texts = (struct pdb_texts){.msf = msf, .names = names};
	arena_init(&texts->arena, LIMIT_PDB_TEXTS_BYTES);
}

static void
leave(void *kept)
{
	(void)kept; /* it lies in the arena */
}

void
pdb_texts_done(struct pdb_texts *texts)
{
	tdestroy(texts->kept, leave);
	texts->kept = NULL;
	arena_done(&texts->arena);
}

bool
pdb_text_find(const struct pdb_texts *texts, uint64_t key, struct slice *ret_text)
{
	struct kept wanted = {.key = key};
	void *const *node = tfind(&wanted, &texts->kept, compare_keys);
	if (node == NULL)
		return false;
	const struct kept *kept = *node;
	*ret_text = kept->text;
	return true;
}

static err_t
keep(struct pdb_texts *texts, uint64_t key, struct slice text, struct slice *ret_text)
{
	struct kept *kept = arena_alloc(&texts->arena, sizeof(*kept));
	if (kept == NULL || texts->n_kept == LIMIT_PDB_TEXTS)
		return ERR_LIMIT;
	*kept = (struct kept){key, text};
	if (tsearch(kept, &texts->kept, compare_keys) == NULL)
		return ERR_NOMEM;
	texts->n_kept++;
	*ret_text = text;
	return OK;
}

err_t
pdb_text_join(struct pdb_texts *texts, uint64_t key, struct slice scope, struct slice name,
	      struct slice *ret_text)
{
	struct slice text = slice_str(
		arena_printf(&texts->arena, "%.*s::%.*s", SLICE_ARGS(scope), SLICE_ARGS(name)));
	return slice_is_absent(text) ? ERR_LIMIT : keep(texts, key, text, ret_text);
}

err_t
pdb_text(struct pdb_texts *texts, uint32_t stream, uint32_t offset, uint32_t end,
	 struct slice *ret_text)
{
	uint64_t key = (uint64_t)stream << 32 | offset;
	struct slice text;
	if (offset > end || end > msf_bytes(texts->msf, stream))
		return ERR_CORRUPT;
	uint32_t max = end - offset < LIMIT_PDB_TEXT_BYTES ? end - offset : LIMIT_PDB_TEXT_BYTES;
	uint32_t len = msf_text_bytes(texts->msf, stream, offset, max);
	text = msf_span(texts->msf, stream, offset, len);
	if (slice_is_absent(text) && !pdb_text_find(texts, key, &text)) {
		err_t err = msf_view(texts->msf, stream, offset, len, &texts->arena, &text);
		if (err == OK)
			err = keep(texts, key, text, &text);
		if (err != OK)
			return err;
	}
	*ret_text = text;
	return OK;
}

/* The table: signature, version of its hash, bytes of its texts; then the texts. */
err_t
pdb_text_of_table(struct pdb_texts *texts, uint32_t offset, struct slice *ret_text)
{
	uint8_t scratch[TABLE_HEADER_BYTES];
	struct slice header;
	struct reader r;
	if (!msf_peek(texts->msf, texts->names, 0, TABLE_HEADER_BYTES, scratch, &header))
		return ERR_CORRUPT;
	reader_init(&r, header);
	uint32_t signature = reader_u32(&r);
	(void)reader_u32(&r);
	uint32_t bytes = reader_u32(&r);
	if (signature != (uint32_t)TABLE_SIGNATURE || offset >= bytes ||
	    bytes > msf_bytes(texts->msf, texts->names) - TABLE_HEADER_BYTES)
		return ERR_CORRUPT;
	return pdb_text(texts, texts->names, TABLE_HEADER_BYTES + offset,
			TABLE_HEADER_BYTES + bytes, ret_text);
}
