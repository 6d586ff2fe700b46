/* XML that need not be well-formed: the scanner, the records, and the files made of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "report/appcompat.h"
#include "report/loaded_modules.h"
#include "report/sysdata.h"
#include "report/xml_scan.h"
#include "report_files.h"

static struct arena arena;
static struct buf text;

static int
set_up(void **state)
{
	(void)state;
	arena_init(&arena, LIMIT_TEXT_FILE_ARENA_BYTES);
	buf_init(&text, FILES_BYTES_MAX);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	arena_done(&arena);
	buf_done(&text);
	return 0;
}

static void
assert_slice(struct slice got, const char *expected)
{
	if (!slice_equal_str(got, expected) || slice_is_absent(got))
		fail_msg("\"%.*s\" is not \"%s\"", SLICE_ARGS(got), expected);
}

/* The tokens of IN, one after the other: "<name|attributes>", "<name|attributes/>", "</name>",
 * "text" in quotes, and how many places were broken. */
static void
scan(const char *in, struct buf *out)
{
	struct xml_scan xml;
	struct xml_token token;
	xml_scan_init(&xml, slice_str(in));
	while (xml_scan_next(&xml, &token)) {
		if (token.kind == XML_TOKEN_TEXT)
			buf_printf(out, "'%.*s'", SLICE_ARGS(token.text));
		else if (token.kind == XML_TOKEN_CLOSE)
			buf_printf(out, "</%.*s>", SLICE_ARGS(token.name));
		else
			buf_printf(out, "<%.*s|%.*s%s>", SLICE_ARGS(token.name),
				   SLICE_ARGS(token.attributes), token.is_empty ? "/" : "");
	}
	buf_printf(out, " %zu", xml.n_broken);
}

static const char *const scans[][2] = {
	{"", " 0"},
	{"<", "'<' 1"},
	{"<<<", "'<''<''<' 3"},
	{"<>", "'<>' 1"},
	{"< a>", "'< a>' 1"},
	{"</", "'</' 1"},
	{"</>", "'</>' 1"},
	{"<a", "<a|> 1"},
	{"<a <b>", "<a| ><b|> 1"},
	{"<a b=\"1>2\">", "<a| b=\"1>2\"> 0"},
	{"<a b=\"1<c>", "<a| b=\"1><c|> 1"},
	{"<a b='\"'/>", "<a| b='\"'/> 0"},
	{"<a/><b / >", "<a|/><b| / > 0"},
	{"</a b>", "</a> 0"},
	{"<!-- <a> --><b>", "<b|> 0"},
	{"<!-- <a>", " 1"},
	{"<!--><a>", " 1"},
	{"<?xml version='1.0'?><b>", "<b|> 0"},
	{"<?xml", " 1"},
	{"<![CDATA[<a>&amp;]]>x", "'<a>&amp;''x' 0"},
	{"<![CDATA[<a>", "'<a>' 1"},
	{"<!DOCTYPE a SYSTEM 'file:///etc/passwd'><a>", "<a|> 0"},
	{"<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>", "']>'<a|>'&b;'</a> 0"},
	{"<!", " 1"},
	{"a<b>c</b>d", "'a'<b|>'c'</b>'d' 0"},
	{"<\xc3\xa4.-:1>", "<\xc3\xa4.-:1|> 0"},
	{"<1>", "'<1>' 1"},
};

static void
scans_anything(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(scans) / sizeof(scans[0]); i++) {
		buf_reset(&text);
		scan(scans[i][0], &text);
		if (!slice_equal_str(buf_slice(&text), scans[i][1]))
			fail_msg("%s: %.*s, not %s", scans[i][0], SLICE_ARGS(buf_slice(&text)),
				 scans[i][1]);
	}
}

