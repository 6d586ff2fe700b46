#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "base/fs.h"
#include "werctl/client_setup.h"

static err_t
format(const struct client_setup *setup, struct buf *out, struct err_detail *detail)
{
	buf_init(out, 1 << 20);
	return client_setup_format(setup, out, detail);
}

static void
refuses_names_that_could_become_commands(void **state)
{
	static const char *const bad[] = {"",   "a b", "x'; calc; '", "x\"",        "x\r\n",
					  "-x", "a;b", "$(x)",        "h\xc3\xb6st"};
	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct buf out;
		struct err_detail detail;
		const struct client_setup setup = {.server = bad[i], .port = 1273};
		assert_int_equal(format(&setup, &out, &detail), ERR_USAGE);
		assert_int_equal(out.len, 0);
		buf_done(&out);
	}
}

static void
refuses_port_0_and_a_missing_name(void **state)
{
	struct buf out;
	struct err_detail detail;
	(void)state;
	assert_int_equal(format(&(struct client_setup){.server = "x"}, &out, &detail), ERR_USAGE);
	buf_done(&out);
	assert_int_equal(format(&(struct client_setup){.port = 1}, &out, &detail), ERR_USAGE);
	buf_done(&out);
}

static void
golden_compare(const char *file, struct slice text)
{
	char path[4096];
	struct buf expected;
	struct err_detail detail = {.why = ""};
	const char *source = getenv("OPENWER_SOURCE");
	(void)snprintf(path, sizeof(path), "%s/tests/golden/client-setup/%s",
		       source == NULL ? "." : source, file);
	if (fs_read_file(path, 1 << 20, &expected, &detail) != OK)
		fail_msg("%s", detail.why);
	if (!slice_equal(buf_slice(&expected), text))
		fail_msg("%s is not what client-setup writes", path);
	buf_done(&expected);
}

/* The files in tests/golden/client-setup are what regedit and PowerShell get, byte for byte. */
static void
writes_the_golden_files(void **state)
{
	static const struct {
		const char *file;
		struct client_setup setup;
	} cases[] = {
		{"http.reg",
		 {.format = CLIENT_SETUP_REG, .server = "wer.corp.example", .port = 1273}},
		{"https.reg",
		 {.format = CLIENT_SETUP_REG,
		  .server = "wer.corp.example",
		  .port = 1232,
		  .is_tls = true,
		  .has_ca_hint = true}},
		{"undo.reg", {.format = CLIENT_SETUP_REG, .port = 1273, .is_undo = true}},
		{"http.ps1", {.format = CLIENT_SETUP_PS1, .server = "10.1.2.3", .port = 1273}},
		{"https.ps1",
		 {.format = CLIENT_SETUP_PS1,
		  .server = "wer.corp.example",
		  .port = 51906,
		  .is_tls = true,
		  .has_ca_hint = true}},
		{"undo.ps1", {.format = CLIENT_SETUP_PS1, .port = 1273, .is_undo = true}},
	};
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct buf out;
		struct err_detail detail;
		assert_int_equal(format(&cases[i].setup, &out, &detail), OK);
		golden_compare(cases[i].file, buf_slice(&out));
		buf_done(&out);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refuses_names_that_could_become_commands),
		cmocka_unit_test(refuses_port_0_and_a_missing_name),
		cmocka_unit_test(writes_the_golden_files),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
