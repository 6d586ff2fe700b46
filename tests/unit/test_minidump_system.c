#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/time.h"
#include "minidump_fixture.h"

/* ---- SystemInfo ---- */

static void
names_processor_and_system(void **state)
{
	static const struct {
		uint16_t architecture;
		uint32_t platform;
		enum arch arch;
		enum dump_os os;
	} rows[] = {
		{0, 2, ARCH_X86, DUMP_OS_WINDOWS},         {5, 0x8203, ARCH_ARM, DUMP_OS_ANDROID},
		{9, 0x8201, ARCH_AMD64, DUMP_OS_LINUX},    {10, 1, ARCH_X86, DUMP_OS_WINDOWS},
		{12, 2, ARCH_ARM64, DUMP_OS_WINDOWS},      {13, 2, ARCH_ARM, DUMP_OS_WINDOWS},
		{0x8003, 0x8102, ARCH_ARM64, DUMP_OS_IOS}, {9, 0x8101, ARCH_AMD64, DUMP_OS_MACOS},
		{9, 0x8202, ARCH_AMD64, DUMP_OS_SOLARIS},
	};
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct parsed p;
		struct minidump_builder *b = minidump_builder_new(ARCH_X86, DUMP_OS_WINDOWS);
		b->system.architecture = rows[i].architecture;
		b->system.platform = rows[i].platform;
		parsed_build(&p, b);
		assert_int_equal(p.dump.arch, rows[i].arch);
		assert_int_equal(p.dump.os, rows[i].os);
		assert_int_equal(p.dump.oddities.n, 0);
		parsed_done(&p);
		minidump_builder_free(b);
	}
}

static void
says_when_processor_or_system_are_unknown(void **state)
{
	struct parsed p;
	struct minidump_builder *b = minidump_builder_new(ARCH_UNKNOWN, DUMP_OS_UNKNOWN);
	(void)state;
	parsed_build(&p, b);
	assert_int_equal(p.dump.arch, ARCH_UNKNOWN);
	assert_int_equal(p.dump.os, DUMP_OS_UNKNOWN);
	assert_true(parsed_is_odd(&p, "architecture 0xffff"));
	assert_true(parsed_is_odd(&p, "platform 0x7777"));
	parsed_done(&p);
	minidump_builder_free(b);
}

static void
tells_the_processor_from_contexts_without_system_info(void **state)
{
	static const enum arch arches[] = {ARCH_X86, ARCH_AMD64, ARCH_ARM, ARCH_ARM64};
	(void)state;
	for (size_t i = 0; i < 4; i++) {
		struct parsed p;
		struct minidump_builder *b = build_crash(arches[i], DUMP_OS_WINDOWS);
		b->has_system = false;
		parsed_build(&p, b);
		assert_int_equal(p.dump.arch, arches[i]);
		assert_int_equal(registers_pc(&p.dump.threads.items[0].registers), 0x401234);
		assert_true(parsed_is_odd(&p, "contexts alone"));
		parsed_done(&p);
		minidump_builder_free(b);
	}
}

static void
describes_versions_and_processors(void **state)
{
	struct parsed p;
	struct minidump_builder *b = minidump_builder_new(ARCH_X86, DUMP_OS_WINDOWS);
	(void)state;
	b->system.csd_rva = minidump_builder_string(b, "Service Pack 2");
	memcpy(b->system.cpu.vendor, "GenuineIntel", 12);
	b->system.n_processors = 8;
	b->system.product_type = 3;
	b->system.suite_mask = 0x110;
	b->flags = UINT64_C(0x8000000000040121);
	parsed_build(&p, b);
	assert_slice(p.dump.os_version, "10.0.19045");
	assert_slice(p.dump.os_text, "Service Pack 2");
	assert_slice(p.dump.cpu, "GenuineIntel family 6 model 140 stepping 1");
	assert_int_equal(p.dump.processors, 8);
	assert_int_equal(p.dump.os_product_type, 3);
	assert_int_equal(p.dump.os_suite, 0x110);
	assert_true(p.dump.flags == UINT64_C(0x8000000000040121));
	assert_int_equal(p.dump.time_us, INT64_C(1700000000) * TIME_SECOND_US);
	parsed_done(&p);
	minidump_builder_free(b);
}

static void
takes_the_release_of_linux_from_its_uname_line(void **state)
{
	struct parsed p;
	struct minidump_builder *b = minidump_builder_new(ARCH_AMD64, DUMP_OS_LINUX);
	(void)state;
	b->system.csd_rva = minidump_builder_string(b, "Linux 4.9.60-aufs #1 SMP x86_64");
	parsed_build(&p, b);
	assert_slice(p.dump.os_version, "4.9.60-aufs");
	parsed_done(&p);
	minidump_builder_free(b);
	b = minidump_builder_new(ARCH_AMD64, DUMP_OS_LINUX);
	parsed_build(&p, b);
	assert_true(slice_is_absent(p.dump.os_version));
	parsed_done(&p);
	minidump_builder_free(b);
}

