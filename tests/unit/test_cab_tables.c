/* What the tables of a cabinet may not say, and what is only strange. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cab_collect.h"

static const struct slice HELLO = {(const uint8_t *)"hello, hello, hello", 19};
static const struct slice WORLD = {(const uint8_t *)"the world", 9};

/* Two folders: "a" and "b" of HELLO and WORLD, then "c" of HELLO. */
static struct cab_builder *
two_folders(uint16_t compression)
{
	struct cab_builder *b = builder_new();
	(void)builder_folder(b, compression);
	(void)builder_member(b, SLICE_LITERAL("a"), HELLO);
	(void)builder_member(b, SLICE_LITERAL("b"), WORLD);
	(void)builder_folder(b, compression);
	(void)builder_member(b, SLICE_LITERAL("c"), HELLO);
	return b;
}

static void
assert_refused_with(struct slice in, const struct cab_limits *limits, enum cab_reason reason,
		    uint64_t offset)
{
	struct cab *cab = NULL;
	struct cab_fault fault = {0};
	err_t err = cab_open(in, limits, &cab, &fault);
	assert_null(cab);
	if (fault.reason != reason || fault.offset != offset)
		fail_msg("%s at %llu, not %s at %llu", cab_reason_name(fault.reason),
			 (unsigned long long)fault.offset, cab_reason_name(reason),
			 (unsigned long long)offset);
	assert_int_equal(err, cab_fault_err(fault));
	assert_int_not_equal(err, OK);
}

static void
assert_refused(struct slice in, enum cab_reason reason, uint64_t offset)
{
	assert_refused_with(in, NULL, reason, offset);
}

/* Opens IN, which must have exactly these flags. */
static void
assert_flags(struct slice in, uint32_t flags)
{
	struct cab *cab;
	struct cab_fault fault = {0};
	assert_int_equal(cab_open(in, NULL, &cab, &fault), OK);
	assert_int_equal(cab_info(cab)->flags, flags);
	cab_close(cab);
}

static void
refuses_what_is_no_cabinet(void **state)
{
	(void)state;
	assert_refused((struct slice){0}, CAB_NOT_A_CABINET, 0);
	assert_refused(SLICE_LITERAL(""), CAB_NOT_A_CABINET, 0);
	assert_refused(SLICE_LITERAL("MSC"), CAB_NOT_A_CABINET, 0);
	assert_refused(SLICE_LITERAL("MDMP and more than thirty-six bytes behind it"),
		       CAB_NOT_A_CABINET, 0);
	assert_refused(SLICE_LITERAL("MMMMMMMMMMMMMMMMMMMMMMMMMMMMMMMMMMMMMMMMMMMMM"),
		       CAB_NOT_A_CABINET, 0);
	assert_false(cab_is_cabinet(SLICE_LITERAL("MSC")));
	assert_false(cab_is_cabinet((struct slice){0}));
	assert_true(cab_is_cabinet(SLICE_LITERAL("MSCF")));
	assert_refused(SLICE_LITERAL("MSCF"), CAB_TRUNCATED, 4);
}

static void
tells_where_a_cabinet_behind_other_bytes_begins(void **state)
{
	(void)state;
	struct collection c;
	struct cab_builder *b = two_folders(BUILDER_MSZIP);
	struct buf in;
	buf_init(&in, 1 << 20);
	buf_append_str(&in, "MZ stub, MSCF that is none, MMSC ");
	size_t at = in.len;
	buf_append(&in, builder_finish(b));
	assert_refused(buf_slice(&in), CAB_NOT_AT_START, at);
	assert_int_equal(collect(&c, slice_sub(buf_slice(&in), at, in.len)), OK);
	assert_whole(&c, 2, HELLO);
	collection_done(&c);
	/* Also behind what has the magic and nothing else of a cabinet. */
	memcpy(in.data, "MSCF", 4);
	assert_refused(buf_slice(&in), CAB_NOT_AT_START, at);
	buf_done(&in);
	builder_free(b);
}

