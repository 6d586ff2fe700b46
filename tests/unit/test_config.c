#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/limits.h"
#include "config/config.h"
#include "config/config_table.h"
#include "source_file.h"

struct parsed {
	struct arena arena;
	err_t err;
	struct config config;
	struct err_detail detail;
};

static void
parse(struct parsed *p, const char *text)
{
	memset(p, 0, sizeof(*p));
	arena_init(&p->arena, 1024 * 1024);
	p->err = config_parse(slice_str(text), "/etc/w.yaml", &p->arena, &p->config, &p->detail);
}

static void
expect(struct parsed *p, const char *text)
{
	parse(p, text);
	if (p->err != OK)
		fail_msg("refused: %s", p->detail.why);
}

static const struct {
	const char *text;
	const char *why; /* how it begins */
} refusals[] = {
	{"", "/etc/w.yaml:1: data is missing"},
	{"data: /d\n- x\n", "/etc/w.yaml:2: did not find expected"},
	{"- data\n", "/etc/w.yaml:1: the file must be a mapping"},
	{"data: /d\ndata: /e\n", "/etc/w.yaml:2: key \"data\" is there twice"},
	{"data: &x /d\n", "/etc/w.yaml:1: anchors (&) are not taken"},
	{"data:\n", "/etc/w.yaml:1: data has no value"},
	{"data: ''\n", "/etc/w.yaml:1: data: \"\" is no path"},
	{"data: [/d]\n", "/etc/w.yaml:1: data: a single value is needed here"},
	{"data: \"/d\\0x\"\n", "/etc/w.yaml:1: data: \"/d\\x00x\" is no path"},
	{"data: \"/d\\nx\"\n", "/etc/w.yaml:1: data: \"/d\\x0ax\" is no path"},
	{"data: /d\nDATA: /d\n", "/etc/w.yaml:2: unknown key \"DATA\": did you mean data?"},
	{"data: /d\ningets:\n", "/etc/w.yaml:2: unknown key \"ingets\": did you mean ingest?"},
	{"data: /d\nportal:\n  listen: :8443\n",
	 "/etc/w.yaml:2: unknown key \"portal\": this version of openwer has no portal"},
	{"detection: {}\ndata: /d\n",
	 "/etc/w.yaml:1: unknown key \"detection\": this version of openwer has no detection"},
	{"data: /d\ncourier: x\n",
	 "/etc/w.yaml:2: unknown key \"courier\": this version of openwer has no courier"},
	{"data: /d\nlisten: :1\n", "/etc/w.yaml:2: unknown key \"listen\": did you mean "
				   "ingest.listen?"},
	{"data: /d\ningest:\n  portal:\n", "/etc/w.yaml:3: unknown key \"portal\" in ingest"},
	{"data: /d\nwonderland: 1\n", "/etc/w.yaml:2: unknown key \"wonderland\""},
	{"data: /d\n\"\\e[2J\": 1\n", "/etc/w.yaml:2: unknown key \"\\x1b[2J\""},
	{"data: /d\ningest:\n  tls:\n    cert: x\n", "/etc/w.yaml:4: unknown key \"cert\" in "
						     "ingest.tls"},
	{"data: /d\ningest: yes\n", "/etc/w.yaml:2: ingest must be a mapping"},
	{"data: /d\ningest: {limits: [1]}\n", "/etc/w.yaml:2: ingest.limits must be a mapping"},
	{"data: /d\nanalyze: []\n", "/etc/w.yaml:2: analyze must be a mapping"},

	{"data: /d\nnode: 256\n", "/etc/w.yaml:2: node: 256 is not in the range 0 to 255"},
	{"data: /d\nnode: -1\n", "/etc/w.yaml:2: node: \"-1\" is no whole number"},
	{"data: /d\nnode: '1'\n", "/etc/w.yaml:2: node: \"1\" is no whole number"},
	{"data: /d\nlog: loud\n", "/etc/w.yaml:2: log: \"loud\" is none of error, warning"},
	{"data: /d\nlog: [info]\n", "/etc/w.yaml:2: log: a single value is needed here"},
	{"data: /d\ningest:\n  threads: 257\n", "/etc/w.yaml:3: ingest.threads: 257 is not in "},
	{"data: /d\ningest:\n  limits: {report_bytes: 1 MiB}\n",
	 "/etc/w.yaml:3: ingest.limits.report_bytes: 1 MiB is not in the range 1 KiB to 512 KiB"},
	{"data: /d\ningest:\n  limits: {report_bytes: 20 Mb x}\n",
	 "/etc/w.yaml:3: ingest.limits.report_bytes: \"20 Mb x\" is no size such as"},
	{"data: /d\ningest:\n  limits: {cab_bytes: 17000000 TiB}\n",
	 "/etc/w.yaml:3: ingest.limits.cab_bytes: \"17000000 TiB\" is no size such as"},
	{"data: /d\ningest:\n  limits: {head_time: 30}\n",
	 "/etc/w.yaml:3: ingest.limits.head_time: \"30\" is no duration such as"},
	{"data: /d\ningest:\n  limits: {idle_time: 7d}\n",
	 "/etc/w.yaml:3: ingest.limits.idle_time: 7d is not in the range 100ms to 1h"},
	{"data: /d\ningest:\n  limits: {queue: 0}\n",
	 "/etc/w.yaml:3: ingest.limits.queue: 0 is not in the range 1 to 1000000"},
	{"data: /d\ningest:\n  limits:\n    queue:\n",
	 "/etc/w.yaml:4: ingest.limits.queue has no value"},
	{"data: /d\ningest:\n  bucket_table: 0\n", "/etc/w.yaml:3: ingest.bucket_table: 0 is not"},
	{"data: /d\ningest:\n  reverse_dns: 1\n",
	 "/etc/w.yaml:3: ingest.reverse_dns: \"1\" is neither true nor false"},
	{"data: /d\ningest:\n  reverse_dns: [yes]\n",
	 "/etc/w.yaml:3: ingest.reverse_dns: a single value is needed here"},

	{"data: /d\ningest:\n  listen: []\n", "/etc/w.yaml:3: ingest listens nowhere"},
	{"data: /d\ningest:\n  listen: [':1', 'x y']\n", "/etc/w.yaml:3: ingest.listen: \"x y\" is "
							 "no address such as"},
	{"data: /d\ningest:\n  listen:\n    - :1\n    -\n",
	 "/etc/w.yaml:5: ingest.listen has no value"},
	{"data: /d\ningest:\n  listen:\n    - :1\n    - [':2']\n",
	 "/etc/w.yaml:5: ingest.listen: a single value is needed here"},
	{"data: /d\ningest:\n  listen: [':1273', ':1273']\n",
	 "/etc/w.yaml:3: ingest: one address is there twice"},
	{"data: /d\ningest:\n  listen: ':1'\n  tls: {listen: ':1', certificate: c, key: k}\n",
	 "/etc/w.yaml:3: ingest: one address is there twice"},
	{"data: /d\ningest:\n  tls:\n    listen: ':1'\n    key: k\n",
	 "/etc/w.yaml:4: ingest.tls.listen needs ingest.tls.certificate"},
	{"data: /d\ningest:\n  tls:\n    listen: ':1'\n    certificate: c\n",
	 "/etc/w.yaml:4: ingest.tls.listen needs ingest.tls.key"},
	{"data: /d\ningest:\n  tls:\n    certificate: c\n    key: k\n",
	 "/etc/w.yaml:4: ingest.tls has no listen"},
	{"data: /d\ningest:\n  tls: {least_version: 1.4}\n",
	 "/etc/w.yaml:3: ingest.tls.least_version: \"1.4\" is none of"},
	{"data: /d\ningest:\n  tls: {least_version: [1.2]}\n",
	 "/etc/w.yaml:3: ingest.tls.least_version: a single value"},
	{"data: /d\ningest:\n  allow: []\n", "/etc/w.yaml:3: ingest.allow is empty"},
	{"data: /d\ningest:\n  allow: 10.0.0.0/33\n",
	 "/etc/w.yaml:3: ingest.allow: \"10.0.0.0/33\" is no range such as"},
	{"data: /d\ningest:\n  trusted_proxies: [10.0.0.1, proxy]\n",
	 "/etc/w.yaml:3: ingest.trusted_proxies: \"proxy\" is no range such as"},
	{"data: /d\nanalyze: {poll: 0s}\n", "/etc/w.yaml:2: analyze.poll: 0s is not in the range"},
};

