#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "base/fs.h"
#include "base/limits.h"
#include "base/text.h"
#include "ext/zstd.h"
#include "store/dictionary.h"
#include "store/pack.h"

static const char body_text[] =
	"<?xml version=\"1.0\" encoding=\"UTF-16\"?>\r\n"
	"<WERREPORT xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\">\r\n"
	"<MACHINEINFO machinename=\"pc-0815.example.com\" os=\"10.0.19045.2.0.0.256.48\" "
	"lcid=\"1031\"/>\r\n"
	"<USERINFO username=\"EXAMPLE\\j\xc3\xb6rg\"/>\r\n"
	"<APPLICATIONINFO appname=\"Example Editor\" apppath=\"C:\\Program "
	"Files\\Example\\edit.exe\" "
	"appcompany=\"Example GmbH\"/>\r\n"
	"<EVENTINFO reporttype=\"2\" eventtime=\"133912345678901234\" eventtype=\"APPCRASH\" "
	"friendlyeventname=\"Nicht mehr funktionsf\xc3\xa4hig\"/>\r\n"
	"<SIGNATURE>\r\n"
	"<PARAMETER id=\"0\" name=\"Anwendungsname\" value=\"edit.exe\"/>\r\n"
	"<PARAMETER id=\"1\" name=\"Anwendungsversion\" value=\"1.2.3.4\"/>\r\n"
	"<PARAMETER id=\"2\" name=\"Anwendungszeitstempel\" value=\"5f1e2d3c\"/>\r\n"
	"<PARAMETER id=\"3\" name=\"Fehlermodulname\" value=\"ntdll.dll\"/>\r\n"
	"<PARAMETER id=\"4\" name=\"Fehlermodulversion\" value=\"10.0.19041.3636\"/>\r\n"
	"<PARAMETER id=\"5\" name=\"Fehlermodulzeitstempel\" value=\"9b64aa6f\"/>\r\n"
	"<PARAMETER id=\"6\" name=\"Ausnahmecode\" value=\"c0000005\"/>\r\n"
	"<PARAMETER id=\"7\" name=\"Ausnahmeoffset\" value=\"0000000000021d4f\"/>\r\n"
	"</SIGNATURE>\r\n"
	"</WERREPORT>\r\n";

/* What format 1 with dictionary 1 made of the first 62 characters of body_text in UTF-16LE with a
 * byte order mark, on 2026-11-25.  Rows like it are in the field: it must unpack for ever. */
static const char old_row[] = "0b243e450000000100c33ce900014ca61283";

static struct pack *pack;
static struct unpack *unpack;
static struct buf packed;
static struct buf out;

static int
set_up(void **state)
{
	(void)state;
	pack = pack_new();
	unpack = unpack_new();
	buf_init(&packed, LIMIT_REPORT_BYTES * 2);
	buf_init(&out, LIMIT_REPORT_BYTES * 2);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	pack_free(pack);
	unpack_free(unpack);
	buf_done(&packed);
	buf_done(&out);
	return 0;
}

static struct slice
text_of_body(void)
{
	return slice_of(body_text, sizeof(body_text) - 1);
}

/* There and back; returns the packed size. */
static size_t
round_trip(struct slice body)
{
	buf_reset(&packed);
	buf_reset(&out);
	pack_body(pack, body, &packed);
	assert_int_equal(buf_error(&packed), OK);
	assert_int_equal(unpack_body(unpack, buf_slice(&packed), &out), OK);
	assert_true(slice_equal(buf_slice(&out), body));
	return packed.len;
}

/* ---- hostile ---- */

static void
refuses_a_row_that_was_cut_anywhere(void **state)
{
	(void)state;
	round_trip(text_of_body());
	buf_reset(&out);
	for (size_t len = 0; len < packed.len; len++) {
		struct slice cut = slice_sub(buf_slice(&packed), 0, len);
		assert_int_equal(unpack_body(unpack, cut, &out), ERR_CORRUPT);
	}
	assert_int_equal(out.len, 0);
}

