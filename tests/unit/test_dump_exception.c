#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include "exception_scene.h"

/* ---- no exception ---- */

static void
says_when_there_was_no_exception(void **state)
{
	struct scene s;
	uint64_t address;
	(void)state;
	scene_init(&s, ARCH_AMD64, DUMP_OS_LINUX);
	s.dump.exception.is_there = false;
	describe(&s);
	assert_described(&s, "", "no exception: the dump was asked for");
	assert_false(exception_fault_address(&s.dump, &address));
	scene_done(&s);
}

static void
describes_whatever_it_is_given(void **state)
{
	static const enum dump_os systems[] = {DUMP_OS_UNKNOWN, DUMP_OS_WINDOWS, DUMP_OS_LINUX,
					       DUMP_OS_MACOS,   DUMP_OS_SOLARIS, DUMP_OS_PS3};
	static const uint32_t codes[] = {0,          1,          5,          11,         99,
					 0x80000001, 0xc0000005, 0xc0000006, 0xc0000409, 0xc000027b,
					 0xc0000374, 0xc06d007e, 0xc06d007f, 0xe0434352, 0xe06d7363,
					 0xe0000008, 0xe1234567, 0xffffffff, 0x12345678};
	struct scene s;
	(void)state;
	for (size_t i = 0; i < sizeof(systems) / sizeof(systems[0]); i++) {
		for (size_t k = 0; k < sizeof(codes) / sizeof(codes[0]); k++) {
			for (uint32_t n = 0; n <= DUMP_PARAMETERS_MAX; n++) {
				uint64_t parameters[DUMP_PARAMETERS_MAX];
				memset(parameters, n % 2 == 0 ? 0xff : 0x41, sizeof(parameters));
				scene_init(&s, (enum arch)(n % ARCH_N), systems[i]);
				raise_windows(&s, codes[k], n, parameters);
				assert_true(s.name.len > 0);
				assert_true(s.text.len > 0);
				scene_done(&s);
			}
		}
	}
}

/* ---- access violations ---- */

static void
describes_access_violations(void **state)
{
	static const struct {
		uint64_t access, address;
		const char *text;
	} rows[] = {
		{0, 0, "tried to read 0x0, a null pointer; by app.exe+0x1234"},
		{1, 0x45,
		 "tried to write to 0x45, near null: a null pointer and an offset of 0x45; by "
		 "app.exe+0x1234"},
		{0, UINT64_MAX - 7,
		 "tried to read 0xfffffffffffffff8, just below null: a null pointer and an offset "
		 "of -0x8; by app.exe+0x1234"},
		{0, UINT64_MAX,
		 "tried to use an address that the processor does not have (not canonical): which "
		 "one stands in a register; by app.exe+0x1234"},
		{1, UINT64_C(0x4141414141414141),
		 "tried to write to 0x4141414141414141, no address that the processor has (not "
		 "canonical); by app.exe+0x1234"},
		{0, UINT64_C(0xfeeefeeefeeeff16),
		 "tried to read 0xfeeefeeefeeeff16, the pattern of heap memory that was freed; by "
		 "app.exe+0x1234"},
		{0, UINT64_C(0xffff800000001000),
		 "tried to read 0xffff800000001000, in the part of memory that belongs to the "
		 "kernel; by app.exe+0x1234"},
		{1, 0x400010, "tried to write to 0x400010, inside app.exe+0x10; by app.exe+0x1234"},
		{8, 0x100010,
		 "tried to execute code at 0x100010, on the thread's own stack (data execution "
		 "prevention); by app.exe+0x1234"},
		{0, 0x300010,
		 "tried to read 0x300010, on the stack of thread 8; by app.exe+0x1234"},
		{1, 0xff000,
		 "tried to write to 0xff000, just below the thread's stack, where its guard is; by "
		 "app.exe+0x1234"},
		{1, 0x2ff000,
		 "tried to write to 0x2ff000, just below the stack of thread 8; by app.exe+0x1234"},
		{0, 0x600010,
		 "tried to read 0x600010, inside unloaded gone.dll+0x10; by app.exe+0x1234"},
		{1, 0x700010,
		 "tried to write to 0x700010, in memory that is read-only; by app.exe+0x1234"},
		{0, 0x701010,
		 "tried to read 0x701010, in memory that is reserved but not committed; by "
		 "app.exe+0x1234"},
		{0, 0x702010,
		 "tried to read 0x702010, in memory that is not allocated; by app.exe+0x1234"},
		{1, 0x703010,
		 "tried to write to 0x703010, in memory that is writable and executable, of an "
		 "image that is not in the module list; by app.exe+0x1234"},
		{7, 0x800010,
		 "tried to access 0x800010, in none of the regions of the process; by "
		 "app.exe+0x1234"},
	};
	struct scene s;
	(void)state;
	scene_init(&s, ARCH_AMD64, DUMP_OS_WINDOWS);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint64_t parameters[] = {rows[i].access, rows[i].address};
		uint64_t address = 1;
		raise_windows(&s, 0xc0000005, 2, parameters);
		assert_described(&s, "STATUS_ACCESS_VIOLATION", rows[i].text);
		assert_true(exception_fault_address(&s.dump, &address));
		assert_true(address == rows[i].address);
	}
	scene_done(&s);
}