static void
refuses_with_file_line_and_reason(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
		struct parsed p;
		struct config untouched = {0};
		parse(&p, refusals[i].text);
		if (p.err != ERR_CONFIG ||
		    strncmp(p.detail.why, refusals[i].why, strlen(refusals[i].why)) != 0)
			fail_msg("case %zu: %s, \"%s\" instead of \"%s\"", i, err_name(p.err),
				 p.detail.why, refusals[i].why);
		assert_memory_equal(&p.config, &untouched, sizeof(untouched));
		arena_done(&p.arena);
	}
}

static void
refuses_endless_lists(void **state)
{
	struct buf text;
	struct parsed p;
	(void)state;
	buf_init(&text, LIMIT_YAML_BYTES);
	buf_append_str(&text, "data: /d\ningest:\n  allow:\n");
	for (int i = 0; i <= LIMIT_ADDRESS_RANGES; i++)
		buf_append_str(&text, "  - 10.0.0.1\n");
	buf_append_byte(&text, '\0');
	parse(&p, (const char *)text.data);
	assert_string_equal(p.detail.why, "/etc/w.yaml:4: ingest.allow: more than 1024 ranges");
	arena_done(&p.arena);
	buf_reset(&text);
	buf_append_str(&text, "data: /d\ningest:\n  listen:\n");
	for (int i = 0; i <= LIMIT_LISTEN_ADDRESSES; i++)
		buf_printf(&text, "  - :%d\n", 1000 + i);
	buf_append_byte(&text, '\0');
	parse(&p, (const char *)text.data);
	assert_string_equal(p.detail.why, "/etc/w.yaml:4: ingest.listen: more than 64 addresses");
	arena_done(&p.arena);
	buf_done(&text);
}