static void
looks_for_a_cabinet_only_near_the_start(void **state)
{
	(void)state;
	struct cab_builder *b = two_folders(BUILDER_STORED);
	struct buf in;
	buf_init(&in, 4 << 20);
	for (size_t i = 0; i < LIMIT_CAB_SEARCH_BYTES; i++)
		buf_append_byte(&in, 'M');
	buf_append(&in, builder_finish(b));
	assert_refused(buf_slice(&in), CAB_NOT_A_CABINET, 0);
	buf_done(&in);
	builder_free(b);
}

/* Inside the tables it is refused; behind them, members that are whole are given. */
static void
cut_at_every_length_gives_what_is_whole(void **state)
{
	(void)state;
	struct cab_builder *b = two_folders(BUILDER_STORED);
	b->has_reserve = true;
	b->header_reserve = 3;
	b->previous[0] = "before.cab";
	b->previous[1] = "";
	struct slice whole = builder_finish(b);
	size_t tables_end = b->folders[0].blocks[0].at;
	size_t first_end = b->folders[1].blocks[0].at;
	for (size_t len = 4; len < whole.len; len++) {
		struct collection c;
		struct slice cut = slice_sub(whole, 0, len);
		struct cab *cab;
		struct cab_fault fault = {0};
		if (len < tables_end) {
			assert_int_equal(cab_open(cut, NULL, &cab, &fault), ERR_TRUNCATED);
			assert_int_equal(fault.reason, CAB_TRUNCATED);
			assert_true(fault.offset <= len);
			continue;
		}
		assert_int_equal(collect(&c, cut), ERR_TRUNCATED);
		assert_true((cab_info(c.cab)->flags & CAB_CUT) != 0);
		if (len < first_end)
			assert_fault(&c, 0, CAB_TRUNCATED, b->folders[0].blocks[0].at);
		else
			assert_whole(&c, 1, WORLD);
		assert_fault(&c, 2, CAB_TRUNCATED, b->folders[1].blocks[0].at);
		collection_done(&c);
	}
	builder_free(b);
}

static void
refuses_a_cabinet_without_folders_or_members(void **state)
{
	(void)state;
	struct cab_builder *b = two_folders(BUILDER_STORED);
	struct slice in = builder_finish(b);
	builder_poke(b, 26, 0, 2);
	assert_refused(in, CAB_NO_FOLDERS, 26);
	builder_poke(b, 26, 2, 2);
	builder_poke(b, 28, 0, 2);
	assert_refused(in, CAB_NO_MEMBERS, 28);
	builder_free(b);
}

static void
refuses_counts_that_do_not_fit_into_its_bytes(void **state)
{
	(void)state;
	struct cab_builder *b = two_folders(BUILDER_STORED);
	struct slice in = builder_finish(b);
	builder_poke(b, 26, 900, 2);
	assert_refused(in, CAB_TRUNCATED, in.len);
	builder_poke(b, 26, 2, 2);
	builder_poke(b, 28, 4000, 2);
	assert_refused(in, CAB_TRUNCATED, in.len);
	builder_free(b);
}

static void
refuses_a_table_of_members_in_another_place(void **state)
{
	(void)state;
	struct cab_builder *b = two_folders(BUILDER_STORED);
	struct slice in = builder_finish(b);
	builder_poke(b, 16, (uint32_t)b->members[1].at, 4);
	assert_refused(in, CAB_TABLES_APART, 16);
	builder_free(b);
}

static void
refuses_a_name_that_does_not_end(void **state)
{
	(void)state;
	struct cab_builder *b = two_folders(BUILDER_STORED);
	uint8_t name[256];
	memset(name, 'n', sizeof(name));
	b->members[2].name = slice_of(name, 255);
	assert_flags(builder_finish(b), 0);
	builder_free(b);
	b = two_folders(BUILDER_STORED);
	b->members[2].name = slice_of(name, 256);
	struct slice in = builder_finish(b);
	assert_refused(in, CAB_BAD_NAME, b->members[2].at + 16);
	builder_free(b);
}

