/* What comes out of folders, within which bounds, and what a broken one leaves. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cab_collect.h"

/* Members of 20000 bytes each, in folders of N_MEMBERS members. */
enum {
	N_MEMBERS = 5,
	LEN = 20000
};

static struct buf text; /* what the members are made of */

static struct slice
part(size_t i)
{
	return slice_sub(buf_slice(&text), i * LEN, LEN);
}

static void
add_folder(struct cab_builder *b, uint16_t compression)
{
	static const char names[] = "abcdefghijklmnopqrstuvwxyz";
	(void)builder_folder(b, compression);
	for (size_t i = 0; i < N_MEMBERS; i++)
		(void)builder_member(b, slice_of(names + b->n_members, 1), part(i));
}

static int
set_up(void **state)
{
	(void)state;
	fill_text(&text, (size_t)N_MEMBERS * LEN, 7);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	buf_done(&text);
	return 0;
}

static void
members_span_blocks(void **state)
{
	(void)state;
	struct collection c;
	struct cab_builder *b = builder_new();
	add_folder(b, BUILDER_STORED);
	add_folder(b, BUILDER_MSZIP);
	assert_int_equal(collect(&c, builder_finish(b)), OK);
	const struct cab_info *info = cab_info(c.cab);
	assert_int_equal(info->folders[0].method, CAB_STORED);
	assert_int_equal(info->folders[1].method, CAB_MSZIP);
	assert_int_equal(info->folders[1].blocks, 4);
	assert_int_equal(info->folders[1].bytes, N_MEMBERS * LEN);
	assert_in_range(info->folders[1].packed_bytes, 1, N_MEMBERS * LEN * 2 / 3);
	for (size_t i = 0; i < 2 * N_MEMBERS; i++)
		assert_whole(&c, i, part(i % N_MEMBERS));
	collection_done(&c);
	builder_free(b);
}

static void
members_come_in_the_order_of_their_bytes(void **state)
{
	(void)state;
	struct collection c;
	struct cab_builder *b = builder_new();
	add_folder(b, BUILDER_MSZIP);
	for (size_t i = 0; i < N_MEMBERS / 2; i++) {
		struct builder_member swap = b->members[i];
		b->members[i] = b->members[N_MEMBERS - 1 - i];
		b->members[N_MEMBERS - 1 - i] = swap;
	}
	assert_int_equal(collect(&c, builder_finish(b)), OK);
	for (size_t i = 0; i < N_MEMBERS; i++) {
		assert_whole(&c, i, part(N_MEMBERS - 1 - i));
		assert_int_equal(c.order[i], N_MEMBERS - 1 - i);
	}
	collection_done(&c);
	builder_free(b);
}

static void
unwanted_members_are_passed_over(void **state)
{
	(void)state;
	struct cab_builder *b = builder_new();
	add_folder(b, BUILDER_MSZIP);
	struct slice in = builder_finish(b);
	struct collection c;
	collection_init(&c);
	c.wanted = 1U << 3;
	assert_int_equal(collect_with(&c, &in, 1, NULL), OK);
	assert_whole(&c, 3, part(3));
	for (size_t i = 0; i < N_MEMBERS; i++) {
		assert_int_equal(c.members[i].begun, 1);
		assert_int_equal(c.members[i].ended, i == 3);
	}
	collection_done(&c);
	builder_free(b);
}

static void
members_that_share_bytes_are_flagged_and_whole(void **state)
{
	(void)state;
	struct collection c;
	struct cab_builder *b = builder_new();
	add_folder(b, BUILDER_MSZIP);
	b->members[1].offset = 0;
	b->members[2].offset = 100;
	assert_int_equal(collect(&c, builder_finish(b)), OK);
	const struct cab_member *m = cab_info(c.cab)->members;
	assert_whole(&c, 0, part(0));
	assert_whole(&c, 1, part(0));
	assert_whole(&c, 2, slice_sub(buf_slice(&text), 100, LEN));
	assert_whole(&c, 3, part(3));
	for (size_t i = 0; i < N_MEMBERS; i++)
		assert_int_equal(m[i].flags, i < 3 ? CAB_MEMBER_SHARES_BYTES : 0);
	collection_done(&c);
	builder_free(b);
}

/* Each member begins one byte behind the one before and is long: each needs a new start, which
 * costs what is unpacked and what is read for it. */
