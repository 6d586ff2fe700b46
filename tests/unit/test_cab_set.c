/* Sets that span cabinets: joined when they fit, explained when they do not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cab_collect.h"

/* Three parts.  Folder 0 holds "first"; folder 1 begins in part 0 with "long", goes through part 1
 * and ends in part 2, where "tail" and a folder with "last" follow.  Blocks of folder 1: the first
 * is cut between parts 0 and 1, the second between 1 and 2. */
enum {
	N_PARTS = 3,
	FROM_PREVIOUS = 0xfffd,
	TO_NEXT = 0xfffe,
	BOTH = 0xffff,
	LONG_LEN = 60000,
	CUT = 1000 /* packed bytes of a cut block in the earlier part */
};

static struct buf text;

struct set {
	struct cab_builder *builders[N_PARTS];
	struct slice parts[N_PARTS];
};

static struct slice
long_content(void)
{
	return slice_sub(buf_slice(&text), 0, LONG_LEN);
}

static struct slice
tail_content(void)
{
	return slice_sub(buf_slice(&text), LONG_LEN, 5536); /* up to 65536 */
}

/* Packed blocks of folder 1. */
static void
pack_blocks(uint16_t compression, struct buf packed[2])
{
	struct slice all = slice_sub(buf_slice(&text), 0, 65536);
	for (size_t i = 0; i < 2; i++) {
		struct slice piece = slice_sub(all, i * 32768, 32768);
		buf_init(&packed[i], 1 << 16);
		if (compression == BUILDER_MSZIP)
			builder_mszip(piece, slice_sub(all, 0, i * 32768), &packed[i]);
		else
			buf_append(&packed[i], piece);
	}
}

static struct builder_member *
add_long(struct cab_builder *b, uint16_t folder)
{
	struct builder_member *m = builder_member(b, SLICE_LITERAL("long"), long_content());
	m->folder = folder;
	return m;
}

static void
add_block_ends(struct cab_builder *b, const struct buf *packed)
{
	struct slice bytes = buf_slice(packed);
	(void)builder_block(b, slice_sub(bytes, CUT, bytes.len), 32768);
}

static void
add_block_begin(struct cab_builder *b, const struct buf *packed)
{
	(void)builder_block(b, slice_sub(buf_slice(packed), 0, CUT), 0);
}

static void
make_set(struct set *set, uint16_t compression)
{
	struct buf packed[2];
	pack_blocks(compression, packed);
	for (size_t i = 0; i < N_PARTS; i++) {
		struct cab_builder *b = set->builders[i] = builder_new();
		b->set_id = 4711;
		b->set_index = (uint16_t)(5 + i); /* need not begin at 0 */
		b->previous[0] = i > 0 ? "previous.cab" : NULL;
		b->previous[1] = "";
		b->next[0] = i + 1 < N_PARTS ? "next.cab" : NULL;
		b->next[1] = "disk";
		if (i == 0) {
			(void)builder_folder(b, compression);
			(void)builder_member(b, SLICE_LITERAL("first"), SLICE_LITERAL("1st"));
		}
		(void)builder_folder(b, compression);
		(void)add_long(b, i == 0 ? TO_NEXT : i == 1 ? BOTH : FROM_PREVIOUS);
		if (i > 0)
			add_block_ends(b, &packed[i - 1]);
		if (i < 2)
			add_block_begin(b, &packed[i]);
	}
	struct cab_builder *b = set->builders[2];
	struct builder_member *tail = builder_member(b, SLICE_LITERAL("tail"), tail_content());
	tail->offset = LONG_LEN;
	(void)builder_folder(b, BUILDER_STORED);
	(void)builder_member(b, SLICE_LITERAL("last"), SLICE_LITERAL("the end"));
	for (size_t i = 0; i < 2; i++)
		buf_done(&packed[i]);
}

static void
finish_set(struct set *set)
{
	for (size_t i = 0; i < N_PARTS; i++)
		set->parts[i] = builder_finish(set->builders[i]);
}

static void
free_set(struct set *set)
{
	for (size_t i = 0; i < N_PARTS; i++)
		builder_free(set->builders[i]);
}

static void
assert_refused(const struct slice *parts, size_t n, enum cab_reason reason, uint32_t part)
{
	struct cab *cab = NULL;
	struct cab_fault fault = {0};
	assert_int_not_equal(cab_open_set(parts, n, NULL, &cab, &fault), OK);
	if (fault.reason != reason || fault.part != part)
		fail_msg("%s in part %u", cab_reason_name(fault.reason), fault.part);
	assert_null(cab);
}