static void
keeps_the_reason_when_the_path_is_long(void **state)
{
	char path[1024];
	struct arena arena;
	struct config config;
	struct err_detail detail;
	(void)state;
	memset(path, 'p', sizeof(path) - 1);
	path[sizeof(path) - 1] = '\0';
	arena_init(&arena, 65536);
	assert_int_equal(
		config_parse(slice_str("data: /d\nx: 1\n"), path, &arena, &config, &detail),
		ERR_CONFIG);
	assert_non_null(strstr(detail.why, "ppp:2: unknown key \"x\""));
	arena_done(&arena);
}

static void
stays_within_the_callers_arena(void **state)
{
	static const char text[] =
		"data: store\ncollection: rules.yaml\n"
		"ingest: {allow: [10.0.0.0/8, 11.0.0.0/8], listen: [':1', ':2']}";
	bool is_refused = false;
	bool is_taken = false;
	(void)state;
	for (size_t cap = 0; cap < 1024; cap += 16) {
		struct arena arena;
		struct config config;
		struct err_detail detail;
		arena_init(&arena, cap);
		err_t err = config_parse(slice_str(text), "/a/b", &arena, &config, &detail);
		is_refused = is_refused || err == ERR_CONFIG;
		is_taken = is_taken || err == OK;
		assert_true(err == OK || err == ERR_CONFIG);
		arena_done(&arena);
	}
	assert_true(is_refused && is_taken);
}

static void
without_ingest_there_is_none(void **state)
{
	struct parsed p;
	(void)state;
	expect(&p, "data: /d\n");
	assert_false(p.config.ingest.is_on);
	assert_int_equal(p.config.ingest.listen.n_addresses, 0);
	assert_string_equal(p.config.data, "/d");
	assert_string_equal(p.config.path, "/etc/w.yaml");
	assert_string_equal(p.config.log_level, "info");
	assert_null(p.config.collection);
	assert_int_equal(p.config.node, 0);
	assert_int_equal(p.config.analyze.poll_us, 250000);
	arena_done(&p.arena);
}

