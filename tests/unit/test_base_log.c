#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"
#include "base/hash.h"
#include "base/text.h"

static void
assert_logged_as(struct slice in, const char *expected)
{
	char text[LOG_VALUE_BYTES];
	assert_string_equal(log_value(in, text), expected);
}

static void
values_cannot_leave_their_quotes(void **state)
{
	(void)state;
	assert_logged_as(SLICE_LITERAL("a\" event=x"), "\"a\\\" event=x\"");
	assert_logged_as(SLICE_LITERAL("\\"), "\"\\\\\"");
	assert_logged_as(SLICE_LITERAL("a\nb\r\t\0\x7f"), "\"a\\x0ab\\x0d\\x09\\x00\\x7f\"");
	assert_logged_as(SLICE_LITERAL("\x1b[2J"), "\"\\x1b[2J\"");
	assert_logged_as(SLICE_LITERAL("\xc2\x9b"
				       "2J"),
			 "\"\\xc2\\x9b2J\"");
	assert_logged_as(SLICE_LITERAL("\xff\xc3"), "\"\\xff\\xc3\"");
	assert_logged_as((struct slice){NULL, 0}, "\"\"");
}

static void
valid_text_is_readable(void **state)
{
	(void)state;
	assert_logged_as(SLICE_LITERAL("J\xc3\xbcrgen \xd0\x98 \xf0\x9f\x98\x80"),
			 "\"J\xc3\xbcrgen \xd0\x98 \xf0\x9f\x98\x80\"");
}

static void
long_values_are_cut_between_characters(void **state)
{
	(void)state;
	char text[LOG_VALUE_BYTES];
	uint8_t in[1000];
	memset(in, 0x01, sizeof(in));
	assert_int_equal(strlen(log_value(slice_of(in, sizeof(in)), text)), 2 + 200 * 4 + 3);
	memset(in, 'x', sizeof(in));
	assert_int_equal(strlen(log_value(slice_of(in, 200), text)), 202);
	memcpy(in + 199, "\xc3\xa4", 2);
	(void)log_value(slice_of(in, 201), text);
	assert_string_equal(text + 1 + 199, "...\"");
	assert_true(text_is_utf8(slice_str(text)));
}

/* What log_event writes to standard error. */
static size_t
capture(char *out, size_t size, enum log_level level, const char *format, const char *value)
{
	int pipe_fds[2];
	assert_int_equal(pipe(pipe_fds), 0);
	int saved = dup(STDERR_FILENO);
	assert_true(dup2(pipe_fds[1], STDERR_FILENO) >= 0);
	log_event(level, "test.event", format, value);
	assert_true(dup2(saved, STDERR_FILENO) >= 0);
	(void)close(saved);
	(void)close(pipe_fds[1]);
	ssize_t len = read(pipe_fds[0], out, size - 1);
	(void)close(pipe_fds[0]);
	out[len < 0 ? 0 : len] = '\0';
	return len < 0 ? 0 : (size_t)len;
}

static void
one_event_is_one_line(void **state)
{
	(void)state;
	static char line[8192];
	static char huge[6000];
	memset(huge, 'y', sizeof(huge) - 1);
	(void)unsetenv("JOURNAL_STREAM");
	log_open("ingest", LOG_INFO);
	assert_true(capture(line, sizeof(line), LOG_WARNING, "peer=%s", "10.1.2.3") > 0);
	assert_non_null(strstr(line, "Z warning role=ingest event=test.event peer=10.1.2.3\n"));
	assert_int_equal(capture(line, sizeof(line), LOG_DEBUG, "%s", ""), 0);
	size_t len = capture(line, sizeof(line), LOG_ERROR, "%s", huge);
	assert_true(len <= 4096);
	assert_int_equal(line[len - 1], '\n');
	assert_int_equal(strlen(line), len);
	(void)setenv("JOURNAL_STREAM", "1:2", 1);
	log_open("ingest", LOG_INFO);
	assert_true(capture(line, sizeof(line), LOG_ERROR, "peer=%s", "x") > 0);
	assert_memory_equal(line, "<3>role=ingest event=test.event", 31);
	(void)unsetenv("JOURNAL_STREAM");
	log_open("openwer", LOG_INFO);
}

static void
hashes_see_every_byte(void **state)
{
	(void)state;
	uint8_t in[64] = {0};
	uint64_t zero = hash_64(slice_of(in, sizeof(in)));
	struct hash128 wide = hash_128(slice_of(in, sizeof(in)));
	for (size_t i = 0; i < sizeof(in); i++) {
		in[i] = 1;
		assert_true(hash_64(slice_of(in, sizeof(in))) != zero);
		assert_true(hash_128(slice_of(in, sizeof(in))).low != wide.low);
		in[i] = 0;
	}
	assert_true(hash_64((struct slice){NULL, 0}) == hash_64(SLICE_LITERAL("")));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values_cannot_leave_their_quotes),
		cmocka_unit_test(valid_text_is_readable),
		cmocka_unit_test(long_values_are_cut_between_characters),
		cmocka_unit_test(one_event_is_one_line),
		cmocka_unit_test(hashes_see_every_byte),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
