#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include "dump/bit_flip.h"
#include "triage_fixture.h"

enum {
	SIGNAL_ABRT = 6,
	SIGNAL_SEGV = 11,
	SI_KERNEL = 0x80
};

static const char maps[] = "00400000-00410000 r-xp 00000000 08:01 12 /bin/app\n"
			   "00700000-00800000 rw-p 00000000 00:00 0 [stack]\n"
			   "7f0010000000-7f0010001000 rw-p 00000000 00:00 0\n"
			   "7f0020000000-7f0020001000 r--p 00000000 00:00 0\n";

static const uint64_t OBJECT = UINT64_C(0x7f0010000100);
static const uint8_t load[] = {0x48, 0x8b, 0x10}; /* mov rdx, [rax] */
static const uint8_t load_at_8[] = {0x48, 0x8b, 0x50, 0x08};
static const uint8_t store[] = {0x48, 0x89, 0x10};         /* mov [rax], rdx */
static const uint8_t indexed[] = {0x48, 0x8b, 0x14, 0xc8}; /* mov rdx, [rax + rcx*8] */

static struct crash
fault_at(uint64_t address)
{
	struct crash crash = crash_signal(ARCH_AMD64, SIGNAL_SEGV, address);
	crash.maps = maps;
	return crash;
}

/* rax had ADDRESS; CODE was to use it. */
static struct crash
fault_by(const uint8_t *code, size_t n, uint64_t address)
{
	struct crash crash = fault_at(address);
	crash.code = slice_of(code, n);
	crash_set(&crash, AMD64_RAX, address);
	return crash;
}

static struct bit_flips
find(const struct crash *crash)
{
	struct bit_flips flips;
	struct parsed parsed;
	crash_parse(crash, &parsed);
	bit_flips_find(&parsed.dump, &flips);
	parsed_done(&parsed);
	return flips;
}

static void
assert_none(const struct crash *crash)
{
	struct bit_flips flips = find(crash);
	if (flips.n > 0)
		fail_msg("bit %u of 0x%llx", flips.items[0].bit,
			 (unsigned long long)flips.items[0].from);
}

/* ---- hostile ---- */

static void
survives_registers_and_code_that_are_wild(void **state)
{
	struct crash crash = fault_by(indexed, sizeof(indexed), UINT64_MAX);
	(void)state;
	crash_set(&crash, AMD64_RCX, UINT64_MAX);
	(void)find(&crash);
	for (size_t len = 0; len <= sizeof(indexed); len++) {
		crash.code = slice_of(indexed, len);
		(void)find(&crash);
	}
	crash.exception.address = UINT64_C(1) << 63;
	(void)find(&crash);
	crash.has_no_registers = true;
	assert_none(&crash);
}

static void
keeps_the_likeliest_when_there_are_too_many(void **state)
{
	/* Everything can be read: 48 bits of each of two registers. */
	struct crash crash = fault_by(indexed, sizeof(indexed), UINT64_C(0x8765432100));
	(void)state;
	crash.exception.address = UINT64_C(0x8765432100) + 8 * UINT64_C(0x1000000);
	crash.maps = "000000001000-1000000000 rw-p 00000000 00:00 0\n"
		     "9000000000-7ffffffff000 rw-p 00000000 00:00 0\n";
	crash_set(&crash, AMD64_RCX, 0x1000000);
	struct bit_flips flips = find(&crash);
	assert_in_range(flips.n, 10, BIT_FLIPS_MAX);
	for (size_t i = 1; i < flips.n; i++)
		assert_true(flips.items[i - 1].percent >= flips.items[i].percent);
}

/* ---- what is none ---- */

static void
finds_none_where_another_reason_is_likelier(void **state)
{
	struct crash crash = fault_at(0x45);
	(void)state;
	assert_none(&crash); /* near null */
	crash = fault_by(load_at_8, sizeof(load_at_8), 0);
	crash.exception.address = 8;
	assert_none(&crash);
	crash = fault_at(UINT64_C(0x7f0010001000));
	assert_none(&crash); /* right behind memory that can be read */
	crash = fault_at(UINT64_C(0x7f000fffffff));
	assert_none(&crash); /* right before it */
	crash = crash_signal(ARCH_AMD64, SIGNAL_ABRT, OBJECT ^ 1 << 30);
	crash.maps = maps;
	assert_none(&crash); /* no access to memory */
	crash = crash_signal(ARCH_ARM64, SIGNAL_SEGV, OBJECT ^ 1 << 30);
	crash.maps = maps;
	assert_none(&crash);
	crash = fault_at(OBJECT ^ 1 << 30 ^ 1 << 28);
	assert_none(&crash); /* two bits */
	crash = fault_at(OBJECT ^ 1 << 30);
	crash.maps = NULL;
	assert_none(&crash); /* nothing says what memory there was */
}