static void
says_where_the_instruction_is(void **state)
{
	static const struct {
		uint64_t address;
		const char *text;
	} rows[] = {
		{0x600020, "tried to read 0x0, a null pointer; by unloaded gone.dll+0x20"},
		{0x999, "tried to read 0x0, a null pointer; by 0x999, which is in no module"},
		{0, "tried to read 0x0, a null pointer"},
	};
	static const uint64_t parameters[] = {0, 0};
	struct scene s;
	(void)state;
	scene_init(&s, ARCH_AMD64, DUMP_OS_WINDOWS);
	for (size_t i = 0; i < 3; i++) {
		s.dump.exception.address = rows[i].address;
		raise_windows(&s, 0xc0000005, 2, parameters);
		assert_described(&s, "STATUS_ACCESS_VIOLATION", rows[i].text);
	}
	scene_done(&s);
}

static void
says_when_a_violation_has_no_details(void **state)
{
	struct scene s;
	uint64_t address;
	(void)state;
	scene_init(&s, ARCH_X86, DUMP_OS_WINDOWS);
	raise_windows(&s, 0xc0000005, 0, NULL);
	assert_described(&s, "STATUS_ACCESS_VIOLATION",
			 "access violation; the dump does not say to which address; by "
			 "app.exe+0x1234");
	assert_false(exception_fault_address(&s.dump, &address));
	scene_done(&s);
}

static void
knows_nothing_of_addresses_without_regions(void **state)
{
	struct scene s;
	static const uint64_t parameters[] = {0, 0x41414141};
	static const uint64_t kernel[] = {0, 0x90001000};
	(void)state;
	scene_init(&s, ARCH_X86, DUMP_OS_WINDOWS);
	s.dump.regions.n = 0;
	raise_windows(&s, 0xc0000005, 2, parameters);
	assert_described(&s, "STATUS_ACCESS_VIOLATION",
			 "tried to read 0x41414141, of which the dump says nothing; by "
			 "app.exe+0x1234");
	raise_windows(&s, 0xc0000005, 2, kernel);
	assert_described(&s, "STATUS_ACCESS_VIOLATION",
			 "tried to read 0x90001000, in the part of memory that belongs to the "
			 "kernel; by app.exe+0x1234");
	scene_done(&s);
}

static void
names_protections(void **state)
{
	static const struct {
		uint32_t protection;
		const char *text;
	} rows[] = {
		{0x01, "without any access"},
		{0x02, "read-only"},
		{0x04, "writable"},
		{0x08, "writable (copy on write)"},
		{0x10, "execute-only"},
		{0x20, "executable"},
		{0x40, "writable and executable"},
		{0x80, "executable, writable (copy on write)"},
		{0x104, "guarded"},
		{0x03, "of unknown protection"},
	};
	struct scene s;
	(void)state;
	scene_init(&s, ARCH_AMD64, DUMP_OS_WINDOWS);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char wanted[80];
		(void)snprintf(wanted, sizeof(wanted), "in memory that is %s", rows[i].text);
		s.regions[0].protection = rows[i].protection;
		buf_reset(&s.text);
		address_describe(&s.dump, 0x700010, &s.text);
		assert_slice(buf_slice(&s.text), wanted);
	}
	s.regions[0].name = SLICE_LITERAL("/dev/shm/x");
	buf_reset(&s.text);
	address_describe(&s.dump, 0x700010, &s.text);
	assert_slice(buf_slice(&s.text), "in memory that is of unknown protection, of /dev/shm/x");
	s.regions[0].name = (struct slice){0};
	s.regions[0].type = 0x40000;
	buf_reset(&s.text);
	address_describe(&s.dump, 0x700010, &s.text);
	assert_slice(buf_slice(&s.text),
		     "in memory that is of unknown protection, of a mapped file");
	scene_done(&s);
}

