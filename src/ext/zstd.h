/* zstd.h - compression with a shared dictionary (libzstd behind it)
 *
 * One packer or unpacker belongs to one thread.  The dictionary is borrowed for its lifetime.
 */
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "base/slice.h"

struct zstd_packer;
struct zstd_unpacker;

struct zstd_packer *zstd_packer_new(struct slice dictionary, int level);      /* empty: none */
void zstd_packer_free(struct zstd_packer *packer);                            /* accepts NULL */
void zstd_pack(struct zstd_packer *packer, struct slice in, struct buf *out); /* appends */

struct zstd_unpacker *zstd_unpacker_new(struct slice dictionary);
void zstd_unpacker_free(struct zstd_unpacker *unpacker);
/* Appends at most MAX_BYTES.  ERR_CORRUPT, ERR_LIMIT. */
err_t zstd_unpack(struct zstd_unpacker *unpacker, struct slice in, size_t max_bytes,
		  struct buf *out) ERR_CHECK;