static void
assert_ingest_defaults(const struct config_ingest *ingest)
{
	assert_true(ingest->is_on);
	assert_int_equal(ingest->listen.n_addresses, 1);
	assert_int_equal(ingest->listen.addresses[0].port, 1273);
	assert_int_equal(ingest->tls_listen.n_addresses, 0);
	assert_int_equal(ingest->tls_least, TLS_1_2);
	assert_int_equal(ingest->allow.n_ranges, 0);
	assert_int_equal(ingest->trusted_proxies.n_ranges, 0);
	assert_int_equal(ingest->threads, 0);
	assert_int_equal(ingest->max_report_bytes, LIMIT_REPORT_BYTES);
	assert_int_equal(ingest->max_cab_bytes, 512 << 20);
	assert_int_equal(ingest->max_connections, 10000);
	assert_int_equal(ingest->max_queue, 20000);
	assert_int_equal(ingest->head_timeout_us, 20000000);
	assert_int_equal(ingest->body_timeout_us, 30000000);
	assert_int_equal(ingest->idle_timeout_us, 60000000);
	assert_int_equal(ingest->upload_valid_us, INT64_C(3600000000));
	assert_int_equal(ingest->disk_reserve_cab_bytes, INT64_C(2) << 30);
	assert_int_equal(ingest->disk_reserve_bytes, 256 << 20);
	assert_int_equal(ingest->peer_connections, 0);
	assert_int_equal(ingest->peer_reports_per_minute, 0);
	assert_int_equal(ingest->bucket_table, 5);
	assert_true(ingest->reverse_dns);
}

static void
ingest_with_nothing_behind_it_is_ingest_with_all_defaults(void **state)
{
	static const char *const texts[] = {"data: /d\ningest:\n", "data: /d\ningest: {}\n",
					    "ingest: ~\ndata: /d\n",
					    "data: /d\ningest:\n  limits:\n  tls:\n",
					    "data: /d\ningest: {tls: {least_version: '1.2'}}"};
	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct parsed p;
		expect(&p, texts[i]);
		assert_ingest_defaults(&p.config.ingest);
		arena_done(&p.arena);
	}
}

static void
reads_every_key(void **state)
{
	struct parsed p;
	const struct config_ingest *ingest = &p.config.ingest;
	(void)state;
	expect(&p, "data: store\n"
		   "collection: ../rules.yaml\n"
		   "node: 7\n"
		   "log: debug\n"
		   "ingest:\n"
		   "  listen: [127.0.0.1:1232, '[::1]:51906']\n"
		   "  tls:\n"
		   "    listen: 10.0.0.1:1274\n"
		   "    certificate: tls/cert.pem\n"
		   "    key: /tls/key.pem\n"
		   "    least_version: 1.0\n"
		   "  allow: 10.0.0.0/8\n"
		   "  trusted_proxies: [10.9.9.9, '2001:db8::/32']\n"
		   "  threads: 4\n"
		   "  limits:\n"
		   "    report_bytes: 64 KiB\n"
		   "    cab_bytes: 20MB\n"
		   "    connections: 100\n"
		   "    queue: 200\n"
		   "    head_time: 1s\n"
		   "    body_time: 500ms\n"
		   "    idle_time: 1m\n"
		   "    peer_connections: 5\n"
		   "    peer_reports_per_minute: 60\n"
		   "  upload_valid: 2h\n"
		   "  disk_reserve: {cabinets: 4 MiB, reports: 0}\n"
		   "  bucket_table: 4\n"
		   "  reverse_dns: no\n"
		   "analyze: {poll: 1s}\n");
	assert_string_equal(p.config.data, "/etc/store");
	assert_string_equal(p.config.collection, "/etc/../rules.yaml");
	assert_int_equal(p.config.node, 7);
	assert_string_equal(p.config.log_level, "debug");
	assert_int_equal(ingest->listen.n_addresses, 2);
	assert_int_equal(ingest->listen.addresses[1].port, 51906);
	assert_int_equal(ingest->tls_listen.n_addresses, 1);
	assert_string_equal(ingest->tls_certificate, "/etc/tls/cert.pem");
	assert_string_equal(ingest->tls_key, "/tls/key.pem");
	assert_int_equal(ingest->tls_least, TLS_1_0);
	assert_int_equal(ingest->allow.n_ranges, 1);
	assert_int_equal(ingest->trusted_proxies.n_ranges, 2);
	assert_int_equal(ingest->threads, 4);
	assert_int_equal(ingest->max_report_bytes, 65536);
	assert_int_equal(ingest->max_cab_bytes, 20000000);
	assert_int_equal(ingest->max_connections, 100);
	assert_int_equal(ingest->max_queue, 200);
	assert_int_equal(ingest->head_timeout_us, 1000000);
	assert_int_equal(ingest->body_timeout_us, 500000);
	assert_int_equal(ingest->idle_timeout_us, 60000000);
	assert_int_equal(ingest->peer_connections, 5);
	assert_int_equal(ingest->peer_reports_per_minute, 60);
	assert_int_equal(ingest->upload_valid_us, INT64_C(7200000000));
	assert_int_equal(ingest->disk_reserve_cab_bytes, 4 << 20);
	assert_int_equal(ingest->disk_reserve_bytes, 0);
	assert_int_equal(ingest->bucket_table, 4);
	assert_false(ingest->reverse_dns);
	assert_int_equal(p.config.analyze.poll_us, 1000000);
	arena_done(&p.arena);
}