static void
attributes_need_no_quotes(void **state)
{
	(void)state;
	static const char *const cases[][2] = {
		{"", ""},
		{" a=\"1\" b='2'", "a[1]b[2]"},
		{"a=1 b=2/", "a[1]b[2/]"},
		{" a = \"1\"b = 2", "a[1]b[2]"},
		{" a b", "a[]b[]"},
		{" a=", "a[]"},
		{" a=\"1", "a[1]"},
		{" a=\"1 b='2'", "a[1 b='2']"},
		{" =1 \"x\" a=2", "x[]a[2]"},
		{" 1=2 a=3", "a[3]"},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct slice rest = slice_str(cases[i][0]);
		struct slice name;
		struct slice value;
		buf_reset(&text);
		while (xml_scan_attribute(&rest, &name, &value))
			buf_printf(&text, "%.*s[%.*s]", SLICE_ARGS(name), SLICE_ARGS(value));
		if (!slice_equal_str(buf_slice(&text), cases[i][1]))
			fail_msg("%s: %.*s", cases[i][0], SLICE_ARGS(buf_slice(&text)));
	}
}

static void
only_the_five_entities_and_references_are_resolved(void **state)
{
	(void)state;
	static const char *const cases[][2] = {
		{"", ""},
		{"plain", "plain"},
		{"&amp;&lt;&gt;&quot;&apos;", "&<>\"'"},
		{"&amp;amp;", "&amp;"},
		{"&nbsp;&b;", "&nbsp;&b;"},
		{"&#65;&#x42;&#X43;", "ABC"},
		{"&#xe4;&#x20ac;&#x1f600;", "ä€😀"},
		{"&#0;&#xd800;&#x110000;&#-1;&#;&#x;", "&#0;&#xd800;&#x110000;&#-1;&#;&#x;"},
		{"&#1114111;", "\xf4\x8f\xbf\xbf"},
		{"&", "&"},
		{"a&;b", "a&;b"},
		{"&amp", "&amp"},
		{"&&amp;", "&&"},
		{"& lt;", "& lt;"},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_slice(xml_scan_unescape(slice_str(cases[i][0]), &arena), cases[i][1]);
	struct arena none;
	arena_init(&none, 0);
	assert_true(slice_is_absent(xml_scan_unescape(SLICE_LITERAL("&lt;"), &none)));
}

/* Would be quadratic, were each unclosed thing looked for to the end. */
static void
repeats_of_unclosed_things_are_read_once(void **state)
{
	(void)state;
	static const char *const pieces[] = {
		"<a b=\"", "<",       "<a ",   "</a",           "&",  "<!",  "<a b='<", "<![CDATA[",
		"<!--",    "<!---->", "<?a?>", "<![CDATA[x]]>", "<?", "<a>", "</b>"};
	for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
		struct xml_records records;
		buf_reset(&text);
		while (text.len < 2 * 1024 * 1024)
			buf_append_str(&text, pieces[i]);
		arena_reset(&arena);
		err_t err = xml_records_parse(buf_slice(&text), &arena, &records);
		assert_true(err == OK || err == ERR_LIMIT);
	}
}

/* Records as "name(text){name=value,...}^parent ". */
static void
print_records(const char *in, struct buf *out)
{
	struct xml_records records;
	assert_int_equal(xml_records_parse(slice_str(in), &arena, &records), OK);
	for (size_t i = 0; i < records.n; i++) {
		const struct xml_record *record = &records.items[i];
		buf_printf(out, "%.*s", SLICE_ARGS(record->name));
		if (!slice_is_absent(record->text))
			buf_printf(out, "(%.*s)", SLICE_ARGS(record->text));
		buf_append_byte(out, '{');
		for (size_t k = 0; k < record->n_fields; k++)
			buf_printf(out, "%s%.*s=%.*s", k == 0 ? "" : ",",
				   SLICE_ARGS(record->fields[k].name),
				   SLICE_ARGS(record->fields[k].value));
		buf_append_byte(out, '}');
		if (record->parent != SIZE_MAX)
			buf_printf(out, "^%zu", record->parent);
		buf_append_byte(out, ' ');
	}
	buf_printf(out, "%zu", records.n_broken);
}