static void
notices_every_flipped_bit_of_the_text(void **state)
{
	(void)state;
	round_trip(text_of_body());
	for (size_t bit = 8; bit < packed.len * 8; bit++) {
		packed.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
		buf_reset(&out);
		if (unpack_body(unpack, buf_slice(&packed), &out) == OK)
			assert_true(slice_equal(buf_slice(&out), text_of_body()));
		packed.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
}

static void
refuses_forms_that_do_not_exist(void **state)
{
	(void)state;
	round_trip(text_of_body());
	for (unsigned form = DICTIONARY_NEWEST + 1; form < 32; form++) {
		packed.data[0] = (uint8_t)(form << 3);
		assert_int_equal(unpack_body(unpack, buf_slice(&packed), &out), ERR_CORRUPT);
	}
	/* UTF-8 that remembers a UTF-16 byte order mark, a fourth encoding, broken UTF-8. */
	assert_int_equal(unpack_body(unpack, SLICE_LITERAL("\x01x"), &out), ERR_CORRUPT);
	assert_int_equal(unpack_body(unpack, SLICE_LITERAL("\x06x"), &out), ERR_CORRUPT);
	assert_int_equal(unpack_body(unpack, SLICE_LITERAL("\x02\xff"), &out), ERR_CORRUPT);
}

static void
refuses_a_bomb(void **state)
{
	(void)state;
	struct zstd_packer *packer = zstd_packer_new(dictionary_find(DICTIONARY_NEWEST), 3);
	struct buf zeros;
	struct buf frame;
	buf_init(&zeros, 8 << 20);
	buf_init(&frame, 16 << 20);
	buf_append_zero(&zeros, 8 << 20);
	zstd_pack(packer, buf_slice(&zeros), &frame);
	/* The magic number's last byte makes way for ours. */
	frame.data[3] = DICTIONARY_NEWEST << 3;
	struct slice bomb = slice_sub(buf_slice(&frame), 3, SIZE_MAX);
	assert_true(bomb.len < 2000);
	assert_int_equal(unpack_body(unpack, bomb, &out), ERR_LIMIT);
	assert_int_equal(out.len, 0);
	buf_done(&zeros);
	buf_done(&frame);
	zstd_packer_free(packer);
}

static void
packs_no_body_over_the_limit(void **state)
{
	(void)state;
	struct buf large;
	buf_init(&large, LIMIT_REPORT_BYTES + 1);
	buf_append_zero(&large, LIMIT_REPORT_BYTES + 1);
	pack_body(pack, buf_slice(&large), &packed);
	assert_int_equal(buf_error(&packed), ERR_LIMIT);
	round_trip(slice_sub(buf_slice(&large), 0, LIMIT_REPORT_BYTES));
	buf_done(&large);
}

/* ---- back byte for byte ---- */

static void
gives_strange_bodies_back(void **state)
{
	(void)state;
	const struct slice bodies[] = {
		SLICE_LITERAL(""),
		SLICE_LITERAL("\0"),
		SLICE_LITERAL("<"),
		SLICE_LITERAL("\xff\xfe"),                    /* a mark alone */
		SLICE_LITERAL("\xfe\xff"),                    /* and the other */
		SLICE_LITERAL("\xef\xbb\xbf<a/>"),            /* UTF-8 with a mark */
		SLICE_LITERAL("\xff\xfe<\0a\0/\0>"),          /* odd byte at the end */
		SLICE_LITERAL("\xff\xfe<\0\x00\xd8>\0"),      /* high surrogate alone */
		SLICE_LITERAL("\xff\xfe<\0\x00\xdc>\0"),      /* low surrogate alone */
		SLICE_LITERAL("\xff\xfe<\0\x3d\xd8\x00\xde"), /* a pair */
		SLICE_LITERAL("\xfe\xff\0<\xd8\x3d\xde\x00"), /* the same, other order */
		SLICE_LITERAL("\xff\xfe\xff\xfe<\0"),         /* two marks */
		SLICE_LITERAL("<\0a\0\xfd\xff"),              /* U+FFFD itself, no mark */
		SLICE_LITERAL("\0<\0a"),
		SLICE_LITERAL("\x80\xff\xc0\xaf"), /* no text at all */
	};
	for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++)
		round_trip(bodies[i]);
}

static void
gives_random_bytes_back_hardly_larger(void **state)
{
	(void)state;
	uint8_t bytes[5000];
	uint32_t seed = 12345;
	for (size_t i = 0; i < sizeof(bytes); i++) {
		seed = seed * 1664525 + 1013904223;
		bytes[i] = (uint8_t)(seed >> 24);
	}
	for (size_t len = 1; len < sizeof(bytes); len += 7)
		assert_true(round_trip(slice_of(bytes, len)) <= len + 1);
}

/* Three bytes of UTF-8 for each two: longer than the limit on its way. */
static void
gives_the_longest_body_back_in_every_encoding(void **state)
{
	(void)state;
	static const enum text_encoding encodings[] = {TEXT_UTF16LE, TEXT_UTF16BE};
	struct buf body;
	buf_init(&body, LIMIT_REPORT_BYTES);
	for (size_t i = 0; i < 2; i++) {
		buf_reset(&body);
		text_to_utf16(SLICE_LITERAL("\xef\xbb\xbf<"), encodings[i], &body);
		while (body.len < LIMIT_REPORT_BYTES)
			text_to_utf16(SLICE_LITERAL("\xe9\x9a\x9c"), encodings[i], &body);
		round_trip(buf_slice(&body));
	}
	buf_done(&body);
}