static void
one_address_stands_for_a_list_of_one(void **state)
{
	static const char *const texts[] = {
		"data: /d\ningest: {listen: ':51906'}\n", "data: /d\ningest:\n  listen: :51906\n",
		"data: /d\ningest:\n  listen: 51906\n", "data: /d\ningest:\n  listen: [':51906']\n",
		"data: /d\ningest:\n  listen:\n  - :51906\n"};
	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct parsed p;
		expect(&p, texts[i]);
		assert_int_equal(p.config.ingest.listen.n_addresses, 1);
		assert_int_equal(p.config.ingest.listen.addresses[0].port, 51906);
		arena_done(&p.arena);
	}
}

static void
https_alone_leaves_http_off(void **state)
{
	struct parsed p;
	(void)state;
	expect(&p, "data: /d\ningest: {tls: {listen: ':1274', certificate: c, key: k}}\n");
	assert_int_equal(p.config.ingest.listen.n_addresses, 0);
	assert_int_equal(p.config.ingest.tls_listen.n_addresses, 1);
	arena_done(&p.arena);
}

/* "a.b.c" as mappings in mappings. */
static void
append_key(struct buf *out, const char *name, const char *value)
{
	struct slice rest = slice_str(name);
	struct slice part;
	int depth = 0;
	while (slice_cut(rest, '.', &part, &rest))
		buf_printf(out, "%*s%.*s:\n", depth++, "", SLICE_ARGS(part));
	buf_printf(out, "%*s%.*s: %s\n", depth, "", SLICE_ARGS(rest), value);
}

static void
every_default_and_range_of_the_table_can_be_read(void **state)
{
	(void)state;
	for (size_t i = 0; i < config_n_keys; i++) {
		const struct config_key *key = &config_keys[i];
		const char *const values[] = {key->initial, key->least, key->most};
		for (size_t j = 0; j < 3; j++) {
			struct buf text;
			struct parsed p;
			if (values[j] == NULL)
				continue;
			buf_init(&text, 4096);
			buf_append_str(&text, "data: /d\n");
			append_key(&text, key->name, values[j]);
			buf_append_byte(&text, '\0');
			expect(&p, (const char *)text.data);
			arena_done(&p.arena);
			buf_done(&text);
		}
	}
}

/* The manual */