static void
what_is_unpacked_again_counts_against_the_bounds(void **state)
{
	(void)state;
	struct cab_limits limits = cab_limits_default;
	struct cab_builder *b = builder_new();
	add_folder(b, BUILDER_MSZIP);
	for (uint32_t i = 0; i < N_MEMBERS; i++) {
		b->members[i].offset = 50000 + i;
		b->members[i].bytes = 10;
	}
	struct slice in = builder_finish(b);
	uint64_t packed = 0;
	for (size_t i = 0; i < b->folders[0].n_blocks; i++)
		packed += b->folders[0].blocks[i].packed.len;
	for (uint64_t missing = 0; missing < 2; missing++) {
		struct collection c;
		limits.all_bytes = 50010 + 50011 + packed - missing;
		collection_init(&c);
		assert_int_equal(collect_with(&c, &in, 1, &limits), ERR_LIMIT);
		assert_whole(&c, 0, slice_sub(buf_slice(&text), 50000, 10));
		if (missing == 0)
			assert_whole(&c, 1, slice_sub(buf_slice(&text), 50001, 10));
		for (size_t i = 2 - missing; i < N_MEMBERS; i++)
			assert_fault(&c, i, CAB_ALL_TOO_LARGE, b->members[i].at);
		collection_done(&c);
	}
	builder_free(b);
}

static void
a_member_over_the_cap_is_refused_and_the_others_given(void **state)
{
	(void)state;
	struct cab_limits limits = cab_limits_default;
	struct collection c;
	struct cab_builder *b = builder_new();
	add_folder(b, BUILDER_MSZIP);
	b->members[1].bytes++;
	struct slice in = builder_finish(b);
	limits.member_bytes = LEN;
	collection_init(&c);
	assert_int_equal(collect_with(&c, &in, 1, &limits), ERR_LIMIT);
	assert_whole(&c, 0, part(0));
	assert_fault(&c, 1, CAB_MEMBER_TOO_LARGE, b->members[1].at);
	assert_int_equal(c.members[1].begun, 0);
	assert_whole(&c, 2, part(2));
	collection_done(&c);
	builder_free(b);
}

/* 1 MiB of zeros in some 2 KiB. */
static void
a_bomb_stops_at_a_multiple_of_its_own_bytes(void **state)
{
	(void)state;
	static const uint8_t zeros[1 << 20];
	struct cab_limits limits = cab_limits_default;
	struct collection c;
	struct cab_builder *b = builder_new();
	(void)builder_folder(b, BUILDER_MSZIP);
	(void)builder_member(b, SLICE_LITERAL("small"), SLICE_LITERAL("0123456789"));
	(void)builder_member(b, SLICE_LITERAL("bomb"), slice_of(zeros, sizeof(zeros)));
	(void)builder_member(b, SLICE_LITERAL("behind"), SLICE_LITERAL("0123456789"));
	struct slice in = builder_finish(b);
	assert_in_range(in.len, 100, 4000);
	assert_int_equal(collect(&c, in), OK); /* under the bytes that are free */
	collection_done(&c);
	limits.ratio_free_bytes = 1000;
	collection_init(&c);
	assert_int_equal(collect_with(&c, &in, 1, &limits), ERR_LIMIT);
	assert_whole(&c, 0, SLICE_LITERAL("0123456789"));
	assert_fault(&c, 1, CAB_BOMB, b->members[1].at);
	assert_int_equal(c.members[1].bytes, 0);
	assert_fault(&c, 2, CAB_BOMB, b->members[2].at);
	collection_done(&c);
	limits.ratio = 1000;
	collection_init(&c);
	assert_int_equal(collect_with(&c, &in, 1, &limits), OK);
	collection_done(&c);
	limits.ratio = UINT64_MAX;
	limits.all_bytes = 1 << 20;
	collection_init(&c);
	assert_int_equal(collect_with(&c, &in, 1, &limits), ERR_LIMIT);
	assert_fault(&c, 1, CAB_ALL_TOO_LARGE, b->members[1].at);
	collection_done(&c);
	builder_free(b);
}

static void
a_member_past_the_end_of_its_folder_is_cut_there(void **state)
{
	(void)state;
	static const uint32_t offsets[] = {4 * LEN + 1, N_MEMBERS * LEN, UINT32_MAX};
	for (size_t i = 0; i < 3; i++) {
		struct collection c;
		struct cab_builder *b = builder_new();
		add_folder(b, i == 1 ? BUILDER_STORED : BUILDER_MSZIP);
		b->members[4].offset = offsets[i];
		assert_int_equal(collect(&c, builder_finish(b)), ERR_CORRUPT);
		assert_whole(&c, 3, part(3));
		assert_fault(&c, 4, CAB_OUTSIDE_FOLDER, b->members[4].at);
		assert_int_equal(c.members[4].bytes, i == 0 ? LEN - 1 : 0);
		collection_done(&c);
		builder_free(b);
	}
}

/* The third of four blocks is broken, its checksum is right. */
static struct slice
break_third_block(struct cab_builder *b)
{
	add_folder(b, BUILDER_MSZIP);
	add_folder(b, BUILDER_MSZIP);
	builder_pack(b, &b->folders[0]);
	struct buf *packed = &b->folders[0].blocks[2].packed;
	memset(packed->data + packed->len / 2, 0xff, packed->len / 2);
	return builder_finish(b);
}