static void
gives_an_ordinary_body_back_in_every_encoding(void **state)
{
	(void)state;
	struct buf body;
	buf_init(&body, LIMIT_REPORT_BYTES);
	size_t plain = round_trip(text_of_body());
	for (int with_mark = 0; with_mark < 2; with_mark++) {
		for (unsigned encoding = TEXT_UTF16LE; encoding < TEXT_ENCODING_N; encoding++) {
			buf_reset(&body);
			if (with_mark != 0)
				text_to_utf16(SLICE_LITERAL("\xef\xbb\xbf"), encoding, &body);
			text_to_utf16(text_of_body(), encoding, &body);
			assert_int_equal(round_trip(buf_slice(&body)), plain);
			buf_reset(&out);
			assert_int_equal(unpack_text(unpack, buf_slice(&packed), &out), OK);
			assert_true(slice_equal(buf_slice(&out), text_of_body()));
		}
	}
	buf_done(&body);
}

static void
gives_the_text_of_what_is_no_utf16_as_it_came(void **state)
{
	(void)state;
	struct slice odd = SLICE_LITERAL("\xff\xfe<\0a");
	assert_int_equal(unpack_text(unpack, (struct slice){0}, &out), ERR_CORRUPT);
	round_trip(odd);
	buf_reset(&out);
	assert_int_equal(unpack_text(unpack, buf_slice(&packed), &out), OK);
	assert_true(slice_equal(buf_slice(&out), odd));
}

static void
a_row_of_the_first_format_can_be_read_for_ever(void **state)
{
	(void)state;
	struct buf row;
	struct buf body;
	buf_init(&row, 1000);
	buf_init(&body, 1000);
	assert_true(text_from_hex(slice_str(old_row), &row));
	text_to_utf16(SLICE_LITERAL("\xef\xbb\xbf"), TEXT_UTF16LE, &body);
	text_to_utf16(slice_sub(text_of_body(), 0, 62), TEXT_UTF16LE, &body);
	assert_int_equal(unpack_body(unpack, buf_slice(&row), &out), OK);
	assert_true(slice_equal(buf_slice(&out), buf_slice(&body)));
	buf_done(&row);
	buf_done(&body);
}

static void
a_crash_report_takes_few_bytes(void **state)
{
	(void)state;
	size_t bytes = round_trip(text_of_body());
	print_message("%zu bytes of UTF-8 become %zu\n", text_of_body().len, bytes);
	assert_true(bytes < 260);
}

/* The examples of the specification, which the dictionary has not seen. */
static void
published_reports_take_few_bytes(void **state)
{
	(void)state;
	const char *corpora = getenv("OPENWER_CORPORA");
	const char *source = getenv("OPENWER_SOURCE");
	for (int i = 1; i <= 4; i++) {
		char path[4096];
		struct buf body;
		if (corpora != NULL)
			(void)snprintf(path, sizeof(path), "%s", corpora);
		else
			(void)snprintf(path, sizeof(path), "%s/../shared/corpora",
				       source == NULL ? "." : source);
		size_t len = strlen(path);
		(void)snprintf(path + len, sizeof(path) - len,
			       "/ms-cer-spec/cer2_4_%d_level1.utf16le.xml", i);
		if (fs_read_file(path, LIMIT_REPORT_BYTES, &body, NULL) != OK) {
			print_message("skip: published reports (no corpora)\n");
			return;
		}
		size_t bytes = round_trip(buf_slice(&body));
		print_message("%zu bytes become %zu\n", body.len, bytes);
		assert_true(bytes < 300);
		buf_done(&body);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(refuses_a_row_that_was_cut_anywhere),
		TEST(notices_every_flipped_bit_of_the_text),
		TEST(refuses_forms_that_do_not_exist),
		TEST(refuses_a_bomb),
		TEST(packs_no_body_over_the_limit),
		TEST(gives_strange_bodies_back),
		TEST(gives_random_bytes_back_hardly_larger),
		TEST(gives_the_longest_body_back_in_every_encoding),
		TEST(gives_an_ordinary_body_back_in_every_encoding),
		TEST(gives_the_text_of_what_is_no_utf16_as_it_came),
		TEST(a_row_of_the_first_format_can_be_read_for_ever),
		TEST(a_crash_report_takes_few_bytes),
		TEST(published_reports_take_few_bytes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