static const char *const record_cases[][2] = {
	{"", "0"},
	{"no xml", "1"},
	{"<a/>", "0"},
	{"<a>text</a>", "a(text){} 0"},
	{"<a b='1'/>", "a{b=1} 0"},
	{"<a><b>1</b><c> 2 </c><d/></a>", "a{b=1,c=2,d=} 0"},
	{"<a b='1'><c>2</c></a>", "a{b=1,c=2} 0"},
	{"<a b='1'>t</a>", "a(t){b=1} 0"},
	{"<l><r n='1'/><r n='2'/></l>", "r{n=1} r{n=2} 0"},
	{"<l><r><n>1</n></r><r><n>2</n></r></l>", "r{n=1} r{n=2} 0"},
	{"<l v='9'><r n='1'><s><m>2</m></s></r></l>", "l{v=9} r{n=1}^0 s{m=2}^1 0"},
	/* Fields that come after a child's. */
	{"<a><b>1</b><r><n>2</n></r><c>3</c></a>", "a{b=1,c=3} r{n=2}^0 0"},
	{"<a>&lt;<b/></a>", "a(<){b=} 0"},
	{"<a><![CDATA[&lt;]]></a>", "a(&lt;){} 0"},
	/* Not well-formed. */
	{"<a><b>1</a>", "a{b=1} 1"},
	{"<a><b>1</b></a></a>", "a{b=1} 1"},
	{"<a><b>1</b>", "a{b=1} 1"},
	{"<a><b>1", "a{b=1} 2"},
	{"</a><b>1</b>", "b(1){} 1"},
	{"<a>x<b/>y</a>", "a(x){b=} 1"},
	{"<a b='1'", "a{b=1} 2"},
	{"<A><b>1</b></a>", "A{b=1} 2"},
};

static void
elements_with_attributes_or_leaves_are_records(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(record_cases) / sizeof(record_cases[0]); i++) {
		buf_reset(&text);
		print_records(record_cases[i][0], &text);
		if (!slice_equal_str(buf_slice(&text), record_cases[i][1]))
			fail_msg("%s: %.*s, not %s", record_cases[i][0],
				 SLICE_ARGS(buf_slice(&text)), record_cases[i][1]);
	}
}

static void
what_is_too_deep_is_counted(void **state)
{
	(void)state;
	struct xml_records records;
	for (size_t i = 0; i < 1000; i++)
		buf_append_str(&text, "<a>");
	buf_append_str(&text, "<b x='1'/>deep");
	for (size_t i = 0; i < 1000; i++)
		buf_append_str(&text, "</a>");
	buf_append_str(&text, "<c y='2'/>");
	assert_int_equal(xml_records_parse(buf_slice(&text), &arena, &records), OK);
	assert_int_equal(records.n, 1);
	assert_slice(records.items[0].name, "c");
	assert_int_equal(records.n_broken, 1000 - LIMIT_XML_SCAN_DEPTH + 2);
}

static void
refuses_more_records_or_fields_than_the_limits(void **state)
{
	(void)state;
	struct xml_records records;
	for (size_t more = 0; more < 2; more++) {
		buf_reset(&text);
		for (size_t i = 0; i < LIMIT_XML_RECORDS + more; i++)
			buf_append_str(&text, "<a b=''/>");
		arena_reset(&arena);
		assert_int_equal(xml_records_parse(buf_slice(&text), &arena, &records),
				 more == 0 ? OK : ERR_LIMIT);
		buf_reset(&text);
		buf_append_str(&text, "<a>");
		for (size_t i = 0; i < LIMIT_XML_FIELDS + more; i++)
			buf_append_str(&text, "<b/>");
		arena_reset(&arena);
		assert_int_equal(xml_records_parse(buf_slice(&text), &arena, &records),
				 more == 0 ? OK : ERR_LIMIT);
	}
}

#define SHA1_TEXT "0123456789abcdef0123456789abcdef01234567"
static const char compat[] =
	"<?xml version=\"1.0\" encoding=\"UTF-16\"?>\r\n<DATABASE>\r\n"
	"<EXE NAME=\"app.exe\" FILTER=\"CMI_FILTER_PRIVACY\">\r\n"
	"    <MATCHING_FILE NAME=\"app.exe\" SIZE=\"1234\" CHECKSUM=\"0xAB\" "
	"BIN_FILE_VERSION=\"1.2.3.4\" FILE_ID=\"0000" SHA1_TEXT "\" PROGRAM_ID=\"0006\" />\r\n"
	"    <MATCHING_FILE NAME=\"Gr&#252;n &amp; Co.dll\" SIZE=\"none\" />\r\n"
	"</EXE>\r\n<EXE NAME=\"ntdll.dll\" FILTER=\"CMI_FILTER_THISFILEONLY\"/>\r\n"
	"</DATABASE>\r\n</DATABASE>\r\n";