static void
takes_a_guarded_page_below_a_stack_for_its_guard(void **state)
{
	struct scene s;
	struct address a;
	(void)state;
	scene_init(&s, ARCH_AMD64, DUMP_OS_WINDOWS);
	s.regions[0] = (struct dump_region){
		.base = 0xff000, .bytes = 0x1000, .state = 0x1000, .protection = 0x104};
	address_classify(&s.dump, 0xff800, &a);
	assert_int_equal(a.class, ADDRESS_STACK_EDGE);
	assert_int_equal(a.thread, 0);
	s.regions[0].protection = 0x04;
	address_classify(&s.dump, 0xff800, &a);
	assert_int_equal(a.class, ADDRESS_COMMITTED);
	assert_int_equal(a.thread, -1);
	scene_done(&s);
}

static void
classifies_by_processor(void **state)
{
	static const struct {
		enum arch arch;
		uint64_t address;
		enum address_class class;
	} rows[] = {
		{ARCH_X86, 0xfffffff0, ADDRESS_NEAR_NULL},
		{ARCH_X86, 0xcdcdcdcd, ADDRESS_PATTERN},
		{ARCH_X86, 0xc0000000, ADDRESS_KERNEL},
		{ARCH_ARM, 0xc0000000, ADDRESS_KERNEL},
		{ARCH_AMD64, 0xcdcdcdcd, ADDRESS_UNMAPPED},
		{ARCH_AMD64, UINT64_C(0xcdcdcdcdcdcdcdd5), ADDRESS_PATTERN},
		{ARCH_AMD64, UINT64_C(0x0000800000000000), ADDRESS_NOT_CANONICAL},
		{ARCH_AMD64, UINT64_C(0x00007fffffffffff), ADDRESS_UNMAPPED},
		{ARCH_ARM64, UINT64_C(0x0000800000000000), ADDRESS_UNMAPPED},
		{ARCH_ARM64, UINT64_C(0xffff000000000000), ADDRESS_KERNEL},
		{ARCH_UNKNOWN, UINT64_C(0xffff000000000000), ADDRESS_UNMAPPED},
	};
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct scene s;
		struct address a;
		scene_init(&s, rows[i].arch, DUMP_OS_WINDOWS);
		address_classify(&s.dump, rows[i].address, &a);
		if (a.class != rows[i].class)
			fail_msg("row %zu: class %d, not %d", i, a.class, rows[i].class);
		scene_done(&s);
	}
}

/* ---- other exceptions of Windows ---- */

