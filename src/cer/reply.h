/* reply.h - the level-1 server response, [MS-CER2] 2.2.2, read and written
 *
 * Lines `Key=Value` ended by CRLF, code page 1252, keys with case.  Reading takes blanks round
 * the `=`, bare LF, blank lines, a trailing NUL, unknown keys (counted, skipped), a duplicate
 * (the first counts), a malformed value (that line is not honoured).  Writing is exact.
 */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/slice.h"

struct reply {
	bool has_bucket, has_bucket_table, has_idata, has_memory_dump, has_fdoc, has_module_info;
	bool idata, memory_dump, fdoc, module_info;
	int64_t bucket; /* negative from the old public service: not interested */
	int64_t bucket_table;
	/* Absent or empty: the line is not there.  UTF-8; lists are items joined by ';'. */
	struct slice dump_file;
	struct slice response; /* "1" or a URL */
	struct slice reg_key;
	struct slice reg_tree;
	struct slice wql;
	struct slice get_file;
	struct slice get_file_version;
	/* Not in [MS-CER2], seen in the field. */
	struct slice dump_server;
	struct slice response_server;
	struct slice response_url;
	size_t n_unknown; /* lines with a key that is none of these (reading) */
	size_t n_refused; /* lines with a malformed value (reading) */
};

/* Never fails on content; ERR_LIMIT past LIMIT_REPLY_BYTES or _LINES. */
err_t reply_parse(struct slice text, struct arena *arena, struct reply *ret_reply) ERR_CHECK;
/* Appends the lines in the order iData, Bucket, BucketTable, DumpServer, DumpFile, Response,
 * MemoryDump, RegKey, RegTree, WQL, GetFile, GetFileVersion, fDoc, ModuleInfo, ResponseServer,
 * ResponseURL.  ERR_UNSUPPORTED: a value that cannot be encoded (CR, LF, NUL, outside cp1252). */
err_t reply_format(const struct reply *reply, struct buf *out) ERR_CHECK;
/* May VALUE (one list item when IS_ITEM: then ';' is refused too) stand in a reply? */
bool reply_is_encodable(struct slice value, bool is_item);