static void
marks_a_service_pack_outside_the_file(void **state)
{
	struct parsed p;
	struct minidump_builder *b = minidump_builder_new(ARCH_AMD64, DUMP_OS_LINUX);
	(void)state;
	b->system.csd_rva = 0x7fffffff;
	parsed_build(&p, b);
	assert_stream(&p, MINIDUMP_SYSTEM_INFO, ERR_TRUNCATED);
	assert_int_equal(p.dump.arch, ARCH_AMD64);
	parsed_done(&p);
	minidump_builder_free(b);
}

static void
refuses_a_short_system_info(void **state)
{
	struct parsed p;
	struct minidump_builder *b = minidump_builder_new(ARCH_AMD64, DUMP_OS_LINUX);
	uint8_t bytes[55] = {9};
	(void)state;
	b->has_system = false;
	minidump_builder_stream(b, MINIDUMP_SYSTEM_INFO, slice_of(bytes, sizeof(bytes)));
	parsed_build(&p, b);
	assert_stream(&p, MINIDUMP_SYSTEM_INFO, ERR_TRUNCATED);
	assert_int_equal(p.dump.arch, ARCH_UNKNOWN);
	parsed_done(&p);
	minidump_builder_free(b);
}

/* ---- who wrote it ---- */

static void
tells_the_writer(void **state)
{
	static const struct {
		uint32_t version;
		uint32_t stream;
		const char *writer;
	} rows[] = {
		{0x61b1a793, 0, "Microsoft"},
		{0x61b1a793, MINIDUMP_BREAKPAD_INFO, "Breakpad, by Microsoft's library"},
		{0x0000a793, MINIDUMP_LINUX_MAPS, "Breakpad"},
		{0x0000a793, MINIDUMP_CRASHPAD_INFO, "Crashpad"},
		{0x0000a793, 0xfff0, "Wine"},
		{0x0000a793, 0, ""},
	};
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct parsed p;
		struct minidump_builder *b = minidump_builder_new(ARCH_X86, DUMP_OS_WINDOWS);
		b->version = rows[i].version;
		if (rows[i].stream != 0)
			minidump_builder_entry(b, rows[i].stream, 0, 32);
		parsed_build(&p, b);
		assert_slice(p.dump.writer, rows[i].writer);
		parsed_done(&p);
		minidump_builder_free(b);
	}
}

/* ---- MiscInfo ---- */

static void
put_name(struct buf *out, const char *text, size_t bytes)
{
	size_t from = out->len;
	for (; *text != 0; text++)
		put_u16(out, (uint8_t)*text);
	buf_append_zero(out, bytes - (out->len - from));
}

static struct buf
make_misc(uint32_t bytes, uint32_t flags)
{
	struct buf out = new_stream();
	put_u32(&out, bytes);
	put_u32(&out, flags);
	put_u32(&out, 4321);
	put_u32(&out, 1600000000);
	put_u32(&out, 7);
	put_u32(&out, 8);
	for (uint32_t i = 0; i < 5; i++)
		put_u32(&out, 1000 + i);
	put_u32(&out, 0x3000); /* integrity */
	put_u32(&out, 0xd);
	put_u32(&out, 1);
	put_u32(&out, 2); /* daylight */
	put_u32(&out, (uint32_t)-60);
	put_name(&out, "Standard", 64);
	buf_append_zero(&out, 16);
	put_u32(&out, 0);
	put_name(&out, "Daylight", 64);
	buf_append_zero(&out, 16);
	put_u32(&out, (uint32_t)-60);
	put_name(&out, "19041.1.amd64fre", 520);
	put_name(&out, "dbgcore.amd64,10.0.1", 80);
	put_u32(&out, 528);
	put_u32(&out, 0x57f);
	put_u64(&out, 0x803);
	buf_append_zero(&out, 512);
	put_u32(&out, 0xc00c1e);
	out.len = bytes;
	return out;
}

