#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "minidump_fixture.h"

static void
done(struct parsed *p, struct minidump_builder *b)
{
	parsed_done(p);
	minidump_builder_free(b);
}

/* ---- comments ---- */

static void
joins_all_comments(void **state)
{
	struct parsed p;
	struct minidump_builder *b = minidump_builder_new(ARCH_AMD64, DUMP_OS_WINDOWS);
	(void)state;
	minidump_builder_stream(b, MINIDUMP_COMMENT_W,
				SLICE_LITERAL("w\0i\0d\0e\0\r\0\n\0\0\0x\0"));
	minidump_builder_stream(b, MINIDUMP_COMMENT_A, SLICE_LITERAL("\r\nfirst\0rest"));
	minidump_builder_stream(b, MINIDUMP_COMMENT_A, SLICE_LITERAL("second \xff"));
	minidump_builder_stream(b, MINIDUMP_COMMENT_A, SLICE_LITERAL(" \0"));
	parsed_build(&p, b);
	assert_slice(p.dump.comment, "first\nsecond \xef\xbf\xbd\nwide");
	done(&p, b);
}

static void
cuts_a_comment_at_the_limit(void **state)
{
	struct parsed p;
	struct minidump_builder *b = minidump_builder_new(ARCH_AMD64, DUMP_OS_WINDOWS);
	size_t len = LIMIT_MINIDUMP_BLOCK_BYTES + 1;
	uint8_t *text = malloc(len);
	(void)state;
	assert_non_null(text);
	memset(text, 'c', len);
	minidump_builder_stream(b, MINIDUMP_COMMENT_A, slice_of(text, len));
	parsed_build(&p, b);
	assert_stream(&p, MINIDUMP_COMMENT_A, ERR_LIMIT);
	assert_int_equal(p.dump.comment.len, LIMIT_MINIDUMP_BLOCK_BYTES);
	done(&p, b);
	free(text);
}

/* ---- token ---- */

static void
put_sid(struct buf *out, uint8_t authority, const uint32_t *parts, uint8_t n)
{
	buf_append_byte(out, 1);
	buf_append_byte(out, n);
	buf_append_zero(out, 5);
	buf_append_byte(out, authority);
	for (uint8_t i = 0; i < n; i++)
		put_u32(out, parts[i]);
}

enum {
	TOKEN_HEADER = 72,
	N_BLOCKS = 6
};

/* The blocks of a token, in the order of the file. */
static void
make_blocks(struct buf blocks[N_BLOCKS])
{
	static const uint32_t user[] = {21, 1, 2, 3, 1001};
	static const uint32_t system_integrity[] = {0x4000};
	static const uint32_t administrators[] = {32, 544};
	for (size_t i = 0; i < N_BLOCKS; i++)
		blocks[i] = new_stream();
	put_u32(&blocks[0], 1);
	put_u64(&blocks[1], 8);
	put_sid(&blocks[1], 5, user, 5);
	put_u32(&blocks[2], 3);
	put_u32(&blocks[2], 28);
	put_u32(&blocks[2], 0x10);
	put_u32(&blocks[2], 44);
	put_u32(&blocks[2], 0x60);
	put_u32(&blocks[2], 9999); /* outside */
	put_u32(&blocks[2], 7);
	put_sid(&blocks[2], 5, administrators, 2);
	put_sid(&blocks[2], 16, system_integrity, 1);
	put_u32(&blocks[3], 8);
	put_u32(&blocks[4], 3);
	put_u64(&blocks[4], 20);
	put_u32(&blocks[4], 2);
	put_u64(&blocks[4], 19);
	put_u32(&blocks[4], 0);
	put_u64(&blocks[4], 777);
	put_u32(&blocks[4], 0);
	put_u64(&blocks[5], 1);
	put_u64(&blocks[5], 0x3e7);
	put_u64(&blocks[5], 0);
	put_u32(&blocks[5], 1);
}

