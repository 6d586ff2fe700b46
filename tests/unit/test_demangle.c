#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "base/fs.h"
#include "base/limits.h"
#include "base/time.h"
#include "symbols/demangle.h"

enum {
	TEXT_BYTES_MAX = 4 * 1024 * 1024,
	HOSTILE_US = 2000000 /* under sanitizers, on a busy machine; such a name takes a few ms */
};

static bool
demangle_all_styles(struct slice name)
{
	bool is_any = false;
	for (unsigned style = 0; style < DEMANGLE_STYLE_N; style++) {
		struct buf out;
		buf_init(&out, TEXT_BYTES_MAX);
		buf_append_str(&out, "before");
		bool is_done = demangle_as(name, (enum demangle_style)style, &out);
		if (!is_done)
			assert_int_equal(out.len, 6);
		else
			assert_true(out.len <= 6 + LIMIT_DEMANGLE_OUTPUT_BYTES);
		is_any = is_any || is_done;
		buf_done(&out);
	}
	return is_any;
}

/* BEFORE, COUNT times AGAIN, BEHIND: whatever comes out, it comes soon and is not endless. */
static bool
repeat(const char *before, const char *again, size_t count, const char *behind)
{
	struct buf name;
	buf_init(&name, TEXT_BYTES_MAX);
	buf_append_str(&name, before);
	for (size_t i = 0; i < count; i++)
		buf_append_str(&name, again);
	buf_append_str(&name, behind);
	int64_t start = time_monotonic_us();
	bool is_done = demangle_all_styles(buf_slice(&name));
	assert_true(time_monotonic_us() - start < HOSTILE_US);
	buf_done(&name);
	return is_done;
}

static void
refuses_what_is_too_deep(void **state)
{
	static const struct {
		const char *before;
		const char *again;
		const char *behind;
	} rows[] = {
		{"_Z1f", "P", "i"},
		{"_Z1f", "1AI", "i"},
		{"_Z1f", "M1A", "i"},
		{"_Z1f", "A3_", "i"},
		{"_Z1f", "PF", "v"},
		{"_Z1f", "N", "1aE"},
		{"_Z", "Z", "1fvE1x"},
		{"_Z1fIX", "nt", "fp_EEvv"},
		{"_Z1fIX", "sr1AI", "iEEvv"},
		{"_Z1fIX", "sr", "1AE1xEEvv"},
		{"_Z1fIX", "sr1A1BI", "iEEvv"},
		{"_Z1fI", "J", "EEvv"},
		{"_Z1fDT", "cl", "1gEE"},
		{"_ZN1A", "cv", "iEv"},
		{"_Z1f", "U1aI", "iE"},
		{"_Z1f", "Ul", "vE_"},
		{"_R", "NvC1a1b", ""},
		{"_R", "Nv", "C1a"},
		{"_R", "M", "C1aTEE"},
		{"_RIC1a", "T", "E"},
		{"_RIC1a", "R", "uE"},
		{"_RIC1a", "FE", "uE"},
		{"?x@@3", "PA", "HA"},
		{"?f@@YAX", "V?$A@", "H@@@Z"},
		{"?f@@YAX", "P6AX", "XZ@Z"},
		{"?x@", "?1?", "@@3HA"},
		{"?", "?$", "a@H@@3HA"},
		{"??", "_B?1?", "x@@51"},
		{"?", "?__E?", "x@@3HA"},
		{"?f@@YAX", "Y0", "H@Z"},
		{"?f@@YAX", "P8A@@AEX", "XZ@Z"},
		{"??$f@", "$1", "?x@@3HA@@YAXXZ"},
		{"??$f@", "$1??$f@", "?x@@3HA@@YAXXZ"},
	};
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (repeat(rows[i].before, rows[i].again, 10000, rows[i].behind))
			fail_msg("%s: was read", rows[i].again);
}