/* "\n.It Ic NAME : Ar TYPE\n", up to the next entry; must be freed. */
static char *
manual_entry(const char *manual, const char *name, const char *type)
{
	char head[256];
	(void)snprintf(head, sizeof(head), "\n.It Ic %s : Ar %s\n", name, type);
	const char *start = strstr(manual, head);
	if (start == NULL)
		fail_msg("werd.conf(5) has no entry%s", head);
	start += strlen(head) - 1;
	const char *next = strstr(start, "\n.It ");
	const char *end = strstr(start, "\n.El");
	size_t len = (size_t)((next == NULL || (end != NULL && end < next) ? end : next) - start);
	char *entry = strndup(start, len + 1);
	assert_non_null(entry);
	return entry;
}

static void
assert_has_line(const char *entry, const char *name, const char *format, const char *value)
{
	char line[256];
	(void)snprintf(line, sizeof(line), format, value);
	if ((strstr(entry, line) != NULL) != (*value != '\0'))
		fail_msg("werd.conf(5): %s: expected %s", name, *value == '\0' ? "none" : line);
}

static void
the_manual_has_every_key_with_its_type_range_and_default(void **state)
{
	char *manual = read_source_file("man/werd.conf.5");
	size_t n_keys = 0;
	struct buf table;
	(void)state;
	buf_init(&table, 65536);
	config_describe(&table);
	assert_int_equal(buf_error(&table), OK);
	buf_append_byte(&table, '\0');
	char *line = (char *)table.data;
	for (char *end; (end = strchr(line, '\n')) != NULL; line = end + 1, n_keys++) {
		*end = '\0';
		const char *name = strsep(&line, "\t");
		const char *type = strsep(&line, "\t");
		const char *range = strsep(&line, "\t");
		const char *initial = strsep(&line, "\t");
		assert_non_null(line);
		char *entry = manual_entry(manual, name, type);
		assert_has_line(entry, name, *range == '\0' ? "\nRange: " : "\nRange: %s.\n",
				range);
		assert_has_line(entry, name, *initial == '\0' ? "\nDefault: " : "\nDefault: %s.\n",
				initial);
		free(entry);
	}
	size_t n_entries = 0;
	for (const char *at = manual; (at = strstr(at, "\n.It Ic ")) != NULL; at++)
		n_entries++;
	assert_int_equal(n_entries, n_keys);
	assert_int_equal(n_keys, config_n_keys - 1);
	buf_done(&table);
	free(manual);
}

static void
the_example_that_is_shipped_is_accepted(void **state)
{
	char *text = read_source_file("packaging/werd.yaml");
	struct parsed p;
	(void)state;
	expect(&p, text);
	assert_true(p.config.ingest.is_on);
	assert_string_equal(p.config.data, "/var/lib/openwer");
	assert_string_equal(p.config.collection, "/etc/collection.yaml");
	arena_done(&p.arena);
	free(text);
}

/* Files */

struct folder {
	char path[64];
	struct arena arena;
	struct config config;
	struct err_detail detail;
};

static void
open_folder(struct folder *folder)
{
	memset(folder, 0, sizeof(*folder));
	(void)snprintf(folder->path, sizeof(folder->path), "/tmp/openwer-config-XXXXXX");
	assert_non_null(mkdtemp(folder->path));
	arena_init(&folder->arena, 1024 * 1024);
}

static char *
in_folder(struct folder *folder, const char *name)
{
	char *path = fs_join(&folder->arena, folder->path, name);
	assert_non_null(path);
	return path;
}