static struct buf
make_token(uint32_t n)
{
	struct buf blocks[N_BLOCKS];
	struct buf body = new_stream();
	struct buf out = new_stream();
	make_blocks(blocks);
	put_u32(&body, 0); /* its size, below */
	put_u32(&body, 4242);
	put_u64(&body, 0x338);
	uint32_t at = TOKEN_HEADER;
	for (size_t i = 0; i < N_BLOCKS; i++) {
		put_u32(&body, at);
		put_u32(&body, (uint32_t)blocks[i].len);
		at += (uint32_t)blocks[i].len;
	}
	buf_append_zero(&body, TOKEN_HEADER - body.len);
	for (size_t i = 0; i < N_BLOCKS; i++) {
		buf_append(&body, buf_slice(&blocks[i]));
		buf_done(&blocks[i]);
	}
	set_u32(body.data, (uint32_t)body.len);
	put_u32(&out, (uint32_t)(16 + body.len));
	put_u32(&out, n);
	put_u32(&out, 16);
	put_u32(&out, TOKEN_HEADER);
	buf_append(&out, buf_slice(&body));
	buf_done(&body);
	return out;
}

static void
reads_the_token(void **state)
{
	struct parsed p;
	struct minidump_builder *b = minidump_builder_new(ARCH_AMD64, DUMP_OS_WINDOWS);
	struct buf token = make_token(1);
	(void)state;
	add_stream(b, MINIDUMP_TOKEN, &token);
	parsed_build(&p, b);
	assert_stream(&p, MINIDUMP_TOKEN, OK);
	assert_slice(p.dump.user, "S-1-5-21-1-2-3-1001");
	assert_slice(p.dump.integrity, "system");
	assert_slice(parsed_fact(&p, "token.groups"), "S-1-5-32-544(deny) S-1-16-16384");
	assert_slice(parsed_fact(&p, "token.privileges"),
		     "SeDebugPrivilege+ SeShutdownPrivilege 777");
	assert_slice(parsed_fact(&p, "token.type"), "primary");
	assert_slice(parsed_fact(&p, "token.logon_session"), "0x3e7");
	done(&p, b);
}

static void
refuses_tokens_that_contradict_themselves(void **state)
{
	static const struct {
		size_t at;
		uint32_t value;
		err_t err;
	} rows[] = {
		{0, 0x7fffffff, ERR_CORRUPT},
		{8, 0x7fffffff, ERR_CORRUPT},
		{12, 0x7fffffff, ERR_CORRUPT},
		{16, 0x7fffffff, ERR_CORRUPT},
		{4, 0, OK},
	};
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct parsed p;
		struct minidump_builder *b = minidump_builder_new(ARCH_AMD64, DUMP_OS_WINDOWS);
		struct buf token = make_token(1);
		set_u32(token.data + rows[i].at, rows[i].value);
		add_stream(b, MINIDUMP_TOKEN, &token);
		parsed_build(&p, b);
		assert_stream(&p, MINIDUMP_TOKEN, rows[i].err);
		assert_true(slice_is_absent(p.dump.user));
		done(&p, b);
	}
}

/* Every number of a token in turn is made huge: nothing but what it names is lost. */
static void
survives_every_wrong_number_in_a_token(void **state)
{
	struct buf token = make_token(1);
	(void)state;
	for (size_t at = 0; at + 4 <= token.len; at += 4) {
		struct parsed p;
		struct minidump_builder *b = minidump_builder_new(ARCH_AMD64, DUMP_OS_WINDOWS);
		struct buf broken = make_token(1);
		set_u32(broken.data + at, UINT32_MAX);
		add_stream(b, MINIDUMP_TOKEN, &broken);
		parsed_build(&p, b);
		assert_int_equal(p.dump.arch, ARCH_AMD64);
		done(&p, b);
	}
	buf_done(&token);
}

/* ---- Breakpad ---- */