static void
asks_whether_the_access_was_allowed(void **state)
{
	const uint64_t read_only = UINT64_C(0x7f0020000100) ^ UINT64_C(1) << 40;
	struct crash crash = fault_by(load, sizeof(load), read_only);
	(void)state;
	assert_int_equal(find(&crash).n, 1);
	crash.code = slice_of(store, sizeof(store));
	assert_none(&crash);
	/* A pc that is not in code, one bit from code. */
	crash = fault_at(0x400100 | UINT64_C(1) << 40);
	crash_set(&crash, AMD64_RIP, 0x400100 | UINT64_C(1) << 40);
	struct bit_flips flips = find(&crash);
	assert_int_equal(flips.n, 1);
	assert_int_equal(flips.items[0].result, 0x400100);
	crash.exception.address = OBJECT | UINT64_C(1) << 45;
	crash_set(&crash, AMD64_RIP, OBJECT ^ UINT64_C(1) << 45);
	assert_none(&crash);
}

/* ---- what is one ---- */

static void
finds_the_bit_of_an_address(void **state)
{
	struct crash crash = fault_at(OBJECT ^ UINT64_C(1) << 30);
	(void)state;
	struct bit_flips flips = find(&crash);
	assert_int_equal(flips.n, 1);
	assert_int_equal(flips.items[0].reg, -1);
	assert_int_equal(flips.items[0].bit, 30);
	assert_int_equal(flips.items[0].from, OBJECT ^ UINT64_C(1) << 30);
	assert_int_equal(flips.items[0].result, OBJECT);
	assert_int_equal(flips.items[0].percent, 25);
}

static void
finds_the_register_that_has_it(void **state)
{
	struct crash crash = fault_by(load_at_8, sizeof(load_at_8), OBJECT ^ UINT64_C(1) << 33);
	(void)state;
	crash.exception.address += 8;
	struct bit_flips flips = find(&crash);
	assert_int_equal(flips.n, 1);
	assert_int_equal(flips.items[0].reg, AMD64_RAX);
	assert_int_equal(flips.items[0].bit, 33);
	assert_int_equal(flips.items[0].result, OBJECT + 8);
	/* The index: 8 times 2 to the 27th is 2 to the 30th. */
	crash = fault_by(indexed, sizeof(indexed), OBJECT);
	crash_set(&crash, AMD64_RCX, 1 << 27);
	crash.exception.address = OBJECT + (UINT64_C(1) << 30);
	flips = find(&crash);
	assert_int_equal(flips.n, 1);
	assert_int_equal(flips.items[0].reg, AMD64_RCX);
	assert_int_equal(flips.items[0].bit, 27);
	assert_int_equal(flips.items[0].result, OBJECT);
}

static void
trusts_an_address_that_no_program_makes(void **state)
{
	/* The processor does not tell it; the register does. */
	struct crash crash = fault_by(load, sizeof(load), OBJECT ^ UINT64_C(1) << 60);
	(void)state;
	crash.exception.address = 0;
	crash.exception.flags = SI_KERNEL;
	struct bit_flips flips = find(&crash);
	assert_int_equal(flips.n, 1);
	assert_int_equal(flips.items[0].bit, 60);
	assert_int_equal(flips.items[0].percent, 93);
	crash.code = (struct slice){0};
	assert_none(&crash);
	/* The same of Windows, which has no maps here but the memory itself. */
	crash = crash_access(ARCH_AMD64, 0, UINT64_MAX);
	crash.code = slice_of(load, sizeof(load));
	crash.memory = UINT64_C(0x7f0010000000);
	crash_set(&crash, AMD64_RAX, OBJECT ^ UINT64_C(1) << 50);
	flips = find(&crash);
	assert_int_equal(flips.n, 1);
	assert_int_equal(flips.items[0].bit, 50);
}

static void
takes_a_lone_bit_for_null(void **state)
{
	struct crash crash = fault_by(load, sizeof(load), UINT64_C(1) << 36);
	(void)state;
	struct bit_flips flips = find(&crash);
	assert_int_equal(flips.n, 1);
	assert_int_equal(flips.items[0].result, 0);
	assert_int_equal(flips.items[0].percent, 63);
	crash = fault_by(load, sizeof(load), 1 << 13);
	flips = find(&crash);
	assert_int_equal(flips.items[flips.n - 1].result == 0 || flips.items[0].result == 0, true);
	assert_true(flips.items[0].percent < 63);
}