/* Names whose readable form doubles with each step. */
static void
refuses_what_would_grow_without_end(void **state)
{
	struct buf name;
	(void)state;
	buf_init(&name, TEXT_BYTES_MAX);
	buf_append_str(&name, "_Z1fI1AEv1BIT_T_E");
	for (unsigned i = 1; i < 60; i++) {
		uint8_t digit = (uint8_t)(i < 10 ? '0' + i : 'A' + i - 10);
		if (i >= 36)
			break;
		buf_append_str(&name, "1BIS");
		buf_append_byte(&name, digit);
		buf_append_str(&name, "_S");
		buf_append_byte(&name, digit);
		buf_append_str(&name, "_E");
	}
	int64_t start = time_monotonic_us();
	(void)demangle_all_styles(buf_slice(&name));
	assert_true(time_monotonic_us() - start < HOSTILE_US);
	buf_done(&name);

	/* Each tuple holds the one before it twice. */
	buf_init(&name, TEXT_BYTES_MAX);
	buf_append_str(&name, "_RIC1aTuuE");
	size_t from = 4;
	for (unsigned i = 0; i < 80; i++) {
		size_t at = name.len - 2;
		buf_append_byte(&name, 'T');
		for (unsigned k = 0; k < 2; k++) {
			static const char digits[] = "0123456789abcdefghijklmnopqrstuvwxyz"
						     "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
			uint64_t value = from - 1;
			char text[3] = {digits[value / 62 % 62], digits[value % 62], 0};
			buf_printf(&name, "B%s_", text);
		}
		buf_append_byte(&name, 'E');
		from = at;
	}
	buf_append_byte(&name, 'E');
	start = time_monotonic_us();
	assert_false(demangle_all_styles(buf_slice(&name)));
	assert_true(time_monotonic_us() - start < HOSTILE_US);
	buf_done(&name);

	/* Ten names that hold each other, and arguments that refer to them again and again. */
	(void)repeat("?f@@YAXV?$A@V?$A@V?$A@H@@V1@V1@@@V1@V1@@@", "00", 20000, "@Z");
	(void)repeat("?f@@YAX", "V?$A@V?$A@V?$A@H@@@@@@", 5000, "@Z");
}

static void
refuses_names_over_the_limit(void **state)
{
	struct buf name;
	struct buf out;
	(void)state;
	assert_true(repeat("_", "f", LIMIT_DEMANGLE_NAME_BYTES - 3, "@8"));
	assert_false(repeat("_", "f", LIMIT_DEMANGLE_NAME_BYTES - 2, "@8"));
	assert_true(repeat("_Z1f", "i", 1000, ""));
	buf_init(&name, TEXT_BYTES_MAX);
	buf_init(&out, TEXT_BYTES_MAX);
	buf_append_str(&name, "_Z1f");
	while (name.len < LIMIT_DEMANGLE_OUTPUT_BYTES / strlen("unsigned long long, "))
		buf_append_byte(&name, 'y');
	assert_true(demangle(buf_slice(&name), &out));
	while (name.len < LIMIT_DEMANGLE_OUTPUT_BYTES / strlen("unsigned long long, ") + 8)
		buf_append_byte(&name, 'y');
	assert_false(demangle(buf_slice(&name), &out));
	buf_done(&name);
	buf_done(&out);
}

static void
refuses_what_is_cut_anywhere(void **state)
{
	static const char *const names[] = {
		"_ZN4llvm3FooINS_3BarIiLj3EEEE3bazIJicEEENS_1AIT_EERKS5_DpOT_",
		"_ZTCN10Construct1AE16_NS_1BE",
		"_RINvNtCs3MG2ofusW15_1a1bINtC1c1dReEDNtC1b1TEL_FUKCuEbAhj3_E",
		"??$f@V?$A@H$0A@@@P6AXH@Z$1?x@@3HA@Foo@@QEAAXPEBDV?$B@_N@@1@Z",
		"??_R1A@?0A@EA@Foo@@8",
		"??_9Foo@@$BA@AA",
	};
	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct slice name = slice_str(names[i]);
		for (size_t len = 0; len < name.len; len++)
			(void)demangle_all_styles(slice_sub(name, 0, len));
	}
	assert_false(demangle_all_styles(SLICE_LITERAL("_ZN1fE\0x")));
	assert_false(demangle_all_styles(SLICE_LITERAL("")));
}

