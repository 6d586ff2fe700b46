#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include "base/limits.h"
#include "base/text.h"
#include "base/time.h"
#include "bucket/signature.h"
#include "crash_lines.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

enum {
	ARENA_BYTES = 16 << 20,
	SOON_US = 20 * 1000 * 1000
};

/* Two arenas, so that two signatures can be compared. */
static struct frame_lists *lists;
static struct bucket_frame frames[CRASH_LINES_FRAMES_MAX];
static struct arena arenas[2];

static int
set_up(void **state)
{
	(void)state;
	lists = frame_lists_new();
	for (size_t i = 0; i < COUNT(arenas); i++)
		arena_init(&arenas[i], ARENA_BYTES);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	frame_lists_free(lists);
	for (size_t i = 0; i < COUNT(arenas); i++)
		arena_done(&arenas[i]);
	return 0;
}

static struct signature
make_in(struct arena *arena, const char *lines)
{
	struct bucket_crash crash;
	struct signature signature;
	arena_reset(arena);
	crash_lines_parse(slice_str(lines), frames, &crash);
	assert_int_equal(signature_make(lists, &crash, arena, &signature), OK);
	return signature;
}

static struct signature
make(const char *lines)
{
	return make_in(&arenas[0], lines);
}

/* The text without its version. */
static void
assert_text(const char *lines, const char *wanted)
{
	static char text[1 << 16];
	struct signature signature = make(lines);
	(void)snprintf(text, sizeof(text), "%.*s", SLICE_ARGS(signature.text));
	assert_true(slice_starts_with(signature.text, SLICE_LITERAL("class-1\n")));
	assert_string_equal(text + strlen("class-1\n"), wanted);
}

static bool
share_a_bucket(const char *a, const char *b)
{
	struct signature one = make_in(&arenas[0], a);
	struct signature two = make_in(&arenas[1], b);
	bool is_same = slice_equal(one.text, two.text);
	assert_int_equal(memcmp(one.key, two.key, sizeof(one.key)) == 0, is_same);
	return is_same;
}

static void
assert_together(const char *const *crashes, size_t n)
{
	for (size_t i = 1; i < n; i++) {
		if (!share_a_bucket(crashes[0], crashes[i]))
			fail_msg("these must share a bucket:\n%s\nand\n%s", crashes[0], crashes[i]);
	}
}

static void
assert_apart(const char *const *crashes, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		for (size_t j = 0; j < i; j++) {
			if (share_a_bucket(crashes[i], crashes[j]))
				fail_msg("these must stay apart:\n%s\nand\n%s", crashes[i],
					 crashes[j]);
		}
	}
}
#define ASSERT_TOGETHER(...)                                                                       \
	assert_together((const char *const[]){__VA_ARGS__},                                        \
			COUNT(((const char *const[]){__VA_ARGS__})))
#define ASSERT_APART(...)                                                                          \
	assert_apart((const char *const[]){__VA_ARGS__},                                           \
		     COUNT(((const char *const[]){__VA_ARGS__})))

static void
bounds_what_hostile_stacks_cost(void **state)
{
	(void)state;
	enum {
		NAME_BYTES = 155 * 1000,
		N_FRAMES = 2000
	};
	struct buf name;
	struct signature signature;
	struct bucket_crash crash = {.frames = frames, .n_frames = N_FRAMES};
	buf_init(&name, 2 * NAME_BYTES);
	while (name.len < NAME_BYTES)
		buf_append_str(&name, "a<b(c{`[\xff");
	for (size_t i = 0; i < N_FRAMES; i++)
		frames[i] = (struct bucket_frame){.function = buf_slice(&name),
						  .module = buf_slice(&name),
						  .module_id = buf_slice(&name),
						  .file = buf_slice(&name)};
	crash.exception = crash.process = crash.abort_message = crash.event_type = buf_slice(&name);
	int64_t begin_us = time_monotonic_us();
	arena_reset(&arenas[0]);
	assert_int_equal(signature_make(lists, &crash, &arenas[0], &signature), OK);
	assert_true(time_monotonic_us() - begin_us < SOON_US);
	assert_int_equal(signature.n_steps, LIMIT_CRASH_FRAMES);
	assert_true(signature.flags & SIGNATURE_CUT);
	assert_true(text_is_utf8(signature.text));
	assert_true(arenas[0].used_bytes < 4 << 20);
	buf_done(&name);
}