static void
broken_data_gives_what_lies_before_it(void **state)
{
	(void)state;
	struct collection c;
	struct cab_builder *b = builder_new();
	struct slice in = break_third_block(b);
	size_t at = b->folders[0].blocks[2].at;
	assert_int_equal(collect(&c, in), ERR_CORRUPT);
	/* Blocks 0 and 1 hold 65536 bytes: three members and the beginning of the fourth. */
	for (size_t i = 0; i < 3; i++)
		assert_whole(&c, i, part(i));
	assert_fault(&c, 3, CAB_BAD_DATA, at);
	assert_int_equal(c.members[3].bytes, 65536 - 3 * LEN);
	assert_true(slice_equal(buf_slice(&c.members[3].content),
				slice_sub(part(3), 0, 65536 - 3 * LEN)));
	assert_fault(&c, 4, CAB_BAD_DATA, at);
	assert_int_equal(c.members[4].bytes, 0);
	for (size_t i = 0; i < N_MEMBERS; i++)
		assert_whole(&c, N_MEMBERS + i, part(i));
	collection_done(&c);
	builder_free(b);
}

static void
a_wrong_checksum_gives_what_lies_before_it(void **state)
{
	(void)state;
	for (unsigned method = BUILDER_STORED; method <= BUILDER_MSZIP; method++) {
		struct collection c;
		struct cab_builder *b = builder_new();
		add_folder(b, (uint16_t)method);
		struct slice in = builder_finish(b);
		size_t at = b->folders[0].blocks[2].at;
		b->out.data[at + 100] ^= 1;
		assert_int_equal(collect(&c, in), ERR_CORRUPT);
		for (size_t i = 0; i < 3; i++)
			assert_whole(&c, i, part(i));
		assert_fault(&c, 3, CAB_BAD_CHECKSUM, at);
		assert_int_equal(c.members[3].bytes, 65536 - 3 * LEN);
		assert_fault(&c, 4, CAB_BAD_CHECKSUM, at);
		assert_int_equal(cab_info(c.cab)->folders[0].blocks, 2);
		collection_done(&c);
		builder_free(b);
	}
}

static void
single_members_come_in_any_order_and_again(void **state)
{
	(void)state;
	static const size_t order[] = {4, 0, 9, 3, 3, 8, 1, 0, 4};
	struct cab *cab;
	struct cab_fault fault = {0};
	struct cab_builder *b = builder_new();
	struct slice in = break_third_block(b);
	assert_int_equal(cab_open(in, NULL, &cab, &fault), OK);
	for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
		struct collection c;
		size_t which = order[i];
		bool is_broken = which == 3 || which == 4;
		collection_init(&c);
		struct cab_sink sink = collect_sink(&c);
		assert_int_equal(cab_extract(cab, which, &sink, &fault),
				 is_broken ? ERR_CORRUPT : OK);
		if (is_broken)
			assert_fault(&c, which, CAB_BAD_DATA, b->folders[0].blocks[2].at);
		else
			assert_whole(&c, which, part(which % N_MEMBERS));
		collection_done(&c);
	}
	cab_close(cab);
	builder_free(b);
}

static void
a_sink_that_gives_up_gets_the_next_member(void **state)
{
	(void)state;
	for (unsigned method = BUILDER_STORED; method <= BUILDER_MSZIP; method++) {
		struct collection c;
		struct cab_builder *b = builder_new();
		add_folder(b, (uint16_t)method);
		b->members[2].bytes = 5;
		struct slice in = builder_finish(b);
		collection_init(&c);
		c.give_up_at = 6;
		/* What the sink said comes back. */
		assert_int_equal(collect_with(&c, &in, 1, NULL), ERR_FULL);
		assert_fault(&c, 0, CAB_SINK, b->members[0].at);
		assert_int_equal(c.members[0].bytes, 0);
		assert_fault(&c, 1, CAB_SINK, b->members[1].at);
		assert_whole(&c, 2, slice_sub(part(2), 0, 5));
		assert_fault(&c, 3, CAB_SINK, b->members[3].at);
		collection_done(&c);
		builder_free(b);
	}
}

static void
empty_members_need_no_data(void **state)
{
	(void)state;
	struct collection c;
	struct cab_builder *b = builder_new();
	(void)builder_folder(b, BUILDER_MSZIP);
	(void)builder_member(b, SLICE_LITERAL("a"), SLICE_LITERAL(""));
	builder_member(b, SLICE_LITERAL("b"), SLICE_LITERAL(""))->offset = 1000;
	assert_int_equal(collect(&c, builder_finish(b)), OK);
	assert_whole(&c, 0, SLICE_LITERAL(""));
	assert_whole(&c, 1, SLICE_LITERAL(""));
	assert_int_equal(c.members[1].begun, 1);
	collection_done(&c);
	builder_free(b);
}