static void
reads_who_asked_for_the_dump(void **state)
{
	(void)state;
	for (uint32_t validity = 0; validity < 4; validity++) {
		struct parsed p;
		struct minidump_builder *b = minidump_builder_new(ARCH_X86, DUMP_OS_WINDOWS);
		struct buf info = new_stream();
		put_u32(&info, validity);
		put_u32(&info, 100);
		put_u32(&info, 200);
		add_stream(b, MINIDUMP_BREAKPAD_INFO, &info);
		parsed_build(&p, b);
		assert_slice(parsed_fact(&p, "breakpad.dump_thread"),
			     (validity & 1) != 0 ? "100" : "");
		assert_int_equal(p.dump.requesting_thread, (validity & 2) != 0 ? 200 : 0);
		done(&p, b);
	}
}

static void
put_wide_text(struct buf *out, const char *text, size_t bytes)
{
	size_t from = out->len;
	for (; *text != 0; text++)
		put_u16(out, (uint8_t)*text);
	buf_append_zero(out, bytes - (out->len - from));
}

static void
reads_assertions(void **state)
{
	static const char *const kinds[] = {"assertion", "invalid parameter", "pure virtual call",
					    "assertion"};
	(void)state;
	for (uint32_t kind = 0; kind < 4; kind++) {
		struct parsed p;
		struct minidump_builder *b = minidump_builder_new(ARCH_X86, DUMP_OS_WINDOWS);
		struct buf stream = new_stream();
		put_wide_text(&stream, "x != 0", 256);
		put_wide_text(&stream, "divide", 256);
		put_wide_text(&stream, "math.c", 256);
		put_u32(&stream, 42);
		put_u32(&stream, kind);
		add_stream(b, MINIDUMP_BREAKPAD_ASSERTION, &stream);
		parsed_build(&p, b);
		assert_slice(parsed_fact(&p, "assertion.kind"), kinds[kind]);
		assert_slice(parsed_fact(&p, "assertion.expression"), "x != 0");
		assert_slice(parsed_fact(&p, "assertion.function"), "divide");
		assert_slice(parsed_fact(&p, "assertion.file"), "math.c");
		assert_slice(parsed_fact(&p, "assertion.line"), "42");
		done(&p, b);
	}
}

static void
marks_vendor_streams_that_end_early(void **state)
{
	static const uint32_t types[] = {MINIDUMP_BREAKPAD_INFO,   MINIDUMP_BREAKPAD_ASSERTION,
					 MINIDUMP_LINUX_DSO_DEBUG, MINIDUMP_CRASHPAD_INFO,
					 MINIDUMP_TOKEN,           MINIDUMP_FUNCTION_TABLE,
					 MINIDUMP_HANDLE_DATA,     MINIDUMP_MEMORY_INFO_LIST,
					 MINIDUMP_MEMORY64_LIST};
	(void)state;
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		struct parsed p;
		struct minidump_builder *b = minidump_builder_new(ARCH_X86, DUMP_OS_WINDOWS);
		minidump_builder_stream(b, types[i], SLICE_LITERAL("\1\0\0\0\1\0\0\0\1\0"));
		parsed_build(&p, b);
		assert_stream(&p, types[i], ERR_TRUNCATED);
		assert_false(parsed_stream(&p, types[i])->is_read);
		done(&p, b);
	}
}

/* ---- Linux ---- */