static const struct {
	uint32_t code;
	uint32_t n;
	uint64_t parameters[4];
	const char *name, *text;
} other_exceptions[] = {
	{0xc0000006,
	 3,
	 {0, 0x700010, 0xc000009c},
	 "STATUS_IN_PAGE_ERROR",
	 "a page of a mapped file or program could not be read from its disk or network "
	 "share, at 0x700010, status 0xc000009c STATUS_DEVICE_DATA_ERROR (device reports a "
	 "data error); by app.exe+0x1234"},
	{0xc0000006,
	 0,
	 {0},
	 "STATUS_IN_PAGE_ERROR",
	 "a page of a mapped file or program could not be read from its disk or network "
	 "share; by app.exe+0x1234"},
	{0xc00000fd,
	 0,
	 {0},
	 "STATUS_STACK_OVERFLOW",
	 "the thread's stack is used up: a recursion that does not end, or very large "
	 "local "
	 "variables; the dump has 0x10000 bytes of it; by app.exe+0x1234"},
	{0xc0000409,
	 1,
	 {2},
	 "STATUS_STACK_BUFFER_OVERRUN",
	 "fast fail 2 (FAST_FAIL_STACK_COOKIE_CHECK_FAILURE): a stack buffer was overrun "
	 "(stack cookie); by app.exe+0x1234"},
	{0xc0000409,
	 1,
	 {7},
	 "STATUS_STACK_BUFFER_OVERRUN",
	 "fast fail 7 (FAST_FAIL_FATAL_APP_EXIT): the program ended itself: abort(), a "
	 "failed assertion, a panic or an exception that nobody caught; by app.exe+0x1234"},
	{0xc0000409,
	 0,
	 {0},
	 "STATUS_STACK_BUFFER_OVERRUN",
	 "fast fail 0 (FAST_FAIL_LEGACY_GS_VIOLATION): a stack buffer was overrun (stack "
	 "cookie); by app.exe+0x1234"},
	{0xc0000409,
	 1,
	 {999},
	 "STATUS_STACK_BUFFER_OVERRUN",
	 "fast fail 999: the program stopped itself; by app.exe+0x1234"},
	{0xc0000409,
	 1,
	 {16},
	 "STATUS_STACK_BUFFER_OVERRUN",
	 "fast fail 16: the program stopped itself; by app.exe+0x1234"},
	{0x80000003,
	 0,
	 {0},
	 "STATUS_BREAKPOINT",
	 "a breakpoint: an assertion, DebugBreak(), or a debugger that stopped the "
	 "program; "
	 "by app.exe+0x1234"},
	{0xc0000094,
	 0,
	 {0},
	 "STATUS_INTEGER_DIVIDE_BY_ZERO",
	 "integer division by zero; by app.exe+0x1234"},
	{0xe0434352,
	 1,
	 {0xffffffff80004003},
	 "CLR_EXCEPTION",
	 "a .NET exception that nobody caught: NullReferenceException, 0x80004003 "
	 "E_POINTER "
	 "(invalid pointer); by app.exe+0x1234"},
	{0xe0434352,
	 1,
	 {0x80131509},
	 "CLR_EXCEPTION",
	 "a .NET exception that nobody caught: 0x80131509 COR_E_INVALIDOPERATION "
	 "(InvalidOperationException); by app.exe+0x1234"},
	{0xe0434f4d,
	 0,
	 {0},
	 "CLR_EXCEPTION_V2",
	 "a .NET exception that nobody caught; by app.exe+0x1234"},
	{0xe0000008,
	 1,
	 {123456},
	 "CHROMIUM_OUT_OF_MEMORY",
	 "the program ran out of memory when it asked for 123456 bytes; by app.exe+0x1234"},
	{0x0eedfade, 0, {0}, "DELPHI_EXCEPTION", "unhandled Delphi exception; by app.exe+0x1234"},
	{0x20474343,
	 0,
	 {0},
	 "GCC_THROW",
	 "unhandled C++ exception of a program built with GCC; by app.exe+0x1234"},
	{0xe1234567,
	 0,
	 {0},
	 "0xe1234567",
	 "an exception of the program's own or of its runtime; by app.exe+0x1234"},
	{0x12345678, 0, {0}, "0x12345678", "an unknown exception; by app.exe+0x1234"},
	{0xc0000374,
	 0,
	 {0},
	 "STATUS_HEAP_CORRUPTION",
	 "the heap found itself corrupt: memory was overwritten, freed twice or used after "
	 "it was freed, at some time before; by app.exe+0x1234"},
	{0xe06d7363,
	 3,
	 {0x19930520, 0x1, 0x400800},
	 "CPP_EXCEPTION",
	 "a C++ exception that nobody caught, its type described at app.exe+0x800; by "
	 "app.exe+0x1234"},
	{0xe06d7363,
	 3,
	 {0x19930520, 0, 0},
	 "CPP_EXCEPTION",
	 "a C++ exception that nobody caught, thrown again by `throw;`; by app.exe+0x1234"},
	{0xe06d7363,
	 3,
	 {0x1, 0x1, 0x1},
	 "CPP_EXCEPTION",
	 "a C++ exception that nobody caught; by app.exe+0x1234"},
};

