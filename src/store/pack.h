/* pack.h - a level-1 body, made small, and back byte for byte
 *
 * UTF-16 is transcoded to UTF-8 when that can be undone exactly, then compressed with zstd and a
 * trained dictionary that is part of the program.  First byte of the result: format and
 * dictionary version (high bits), encoding and byte order mark (low bits), so that old rows stay
 * readable for ever.  A packer or unpacker belongs to one thread.
 */
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "base/slice.h"

struct pack;
struct unpack;

struct pack *pack_new(void);
void pack_free(struct pack *pack);                                     /* accepts NULL */
void pack_body(struct pack *pack, struct slice body, struct buf *out); /* appends */

struct unpack *unpack_new(void);
void unpack_free(struct unpack *unpack);
/* Appends the body.  ERR_CORRUPT, ERR_LIMIT (over LIMIT_REPORT_BYTES). */
err_t unpack_body(struct unpack *unpack, struct slice packed, struct buf *out) ERR_CHECK;
/* The same text without the way back to UTF-16: UTF-8 where the body was UTF-16, else the body.
 * level1_parse reads the same report from it, sooner.  Errors as above. */
err_t unpack_text(struct unpack *unpack, struct slice packed, struct buf *out) ERR_CHECK;