static void
reads_the_texts_of_proc(void **state)
{
	struct parsed p;
	struct minidump_builder *b = minidump_builder_new(ARCH_AMD64, DUMP_OS_LINUX);
	(void)state;
	minidump_builder_stream(b, MINIDUMP_LINUX_CPUINFO,
				SLICE_LITERAL("processor\t: 0\nmodel name\t: Some CPU @ 3GHz\n"
					      "microcode\t: 0x17\nmodel name\t: another\n"));
	minidump_builder_stream(b, MINIDUMP_LINUX_STATUS,
				SLICE_LITERAL("Name:\tapp\nPid:\t4711\nPPid:\t1\nnonsense\n"
					      "Uid:\t1000\t1000\t1000\t1000\nThreads:\t3"));
	minidump_builder_stream(b, MINIDUMP_LINUX_LSB_RELEASE,
				SLICE_LITERAL("DISTRIB_ID=Ubuntu\n"
					      "DISTRIB_DESCRIPTION=\"Ubuntu 16.04.1 LTS\"\n"));
	minidump_builder_stream(b, MINIDUMP_LINUX_CMDLINE,
				SLICE_LITERAL("/usr/bin/app\0--file\0a b\0\0"));
	minidump_builder_stream(b, MINIDUMP_LINUX_ENVIRON,
				SLICE_LITERAL("HOME=/home/x\0BAD=\xff\0LAST=1\0"));
	parsed_build(&p, b);
	assert_slice(p.dump.cpu, "Some CPU @ 3GHz");
	assert_slice(parsed_fact(&p, "cpu.microcode"), "0x17");
	assert_int_equal(p.dump.process_id, 4711);
	assert_slice(parsed_fact(&p, "process.name"), "app");
	assert_slice(parsed_fact(&p, "process.parent"), "1");
	assert_slice(parsed_fact(&p, "process.threads"), "3");
	assert_slice(parsed_fact(&p, "os.distribution"), "Ubuntu 16.04.1 LTS");
	assert_slice(p.dump.command_line, "/usr/bin/app --file a b");
	assert_slice(p.dump.environment, "HOME=/home/x\nBAD=\xef\xbf\xbd\nLAST=1\n");
	done(&p, b);
}

static void
takes_empty_texts_of_proc_for_nothing(void **state)
{
	struct parsed p;
	struct minidump_builder *b = minidump_builder_new(ARCH_AMD64, DUMP_OS_LINUX);
	(void)state;
	for (uint32_t type = MINIDUMP_LINUX_CPUINFO; type <= MINIDUMP_LINUX_MAPS; type++)
		minidump_builder_stream(b, type, SLICE_LITERAL("\0\0"));
	parsed_build(&p, b);
	assert_true(slice_is_absent(p.dump.command_line));
	assert_true(slice_is_absent(p.dump.environment));
	assert_int_equal(p.dump.facts.n, 0);
	assert_int_equal(p.dump.process_id, 0);
	done(&p, b);
}

static void
cuts_texts_of_proc_at_the_limit(void **state)
{
	struct parsed p;
	struct minidump_builder *b = minidump_builder_new(ARCH_AMD64, DUMP_OS_LINUX);
	size_t len = LIMIT_MINIDUMP_BLOCK_BYTES + 100;
	uint8_t *text = malloc(len);
	(void)state;
	assert_non_null(text);
	memset(text, 'e', len);
	for (uint32_t type = MINIDUMP_LINUX_CPUINFO; type <= MINIDUMP_LINUX_ENVIRON; type++)
		minidump_builder_stream(b, type, slice_of(text, len));
	parsed_build(&p, b);
	for (uint32_t type = MINIDUMP_LINUX_CPUINFO; type <= MINIDUMP_LINUX_ENVIRON; type++)
		assert_stream(&p, type, ERR_LIMIT);
	assert_int_equal(p.dump.environment.len, LIMIT_MINIDUMP_BLOCK_BYTES + 1);
	done(&p, b);
	free(text);
}

