#include "ext/zstd.h"

#include <stdlib.h>
#include <zstd.h>

struct zstd_packer {
	ZSTD_CCtx *context;
	ZSTD_CDict *dictionary;
};

struct zstd_unpacker {
	ZSTD_DCtx *context;
	ZSTD_DDict *dictionary;
};

/* Nothing here fails but for want of memory, or because this file is wrong. */
static void
need(bool holds)
{
	if (!holds)
		abort();
}

static void
set(struct zstd_packer *packer, ZSTD_cParameter parameter, int value)
{
	need(!ZSTD_isError(ZSTD_CCtx_setParameter(packer->context, parameter, value)));
}

struct zstd_packer *
zstd_packer_new(struct slice dictionary, int level)
{
	struct zstd_packer *packer = calloc(1, sizeof(*packer));
	need(packer != NULL);
	packer->context = ZSTD_createCCtx();
	packer->dictionary = ZSTD_createCDict(dictionary.data, dictionary.len, level);
	need(packer->context != NULL && packer->dictionary != NULL);
	/* Which dictionary it was is for the caller to remember: four bytes less in each frame. */
	set(packer, ZSTD_c_dictIDFlag, 0);
	set(packer, ZSTD_c_contentSizeFlag, 1);
	set(packer, ZSTD_c_checksumFlag, 1);
	need(!ZSTD_isError(ZSTD_CCtx_refCDict(packer->context, packer->dictionary)));
	return packer;
}

void
zstd_packer_free(struct zstd_packer *packer)
{
	if (packer == NULL)
		return;
	(void)ZSTD_freeCCtx(packer->context);
	(void)ZSTD_freeCDict(packer->dictionary);
	free(packer);
}

void
zstd_pack(struct zstd_packer *packer, struct slice in, struct buf *out)
{
	size_t bound = ZSTD_compressBound(in.len);
	uint8_t *at = buf_room(out, bound);
	if (at == NULL)
		return;
	size_t used = ZSTD_compress2(packer->context, at, bound, in.data, in.len);
	need(!ZSTD_isError(used));
	buf_grew(out, used);
}

struct zstd_unpacker *
zstd_unpacker_new(struct slice dictionary)
{
	struct zstd_unpacker *unpacker = calloc(1, sizeof(*unpacker));
	need(unpacker != NULL);
	unpacker->context = ZSTD_createDCtx();
	unpacker->dictionary = ZSTD_createDDict(dictionary.data, dictionary.len);
	need(unpacker->context != NULL && unpacker->dictionary != NULL);
	return unpacker;
}

void
zstd_unpacker_free(struct zstd_unpacker *unpacker)
{
	if (unpacker == NULL)
		return;
	(void)ZSTD_freeDCtx(unpacker->context);
	(void)ZSTD_freeDDict(unpacker->dictionary);
	free(unpacker);
}

err_t
zstd_unpack(struct zstd_unpacker *unpacker, struct slice in, size_t max_bytes, struct buf *out)
{
	unsigned long long size = ZSTD_getFrameContentSize(in.data, in.len);
	if (size == ZSTD_CONTENTSIZE_ERROR || size == ZSTD_CONTENTSIZE_UNKNOWN)
		return ERR_CORRUPT;
	if (size > max_bytes)
		return ERR_LIMIT;
	uint8_t *at = buf_room(out, (size_t)size);
	if (at == NULL)
		return ERR_LIMIT;
	size_t got = ZSTD_decompress_usingDDict(unpacker->context, at, (size_t)size, in.data,
						in.len, unpacker->dictionary);
	if (ZSTD_isError(got) || got != size)
		return ERR_CORRUPT;
	buf_grew(out, got);
	return OK;
}
