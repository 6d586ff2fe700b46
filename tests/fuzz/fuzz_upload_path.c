/* Any target; and, from its first bytes, any ticket, which must come back and bear no change.
 *
 * The key is fixed, so that a corpus can hold paths that are signed. */
#include <stdlib.h>

#include "cer/upload_path.h"

enum {
	PATH_BYTES = 73,
	FIRST_DIGIT = 5,
	DIGITS = 64
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const uint8_t key[UPLOAD_KEY_BYTES] = "the key of this fuzzer: 32 bytes";

static void
need(bool is_true)
{
	if (!is_true)
		abort();
}

/* An accepted target holds the one path of its ticket, whatever its spelling. */
static void
check_target(struct slice target)
{
	struct upload_ticket ticket;
	struct buf out;
	(void)upload_path_is_stage2(target);
	if (upload_path_parse(target, key, &ticket) != OK)
		return;
	buf_init(&out, PATH_BYTES);
	upload_path_format(&ticket, key, &out);
	struct slice digits = slice_sub(buf_slice(&out), FIRST_DIGIT, DIGITS);
	bool is_there = false;
	for (size_t i = 0; i + DIGITS <= target.len; i++)
		is_there |= slice_equal_nocase(slice_sub(target, i, DIGITS), digits);
	need(is_there);
	buf_done(&out);
}

static void
check_ticket(struct slice in)
{
	struct upload_ticket ticket = {0};
	struct upload_ticket got;
	struct buf out;
	for (size_t i = 0; i < 16; i++) {
		ticket.report_id = ticket.report_id << 8 | in.data[i];
		ticket.max_bytes = ticket.max_bytes << 4 | in.data[i] >> 4;
	}
	ticket.expires_us = (int64_t)(ticket.report_id ^ ticket.max_bytes);
	buf_init(&out, PATH_BYTES);
	upload_path_format(&ticket, key, &out);
	need(upload_path_parse(buf_slice(&out), key, &got) == OK);
	need(got.report_id == ticket.report_id);
	need(ticket.max_bytes > UINT64_C(1024) * UINT32_MAX || got.max_bytes >= ticket.max_bytes);
	/* One digit made another. */
	uint8_t *digit = &out.data[FIRST_DIGIT + in.data[16] % DIGITS];
	*digit = *digit == '0' ? '1' : '0';
	need(upload_path_parse(buf_slice(&out), key, &got) == ERR_DENIED);
	buf_done(&out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	check_target(slice_of(data, size));
	if (size > 16)
		check_ticket(slice_of(data, size));
	return 0;
}