static int
set_up(void **state)
{
	(void)state;
	fill_text(&text, 65536, 3);
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
a_whole_set_is_joined_in_any_order(void **state)
{
	(void)state;
	static const size_t orders[][N_PARTS] = {{0, 1, 2}, {2, 1, 0}, {1, 2, 0}};
	for (unsigned method = BUILDER_STORED; method <= BUILDER_MSZIP; method++) {
		for (size_t i = 0; i < 3; i++) {
			struct set set;
			struct collection c;
			struct slice parts[N_PARTS];
			make_set(&set, (uint16_t)method);
			finish_set(&set);
			for (size_t k = 0; k < N_PARTS; k++)
				parts[k] = set.parts[orders[i][k]];
			collection_init(&c);
			assert_int_equal(collect_with(&c, parts, N_PARTS, NULL), OK);
			const struct cab_info *info = cab_info(c.cab);
			assert_int_equal(info->flags, 0);
			assert_int_equal(info->set_index, 5);
			assert_int_equal(info->n_members, 4);
			assert_int_equal(info->n_folders, 3);
			assert_int_equal(info->folders[1].bytes, 65536);
			assert_whole(&c, 0, SLICE_LITERAL("1st"));
			assert_whole(&c, 1, long_content());
			assert_whole(&c, 2, tail_content());
			assert_whole(&c, 3, SLICE_LITERAL("the end"));
			collection_done(&c);
			free_set(&set);
		}
	}
}

static void
a_part_alone_gives_what_is_whole_and_names_its_neighbors(void **state)
{
	(void)state;
	struct set set;
	struct collection c;
	make_set(&set, BUILDER_MSZIP);
	finish_set(&set);
	assert_int_equal(collect(&c, set.parts[0]), ERR_NOTFOUND);
	assert_int_equal(cab_info(c.cab)->flags, CAB_HAS_NEXT);
	assert_true(slice_equal_str(cab_info(c.cab)->next_name, "next.cab"));
	assert_true(slice_equal_str(cab_info(c.cab)->next_disk, "disk"));
	assert_true(slice_is_absent(cab_info(c.cab)->previous_name));
	assert_whole(&c, 0, SLICE_LITERAL("1st"));
	assert_fault(&c, 1, CAB_NEEDS_NEXT, set.builders[0]->members[1].at);
	collection_done(&c);

	assert_int_equal(collect(&c, set.parts[1]), ERR_NOTFOUND);
	assert_int_equal(cab_info(c.cab)->flags, CAB_HAS_PREVIOUS | CAB_HAS_NEXT);
	assert_fault(&c, 0, CAB_NEEDS_PREVIOUS, set.builders[1]->members[0].at);
	collection_done(&c);

	assert_int_equal(collect(&c, set.parts[2]), ERR_NOTFOUND);
	assert_int_equal(cab_info(c.cab)->flags, CAB_HAS_PREVIOUS);
	assert_true(slice_equal_str(cab_info(c.cab)->previous_name, "previous.cab"));
	assert_int_equal(cab_info(c.cab)->previous_disk.len, 0);
	assert_false(slice_is_absent(cab_info(c.cab)->previous_disk));
	assert_fault(&c, 0, CAB_NEEDS_PREVIOUS, set.builders[2]->members[0].at);
	/* Begins here, but its folder does not. */
	assert_fault(&c, 1, CAB_NEEDS_PREVIOUS, set.builders[2]->members[1].at);
	assert_whole(&c, 2, SLICE_LITERAL("the end"));
	collection_done(&c);
	free_set(&set);
}

static void
parts_at_one_end_give_the_beginning_of_a_member(void **state)
{
	(void)state;
	struct set set;
	struct collection c;
	make_set(&set, BUILDER_MSZIP);
	finish_set(&set);
	collection_init(&c);
	assert_int_equal(collect_with(&c, set.parts, 2, NULL), ERR_NOTFOUND);
	assert_int_equal(cab_info(c.cab)->flags, CAB_HAS_NEXT);
	assert_int_equal(cab_info(c.cab)->n_members, 2);
	assert_fault(&c, 1, CAB_NEEDS_NEXT, set.builders[0]->members[1].at);
	assert_int_equal(c.members[1].bytes, 32768); /* the block that both parts have */
	assert_true(
		slice_equal(buf_slice(&c.members[1].content), slice_sub(long_content(), 0, 32768)));
	collection_done(&c);
	free_set(&set);
}

static void
refuses_parts_that_do_not_follow_each_other(void **state)
{
	(void)state;
	struct set set;
	make_set(&set, BUILDER_STORED);
	finish_set(&set);
	struct slice hole[] = {set.parts[0], set.parts[2]};
	struct slice twice[] = {set.parts[0], set.parts[0], set.parts[1]};
	assert_refused(hole, 2, CAB_PARTS_MISMATCH, 1);
	assert_refused(twice, 3, CAB_PARTS_MISMATCH, 1);
	builder_poke(set.builders[2], 32, 4712, 2);
	assert_refused(set.parts, 3, CAB_PARTS_MISMATCH, 2);
	assert_refused(set.parts, 0, CAB_NOT_A_CABINET, 0);
	struct slice with_other[] = {set.parts[0], SLICE_LITERAL("MDMP")};
	assert_refused(with_other, 2, CAB_NOT_A_CABINET, 1);
	free_set(&set);
}

static void
refuses_too_many_parts(void **state)
{
	(void)state;
	struct set set;
	struct slice many[LIMIT_CAB_PARTS + 1];
	make_set(&set, BUILDER_STORED);
	finish_set(&set);
	for (size_t i = 0; i <= LIMIT_CAB_PARTS; i++)
		many[i] = set.parts[0];
	assert_refused(many, LIMIT_CAB_PARTS + 1, CAB_TOO_MANY_PARTS, 0);
	assert_refused(many, LIMIT_CAB_PARTS, CAB_PARTS_MISMATCH, 1);
	free_set(&set);
}

static void
refuses_parts_of_which_only_one_says_that_it_goes_on(void **state)
{
	(void)state;
	static const uint16_t says[N_PARTS][3] = {
		{1, BOTH, FROM_PREVIOUS},    /* part 0 ends */
		{TO_NEXT, 0, FROM_PREVIOUS}, /* part 1 begins */
		{TO_NEXT, FROM_PREVIOUS, FROM_PREVIOUS},
	};
	static const uint32_t at[N_PARTS] = {1, 1, 2};
	for (size_t i = 0; i < N_PARTS; i++) {
		struct set set;
		make_set(&set, BUILDER_STORED);
		set.builders[0]->members[1].folder = says[i][0];
		set.builders[1]->members[0].folder = says[i][1];
		set.builders[2]->members[0].folder = says[i][2];
		finish_set(&set);
		assert_refused(set.parts, N_PARTS, CAB_PARTS_MISMATCH, at[i]);
		free_set(&set);
	}
}

static void
refuses_parts_in_different_compressions(void **state)
{
	(void)state;
	struct set set;
	make_set(&set, BUILDER_STORED);
	set.builders[1]->folders[0].compression = BUILDER_MSZIP;
	finish_set(&set);
	assert_refused(set.parts, N_PARTS, CAB_PARTS_MISMATCH, 1);
	free_set(&set);
}

static void
refuses_a_folder_that_goes_on_behind_a_whole_block(void **state)
{
	(void)state;
	struct set set;
	make_set(&set, BUILDER_STORED);
	struct builder_block *block = &set.builders[0]->folders[1].blocks[0];
	block->unpacked = CUT;
	finish_set(&set);
	assert_refused(set.parts, N_PARTS, CAB_PARTS_MISMATCH, 1);
	free_set(&set);
}

static void
a_broken_part_ends_what_spans_it(void **state)
{
	(void)state;
	for (size_t broken = 0; broken < N_PARTS; broken++) {
		struct set set;
		struct collection c;
		make_set(&set, BUILDER_STORED);
		finish_set(&set);
		struct cab_builder *b = set.builders[broken];
		size_t at = b->folders[broken == 0].blocks[0].at;
		b->out.data[at + 50] ^= 1;
		collection_init(&c);
		assert_int_equal(collect_with(&c, set.parts, N_PARTS, NULL), ERR_CORRUPT);
		const struct cab_info *info = cab_info(c.cab);
		assert_whole(&c, 0, SLICE_LITERAL("1st"));
		assert_fault(&c, 1, CAB_BAD_CHECKSUM, at);
		assert_int_equal(c.members[1].fault.part, broken);
		assert_int_equal(c.members[1].bytes, broken == 2 ? 32768 : 0);
		assert_int_equal(info->n_members, 4);
		assert_fault(&c, 2, CAB_BAD_CHECKSUM, at);
		assert_whole(&c, 3, SLICE_LITERAL("the end"));
		collection_done(&c);
		free_set(&set);
	}
}

static void
broken_data_is_told_in_the_part_where_it_lies(void **state)
{
	(void)state;
	struct set set;
	struct collection c;
	make_set(&set, BUILDER_MSZIP);
	struct buf *packed = &set.builders[2]->folders[0].blocks[0].packed;
	memset(packed->data + 100, 0xff, 500);
	finish_set(&set);
	collection_init(&c);
	assert_int_equal(collect_with(&c, set.parts, N_PARTS, NULL), ERR_CORRUPT);
	assert_int_equal(c.members[1].fault.reason, CAB_BAD_DATA);
	assert_int_equal(c.members[1].bytes, 32768);
	assert_int_equal(c.members[1].fault.part, 2);
	assert_int_equal(c.members[1].fault.offset, set.builders[2]->folders[0].blocks[0].at);
	assert_whole(&c, 3, SLICE_LITERAL("the end"));
	/* The library was opened anew: once more from the start. */
	struct cab_fault fault = {0};
	struct collection again;
	collection_init(&again);
	struct cab_sink sink = collect_sink(&again);
	assert_int_equal(cab_extract(c.cab, 0, &sink, &fault), OK);
	assert_whole(&again, 0, SLICE_LITERAL("1st"));
	collection_done(&again);
	collection_done(&c);
	free_set(&set);
}

static void
parts_that_share_no_folder_are_one_list(void **state)
{
	(void)state;
	struct collection c;
	struct slice parts[2];
	struct cab_builder *b[2];
	for (size_t i = 0; i < 2; i++) {
		b[i] = builder_new();
		b[i]->set_index = (uint16_t)i;
		(void)builder_folder(b[i], BUILDER_STORED);
		(void)builder_member(b[i], SLICE_LITERAL("same"), SLICE_LITERAL("content"));
		parts[i] = builder_finish(b[i]);
	}
	collection_init(&c);
	assert_int_equal(collect_with(&c, parts, 2, NULL), OK);
	assert_int_equal(cab_info(c.cab)->n_members, 2);
	assert_int_equal(cab_info(c.cab)->members[1].flags, CAB_MEMBER_DUPLICATE);
	assert_int_equal(cab_info(c.cab)->members[1].folder, 1);
	assert_whole(&c, 0, SLICE_LITERAL("content"));
	assert_whole(&c, 1, SLICE_LITERAL("content"));
	collection_done(&c);
	builder_free(b[0]);
	builder_free(b[1]);
}

static void
tables_larger_than_their_memory_are_refused(void **state)
{
	(void)state;
	struct set set;
	struct cab_limits limits = cab_limits_default;
	make_set(&set, BUILDER_MSZIP);
	finish_set(&set);
	unsigned n_short = 0;
	for (limits.table_bytes = 0;; limits.table_bytes += 16) {
		struct cab *cab = NULL;
		struct cab_fault fault = {0};
		if (cab_open_set(set.parts, N_PARTS, &limits, &cab, &fault) == OK) {
			cab_close(cab);
			break;
		}
		assert_int_equal(fault.reason, CAB_MEMORY);
		assert_null(cab);
		n_short++;
	}
	assert_in_range(n_short, 10, 10000);
	free_set(&set);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_whole_set_is_joined_in_any_order),
		cmocka_unit_test(a_part_alone_gives_what_is_whole_and_names_its_neighbors),
		cmocka_unit_test(parts_at_one_end_give_the_beginning_of_a_member),
		cmocka_unit_test(refuses_parts_that_do_not_follow_each_other),
		cmocka_unit_test(refuses_too_many_parts),
		cmocka_unit_test(refuses_parts_of_which_only_one_says_that_it_goes_on),
		cmocka_unit_test(refuses_parts_in_different_compressions),
		cmocka_unit_test(refuses_a_folder_that_goes_on_behind_a_whole_block),
		cmocka_unit_test(a_broken_part_ends_what_spans_it),
		cmocka_unit_test(broken_data_is_told_in_the_part_where_it_lies),
		cmocka_unit_test(parts_that_share_no_folder_are_one_list),
		cmocka_unit_test(tables_larger_than_their_memory_are_refused),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