/* What other frames are called does not change a name, until there is too much of it. */
static void
reads_names_in_full_until_there_are_megabytes_of_them(void **state)
{
	(void)state;
	struct buf name;
	struct signature signature;
	struct bucket_crash crash = {.frames = frames, .n_frames = LIMIT_CRASH_FRAMES};
	buf_init(&name, LIMIT_FUNCTION_NAME_BYTES);
	buf_append_str(&name, "x<");
	buf_append_zero(&name, 100 * 1000);
	buf_append_str(&name, "> real(int)");
	for (size_t i = 0; i < LIMIT_CRASH_FRAMES; i++)
		frames[i] = (struct bucket_frame){.function = buf_slice(&name)};
	arena_reset(&arenas[0]);
	assert_int_equal(signature_make(lists, &crash, &arenas[0], &signature), OK);
	assert_true(slice_equal_str(signature.steps[0].text, "real"));
	assert_true(slice_equal_str(signature.steps[40].text, "real"));
	assert_true(slice_equal_str(signature.steps[LIMIT_CRASH_FRAMES - 1].text, "x<T>"));
	buf_done(&name);
}

static void
says_when_the_arena_is_too_small(void **state)
{
	(void)state;
	struct bucket_crash crash;
	struct signature signature = {.culprit = 7};
	crash_lines_parse(slice_str("exception x\nframe context|m|i|v|1|f|1\n"), frames, &crash);
	for (size_t cap = 0; cap < 2048; cap += 16) {
		struct arena small;
		arena_init(&small, cap);
		err_t err = signature_make(lists, &crash, &small, &signature);
		assert_true(err == OK || (err == ERR_LIMIT && signature.culprit == 7));
		arena_done(&small);
		if (err == OK)
			return;
	}
	fail_msg("2 KiB are too small for one frame");
}

static void
keeps_one_value_on_its_line(void **state)
{
	(void)state;
	struct bucket_crash crash = {
		.frames = frames,
		.n_frames = 1,
		.exception = SLICE_LITERAL("x\ncause y"),
		.event_type = SLICE_LITERAL("E\nkind crash"),
	};
	struct signature signature;
	frames[0] = (struct bucket_frame){.function = SLICE_LITERAL("f\nframe g"),
					  .module = SLICE_LITERAL("m\nframe h")};
	arena_reset(&arenas[0]);
	assert_int_equal(signature_make(lists, &crash, &arenas[0], &signature), OK);
	size_t n_lines = 0;
	for (size_t i = 0; i < signature.text.len; i++)
		n_lines += signature.text.data[i] == '\n';
	assert_int_equal(n_lines, 4);
}

#define APP "process app.exe\n"
#define AV "exception access_violation_read\n"
#define IN_APP "frame rules|app.exe|BB1|1.0|10|Image::draw|10\n"

static void
joins_what_differs_in_build_address_system_and_writer(void **state)
{
	(void)state;
	/* Another version and offsets, a path, another spelling, frames below, lines. */
	ASSERT_TOGETHER(
		AV APP "frame context|app.exe|BB1|1.0|10|Image::draw(int)|10\n",
		AV APP "frame context|C:\\x\\APP.EXE|CC2|2.0|99|void Image::draw(int)|12|a.c|7\n",
		AV
		"process other.exe\nframe rules|app.exe|BB1|1.0|10|Image::draw [clone .cold]|10\n"
		"frame rules|app.exe|BB1|1.0|20|main|10\nframe scan|x|y|z|1\n",
		"event BEX64\nexception access_violation_write\n"
		"frame context|app.exe|BB1|1.0|10|Image::draw|10\n",
		"event APPCRASH\nexception SIGSEGV\nframe fp|app.exe|BB1|1.0|10|Image::draw|10\n");
}