static void
refuses_a_neighbor_without_a_name(void **state)
{
	(void)state;
	struct cab_builder *b = two_folders(BUILDER_STORED);
	b->next[0] = "";
	b->next[1] = "disk";
	assert_refused(builder_finish(b), CAB_BAD_NAME, 36);
	builder_free(b);
}

static void
a_member_without_a_name_leaves_the_others(void **state)
{
	(void)state;
	struct collection c;
	struct cab_builder *b = two_folders(BUILDER_STORED);
	b->members[1].name = SLICE_LITERAL("");
	struct slice in = builder_finish(b);
	assert_int_equal(collect(&c, in), ERR_CORRUPT);
	assert_whole(&c, 0, HELLO);
	assert_fault(&c, 1, CAB_BAD_NAME, b->members[1].at + 16);
	assert_whole(&c, 2, HELLO);
	collection_done(&c);
	builder_free(b);
}

static void
a_member_of_no_folder_leaves_the_others(void **state)
{
	(void)state;
	static const uint16_t wrong[] = {2, 0xfffc, 0xffff};
	for (size_t i = 0; i < 3; i++) {
		struct collection c;
		struct cab_builder *b = two_folders(BUILDER_MSZIP);
		b->members[0].folder = wrong[i];
		struct slice in = builder_finish(b);
		assert_int_equal(collect(&c, in), ERR_CORRUPT);
		assert_fault(&c, 0, CAB_BAD_FOLDER_INDEX, b->members[0].at + 8);
		assert_int_equal(cab_info(c.cab)->members[0].folder, CAB_NO_FOLDER);
		assert_whole(&c, 1, WORLD);
		assert_whole(&c, 2, HELLO);
		collection_done(&c);
		builder_free(b);
	}
}

static void
refuses_more_than_its_limits(void **state)
{
	(void)state;
	struct cab_builder *b = two_folders(BUILDER_STORED);
	struct slice in = builder_finish(b);
	struct cab_limits limits = cab_limits_default;
	struct cab *cab;
	struct cab_fault fault;
	limits.members = 3;
	limits.folders = 2;
	assert_int_equal(cab_open(in, &limits, &cab, &fault), OK);
	cab_close(cab);
	limits.members = 2;
	assert_refused_with(in, &limits, CAB_TOO_MANY_MEMBERS, 28);
	limits.folders = 1;
	assert_refused_with(in, &limits, CAB_TOO_MANY_FOLDERS, 26);
	limits.parts = 0;
	assert_refused_with(in, &limits, CAB_TOO_MANY_PARTS, 0);
	builder_free(b);
}

static void
refuses_a_cabinet_whose_offsets_would_not_fit(void **state)
{
	(void)state;
	/* Nothing behind the magic is looked at. */
	assert_refused(slice_of("MSCF", UINT32_MAX), CAB_TOO_LARGE, 0);
}

static void
a_folder_that_runs_into_another_is_broken_there(void **state)
{
	(void)state;
	struct collection c;
	struct cab_builder *b = two_folders(BUILDER_STORED);
	struct slice in = builder_finish(b);
	size_t first = b->folders[0].blocks[0].at;
	builder_poke(b, b->folders[1].at, (uint32_t)first + 8, 4);
	assert_int_equal(collect(&c, in), ERR_CORRUPT);
	assert_fault(&c, 0, CAB_FOLDERS_OVERLAP, first);
	assert_fault(&c, 1, CAB_FOLDERS_OVERLAP, first);
	collection_done(&c);
	builder_free(b);
}

static void
of_folders_with_the_same_data_one_is_given(void **state)
{
	(void)state;
	struct collection c;
	struct cab_builder *b = two_folders(BUILDER_MSZIP);
	struct slice in = builder_finish(b);
	size_t second = b->folders[1].blocks[0].at;
	builder_poke(b, b->folders[0].at, (uint32_t)second, 4);
	assert_int_equal(collect(&c, in), ERR_CORRUPT);
	assert_fault(&c, 0, CAB_FOLDERS_OVERLAP, second);
	assert_whole(&c, 2, HELLO);
	collection_done(&c);
	builder_free(b);
}