static void
reads_the_auxiliary_vector_of_both_sizes(void **state)
{
	(void)state;
	for (int is_wide = 0; is_wide <= 1; is_wide++) {
		struct parsed p;
		struct minidump_builder *b =
			minidump_builder_new(is_wide != 0 ? ARCH_ARM64 : ARCH_ARM, DUMP_OS_ANDROID);
		struct buf auxv = new_stream();
		struct buf dso = new_stream();
		void (*put)(struct buf *, uint64_t) = put_u64;
		for (uint64_t type = 3; type <= 9; type += 3) {
			if (is_wide != 0) {
				put(&auxv, type);
				put(&auxv, 0x1000 * type);
			} else {
				put_u32(&auxv, (uint32_t)type);
				put_u32(&auxv, (uint32_t)(0x1000 * type));
			}
		}
		buf_append_zero(&auxv, 16);
		put_u32(&auxv, 3); /* behind the end */
		add_stream(b, MINIDUMP_LINUX_AUXV, &auxv);
		put_u32(&dso, 1);
		put_u32(&dso, 0);
		put_u32(&dso, 5);
		if (is_wide != 0) {
			put_u32(&dso, 0);
			put_u64(&dso, 0x7000);
			put_u64(&dso, 0x8000);
		} else {
			put_u32(&dso, 0x7000);
			put_u32(&dso, 0x8000);
		}
		add_stream(b, MINIDUMP_LINUX_DSO_DEBUG, &dso);
		parsed_build(&p, b);
		assert_slice(parsed_fact(&p, "auxv.phdr"), "0x3000");
		assert_slice(parsed_fact(&p, "auxv.page_bytes"), "0x6000");
		assert_slice(parsed_fact(&p, "auxv.entry"), "0x9000");
		assert_slice(parsed_fact(&p, "loader.libraries"), "5");
		assert_slice(parsed_fact(&p, "loader.breakpoint"), "0x7000");
		assert_slice(parsed_fact(&p, "loader.base"), "0x8000");
		done(&p, b);
	}
}

/* ---- Crashpad ---- */

static uint32_t
utf8_blob(struct minidump_builder *b, const char *text)
{
	struct buf out = new_stream();
	put_u32(&out, (uint32_t)strlen(text));
	buf_append_str(&out, text);
	uint32_t rva = minidump_builder_blob(b, buf_slice(&out));
	buf_done(&out);
	return rva;
}

static uint32_t
blob_of(struct minidump_builder *b, struct buf *out, uint32_t *ret_bytes)
{
	*ret_bytes = (uint32_t)out->len;
	uint32_t rva = minidump_builder_blob(b, buf_slice(out));
	buf_done(out);
	return rva;
}

static void
put_blob(struct minidump_builder *b, struct buf *out, struct buf *blob)
{
	uint32_t bytes;
	uint32_t rva = blob_of(b, blob, &bytes);
	put_u32(out, bytes);
	put_u32(out, rva);
}

/* A module's annotations of all three kinds. */
static struct buf
make_module_info(struct minidump_builder *b)
{
	struct buf info = new_stream();
	struct buf texts = new_stream();
	struct buf simple = new_stream();
	struct buf objects = new_stream();
	put_u32(&texts, 1);
	put_u32(&texts, utf8_blob(b, "abort() called"));
	put_u32(&simple, 1);
	put_u32(&simple, utf8_blob(b, "k"));
	put_u32(&simple, utf8_blob(b, "v"));
	put_u32(&objects, 2);
	put_u32(&objects, utf8_blob(b, "ptype"));
	put_u16(&objects, 1);
	put_u16(&objects, 0);
	put_u32(&objects, utf8_blob(b, "browser"));
	put_u32(&objects, utf8_blob(b, "raw"));
	put_u16(&objects, 0x8001);
	put_u16(&objects, 0);
	put_u32(&objects, utf8_blob(b, "\x01\x02"));
	put_u32(&info, 1);
	put_blob(b, &info, &texts);
	put_blob(b, &info, &simple);
	put_blob(b, &info, &objects);
	return info;
}

static void
put_crashpad(struct minidump_builder *b, uint32_t module_index)
{
	struct buf stream = new_stream();
	struct buf simple = new_stream();
	struct buf modules = new_stream();
	struct buf info = make_module_info(b);
	put_u32(&simple, 1);
	put_u32(&simple, utf8_blob(b, "prod"));
	put_u32(&simple, utf8_blob(b, "Example"));
	put_u32(&modules, 1);
	put_u32(&modules, module_index);
	put_blob(b, &modules, &info);
	put_u32(&stream, 1);
	for (uint8_t i = 1; i <= 32; i++)
		buf_append_byte(&stream, i);
	put_blob(b, &stream, &simple);
	put_blob(b, &stream, &modules);
	add_stream(b, MINIDUMP_CRASHPAD_INFO, &stream);
}