static void
describes_other_exceptions_of_windows(void **state)
{
	struct scene s;
	(void)state;
	scene_init(&s, ARCH_X86, DUMP_OS_WINDOWS);
	for (size_t i = 0; i < sizeof(other_exceptions) / sizeof(other_exceptions[0]); i++) {
		raise_windows(&s, other_exceptions[i].code, other_exceptions[i].n,
			      other_exceptions[i].parameters);
		assert_described(&s, other_exceptions[i].name, other_exceptions[i].text);
	}
	scene_done(&s);
}

static void
names_every_fast_fail(void **state)
{
	size_t n = 0;
	(void)state;
	for (uint64_t subcode = 0; subcode < 1000; subcode++)
		n += exception_fast_fail_name(subcode) != NULL;
	assert_int_equal(n, 71 - 3);
	assert_string_equal(exception_fast_fail_name(10), "GUARD_ICALL_CHECK_FAILURE");
	assert_string_equal(exception_fast_fail_name(57), "CONTROL_INVALID_RETURN_ADDRESS");
	assert_null(exception_fast_fail_name(UINT64_MAX));
}

/* ---- what lies in memory ---- */

static void
set_number(uint8_t *at, uint64_t value, size_t bytes)
{
	for (size_t i = 0; i < bytes; i++)
		at[i] = (uint8_t)(value >> (8 * i));
}

/* One page of memory at BASE, which a test fills. */
struct page {
	uint8_t bytes[0x1000];
	struct dump_memory memory;
};
enum {
	PAGE = 0x500000
};

static void
scene_add_page(struct scene *s, struct page *page)
{
	memset(page->bytes, 0, sizeof(page->bytes));
	page->memory = (struct dump_memory){PAGE, slice_of(page->bytes, sizeof(page->bytes))};
	s->dump.memory.items = &page->memory;
	s->dump.memory.n = 1;
}

/* ThrowInfo at 0x100, its types at 0x200, the first at 0x300, its descriptor at 0x400. */
static void
put_throw(struct page *page, unsigned pointer_bytes, const char *name)
{
	uint64_t base = pointer_bytes == 4 ? PAGE : 0;
	set_number(page->bytes + 0x10c, base + 0x200, 4);
	set_number(page->bytes + 0x200, 1, 4);
	set_number(page->bytes + 0x204, base + 0x300, 4);
	set_number(page->bytes + 0x304, base + 0x400, 4);
	memcpy(page->bytes + 0x400 + (size_t)2 * pointer_bytes, name, strlen(name) + 1);
}

static void
names_the_type_of_a_cpp_exception(void **state)
{
	static const struct {
		const char *decorated, *text;
	} rows[] = {
		{".?AVbad_alloc@std@@", "std::bad_alloc"},
		{".?AUplain@@", "plain"},
		{".?AVa@b@c@@", "c::b::a"},
		{".?AV?$vector@H@std@@", ".?AV?$vector@H@std@@"},
		{".H", ".H"},
		{"rust_panic", "rust_panic"},
		{".?AV@@", ""},
	};
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		for (unsigned pointer_bytes = 4; pointer_bytes <= 8; pointer_bytes += 4) {
			struct scene s;
			struct page page;
			char wanted[160];
			const uint64_t parameters[] = {0x19930520, 1, PAGE + 0x100, PAGE};
			scene_init(&s, pointer_bytes == 4 ? ARCH_X86 : ARCH_AMD64, DUMP_OS_WINDOWS);
			scene_add_page(&s, &page);
			put_throw(&page, pointer_bytes, rows[i].decorated);
			raise_windows(&s, 0xe06d7363, pointer_bytes == 4 ? 3 : 4, parameters);
			(void)snprintf(wanted, sizeof(wanted),
				       "a C++ exception that nobody caught, of type %s; by "
				       "app.exe+0x1234",
				       rows[i].text);
			assert_described(&s, "CPP_EXCEPTION", wanted);
			scene_done(&s);
		}
	}
}