static void
refuses_a_folder_that_points_into_the_tables(void **state)
{
	(void)state;
	static const uint32_t offsets[] = {0, 4, 36};
	for (size_t i = 0; i < 3; i++) {
		struct collection c;
		struct cab_builder *b = two_folders(BUILDER_STORED);
		struct slice in = builder_finish(b);
		builder_poke(b, b->folders[0].at, offsets[i], 4);
		assert_int_equal(collect(&c, in), ERR_CORRUPT);
		assert_fault(&c, 0, CAB_DATA_IN_TABLES, offsets[i]);
		assert_whole(&c, 2, HELLO);
		collection_done(&c);
		builder_free(b);
	}
}

static void
refuses_a_folder_behind_the_end(void **state)
{
	(void)state;
	struct cab_builder *b = two_folders(BUILDER_STORED);
	struct slice in = builder_finish(b);
	uint32_t offsets[] = {(uint32_t)in.len - 7, (uint32_t)in.len, UINT32_MAX};
	for (size_t i = 0; i < 3; i++) {
		struct collection c;
		builder_poke(b, b->folders[1].at, offsets[i], 4);
		assert_int_equal(collect(&c, in), ERR_TRUNCATED);
		assert_whole(&c, 0, HELLO);
		assert_fault(&c, 2, CAB_TRUNCATED, offsets[i]);
		collection_done(&c);
	}
	builder_free(b);
}

/* Each of 1024 folders claims 65535 blocks, all the same bytes: looked at once. */
static void
many_folders_over_the_same_blocks_cost_nothing(void **state)
{
	(void)state;
	enum {
		BLOCKS = 60000
	};
	struct buf in;
	struct cab *cab;
	struct cab_fault fault = {0};
	buf_init(&in, 4 << 20);
	buf_append_str(&in, "MSCF");
	buf_append_zero(&in, 20);
	builder_u16(&in, 0x0103);
	builder_u16(&in, LIMIT_CAB_FOLDERS);
	builder_u16(&in, 1);
	buf_append_zero(&in, 6);
	uint32_t members_at = (uint32_t)in.len + LIMIT_CAB_FOLDERS * 8;
	for (size_t i = 0; i < LIMIT_CAB_FOLDERS; i++) {
		builder_u32(&in, members_at + 18);
		builder_u16(&in, BLOCKS);
		builder_u16(&in, BUILDER_STORED);
	}
	buf_append_zero(&in, 16);
	buf_append(&in, SLICE_LITERAL("m\0"));
	for (size_t i = 0; i < BLOCKS; i++) {
		builder_u32(&in, 0);
		builder_u32(&in, 0x00010001);
		buf_append_byte(&in, 'x');
	}
	in.data[16] = (uint8_t)(members_at & 0xff);
	in.data[17] = (uint8_t)(members_at >> 8);
	assert_int_equal(cab_open(buf_slice(&in), NULL, &cab, &fault), OK);
	const struct cab_info *info = cab_info(cab);
	assert_int_equal(info->n_folders, LIMIT_CAB_FOLDERS);
	for (size_t i = 0; i + 1 < info->n_folders; i++) {
		assert_int_equal(info->folders[i].fault.reason, CAB_FOLDERS_OVERLAP);
		assert_int_equal(info->folders[i].blocks, 0);
	}
	assert_int_equal(info->folders[info->n_folders - 1].bytes, BLOCKS);
	cab_close(cab);
	buf_done(&in);
}