static void
keeps_builds_apart_where_only_offsets_are_known(void **state)
{
	(void)state;
	/* One program built six times: the same offset, one GUID, other ages. */
	ASSERT_APART(AV "frame context|crashme.exe|11112222333344445555666677778888A|1.0|a6cd\n",
		     AV "frame context|crashme.exe|11112222333344445555666677778888B|1.0|a6cd\n",
		     AV "frame context|crashme.exe|11112222333344445555666677778888C|1.0|a6cd\n",
		     AV "frame context|crashme.exe|11112222333344445555666677778888D|1.0|a6cd\n",
		     AV "frame context|crashme.exe|11112222333344445555666677778888E|1.0|a6cd\n",
		     AV "frame context|crashme.exe|11112222333344445555666677778888F|1.0|a6cd\n",
		     AV "frame context|crashme.exe|11112222333344445555666677778888F|1.0|a6ce\n",
		     AV "frame context|crashme.exe|||a6cd\n");
	ASSERT_TOGETHER(AV "frame context|crashme.exe|11112222333344445555666677778888a|1.0|a6cd\n",
			AV "frame context|CrashMe.EXE|11112222333344445555666677778888A||a6cd\n");
}

static void
keeps_null_apart_from_wild_pointers(void **state)
{
	(void)state;
	ASSERT_APART("exception access_violation_read_null\n" IN_APP, AV IN_APP,
		     "exception access_violation_exec\n" IN_APP,
		     "exception stack_overflow\n" IN_APP,
		     "exception integer_divide_by_zero\n" IN_APP, IN_APP);
	ASSERT_TOGETHER("exception access_violation_read_null\n" IN_APP,
			"exception access_violation_write_null\n" IN_APP);
}

static void
keeps_faults_of_one_program_apart(void **state)
{
	(void)state;
	/* A check that found an overflow, and a return to where no code is. */
	ASSERT_APART(
		"exception sigabrt\nmessage *** buffer overflow detected ***: terminated\n"
		"frame context|libc.so.6|AA|0|1|raise|1\nframe rules|libc.so.6|AA|0|2|abort|2\n"
		"frame rules|libc.so.6|AA|0|2|__strcpy_chk|2\n"
		"frame rules|app|BB|0|10|copy_it|10\n",
		"exception sigsegv\nframe context\nframe scan|app|BB|0|10|copy_it|10\n",
		"exception segv_null\nframe context\nframe rules|app|BB|0|10|copy_it|10\n",
		"exception sigsegv\nframe context|app|BB|0|10|copy_it|10\n");
}

static void
keeps_crashes_hangs_and_stops_apart(void **state)
{
	(void)state;
	ASSERT_APART(IN_APP, "hang\n" IN_APP, "bugcheck d1\n" IN_APP, "bugcheck 9f\n" IN_APP,
		     "event VendorEvent\n" IN_APP);
	ASSERT_TOGETHER("event AppHangB1\n" IN_APP, "hang\n" IN_APP,
			"event AppHangXProcB1\nhang\n" IN_APP);
	ASSERT_TOGETHER("bugcheck 1000007e\n" IN_APP, "event BlueScreen\nbugcheck 7e\n" IN_APP);
}

static void
finds_the_first_name_when_the_pc_is_in_no_module(void **state)
{
	(void)state;
	struct signature signature = make(AV "frame context\nframe scan\n" IN_APP);
	assert_true(signature.flags & SIGNATURE_PC_OUTSIDE);
	assert_int_equal(signature.culprit, 2);
	assert_text(AV "frame context\nframe scan\n" IN_APP,
		    "kind crash\ncause access_violation\npc outside\nframe app.exe!Image::draw\n");
	/* Code without a module but with a name was made by a compiler at run time. */
	signature = make(AV "frame context|||||js_function\n");
	assert_false(signature.flags & SIGNATURE_PC_OUTSIDE);
}

static void
takes_one_bucket_for_an_unloaded_module(void **state)
{
	(void)state;
	ASSERT_TOGETHER(AV "frame context|||||||||C:\\a\\Hook.dll\n" IN_APP,
			"exception access_violation_exec\nframe context|||||||||hook.dll\n");
	ASSERT_APART(AV "frame context|||||||||hook.dll\n", AV "frame context|||||||||look.dll\n");
}