static void
weighs_other_registers(void **state)
{
	struct crash crash = fault_by(load, sizeof(load), OBJECT ^ UINT64_C(1) << 30);
	(void)state;
	assert_int_equal(find(&crash).items[0].percent, 25);
	crash_set(&crash, AMD64_RBX, OBJECT + 16);
	assert_int_equal(find(&crash).items[0].percent, 55);
	crash_set(&crash, AMD64_RSI, OBJECT - 16);
	assert_int_equal(find(&crash).items[0].percent, 70);
	crash_set(&crash, AMD64_RDI, UINT64_C(0xfeeefeeefeeefeee));
	assert_int_equal(find(&crash).items[0].percent, 35);
}

static void
knows_how_windows_says_the_access(void **state)
{
	struct crash crash = crash_access(ARCH_AMD64, 1, OBJECT ^ UINT64_C(1) << 30);
	struct parsed parsed;
	(void)state;
	crash.memory = UINT64_C(0x7f0010000000);
	assert_int_equal(find(&crash).n, 1);
	crash.exception.parameters[0] = 8;
	assert_none(&crash); /* not in a module */
	crash.exception.parameters[0] = 0;
	crash.exception.code = 0x80000003;
	crash_parse(&crash, &parsed);
	parsed_done(&parsed);
	assert_none(&crash);
}

static void
names_levels(void **state)
{
	(void)state;
	assert_string_equal(bit_flip_level(90), "high");
	assert_string_equal(bit_flip_level(89), "medium");
	assert_string_equal(bit_flip_level(50), "medium");
	assert_string_equal(bit_flip_level(49), "low");
}

static void
puts_candidates(void **state)
{
	struct bit_flips flips = {.n = 2,
				  .items = {{.reg = AMD64_RAX,
					     .from = 0x1100,
					     .bit = 12,
					     .result = 0x100,
					     .percent = 93},
					    {.reg = -1, .from = 1, .result = 0, .percent = 25}}};
	struct json *object = json_new_object();
	struct buf out;
	(void)state;
	buf_init(&out, 4096);
	bit_flips_put_json(&flips, object);
	json_format_line(object, true, &out);
	assert_slice(buf_slice(&out),
		     "{\"bit_flips\":[{\"address\":\"0x1100\",\"register\":\"rax\",\"bit\":12,"
		     "\"result\":\"0x100\",\"confidence\":\"high\",\"percent\":93},"
		     "{\"address\":\"0x1\",\"register\":null,\"bit\":0,\"result\":\"0x0\","
		     "\"confidence\":\"low\",\"percent\":25}]}\n");
	buf_done(&out);
	json_free(object);
}

/* ---- code ---- */

static void
compares_code(void **state)
{
	uint8_t image[64];
	uint8_t copy[64];
	(void)state;
	for (size_t i = 0; i < sizeof(image); i++)
		image[i] = copy[i] = (uint8_t)(i * 7);
	struct slice a = slice_of(copy, sizeof(copy));
	struct slice b = slice_of(image, sizeof(image));
	assert_int_equal(code_compare(a, b).kind, CODE_SAME);
	assert_int_equal(code_compare(a, b).n_compared, 64);
	assert_int_equal(code_compare((struct slice){0}, b).n_compared, 0);
	assert_int_equal(code_compare(slice_sub(a, 0, 5), b).n_compared, 5);
	copy[40] ^= 0x20;
	struct code_difference d = code_compare(a, b);
	assert_int_equal(d.kind, CODE_ONE_BIT);
	assert_int_equal(d.offset, 40);
	assert_int_equal(d.bit, 5);
	assert_int_equal(d.n_bytes, 1);
	assert_int_equal(code_compare(slice_sub(a, 0, 40), b).kind, CODE_SAME);
	copy[40] ^= 0x40;
	assert_int_equal(code_compare(a, b).kind, CODE_MORE);
	copy[40] ^= 0x40;
	copy[41] ^= 1;
	d = code_compare(a, b);
	assert_int_equal(d.kind, CODE_MORE);
	assert_int_equal(d.offset, 40);
	assert_int_equal(d.n_bytes, 2);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(survives_registers_and_code_that_are_wild),
		cmocka_unit_test(keeps_the_likeliest_when_there_are_too_many),
		cmocka_unit_test(finds_none_where_another_reason_is_likelier),
		cmocka_unit_test(asks_whether_the_access_was_allowed),
		cmocka_unit_test(finds_the_bit_of_an_address),
		cmocka_unit_test(finds_the_register_that_has_it),
		cmocka_unit_test(trusts_an_address_that_no_program_makes),
		cmocka_unit_test(takes_a_lone_bit_for_null),
		cmocka_unit_test(weighs_other_registers),
		cmocka_unit_test(knows_how_windows_says_the_access),
		cmocka_unit_test(names_levels),
		cmocka_unit_test(puts_candidates),
		cmocka_unit_test(compares_code),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