static void
appcompat_that_ends_twice_is_read(void **state)
{
	(void)state;
	struct appcompat appcompat;
	for (unsigned form = 0; form < FILES_FORMS; form++) {
		buf_reset(&text);
		(void)files_encode(slice_str(compat), form, &text);
		assert_int_equal(appcompat_parse(buf_slice(&text), &arena, &appcompat), OK);
		assert_true(appcompat.is_known);
		assert_int_equal(appcompat.n_broken, 1);
		assert_int_equal(appcompat.n_exes, 2);
		assert_int_equal(appcompat.n_other, 0);
		assert_slice(appcompat.exes[0].filter, "CMI_FILTER_PRIVACY");
		assert_int_equal(appcompat.exes[0].n_files, 2);
		const struct appcompat_file *files = appcompat.exes[0].files;
		assert_slice(files[0].file_version, "1.2.3.4");
		assert_slice(files[0].sha1, SHA1_TEXT);
		assert_true(files[0].has_size);
		assert_int_equal(files[0].size_bytes, 1234);
		assert_int_equal(files[0].record->n_fields, 6);
		assert_slice(files[1].name, "Grün & Co.dll");
		assert_false(files[1].has_size);
		assert_true(slice_is_absent(files[1].sha1));
		assert_slice(appcompat.exes[1].name, "ntdll.dll");
		assert_int_equal(appcompat.exes[1].n_files, 0);
	}
}

static void
appcompat_with_elements_never_closed_keeps_its_order(void **state)
{
	(void)state;
	struct appcompat appcompat;
	assert_int_equal(
		appcompat_parse(SLICE_LITERAL("<DATABASE><MATCHING_FILE NAME='lost'/><EXE NAME='a'>"
					      "<MATCHING_FILE NAME='1'><EXE NAME='b'>"
					      "<MATCHING_FILE NAME='2'/><NEW X='y'/>"
					      "<MATCHING_FILE NAME='3'"),
				&arena, &appcompat),
		OK);
	assert_true(appcompat.is_known);
	assert_int_equal(appcompat.n_exes, 2);
	assert_int_equal(appcompat.exes[0].n_files, 1);
	assert_int_equal(appcompat.exes[1].n_files, 2);
	assert_slice(appcompat.exes[1].files[1].name, "3");
	assert_int_equal(appcompat.n_other, 2);
	assert_slice(appcompat.other[0]->name, "MATCHING_FILE");
	assert_slice(appcompat.other[1]->name, "NEW");
}

static void
what_is_no_appcompat_stays_a_text(void **state)
{
	(void)state;
	static const char *const others[] = {"", "plain", "<DATABASE/>",
					     "<DATABASE><X a='1'/></DATABASE>",
					     "<OTHER><EXE NAME='a'/></OTHER>"};
	struct appcompat appcompat;
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		struct buf json;
		assert_int_equal(appcompat_parse(slice_str(others[i]), &arena, &appcompat), OK);
		assert_false(appcompat.is_known);
		assert_slice(appcompat.text.utf8, others[i]);
		FILES_JSON(appcompat_put_json, &appcompat, &json);
		files_assert_has(&json, "\"is_known\":false");
		files_assert_has(&json, "\"text\":\"");
		buf_done(&json);
	}
}