static void
never_blames_a_scanned_frame_before_a_better_one(void **state)
{
	(void)state;
	static const char junk[] =
		AV "frame context|ntdll.dll|A|1|1|memcpy|1\n"
		   "frame scan|x.dll|A|1|2|Junk|1\nframe fp|app.exe|B|1|3|Real|1\n";
	struct signature signature = make(junk);
	assert_int_equal(signature.culprit, 2);
	assert_false(signature.flags & SIGNATURE_SCANNED);
	/* What was inlined into a scanned frame was scanned. */
	signature = make(
		AV "frame inline|x.dll|A|1|2|Inlined|1\nframe scan|x.dll|A|1|2|Junk|1\n" IN_APP);
	assert_int_equal(signature.culprit, 2);
	/* Even a frame of the system. */
	signature =
		make(AV "frame context|ntdll.dll|A|1|1|Unheard|1\nframe scan|x.dll|A|1|2|Junk|1\n");
	assert_int_equal(signature.culprit, 0);
	/* But not one that has no name: without symbols all exceptions are raised there. */
	static const char raised[] = "exception x\nframe context|kernelbase.dll|A|1|1a9ee\n"
				     "frame scan|msvcrt.dll|A|1|2\nframe scan|app.exe|B|1|3\n";
	assert_int_equal(make(raised).culprit, 2);
	assert_text(raised, "kind crash\ncause x\nframe kernelbase\nframe app.exe@b+0x3\n");
	/* Nor the beginning of every thread. */
	signature = make(AV "frame scan|x.dll|A|1|2|Junk|1\nframe rules|app.exe|B|1|3|main|1\n");
	assert_int_equal(signature.culprit, 0);
	assert_true(signature.flags & SIGNATURE_SCANNED);
}

static void
mentions_at_most_two_frames_before_the_culprit(void **state)
{
	(void)state;
	assert_text(AV "frame context|app.exe|B|1|1|QString::at|1\n"
		       "frame rules|app.exe|B|1|1|QList<int>::at|1\n"
		       "frame rules|app.exe|B|1|1|QVariant::toInt|1\n" IN_APP,
		    "kind crash\ncause access_violation\nframe app.exe!QString::at\n"
		    "frame app.exe!QList<T>::at\nframe app.exe!Image::draw\n");
}

static void
blames_the_last_prefix_when_nothing_stands_below(void **state)
{
	(void)state;
	struct signature signature =
		make(AV "frame context|ntdll.dll|A|1|1|RtlEnterCriticalSection|1\n"
			"frame rules|ntdll.dll|A|1|1|SysFreeString|1\n");
	assert_int_equal(signature.culprit, 1);
	assert_false(signature.flags & SIGNATURE_NO_CULPRIT);
}

static void
names_the_program_when_nothing_can_be_blamed(void **state)
{
	(void)state;
	ASSERT_APART(AV "process a.exe\n", AV "process b.exe\n");
	ASSERT_APART(AV "process a.exe\nframe context|ntdll.dll|A|1|1|memcpy|1\n",
		     AV "process b.exe\nframe context|ntdll.dll|A|1|1|memcpy|1\n");
	assert_true(make(AV APP).flags & SIGNATURE_NO_CULPRIT);
	assert_int_equal(make(AV APP).culprit, -1);
	assert_int_equal(make(AV APP).stack.n_frames, 0);
	assert_text("", "kind crash\n");
}

static void
gives_an_endless_recursion_one_bucket_wherever_it_ends(void **state)
{
	(void)state;
	static const char *const functions[] = {"parse", "list", "item"};
	static char texts[3][4096];
	for (size_t first = 0; first < 3; first++) {
		size_t at = (size_t)snprintf(texts[first], sizeof(texts[first]),
					     "exception stack_overflow\n");
		for (size_t i = 0; i < 30; i++)
			at += (size_t)snprintf(texts[first] + at, sizeof(texts[first]) - at,
					       "frame rules|app.exe|B|1|%zx|%s|1\n", i,
					       functions[(first + i) % 3]);
	}
	ASSERT_TOGETHER(texts[0], texts[1], texts[2]);
	assert_text(texts[1], "kind crash\ncause stack_overflow\ncycle app.exe!item\n"
			      "cycle app.exe!parse\ncycle app.exe!list\n");
	/* It is one, too, where it does not count. */
	static char condensed[sizeof(texts[0]) + 16];
	(void)snprintf(condensed, sizeof(condensed), "misaligned\n%s", texts[0]);
	assert_int_equal(make(condensed).flags, SIGNATURE_CYCLE | SIGNATURE_CONDENSED);
	/* One round is left for near-duplicate search, with what came before it. */
	assert_true(make(texts[1]).stack.n_frames <= 5);
}