static void
assert_annotation(const struct parsed *p, size_t index, const char *name, const char *value)
{
	assert_true(index < p->dump.annotations.n);
	assert_slice(p->dump.annotations.items[index].name, name);
	assert_slice(p->dump.annotations.items[index].value, value);
}

static void
reads_annotations_of_process_and_modules(void **state)
{
	static const struct {
		uint32_t index;
		const char *names[4];
	} rows[] = {
		{0, {"app.exe", "app.exe!k", "app.exe!ptype", "app.exe!raw"}},
		{9, {"module 9", "module 9!k", "module 9!ptype", "module 9!raw"}},
	};
	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct parsed p;
		struct minidump_builder *b = build_crash(ARCH_AMD64, DUMP_OS_WINDOWS);
		put_crashpad(b, rows[i].index);
		parsed_build(&p, b);
		assert_stream(&p, MINIDUMP_CRASHPAD_INFO, OK);
		assert_int_equal(p.dump.annotations.n, 5);
		assert_annotation(&p, 0, "prod", "Example");
		assert_annotation(&p, 1, rows[i].names[0], "abort() called");
		assert_annotation(&p, 2, rows[i].names[1], "v");
		assert_annotation(&p, 3, rows[i].names[2], "browser");
		assert_annotation(&p, 4, rows[i].names[3], "type 32769: 0102");
		assert_slice(parsed_fact(&p, "crashpad.report_id"),
			     "04030201-0605-0807-090a-0b0c0d0e0f10");
		assert_slice(parsed_fact(&p, "crashpad.client_id"),
			     "14131211-1615-1817-191a-1b1c1d1e1f20");
		done(&p, b);
	}
}

static void
refuses_crashpad_lists_that_contradict_themselves(void **state)
{
	/* Where the two locations stand in the stream, and what they are told to be. */
	static const struct {
		size_t at;
		uint32_t value;
		err_t err;
	} rows[] = {
		{36, 0, OK},          /* no simple annotations */
		{36, 3, ERR_CORRUPT}, /* no room for a count */
		{36, 8, ERR_CORRUPT}, /* fewer bytes than the count needs */
		{40, 0xfffffff0, ERR_TRUNCATED},
		{44, 4, ERR_CORRUPT},
		{48, 0xfffffff0, ERR_TRUNCATED},
	};
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct parsed p;
		struct minidump_builder *b = build_crash(ARCH_AMD64, DUMP_OS_WINDOWS);
		put_crashpad(b, 0);
		struct slice file = minidump_builder_finish(b);
		set_u32(minidump_builder_find(b, MINIDUMP_CRASHPAD_INFO) + rows[i].at,
			rows[i].value);
		assert_int_equal(parsed_try(&p, file), OK);
		assert_stream(&p, MINIDUMP_CRASHPAD_INFO, rows[i].err);
		assert_true(p.dump.annotations.n < 5);
		done(&p, b);
	}
}

/* Texts that are not there cost their own value, and the stream says so. */
static void
keeps_annotations_whose_texts_are_lost(void **state)
{
	static const uint32_t rvas[] = {0, 0x7fffffff};
	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct parsed p;
		struct minidump_builder *b = minidump_builder_new(ARCH_AMD64, DUMP_OS_LINUX);
		struct buf stream = new_stream();
		struct buf simple = new_stream();
		put_u32(&simple, 1);
		put_u32(&simple, utf8_blob(b, "key"));
		put_u32(&simple, rvas[i]);
		put_u32(&stream, 1);
		buf_append_zero(&stream, 32);
		put_blob(b, &stream, &simple);
		put_u64(&stream, 0);
		add_stream(b, MINIDUMP_CRASHPAD_INFO, &stream);
		parsed_build(&p, b);
		assert_stream(&p, MINIDUMP_CRASHPAD_INFO, i == 0 ? OK : ERR_TRUNCATED);
		assert_int_equal(p.dump.annotations.n, 1);
		assert_slice(p.dump.annotations.items[0].name, "key");
		assert_true(slice_is_absent(p.dump.annotations.items[0].value));
		done(&p, b);
	}
}

