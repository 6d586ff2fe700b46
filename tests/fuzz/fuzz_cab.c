/* Any bytes, or several cabinets in a row as a set: what is opened has sane names and faults inside
 * it, and what is extracted keeps to small caps and to the order that sinks rely on.
 */
#include <stdlib.h>

#include "base/text.h"
#include "cab/describe.h"

enum {
	MEMBERS_MAX = 256,
	PARTS_MAX = 4,
	ALL_BYTES = 1 << 20,
	JSON_BYTES_MAX = 64 << 20
};

static const struct cab_limits limits = {
	.members = MEMBERS_MAX,
	.folders = 64,
	.parts = PARTS_MAX,
	.member_bytes = 300000,
	.all_bytes = ALL_BYTES,
	.ratio = 100,
	.ratio_free_bytes = 100000,
	.table_bytes = LIMIT_CAB_ARENA_BYTES,
};

struct watch {
	const struct cab_info *info;
	const struct cab_member *open;
	uint64_t bytes; /* of all */
	uint64_t member_bytes;
	uint32_t ended[MEMBERS_MAX];
	uint64_t give_up; /* a bit for each member, modulo 64 */
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
need(bool is_true)
{
	if (!is_true)
		abort();
}

static void
need_fault(const struct slice *parts, size_t n, struct cab_fault fault)
{
	need((unsigned)fault.reason < CAB_REASON_N && fault.reason != CAB_NO_FAULT);
	need(fault.part < n);
	/* A folder may point anywhere, but no further than its 32 bits. */
	need(fault.offset <= parts[fault.part].len || fault.reason == CAB_TRUNCATED);
	need(fault.offset <= UINT32_MAX);
}

static bool
begin(void *context, const struct cab_member *member)
{
	struct watch *w = context;
	need(w->open == NULL && member == &w->info->members[member->index]);
	w->open = member;
	w->member_bytes = 0;
	return true;
}

static err_t
take(void *context, const struct cab_member *member, struct slice piece)
{
	struct watch *w = context;
	need(w->open == member && piece.len > 0 && piece.len <= CAB_PIECE_BYTES);
	w->bytes += piece.len;
	w->member_bytes += piece.len;
	need(w->bytes <= ALL_BYTES && w->member_bytes <= member->bytes);
	need(w->member_bytes <= limits.member_bytes);
	/* Every byte can be read. */
	need(slice_equal(piece, piece));
	return (w->give_up >> (member->index % 64) & 1) != 0 ? ERR_FULL : OK;
}

static void
end(void *context, const struct cab_member *member, uint64_t bytes, const struct cab_fault *fault)
{
	struct watch *w = context;
	need(w->open == member || (fault != NULL && bytes == 0));
	need(fault != NULL || bytes == member->bytes);
	need(fault == NULL || fault->reason != CAB_MEMORY);
	w->ended[member->index]++;
	w->open = NULL;
}

static void
check_names(const struct cab_info *info)
{
	for (size_t i = 0; i < info->n_members; i++) {
		const struct cab_member *m = &info->members[i];
		need(text_is_utf8(m->name) && text_is_utf8(m->safe_name));
		need(m->safe_name.len > 0 && m->safe_name.len <= CAB_SAFE_NAME_BYTES + 6);
		need(memchr(m->safe_name.data, '/', m->safe_name.len) == NULL);
		need(memchr(m->safe_name.data, '\\', m->safe_name.len) == NULL);
		need(m->safe_name.data[0] != '.');
		for (size_t k = 0; k < i; k++)
			need(!slice_equal_nocase(m->safe_name, info->members[k].safe_name));
	}
}

/* Everything, then some members alone, from the last to the first. */
static void
extract(struct cab *cab, uint64_t give_up)
{
	struct watch w = {.info = cab_info(cab), .give_up = give_up};
	struct cab_sink sink = {&w, begin, take, end};
	struct cab_fault fault;
	err_t err = cab_extract_all(cab, &sink, &fault);
	for (size_t i = 0; i < w.info->n_members; i++)
		need(w.ended[i] == 1);
	need(err == OK || fault.reason != CAB_NO_FAULT);
	for (size_t i = 0, n = w.info->n_members; i < n && i < 4; i++) {
		w.bytes = 0;
		(void)!cab_extract(cab, n - 1 - i, &sink, &fault);
		need(w.ended[n - 1 - i] == 2);
	}
}

static void
run(const struct slice *parts, size_t n, uint64_t give_up)
{
	struct cab_fault fault = {0};
	struct cab *cab;
	if (cab_open_set(parts, n, &limits, &cab, &fault) != OK) {
		need_fault(parts, n, fault);
		return;
	}
	const struct cab_info *info = cab_info(cab);
	check_names(info);
	for (size_t i = 0; i < info->n_members; i++) {
		if (info->members[i].fault.reason != CAB_NO_FAULT)
			need_fault(parts, n, info->members[i].fault);
	}
	extract(cab, give_up);
	cab_close(cab);
}

static void
describe(struct slice in)
{
	struct buf out;
	struct json *again = NULL;
	struct err_detail detail;
	struct json *object = cab_describe(in, &limits);
	buf_init(&out, JSON_BYTES_MAX);
	json_format_line(object, true, &out);
	need(buf_error(&out) == OK);
	need(json_parse(buf_slice(&out), &again, &detail) == OK);
	json_free(again);
	json_free(object);
	buf_done(&out);
}

/* Cut where a header says that its cabinet ends. */
static size_t
split(struct slice in, struct slice parts[PARTS_MAX])
{
	size_t n = 0;
	while (n < PARTS_MAX && cab_is_cabinet(in) && in.len >= 12) {
		size_t len = in.data[8] | (size_t)in.data[9] << 8 | (size_t)in.data[10] << 16;
		if (n + 1 == PARTS_MAX || len < 4)
			len = in.len;
		parts[n++] = slice_sub(in, 0, len);
		in = slice_sub(in, len, in.len);
	}
	return n;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice in = slice_of(data, size);
	struct slice parts[PARTS_MAX];
	uint64_t give_up = size > 33 && data[33] == 0xaa ? UINT64_C(0xaaaaaaaaaaaaaaaa) : 0;
	run(&in, 1, give_up);
	describe(in);
	size_t n = split(in, parts);
	if (n > 1)
		run(parts, n, give_up);
	return 0;
}