static void
blames_the_top_of_a_stack_overflow_without_a_cycle(void **state)
{
	(void)state;
	struct signature signature = make("exception stack_overflow\n" IN_APP
					  "frame rules|app.exe|B|1|1|Image::load|1\n");
	assert_false(signature.flags & SIGNATURE_CYCLE);
	assert_int_equal(signature.culprit, 0);
}

static void
takes_a_corrupt_heap_for_the_cause(void **state)
{
	(void)state;
	ASSERT_TOGETHER(AV "frame context|ntdll.dll|A|1|1|RtlpLowFragHeapFree|1\n" IN_APP,
			"exception heap_corruption_c0000374\nframe "
			"context|ntdll.dll|A|1|1|RtlFreeHeap|1\n" IN_APP,
			"exception abort\nframe context|libc.so|A|1|1|raise|1\n"
			"frame rules|libc.so|A|1|1|malloc_printerr|1\n" IN_APP);
	/* Not when the stack ran over there, or memory ran out. */
	ASSERT_APART(
		"exception stack_overflow\nframe "
		"context|ntdll.dll|A|1|1|RtlAllocateHeap|1\n" IN_APP,
		"exception out_of_memory\nframe context|ntdll.dll|A|1|1|RtlAllocateHeap|1\n" IN_APP,
		AV "frame context|ntdll.dll|A|1|1|RtlAllocateHeap|1\n" IN_APP);
}

static void
looks_below_traps_only_where_the_fault_is_not_on_top(void **state)
{
	(void)state;
	static const char trap[] = "frame rules|ntdll.dll|A|1|1|KiUserExceptionDispatch|1\n"
				   "frame rules|app.exe|B|1|1|first|1\n";
	static char text[4096];
	(void)snprintf(text, sizeof(text), "%sframe context|app.exe|B|1|1|handler|1\n%s", "", trap);
	assert_int_equal(make(text).culprit, 2); /* a dump that the handler took */
	(void)snprintf(text, sizeof(text), "%sframe context|app.exe|B|1|1|handler|1\n%s", AV, trap);
	assert_int_equal(make(text).culprit, 0); /* the handler itself crashed */
	(void)snprintf(text, sizeof(text), "hang\nframe context|app.exe|B|1|1|handler|1\n%s", trap);
	assert_int_equal(make(text).culprit, 0); /* the handler itself hangs */
}

static void
takes_a_trap_behind_a_driver_for_an_older_one(void **state)
{
	(void)state;
#define NT(name) "frame rules|ntkrnlmp.exe|N|1|1|" name "|1\n"
#define FILTER "frame rules|filter.sys|F|1|1|Check|1\n"
	struct signature signature = make("bugcheck 22\n" NT("KeBugCheckEx") FILTER NT(
		"MmAccessFault") NT("KiPageFault") IN_APP);
	assert_int_equal(signature.culprit, 1);
	signature = make("bugcheck 1e\n" NT("KeBugCheckEx") NT("PspSystemThreadStartup$filt$0") NT(
		"_C_specific_handler") NT("KiExceptionDispatch") NT("KiPageFault") FILTER);
	assert_int_equal(signature.culprit, 5);
	assert_int_equal(signature.steps[3].verdict, SIGNATURE_ABOVE);
}

static void
looks_below_what_ends_programs_only_when_it_did(void **state)
{
	(void)state;
	static const char end[] = "frame rules|glib|A|1|1|g_logv|1\n"
				  "frame rules|app.exe|B|1|1|worker|1\n";
	static char text[4096];
	(void)snprintf(text, sizeof(text),
		       "exception sigtrap\nframe context|app.exe|B|1|1|on_log|1\n%s", end);
	assert_int_equal(make(text).culprit, 2);
	(void)snprintf(text, sizeof(text), "%sframe context|app.exe|B|1|1|on_log|1\n%s", AV, end);
	assert_int_equal(make(text).culprit, 0);
}