/* The lengths of the first folder's only block, and what is said. */
static void
a_block_of_impossible_lengths_ends_its_folder(void **state)
{
	(void)state;
	static const struct {
		uint16_t packed;
		uint16_t unpacked;
		enum cab_reason reason;
	} wrong[] = {
		{0, 28, CAB_BAD_BLOCK},     {28, 0, CAB_BAD_BLOCK},  {28, 27, CAB_BAD_BLOCK},
		{28, 32769, CAB_BAD_BLOCK}, {29, 28, CAB_BAD_BLOCK}, {65535, 28, CAB_TRUNCATED},
	};
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct collection c;
		struct cab_builder *b = builder_new();
		b->is_without_checksums = true;
		(void)builder_folder(b, BUILDER_STORED);
		(void)builder_member(b, SLICE_LITERAL("a"), HELLO);
		(void)builder_member(b, SLICE_LITERAL("b"), WORLD);
		struct slice in = builder_finish(b);
		size_t at = b->folders[0].blocks[0].at;
		buf_append_zero(&b->out, 100);
		in = buf_slice(&b->out);
		builder_poke(b, at + 4, wrong[i].packed, 2);
		builder_poke(b, at + 6, wrong[i].unpacked, 2);
		assert_int_not_equal(collect(&c, in), OK);
		assert_fault(&c, 0, wrong[i].reason, at);
		assert_int_equal(c.members[0].bytes, 0);
		collection_done(&c);
		builder_free(b);
	}
}

static void
refuses_a_packed_block_longer_than_the_format_allows(void **state)
{
	(void)state;
	static uint8_t packed[32768 + 6144 + 1];
	struct collection c;
	struct cab_builder *b = builder_new();
	(void)builder_folder(b, BUILDER_MSZIP);
	(void)builder_member(b, SLICE_LITERAL("a"), HELLO);
	(void)builder_block(b, slice_of(packed, sizeof(packed)), 19);
	struct slice in = builder_finish(b);
	assert_int_equal(collect(&c, in), ERR_CORRUPT);
	assert_fault(&c, 0, CAB_BAD_BLOCK, b->folders[0].blocks[0].at);
	collection_done(&c);
	builder_free(b);
}

static void
a_wrong_checksum_leaves_other_folders(void **state)
{
	(void)state;
	struct cab_builder *b = two_folders(BUILDER_MSZIP);
	struct slice in = builder_finish(b);
	size_t at = b->folders[0].blocks[0].at;
	for (size_t i = at; i < b->folders[1].blocks[0].at; i++) {
		if (i >= at + 4 && i < at + 8)
			continue; /* lengths: see above */
		struct collection c;
		b->out.data[i] ^= 0x10;
		assert_int_equal(collect(&c, in), ERR_CORRUPT);
		assert_fault(&c, 0, CAB_BAD_CHECKSUM, at);
		assert_fault(&c, 1, CAB_BAD_CHECKSUM, at);
		assert_whole(&c, 2, HELLO);
		collection_done(&c);
		b->out.data[i] ^= 0x10;
	}
	builder_free(b);
}

static void
checksums_fit_for_every_rest_of_bytes(void **state)
{
	(void)state;
	struct buf text;
	fill_text(&text, 64, 1);
	for (size_t len = 1; len <= text.len; len++) {
		struct collection c;
		struct cab_builder *b = builder_new();
		(void)builder_folder(b, BUILDER_STORED);
		(void)builder_member(b, SLICE_LITERAL("a"), slice_sub(buf_slice(&text), 0, len));
		assert_int_equal(collect(&c, builder_finish(b)), OK);
		assert_whole(&c, 0, slice_sub(buf_slice(&text), 0, len));
		collection_done(&c);
		builder_free(b);
	}
	buf_done(&text);
}

static void
refuses_an_unknown_compression(void **state)
{
	(void)state;
	/* Methods 4 to 15, and windows that LZX and Quantum do not have. */
	static const uint16_t wrong[] = {4, 15, 0x0e03, 0x1603, 0x0902, 0x1602, 0x0003};
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct collection c;
		struct cab_builder *b = two_folders(BUILDER_STORED);
		b->folders[0].compression = wrong[i];
		struct slice in = builder_finish(b);
		assert_int_equal(collect(&c, in), ERR_UNSUPPORTED);
		assert_fault(&c, 0, CAB_BAD_COMPRESSION, b->folders[0].at + 6);
		assert_whole(&c, 2, HELLO);
		collection_done(&c);
		builder_free(b);
	}
}