static void
drivers_and_devices_are_found_by_element_alone(void **state)
{
	(void)state;
	struct sysdata sysdata;
	assert_int_equal(
		sysdata_parse(SLICE_LITERAL("<X><SYS><NAME>Windows</NAME></SYS><DRIVERS>"
					    "<DRIVER><FILE>a.sys</FILE><V>1</V></DRIVER>"
					    "<driver file='b.sys'/></DRIVERS><DEVICES>"
					    "<DEVICE><ID>PCI\\VEN_1</ID></DEVICE></DEVICES>"
					    "</X>"),
			      &arena, &sysdata),
		OK);
	assert_true(sysdata.is_known);
	assert_int_equal(sysdata.drivers.n, 2);
	assert_slice(xml_record_field(sysdata.drivers.items[0], "file"), "a.sys");
	assert_slice(xml_record_field(sysdata.drivers.items[1], "FILE"), "b.sys");
	assert_true(slice_is_absent(xml_record_field(sysdata.drivers.items[1], "V")));
	assert_int_equal(sysdata.devices.n, 1);
	assert_int_equal(sysdata.other.n, 1);
	assert_int_equal(sysdata.n_broken, 0);
	assert_int_equal(sysdata_parse(SLICE_LITERAL("machine=PC\r\n"), &arena, &sysdata), OK);
	assert_false(sysdata.is_known);
	assert_slice(sysdata.text.utf8, "machine=PC\r\n");
}

static void
loaded_modules_are_listed_but_never_known(void **state)
{
	(void)state;
	struct loaded_modules modules;
	struct buf json;
	assert_int_equal(loaded_modules_parse(SLICE_LITERAL("<m><i Path='C:\\a.dll'/></m>"), &arena,
					      &modules),
			 OK);
	FILES_JSON(loaded_modules_put_json, &modules, &json);
	files_assert_has(&json, "\"is_known\":false");
	files_assert_has(&json, "\"name\":\"Path\",\n     \"value\":\"C:\\\\a.dll\"");
	buf_done(&json);
}

typedef err_t parse_fn(struct slice in, struct arena *arena);

static err_t
parse_appcompat(struct slice in, struct arena *into)
{
	struct appcompat appcompat;
	return appcompat_parse(in, into, &appcompat);
}

static err_t
parse_sysdata(struct slice in, struct arena *into)
{
	struct sysdata sysdata;
	return sysdata_parse(in, into, &sysdata);
}

static err_t
parse_modules(struct slice in, struct arena *into)
{
	struct loaded_modules modules;
	return loaded_modules_parse(in, into, &modules);
}

static void
refuses_what_is_too_large_or_does_not_fit(void **state)
{
	(void)state;
	static parse_fn *const parsers[] = {parse_appcompat, parse_sysdata, parse_modules};
	struct slice in = SLICE_LITERAL("<DATABASE><EXE NAME='&lt;'><MATCHING_FILE NAME='a'/>"
					"<DRIVER><X>&amp;</X></DRIVER></EXE></DATABASE>");
	while (text.len <= LIMIT_TEXT_FILE_BYTES)
		buf_append_byte(&text, ' ');
	for (size_t i = 0; i < sizeof(parsers) / sizeof(parsers[0]); i++) {
		bool is_read = false;
		assert_int_equal(parsers[i](buf_slice(&text), &arena), ERR_LIMIT);
		for (size_t cap = 0; !is_read; cap += 16) {
			struct arena small;
			arena_init(&small, cap);
			err_t err = parsers[i](in, &small);
			is_read = err == OK;
			assert_true(is_read || err == ERR_LIMIT);
			assert_true(cap < 65536);
			arena_done(&small);
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
		TEST(scans_anything),
		TEST(attributes_need_no_quotes),
		TEST(only_the_five_entities_and_references_are_resolved),
		TEST(repeats_of_unclosed_things_are_read_once),
		TEST(elements_with_attributes_or_leaves_are_records),
		TEST(what_is_too_deep_is_counted),
		TEST(refuses_more_records_or_fields_than_the_limits),
		TEST(appcompat_that_ends_twice_is_read),
		TEST(appcompat_with_elements_never_closed_keeps_its_order),
		TEST(what_is_no_appcompat_stays_a_text),
		TEST(drivers_and_devices_are_found_by_element_alone),
		TEST(loaded_modules_are_listed_but_never_known),
		TEST(refuses_what_is_too_large_or_does_not_fit),
#undef TEST
	};
	return cmocka_run_group_tests_name("report_xml_files", tests, NULL, NULL);
}