static void
takes_the_whole_stack_when_nothing_stands_below_its_beginning(void **state)
{
	(void)state;
	struct signature signature = make("exception sigabrt\nframe context|app|B|1|1|helper|1\n"
					  "frame rules|libc.so|A|1|1|__assert_fail|1\n");
	assert_int_equal(signature.culprit, 0);
}

static void
condenses_what_the_machine_is_to_blame_for(void **state)
{
	(void)state;
	ASSERT_TOGETHER("one_bit\n" AV IN_APP,
			"one_bit\nexception null\nframe context|x.exe|C|1|1|f|1\n");
	ASSERT_TOGETHER("exception in_page_error_read\n" IN_APP, "exception in_page_error_write\n");
	ASSERT_APART("one_bit\n" IN_APP, "image_corrupt\n" IN_APP, "misaligned\n" IN_APP,
		     "misaligned\nframe context|x.exe|C|1|1|f|1\n", "bugcheck 50\none_bit\n" IN_APP,
		     "exception in_page_error_read\n" IN_APP);
}

static void
add_list(const char *text)
{
	struct err_detail detail = {.why = ""};
	if (frame_lists_add(lists, "site.txt", slice_str(text), &detail) != OK)
		fail_msg("%s", detail.why);
}

static void
obeys_lists_of_the_site(void **state)
{
	(void)state;
	static const char crash[] = AV APP "frame context|app.exe|B|1|1|wrapper|1\n"
					   "frame rules|ntdll.dll|A|1|1|memcpy|1\n"
					   "frame rules|plugin.dll|C|1|1|Run|1\n" IN_APP;
	assert_int_equal(make(crash).culprit, 0);
	add_list("[irrelevant for other.exe]\nwrapper\n");
	assert_int_equal(make(crash).culprit, 0);
	add_list("[irrelevant for app.exe]\nwrapper\n");
	struct signature signature = make(crash);
	assert_int_equal(signature.culprit, 2);
	assert_string_equal(signature.steps[0].rule->list, "site.txt");
	assert_int_equal(signature.steps[0].rule->line, 2);
	add_list("[relevant]\nmemcpy\n");
	assert_int_equal(make(crash).culprit, 1);
	add_list("[sentinel]\nImage::draw\n");
	assert_int_equal(make(crash).culprit, 3);
}

static void
tells_plugins_of_one_program_apart_by_tags(void **state)
{
	(void)state;
	add_list("[tag for app.exe]\nplugin*! = a plug-in was there\nplugin2! = the second\n");
	assert_text(AV APP IN_APP "frame rules|plugin.dll|C|1|1|f|1\n",
		    "kind crash\ncause access_violation\ntag a plug-in was there\n"
		    "frame app.exe!Image::draw\n");
	assert_text(AV "process b.exe\n" IN_APP "frame rules|plugin.dll|C|1|1|f|1\n",
		    "kind crash\ncause access_violation\nframe app.exe!Image::draw\n");
}

static void
condenses_modules_that_are_known_to_be_old(void **state)
{
	(void)state;
	add_list("[old image]\nvendor.sys = 2.10.0.5\n");
	assert_text("bugcheck d1\nframe context|vendor.sys|C|2.9.7.0|1|f|1\n",
		    "kind kernel\nbugcheck 0xd1\ncondensed old_image\nmodule vendor.sys\n");
	ASSERT_TOGETHER("bugcheck d1\nframe context|vendor.sys|C|2.9|1|f|1\n",
			"bugcheck d1\nframe context|Vendor.SYS|C|2.10.0.4|1|g|1\n");
	ASSERT_APART("bugcheck d1\nframe context|vendor.sys|C|2.10.0.5|1|f|1\n",
		     "bugcheck d1\nframe context|vendor.sys|C|3|1|g|1\n",
		     "bugcheck d1\nframe context|vendor.sys|C||1|h|1\n");
}