static void
does_not_name_a_type_that_is_no_text(void **state)
{
	struct scene s;
	struct page page;
	const uint64_t parameters[] = {0x19930520, 1, PAGE + 0x100};
	(void)state;
	scene_init(&s, ARCH_X86, DUMP_OS_WINDOWS);
	scene_add_page(&s, &page);
	put_throw(&page, 4, "\x01name");
	raise_windows(&s, 0xe06d7363, 3, parameters);
	assert_described(&s, "CPP_EXCEPTION",
			 "a C++ exception that nobody caught, its type described at 0x500100, "
			 "which is in no module; by app.exe+0x1234");
	/* A name without an end, up to the end of memory. */
	put_throw(&page, 4, "");
	set_number(page.bytes + 0x304, PAGE + 0xff0, 4);
	memset(page.bytes + 0xff0, 'x', 16);
	raise_windows(&s, 0xe06d7363, 3, parameters);
	assert_true(memmem(s.text.data, s.text.len, "described at", 12) != NULL);
	scene_done(&s);
}

static void
names_the_dll_that_could_not_be_loaded(void **state)
{
	static const struct {
		enum arch arch;
		size_t dll, by_name, procedure, pointer_bytes;
	} rows[] = {
		{ARCH_X86, 0x0c, 0x10, 0x14, 4},
		{ARCH_AMD64, 0x18, 0x20, 0x28, 8},
	};
	static const uint64_t parameters[] = {PAGE};
	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct scene s;
		struct page page;
		scene_init(&s, rows[i].arch, DUMP_OS_WINDOWS);
		scene_add_page(&s, &page);
		memcpy(page.bytes + 0x800, "gpu.dll", 8);
		memcpy(page.bytes + 0x900, "Start", 6);
		raise_windows(&s, 0xc06d007e, 1, parameters);
		assert_described(&s, "VCPP_DELAY_LOAD_MODULE_NOT_FOUND",
				 "a DLL that was to be loaded at its first use is missing; by "
				 "app.exe+0x1234");
		set_number(page.bytes + rows[i].dll, PAGE + 0x800, rows[i].pointer_bytes);
		set_number(page.bytes + rows[i].procedure, 0x21, rows[i].pointer_bytes);
		raise_windows(&s, 0xc06d007f, 1, parameters);
		assert_described(&s, "VCPP_DELAY_LOAD_PROCEDURE_NOT_FOUND",
				 "a DLL lacks a function that was to be loaded at its first use: "
				 "gpu.dll, number 33; by app.exe+0x1234");
		set_number(page.bytes + rows[i].by_name, 1, 4);
		set_number(page.bytes + rows[i].procedure, PAGE + 0x900, rows[i].pointer_bytes);
		raise_windows(&s, 0xc06d007e, 1, parameters);
		assert_described(&s, "VCPP_DELAY_LOAD_MODULE_NOT_FOUND",
				 "a DLL that was to be loaded at its first use is missing: "
				 "gpu.dll, Start; by app.exe+0x1234");
		scene_done(&s);
	}
}

static void
reads_stowed_errors_and_heap_failures(void **state)
{
	struct scene s;
	struct page page;
	static const uint64_t parameters[] = {PAGE, 1};
	(void)state;
	scene_init(&s, ARCH_AMD64, DUMP_OS_WINDOWS);
	scene_add_page(&s, &page);
	raise_windows(&s, 0xc000027b, 2, parameters);
	assert_described(&s, "STATUS_STOWED_EXCEPTION",
			 "a Windows Runtime error that was kept until the program ended; by "
			 "app.exe+0x1234");
	set_number(page.bytes, PAGE + 0x100, 8);
	set_number(page.bytes + 0x108, 0x80070005, 4);
	raise_windows(&s, 0xc000027b, 2, parameters);
	assert_described(&s, "STATUS_STOWED_EXCEPTION",
			 "a Windows Runtime error that was kept until the program ended: "
			 "0x80070005 ERROR_ACCESS_DENIED (access denied); by app.exe+0x1234");
	set_number(page.bytes + 8, 8, 4);
	raise_windows(&s, 0xc0000374, 1, parameters);
	assert_described(&s, "STATUS_HEAP_CORRUPTION",
			 "the heap found itself corrupt: memory was overwritten, freed twice or "
			 "used after it was freed, at some time before (a block that is not in use "
			 "was freed: freed twice); by app.exe+0x1234");
	set_number(page.bytes + 8, 9999, 4);
	raise_windows(&s, 0xc0000374, 1, parameters);
	assert_true(memmem(s.text.data, s.text.len, "(", 1) == NULL);
	scene_done(&s);
}