static void
marks_module_annotations_that_end_early(void **state)
{
	struct parsed p;
	struct minidump_builder *b = minidump_builder_new(ARCH_AMD64, DUMP_OS_LINUX);
	struct buf stream = new_stream();
	struct buf modules = new_stream();
	struct buf info = new_stream();
	(void)state;
	put_u32(&info, 1);
	put_u64(&info, 0);
	put_u32(&modules, 1);
	put_u32(&modules, 0);
	put_blob(b, &modules, &info);
	put_u32(&stream, 1);
	buf_append_zero(&stream, 40);
	put_blob(b, &stream, &modules);
	add_stream(b, MINIDUMP_CRASHPAD_INFO, &stream);
	parsed_build(&p, b);
	assert_stream(&p, MINIDUMP_CRASHPAD_INFO, ERR_TRUNCATED);
	assert_int_equal(p.dump.annotations.n, 0);
	done(&p, b);
}

/* A list whose thousands of entries all name one module that has thousands of annotations. */
static void
bounds_annotations_that_refer_to_each_other(void **state)
{
	struct parsed p;
	struct minidump_builder *b = minidump_builder_new(ARCH_AMD64, DUMP_OS_LINUX);
	struct buf stream = new_stream();
	struct buf modules = new_stream();
	struct buf info = new_stream();
	struct buf texts = new_stream();
	struct buf simple = new_stream();
	uint32_t text = utf8_blob(b, "t");
	uint32_t bytes;
	(void)state;
	put_u32(&texts, 20000);
	for (size_t i = 0; i < 20000; i++)
		put_u32(&texts, text);
	put_u32(&info, 1);
	put_blob(b, &info, &texts);
	put_u64(&info, 0);
	uint32_t rva = blob_of(b, &info, &bytes);
	put_u32(&modules, 20000);
	for (uint32_t i = 0; i < 20000; i++) {
		put_u32(&modules, i);
		put_u32(&modules, bytes);
		put_u32(&modules, rva);
	}
	/* An earlier fault must not hide that the limit was met. */
	put_u32(&simple, 1);
	put_u32(&simple, 0x7fffffff);
	put_u32(&simple, 0x7fffffff);
	put_u32(&stream, 1);
	buf_append_zero(&stream, 32);
	put_blob(b, &stream, &simple);
	put_blob(b, &stream, &modules);
	add_stream(b, MINIDUMP_CRASHPAD_INFO, &stream);
	parsed_build(&p, b);
	assert_stream(&p, MINIDUMP_CRASHPAD_INFO, ERR_TRUNCATED);
	assert_int_equal(p.dump.annotations.n, LIMIT_MINIDUMP_PAIRS);
	done(&p, b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(joins_all_comments),
		cmocka_unit_test(cuts_a_comment_at_the_limit),
		cmocka_unit_test(reads_the_token),
		cmocka_unit_test(refuses_tokens_that_contradict_themselves),
		cmocka_unit_test(survives_every_wrong_number_in_a_token),
		cmocka_unit_test(reads_who_asked_for_the_dump),
		cmocka_unit_test(reads_assertions),
		cmocka_unit_test(marks_vendor_streams_that_end_early),
		cmocka_unit_test(reads_the_texts_of_proc),
		cmocka_unit_test(takes_empty_texts_of_proc_for_nothing),
		cmocka_unit_test(cuts_texts_of_proc_at_the_limit),
		cmocka_unit_test(reads_the_auxiliary_vector_of_both_sizes),
		cmocka_unit_test(reads_annotations_of_process_and_modules),
		cmocka_unit_test(refuses_crashpad_lists_that_contradict_themselves),
		cmocka_unit_test(keeps_annotations_whose_texts_are_lost),
		cmocka_unit_test(marks_module_annotations_that_end_early),
		cmocka_unit_test(bounds_annotations_that_refer_to_each_other),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