/* One LZX frame of an uncompressed block: a bit for "no E8 translation", type 3, 24 bits of
 * length, the three recent offsets, the bytes; [MS-PATCH] 2.3. */
static void
put_lzx(struct slice bytes, struct buf *out)
{
	uint32_t bits = 3U << 28 | (uint32_t)bytes.len << 4; /* 1 + 3 + 24 bits, then filling */
	builder_u16(out, bits >> 16);
	builder_u16(out, bits & 0xffff);
	for (unsigned i = 0; i < 3; i++)
		builder_u32(out, 1);
	buf_append(out, bytes);
}

static void
lzx_is_unpacked(void **state)
{
	(void)state;
	struct collection c;
	struct buf packed;
	struct cab_builder *b = builder_new();
	buf_init(&packed, 1 << 16);
	put_lzx(part(0), &packed);
	(void)builder_folder(b, 0x1503); /* a window of 2 MiB */
	(void)builder_member(b, SLICE_LITERAL("a"), part(0));
	(void)builder_block(b, buf_slice(&packed), LEN);
	assert_int_equal(collect(&c, builder_finish(b)), OK);
	assert_int_equal(cab_info(c.cab)->folders[0].method, CAB_LZX);
	assert_whole(&c, 0, part(0));
	collection_done(&c);
	buf_done(&packed);
	builder_free(b);
}

/* Data that is no data of its method, at every prefix. */
static void
nonsense_in_every_method_is_broken_data(void **state)
{
	(void)state;
	static const uint16_t methods[] = {BUILDER_MSZIP, 0x1502, 0x1503, 0x0a02, 0x0f03};
	for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
		for (size_t len = 1; len < 40; len++) {
			struct collection c;
			struct cab_builder *b = builder_new();
			(void)builder_folder(b, methods[i]);
			(void)builder_member(b, SLICE_LITERAL("a"), part(0));
			(void)builder_block(b, slice_sub(part(1), 0, len), LEN);
			(void)builder_folder(b, BUILDER_STORED);
			(void)builder_member(b, SLICE_LITERAL("b"), part(2));
			struct slice in = builder_finish(b);
			assert_int_equal(collect(&c, in), ERR_CORRUPT);
			assert_fault(&c, 0, CAB_BAD_DATA, b->folders[0].blocks[0].at);
			assert_whole(&c, 1, part(2));
			collection_done(&c);
			builder_free(b);
		}
	}
}

/* A block that unpacks to less than it says must not borrow from the next folder. */
static void
a_block_shorter_than_it_says_is_broken_data(void **state)
{
	(void)state;
	struct collection c;
	struct buf packed;
	struct cab_builder *b = builder_new();
	buf_init(&packed, 1 << 16);
	builder_mszip(slice_sub(part(0), 0, 100), (struct slice){0}, &packed);
	(void)builder_folder(b, BUILDER_MSZIP);
	(void)builder_member(b, SLICE_LITERAL("a"), slice_sub(part(0), 0, 100));
	(void)builder_member(b, SLICE_LITERAL("b"), slice_sub(part(0), 100, 50));
	(void)builder_block(b, buf_slice(&packed), 150);
	struct slice in = builder_finish(b);
	assert_int_equal(collect(&c, in), ERR_CORRUPT);
	assert_whole(&c, 0, slice_sub(part(0), 0, 100));
	assert_fault(&c, 1, CAB_BAD_DATA, b->folders[0].blocks[0].at);
	collection_done(&c);
	buf_done(&packed);
	builder_free(b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(members_span_blocks),
		cmocka_unit_test(members_come_in_the_order_of_their_bytes),
		cmocka_unit_test(unwanted_members_are_passed_over),
		cmocka_unit_test(members_that_share_bytes_are_flagged_and_whole),
		cmocka_unit_test(what_is_unpacked_again_counts_against_the_bounds),
		cmocka_unit_test(a_member_over_the_cap_is_refused_and_the_others_given),
		cmocka_unit_test(a_bomb_stops_at_a_multiple_of_its_own_bytes),
		cmocka_unit_test(a_member_past_the_end_of_its_folder_is_cut_there),
		cmocka_unit_test(broken_data_gives_what_lies_before_it),
		cmocka_unit_test(a_wrong_checksum_gives_what_lies_before_it),
		cmocka_unit_test(single_members_come_in_any_order_and_again),
		cmocka_unit_test(a_sink_that_gives_up_gets_the_next_member),
		cmocka_unit_test(empty_members_need_no_data),
		cmocka_unit_test(lzx_is_unpacked),
		cmocka_unit_test(nonsense_in_every_method_is_broken_data),
		cmocka_unit_test(a_block_shorter_than_it_says_is_broken_data),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