static void
write_file(struct folder *folder, const char *name, const char *text)
{
	FILE *file = fopen(in_folder(folder, name), "w");
	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

static void
close_folder(struct folder *folder)
{
	static const char *const names[] = {"werd.yaml", "rules.yaml", "file"};
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		(void)unlink(in_folder(folder, names[i]));
	assert_int_equal(rmdir(folder->path), 0);
	arena_done(&folder->arena);
}

static err_t
load_and_check(struct folder *folder, const char *text)
{
	write_file(folder, "werd.yaml", text);
	err_t err = config_load(in_folder(folder, "werd.yaml"), &folder->arena, &folder->config,
				&folder->detail);
	assert_int_equal(err, OK);
	return config_check(&folder->config, &folder->detail);
}

static void
says_which_file_is_missing_or_bad(void **state)
{
	struct folder folder;
	(void)state;
	open_folder(&folder);
	assert_int_equal(config_load(in_folder(&folder, "werd.yaml"), &folder.arena, &folder.config,
				     &folder.detail),
			 ERR_NOTFOUND);
	assert_non_null(strstr(folder.detail.why, "werd.yaml"));
	write_file(&folder, "werd.yaml", "data: x\nnode: y\n");
	assert_int_equal(config_load(in_folder(&folder, "werd.yaml"), &folder.arena, &folder.config,
				     &folder.detail),
			 ERR_CONFIG);
	assert_non_null(strstr(folder.detail.why, "/werd.yaml:2: node: \"y\" is no whole number"));
	close_folder(&folder);
}

static void
a_relative_configuration_keeps_its_folder(void **state)
{
	struct folder folder;
	char before[4096];
	(void)state;
	open_folder(&folder);
	write_file(&folder, "werd.yaml", "data: store\n");
	assert_non_null(getcwd(before, sizeof(before)));
	assert_int_equal(chdir(folder.path), 0);
	err_t err = config_load("werd.yaml", &folder.arena, &folder.config, &folder.detail);
	assert_int_equal(chdir(before), 0);
	assert_int_equal(err, OK);
	assert_string_equal(folder.config.data, in_folder(&folder, "store"));
	close_folder(&folder);
}

static void
checks_what_the_configuration_names(void **state)
{
	struct folder folder;
	(void)state;
	open_folder(&folder);
	assert_int_equal(load_and_check(&folder, "data: store/deep/er\n"), OK);
	assert_int_equal(load_and_check(&folder, "data: werd.yaml\n"), ERR_CONFIG);
	assert_non_null(strstr(folder.detail.why, "is no folder"));
	assert_int_equal(load_and_check(&folder, "data: werd.yaml/x\n"), ERR_CONFIG);
	assert_int_equal(load_and_check(&folder, "data: s\ncollection: rules.yaml\n"), ERR_CONFIG);
	assert_non_null(strstr(folder.detail.why, "rules.yaml"));
	write_file(&folder, "rules.yaml", "rules:\n- name: a\n");
	assert_int_equal(load_and_check(&folder, "data: s\ncollection: rules.yaml\n"), ERR_CONFIG);
	assert_non_null(
		strstr(folder.detail.why, "/rules.yaml:2: rule \"a\": a rule without a reply"));
	write_file(&folder, "rules.yaml", "default: {cabs: 5}\n");
	assert_int_equal(load_and_check(&folder, "data: s\ncollection: rules.yaml\n"), OK);
	assert_int_equal(load_and_check(&folder, "data: s\ningest:\n"), OK);
	assert_int_equal(
		load_and_check(&folder,
			       "data: s\ningest: {tls: {listen: ':1', certificate: c, key: k}}\n"),
		ERR_CONFIG);
	assert_non_null(strstr(folder.detail.why, "/c"));
	close_folder(&folder);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refuses_with_file_line_and_reason),
		cmocka_unit_test(refuses_endless_lists),
		cmocka_unit_test(keeps_the_reason_when_the_path_is_long),
		cmocka_unit_test(stays_within_the_callers_arena),
		cmocka_unit_test(without_ingest_there_is_none),
		cmocka_unit_test(ingest_with_nothing_behind_it_is_ingest_with_all_defaults),
		cmocka_unit_test(reads_every_key),
		cmocka_unit_test(one_address_stands_for_a_list_of_one),
		cmocka_unit_test(https_alone_leaves_http_off),
		cmocka_unit_test(every_default_and_range_of_the_table_can_be_read),
		cmocka_unit_test(the_manual_has_every_key_with_its_type_range_and_default),
		cmocka_unit_test(the_example_that_is_shipped_is_accepted),
		cmocka_unit_test(says_which_file_is_missing_or_bad),
		cmocka_unit_test(a_relative_configuration_keeps_its_folder),
		cmocka_unit_test(checks_what_the_configuration_names),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