static void
flags_fields_that_should_be_zero(void **state)
{
	(void)state;
	static const size_t fields[] = {4, 12, 20};
	struct cab_builder *b = two_folders(BUILDER_STORED);
	struct slice in = builder_finish(b);
	assert_flags(in, 0);
	for (size_t i = 0; i < 3; i++) {
		builder_poke(b, fields[i], 1, 4);
		assert_flags(in, CAB_ODD_FIELDS);
		builder_poke(b, fields[i], 0, 4);
	}
	builder_poke(b, 30, 0x8000, 2);
	assert_flags(in, CAB_ODD_FIELDS);
	builder_poke(b, 30, 0, 2);
	builder_poke(b, 24, 0x0104, 2);
	assert_flags(in, CAB_ODD_VERSION);
	builder_free(b);
}

static void
tells_of_bytes_that_no_table_speaks_of(void **state)
{
	(void)state;
	struct cab *cab;
	struct cab_fault fault;
	struct cab_builder *b = two_folders(BUILDER_STORED);
	struct slice in = builder_finish(b);
	uint32_t size = (uint32_t)in.len;
	builder_poke(b, 8, size + 1, 4);
	assert_flags(in, CAB_CUT);
	builder_poke(b, 8, size - 1, 4);
	assert_flags(in, CAB_LONGER);
	builder_poke(b, 8, size, 4);
	buf_append_str(&b->out, "behind");
	assert_int_equal(cab_open(buf_slice(&b->out), NULL, &cab, &fault), OK);
	assert_int_equal(cab_info(cab)->flags, CAB_DATA_BEHIND);
	assert_int_equal(cab_info(cab)->bytes_behind, 6);
	cab_close(cab);
	builder_poke(b, 8, size + 6, 4);
	assert_int_equal(cab_open(buf_slice(&b->out), NULL, &cab, &fault), OK);
	assert_int_equal(cab_info(cab)->flags, CAB_GAPS);
	assert_int_equal(cab_info(cab)->gap_bytes, 6);
	cab_close(cab);
	builder_free(b);
}

static void
tells_of_a_gap_before_the_data(void **state)
{
	(void)state;
	struct cab_builder *b = builder_new();
	(void)builder_folder(b, BUILDER_STORED);
	(void)builder_member(b, SLICE_LITERAL("a"), HELLO);
	struct slice in = builder_finish(b);
	size_t at = b->folders[0].blocks[0].at;
	uint8_t block[64];
	size_t len = in.len - at;
	memcpy(block, in.data + at, len);
	buf_append(&b->out, slice_of(block, len));
	builder_poke(b, b->folders[0].at, (uint32_t)(at + len), 4);
	builder_poke(b, 8, (uint32_t)b->out.len, 4);
	assert_flags(buf_slice(&b->out), CAB_GAPS);
	builder_free(b);
}

static void
reads_through_every_reserve(void **state)
{
	(void)state;
	static const struct {
		uint16_t header;
		uint8_t folder;
		uint8_t block;
	} reserves[] = {{0, 0, 0}, {7, 0, 0}, {0, 9, 0}, {0, 0, 255}, {60000, 255, 3}};
	for (size_t i = 0; i < sizeof(reserves) / sizeof(reserves[0]); i++) {
		struct collection c;
		struct cab_builder *b = two_folders(i % 2 == 0 ? BUILDER_MSZIP : BUILDER_STORED);
		b->has_reserve = true;
		b->header_reserve = reserves[i].header;
		b->folder_reserve = reserves[i].folder;
		b->block_reserve = reserves[i].block;
		assert_int_equal(collect(&c, builder_finish(b)), OK);
		assert_int_equal(cab_info(c.cab)->flags, CAB_HAS_RESERVE);
		assert_int_equal(cab_info(c.cab)->reserve_bytes, reserves[i].header);
		assert_whole(&c, 0, HELLO);
		assert_whole(&c, 1, WORLD);
		assert_whole(&c, 2, HELLO);
		collection_done(&c);
		builder_free(b);
	}
}