static void
takes_an_assertion_by_its_message(void **state)
{
	(void)state;
	ASSERT_TOGETHER("exception sigabrt\nmessage app: /a/x.c:12: f: Assertion `p' failed.\n"
			"frame context|app|B|1|10\n",
			"exception sigabrt\nmessage app: /b/c/x.c:99: f: Assertion `p' failed.\n"
			"frame context|app|C|2|20\n");
	ASSERT_APART("exception sigabrt\nmessage x.c:1: f: Assertion `p' failed.\n" IN_APP,
		     "exception sigabrt\nmessage x.c:1: f: Assertion `q' failed.\n" IN_APP,
		     "exception sigabrt\nmessage something else\n" IN_APP,
		     "exception sigsegv\nmessage x.c:1: f: Assertion `p' failed.\n" IN_APP);
}

static void
leaves_out_of_the_stack_what_never_counts(void **state)
{
	(void)state;
	struct medoid wanted = {0};
	struct signature signature =
		make(AV "frame context|ntdll.dll|A|1|1|memcpy|1\n" IN_APP IN_APP
			"frame scan|x.dll|C|1|5\nframe rules\n"
			"frame rules|kernel32.dll|D|1|1|BaseThreadInitThunk|1\n");
	assert_true(medoid_push(&wanted, SLICE_LITERAL("app.exe!Image::draw"), false));
	assert_true(medoid_push(&wanted, SLICE_LITERAL("x@c+0x5"), true));
	assert_true(medoid_push(&wanted, SLICE_LITERAL("kernel32!BaseThreadInitThunk"), false));
	assert_memory_equal(&signature.stack, &wanted, sizeof(wanted));
}

static void
has_the_same_key_for_ever(void **state)
{
	(void)state;
	/* sha256sum of "class-1\nkind crash\ncause null\nframe app.exe!Image::draw\n" */
	static const uint8_t wanted[SIGNATURE_KEY_BYTES] = {0xdd, 0x75, 0x14, 0x99, 0xe3, 0x39,
							    0x83, 0x81, 0xf1, 0xb9, 0x5a, 0x39,
							    0xc9, 0xb9, 0xe1, 0xb5};
	struct signature signature = make("exception access_violation_read_null\n" IN_APP);
	assert_memory_equal(signature.key, wanted, sizeof(wanted));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(bounds_what_hostile_stacks_cost),
		TEST(reads_names_in_full_until_there_are_megabytes_of_them),
		TEST(says_when_the_arena_is_too_small),
		TEST(keeps_one_value_on_its_line),
		TEST(joins_what_differs_in_build_address_system_and_writer),
		TEST(keeps_builds_apart_where_only_offsets_are_known),
		TEST(keeps_null_apart_from_wild_pointers),
		TEST(keeps_faults_of_one_program_apart),
		TEST(keeps_crashes_hangs_and_stops_apart),
		TEST(finds_the_first_name_when_the_pc_is_in_no_module),
		TEST(takes_one_bucket_for_an_unloaded_module),
		TEST(never_blames_a_scanned_frame_before_a_better_one),
		TEST(mentions_at_most_two_frames_before_the_culprit),
		TEST(blames_the_last_prefix_when_nothing_stands_below),
		TEST(names_the_program_when_nothing_can_be_blamed),
		TEST(gives_an_endless_recursion_one_bucket_wherever_it_ends),
		TEST(blames_the_top_of_a_stack_overflow_without_a_cycle),
		TEST(takes_a_corrupt_heap_for_the_cause),
		TEST(looks_below_traps_only_where_the_fault_is_not_on_top),
		TEST(takes_a_trap_behind_a_driver_for_an_older_one),
		TEST(looks_below_what_ends_programs_only_when_it_did),
		TEST(takes_the_whole_stack_when_nothing_stands_below_its_beginning),
		TEST(condenses_what_the_machine_is_to_blame_for),
		TEST(obeys_lists_of_the_site),
		TEST(tells_plugins_of_one_program_apart_by_tags),
		TEST(condenses_modules_that_are_known_to_be_old),
		TEST(takes_an_assertion_by_its_message),
		TEST(leaves_out_of_the_stack_what_never_counts),
		TEST(has_the_same_key_for_ever),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