static void
refuses_references_to_what_is_not_there(void **state)
{
	static const char *const names[] = {
		"_Z1fS_",           "_Z1fS0_",        "_Z1fT_",          "_Z1fIiEvT0_",
		"_Z1fSZZZZZZZZZZ_", "_ZN1AcvT_Ev",    "_Z1fI1AEvS5_",    "_RB0_",
		"_RIC1aBz_E",       "_RIC1aL0_E",     "_RIC1aRL1_uE",    "?f@@YAX0@Z",
		"?f@@YAXH1@Z",      "?f@9@YAXXZ",     "?f@@YAXV5@@Z",    "??_9Foo@@",
		"?5@@YAXXZ",        "?f@@YAXY0?1H@Z", "_RIC1aG99999_uE",
	};
	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (demangle_all_styles(slice_str(names[i])))
			fail_msg("%s: was read", names[i]);
}

static void
keeps_to_the_cap_of_the_buffer(void **state)
{
	struct buf out;
	(void)state;
	buf_init(&out, 10);
	buf_append_str(&out, "12345");
	assert_false(demangle(SLICE_LITERAL("_Z6abcdefv"), &out));
	assert_int_equal(out.len, 5);
	buf_done(&out);
	buf_init(&out, 10);
	assert_true(demangle(SLICE_LITERAL("_Z3abcv"), &out));
	assert_true(slice_equal_str(buf_slice(&out), "abc()"));
	buf_done(&out);
}

static void
check_style(struct slice name, enum demangle_style style, struct slice expected)
{
	struct buf out;
	buf_init(&out, TEXT_BYTES_MAX);
	bool is_done = demangle_as(name, style, &out);
	if (is_done != !slice_is_absent(expected) ||
	    (is_done && !slice_equal(buf_slice(&out), expected)))
		fail_msg("%.*s:\n  %.*s, not\n  %.*s", SLICE_ARGS(name),
			 SLICE_ARGS(buf_slice(&out)), SLICE_ARGS(expected));
	buf_done(&out);
}

/* Lines of a name and what it reads as in each style, between tabs; a name alone is none. */
static void
check_golden(const char *file)
{
	struct err_detail detail = {.why = ""};
	const char *source = getenv("OPENWER_SOURCE");
	struct slice line;
	struct slice rest;
	struct buf text;
	char path[4096];
	size_t n = 0;
	(void)snprintf(path, sizeof(path), "%s/tests/golden/demangle/%s",
		       source == NULL ? "." : source, file);
	if (fs_read_file(path, TEXT_BYTES_MAX, &text, &detail) != OK)
		fail_msg("%s", detail.why);
	rest = buf_slice(&text);
	while (slice_cut(rest, '\n', &line, &rest)) {
		struct slice name = line;
		struct slice fields[DEMANGLE_STYLE_N] = {{0}};
		if (slice_cut(line, '\t', &name, &fields[0])) {
			assert_true(slice_cut(fields[0], '\t', &fields[0], &fields[1]));
			assert_true(slice_cut(fields[1], '\t', &fields[1], &fields[2]));
		}
		for (unsigned style = 0; style < DEMANGLE_STYLE_N; style++)
			check_style(name, (enum demangle_style)style, fields[style]);
		n++;
	}
	assert_true(n > 0);
	buf_done(&text);
}

static void
reads_itanium_names(void **state)
{
	(void)state;
	check_golden("itanium.txt");
}

static void
reads_microsofts_names(void **state)
{
	(void)state;
	check_golden("msvc.txt");
}

static void
reads_rusts_names(void **state)
{
	(void)state;
	check_golden("rust.txt");
}

static void
reads_decorated_names_of_c(void **state)
{
	(void)state;
	check_golden("c.txt");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refuses_what_is_too_deep),
		cmocka_unit_test(refuses_what_would_grow_without_end),
		cmocka_unit_test(refuses_names_over_the_limit),
		cmocka_unit_test(refuses_what_is_cut_anywhere),
		cmocka_unit_test(refuses_references_to_what_is_not_there),
		cmocka_unit_test(keeps_to_the_cap_of_the_buffer),
		cmocka_unit_test(reads_itanium_names),
		cmocka_unit_test(reads_microsofts_names),
		cmocka_unit_test(reads_rusts_names),
		cmocka_unit_test(reads_decorated_names_of_c),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