static void
reads_misc_info_of_all_lengths(void **state)
{
	static const uint32_t lengths[] = {24, 44, 232, 832, 1364, 1368};
	(void)state;
	for (size_t i = 0; i < 6; i++) {
		struct parsed p;
		struct minidump_builder *b = minidump_builder_new(ARCH_AMD64, DUMP_OS_WINDOWS);
		uint32_t flags = i == 0 ? 0x3 : i == 1 ? 0x7 : i == 2 ? 0xf7 : 0x3f7;
		struct buf misc = make_misc(lengths[i] == 1368 ? 1364 : lengths[i], flags);
		if (lengths[i] == 1368)
			put_u32(&misc, 0);
		add_stream(b, MINIDUMP_MISC_INFO, &misc);
		parsed_build(&p, b);
		assert_stream(&p, MINIDUMP_MISC_INFO, OK);
		assert_int_equal(p.dump.process_id, 4321);
		assert_int_equal(p.dump.process_started_us, INT64_C(1600000000) * TIME_SECOND_US);
		assert_int_equal(p.dump.process_user_us, 7 * TIME_SECOND_US);
		assert_int_equal(p.dump.process_kernel_us, 8 * TIME_SECOND_US);
		assert_slice(parsed_fact(&p, "processor.max_mhz"), i >= 1 ? "1000" : "");
		assert_slice(p.dump.integrity, i >= 2 ? "high" : "");
		assert_slice(parsed_fact(&p, "time_zone.name"), i >= 2 ? "Daylight" : "");
		assert_slice(parsed_fact(&p, "time_zone.minutes_behind_utc"), i >= 2 ? "-120" : "");
		assert_slice(parsed_fact(&p, "system.build"), i >= 3 ? "19041.1.amd64fre" : "");
		assert_slice(parsed_fact(&p, "processor.xstate"), i >= 4 ? "0x803" : "");
		parsed_done(&p);
		minidump_builder_free(b);
	}
}

static void
asks_the_flags_of_misc_info(void **state)
{
	struct parsed p;
	struct minidump_builder *b = minidump_builder_new(ARCH_AMD64, DUMP_OS_WINDOWS);
	struct buf misc = make_misc(1364, 0);
	(void)state;
	add_stream(b, MINIDUMP_MISC_INFO, &misc);
	parsed_build(&p, b);
	assert_int_equal(p.dump.process_id, 0);
	assert_int_equal(p.dump.process_started_us, 0);
	assert_true(slice_is_absent(p.dump.integrity));
	assert_true(slice_is_absent(parsed_fact(&p, "system.build")));
	parsed_done(&p);
	minidump_builder_free(b);
}

static void
refuses_a_short_misc_info(void **state)
{
	struct parsed p;
	struct minidump_builder *b = minidump_builder_new(ARCH_AMD64, DUMP_OS_WINDOWS);
	struct buf misc = make_misc(23, 0x3);
	(void)state;
	add_stream(b, MINIDUMP_MISC_INFO, &misc);
	parsed_build(&p, b);
	assert_stream(&p, MINIDUMP_MISC_INFO, ERR_TRUNCATED);
	assert_int_equal(p.dump.process_id, 0);
	parsed_done(&p);
	minidump_builder_free(b);
}

static void
names_integrity_levels(void **state)
{
	static const struct {
		uint32_t rid;
		const char *name;
	} rows[] = {
		{0, "untrusted"},        {0x1000, "low"},  {0x2000, "medium"},
		{0x2100, "medium plus"}, {0x3000, "high"}, {0x4000, "system"},
		{0x5000, "protected"},
	};
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct parsed p;
		struct minidump_builder *b = minidump_builder_new(ARCH_AMD64, DUMP_OS_WINDOWS);
		struct buf misc = make_misc(232, MINIDUMP_MISC_INTEGRITY);
		set_u32(misc.data + 44, rows[i].rid);
		add_stream(b, MINIDUMP_MISC_INFO, &misc);
		parsed_build(&p, b);
		assert_slice(p.dump.integrity, rows[i].name);
		parsed_done(&p);
		minidump_builder_free(b);
	}
}

/* ---- memory of system and process ---- */

static struct buf
make_system_memory(uint16_t revision)
{
	struct buf out = new_stream();
	put_u16(&out, revision);
	put_u16(&out, 7);
	put_u32(&out, 156250);
	put_u32(&out, 4096);
	put_u32(&out, 2000000);
	buf_append_zero(&out, 12);
	put_u64(&out, 0x10000);
	put_u64(&out, UINT64_C(0x7ffffffeffff));
	put_u64(&out, 0xff);
	put_u32(&out, 8);
	buf_append_zero(&out, 60);
	for (uint64_t i = 1; i <= 4; i++)
		put_u64(&out, i * 1000);
	return out;
}

static void
reads_the_memory_of_the_system(void **state)
{
	struct parsed p;
	struct minidump_builder *b = minidump_builder_new(ARCH_AMD64, DUMP_OS_WINDOWS);
	struct buf stream = make_system_memory(1);
	(void)state;
	add_stream(b, MINIDUMP_SYSTEM_MEMORY_INFO, &stream);
	parsed_build(&p, b);
	assert_stream(&p, MINIDUMP_SYSTEM_MEMORY_INFO, OK);
	assert_slice(parsed_fact(&p, "system_memory.page_bytes"), "4096");
	assert_slice(parsed_fact(&p, "system_memory.physical_pages"), "2000000");
	assert_slice(parsed_fact(&p, "system_memory.highest_user_address"), "0x7ffffffeffff");
	assert_slice(parsed_fact(&p, "system_memory.available_pages"), "1000");
	assert_slice(parsed_fact(&p, "system_memory.peak_commit_pages"), "4000");
	parsed_done(&p);
	minidump_builder_free(b);
}