static void
names_the_exception_that_came_before(void **state)
{
	struct scene s;
	struct page page;
	(void)state;
	for (size_t pointer_bytes = 4; pointer_bytes <= 8; pointer_bytes += 4) {
		scene_init(&s, pointer_bytes == 4 ? ARCH_X86 : ARCH_AMD64, DUMP_OS_WINDOWS);
		scene_add_page(&s, &page);
		set_number(page.bytes + 0x10, 0xc0000094, 4);
		set_number(page.bytes + 0x18 + pointer_bytes, 0x400777, pointer_bytes);
		s.dump.exception.record = PAGE + 0x10;
		raise_windows(&s, 0xc0000025, 0, NULL);
		assert_described(&s, "STATUS_NONCONTINUABLE_EXCEPTION",
				 "went on after an exception that does not allow it; by "
				 "app.exe+0x1234; after STATUS_INTEGER_DIVIDE_BY_ZERO by "
				 "app.exe+0x777");
		s.dump.exception.record = PAGE + 0x2000;
		raise_windows(&s, 0xc0000025, 0, NULL);
		assert_described(&s, "STATUS_NONCONTINUABLE_EXCEPTION",
				 "went on after an exception that does not allow it; by "
				 "app.exe+0x1234");
		scene_done(&s);
	}
}

/* ---- kernel ---- */

static void
describes_bug_checks(void **state)
{
	struct scene s;
	(void)state;
	scene_init(&s, ARCH_AMD64, DUMP_OS_WINDOWS);
	s.dump.exception.is_there = false;
	s.dump.bugcheck = (struct dump_bugcheck){true, 0x1000007e, {1, 2, 3, 0xffff}};
	describe(&s);
	assert_slice(buf_slice(&s.name), "SYSTEM_THREAD_EXCEPTION_NOT_HANDLED_M");
	assert_true(slice_starts_with(buf_slice(&s.text),
				      SLICE_LITERAL("bug check 0x1000007e SYSTEM_THREAD_")));
	assert_true(slice_ends_with(buf_slice(&s.text),
				    SLICE_LITERAL(", parameters 0x1 0x2 0x3 0xffff")));
	s.dump.bugcheck.code = 0xfffffff0;
	describe(&s);
	assert_slice(buf_slice(&s.name), "0xfffffff0");
	/* Beside an exception each has its own words. */
	s.dump.exception.is_there = true;
	raise_windows(&s, 0xc0000094, 0, NULL);
	assert_slice(buf_slice(&s.name), "STATUS_INTEGER_DIVIDE_BY_ZERO");
	s.dump.bugcheck.is_there = false;
	buf_reset(&s.name);
	exception_describe_bugcheck(&s.dump, &s.name, &s.text);
	assert_int_equal(s.name.len, 0);
	scene_done(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(says_when_there_was_no_exception),
		cmocka_unit_test(describes_whatever_it_is_given),
		cmocka_unit_test(describes_access_violations),
		cmocka_unit_test(says_where_the_instruction_is),
		cmocka_unit_test(says_when_a_violation_has_no_details),
		cmocka_unit_test(knows_nothing_of_addresses_without_regions),
		cmocka_unit_test(names_protections),
		cmocka_unit_test(takes_a_guarded_page_below_a_stack_for_its_guard),
		cmocka_unit_test(classifies_by_processor),
		cmocka_unit_test(describes_other_exceptions_of_windows),
		cmocka_unit_test(names_every_fast_fail),
		cmocka_unit_test(names_the_type_of_a_cpp_exception),
		cmocka_unit_test(does_not_name_a_type_that_is_no_text),
		cmocka_unit_test(names_the_dll_that_could_not_be_loaded),
		cmocka_unit_test(reads_stowed_errors_and_heap_failures),
		cmocka_unit_test(names_the_exception_that_came_before),
		cmocka_unit_test(describes_bug_checks),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