static void
every_reason_has_a_name_an_error_and_words(void **state)
{
	(void)state;
	for (unsigned i = 0; i < CAB_REASON_N; i++) {
		struct err_detail detail = {.why = ""};
		struct cab_fault fault = {(enum cab_reason)i, i % 2, 77};
		assert_int_equal(cab_explain(fault, &detail) == OK, i == CAB_NO_FAULT);
		assert_non_null(strstr(detail.why, "77"));
		assert_int_equal(strstr(detail.why, "part 2") != NULL, i % 2);
		assert_int_equal(detail.offset, 77);
		for (unsigned k = 0; k < i; k++)
			assert_string_not_equal(cab_reason_name((enum cab_reason)i),
						cab_reason_name((enum cab_reason)k));
	}
	struct cab_fault none = {CAB_REASON_N, 0, 0};
	assert_int_equal(cab_explain(none, NULL), ERR_INTERNAL);
	assert_string_equal(cab_reason_name(CAB_REASON_N), "unknown");
	assert_string_equal(cab_flag_name(CAB_FLAG_N), "unknown");
	assert_string_equal(cab_member_flag_name(CAB_MEMBER_FLAG_N), "unknown");
	assert_string_equal(cab_method_name(CAB_METHOD_N), "unknown");
	assert_string_equal(cab_flag_name(CAB_GAPS_BIT), "gaps");
	assert_string_equal(cab_member_flag_name(CAB_MEMBER_TRAVERSAL_BIT), "traversal");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refuses_what_is_no_cabinet),
		cmocka_unit_test(tells_where_a_cabinet_behind_other_bytes_begins),
		cmocka_unit_test(looks_for_a_cabinet_only_near_the_start),
		cmocka_unit_test(cut_at_every_length_gives_what_is_whole),
		cmocka_unit_test(refuses_a_cabinet_without_folders_or_members),
		cmocka_unit_test(refuses_counts_that_do_not_fit_into_its_bytes),
		cmocka_unit_test(refuses_a_table_of_members_in_another_place),
		cmocka_unit_test(refuses_a_name_that_does_not_end),
		cmocka_unit_test(refuses_a_neighbor_without_a_name),
		cmocka_unit_test(a_member_without_a_name_leaves_the_others),
		cmocka_unit_test(a_member_of_no_folder_leaves_the_others),
		cmocka_unit_test(refuses_more_than_its_limits),
		cmocka_unit_test(refuses_a_cabinet_whose_offsets_would_not_fit),
		cmocka_unit_test(a_folder_that_runs_into_another_is_broken_there),
		cmocka_unit_test(of_folders_with_the_same_data_one_is_given),
		cmocka_unit_test(refuses_a_folder_that_points_into_the_tables),
		cmocka_unit_test(refuses_a_folder_behind_the_end),
		cmocka_unit_test(many_folders_over_the_same_blocks_cost_nothing),
		cmocka_unit_test(a_block_of_impossible_lengths_ends_its_folder),
		cmocka_unit_test(refuses_a_packed_block_longer_than_the_format_allows),
		cmocka_unit_test(a_wrong_checksum_leaves_other_folders),
		cmocka_unit_test(checksums_fit_for_every_rest_of_bytes),
		cmocka_unit_test(refuses_an_unknown_compression),
		cmocka_unit_test(flags_fields_that_should_be_zero),
		cmocka_unit_test(tells_of_bytes_that_no_table_speaks_of),
		cmocka_unit_test(tells_of_a_gap_before_the_data),
		cmocka_unit_test(reads_through_every_reserve),
		cmocka_unit_test(every_reason_has_a_name_an_error_and_words),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