static void
does_not_guess_at_other_revisions(void **state)
{
	struct parsed p;
	struct minidump_builder *b = minidump_builder_new(ARCH_AMD64, DUMP_OS_WINDOWS);
	struct buf stream = make_system_memory(9);
	(void)state;
	add_stream(b, MINIDUMP_SYSTEM_MEMORY_INFO, &stream);
	stream = new_stream();
	put_u16(&stream, 3);
	buf_append_zero(&stream, 200);
	add_stream(b, MINIDUMP_PROCESS_VM_COUNTERS, &stream);
	parsed_build(&p, b);
	assert_stream(&p, MINIDUMP_SYSTEM_MEMORY_INFO, ERR_UNSUPPORTED);
	assert_stream(&p, MINIDUMP_PROCESS_VM_COUNTERS, ERR_UNSUPPORTED);
	assert_int_equal(p.dump.facts.n, 0);
	parsed_done(&p);
	minidump_builder_free(b);
}

static void
reads_counters_of_both_revisions(void **state)
{
	(void)state;
	for (uint16_t revision = 1; revision <= 2; revision++) {
		for (uint16_t flags = 0; flags <= 1; flags++) {
			struct parsed p;
			struct minidump_builder *b =
				minidump_builder_new(ARCH_AMD64, DUMP_OS_WINDOWS);
			struct buf stream = new_stream();
			put_u16(&stream, revision);
			put_u16(&stream, flags);
			put_u32(&stream, 99);
			for (uint64_t i = 1; i <= 18; i++)
				put_u64(&stream, i);
			add_stream(b, MINIDUMP_PROCESS_VM_COUNTERS, &stream);
			parsed_build(&p, b);
			assert_slice(parsed_fact(&p, "vm.page_faults"), "99");
			assert_slice(parsed_fact(&p, "vm.working_set_bytes"), "2");
			assert_slice(parsed_fact(&p, "vm.peak_page_file_bytes"), "8");
			assert_slice(parsed_fact(&p, "vm.private_bytes"),
				     revision == 1 ? "9" : "11");
			assert_slice(parsed_fact(&p, "vm.virtual_bytes"),
				     revision == 2 && flags == 1 ? "10" : "");
			parsed_done(&p);
			minidump_builder_free(b);
		}
	}
}

static void
keeps_the_counters_that_a_cut_stream_has(void **state)
{
	struct parsed p;
	struct minidump_builder *b = minidump_builder_new(ARCH_AMD64, DUMP_OS_WINDOWS);
	struct buf stream = new_stream();
	(void)state;
	put_u16(&stream, 1);
	put_u16(&stream, 0);
	put_u32(&stream, 99);
	put_u64(&stream, 5);
	put_u32(&stream, 6);
	add_stream(b, MINIDUMP_PROCESS_VM_COUNTERS, &stream);
	parsed_build(&p, b);
	assert_stream(&p, MINIDUMP_PROCESS_VM_COUNTERS, ERR_TRUNCATED);
	assert_slice(parsed_fact(&p, "vm.peak_working_set_bytes"), "5");
	assert_true(slice_is_absent(parsed_fact(&p, "vm.working_set_bytes")));
	parsed_done(&p);
	minidump_builder_free(b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_processor_and_system),
		cmocka_unit_test(says_when_processor_or_system_are_unknown),
		cmocka_unit_test(tells_the_processor_from_contexts_without_system_info),
		cmocka_unit_test(describes_versions_and_processors),
		cmocka_unit_test(takes_the_release_of_linux_from_its_uname_line),
		cmocka_unit_test(marks_a_service_pack_outside_the_file),
		cmocka_unit_test(refuses_a_short_system_info),
		cmocka_unit_test(tells_the_writer),
		cmocka_unit_test(reads_misc_info_of_all_lengths),
		cmocka_unit_test(asks_the_flags_of_misc_info),
		cmocka_unit_test(refuses_a_short_misc_info),
		cmocka_unit_test(names_integrity_levels),
		cmocka_unit_test(reads_the_memory_of_the_system),
		cmocka_unit_test(does_not_guess_at_other_revisions),
		cmocka_unit_test(reads_counters_of_both_revisions),
		cmocka_unit_test(keeps_the_counters_that_a_cut_stream_has),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
