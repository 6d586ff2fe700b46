/* Any reply: what is read of it is written exactly, and reads back equal. */
#include <stdlib.h>

#include "base/limits.h"
#include "cer/reply.h"

enum {
	BYTES_MAX = 4 * LIMIT_REPLY_BYTES
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
need(bool is_true)
{
	if (!is_true)
		abort();
}

static void
need_equal(struct slice a, struct slice b)
{
	need(slice_is_absent(a) == slice_is_absent(b));
	need(slice_compare(a, b) == 0);
}

static void
need_same(const struct reply *a, const struct reply *b)
{
	need(a->has_idata == b->has_idata && a->idata == b->idata);
	need(a->has_bucket == b->has_bucket && a->bucket == b->bucket);
	need(a->has_bucket_table == b->has_bucket_table && a->bucket_table == b->bucket_table);
	need(a->has_memory_dump == b->has_memory_dump && a->memory_dump == b->memory_dump);
	need(a->has_fdoc == b->has_fdoc && a->fdoc == b->fdoc);
	need(a->has_module_info == b->has_module_info && a->module_info == b->module_info);
	need_equal(a->dump_server, b->dump_server);
	need_equal(a->dump_file, b->dump_file);
	need_equal(a->response, b->response);
	need_equal(a->reg_key, b->reg_key);
	need_equal(a->reg_tree, b->reg_tree);
	need_equal(a->wql, b->wql);
	need_equal(a->get_file, b->get_file);
	need_equal(a->get_file_version, b->get_file_version);
	need_equal(a->response_server, b->response_server);
	need_equal(a->response_url, b->response_url);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena arena;
	struct reply reply;
	struct reply again;
	struct buf out;
	arena_init(&arena, BYTES_MAX);
	buf_init(&out, BYTES_MAX);
	if (reply_parse(slice_of(data, size), &arena, &reply) == OK) {
		need(reply_is_encodable(reply.dump_file, false));
		need(reply_format(&reply, &out) == OK);
		need(reply_parse(buf_slice(&out), &arena, &again) == OK);
		need(again.n_unknown == 0 && again.n_refused == 0);
		need_same(&reply, &again);
	}
	buf_done(&out);
	arena_done(&arena);
	return 0;
}
