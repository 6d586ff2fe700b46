#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "report/evidence.h"
#include "report_files.h"

static struct arena arena;
static struct evidence evidence;

static int
set_up(void **state)
{
	(void)state;
	arena_init(&arena, LIMIT_TEXT_FILE_ARENA_BYTES);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	arena_done(&arena);
	return 0;
}

static void
match(const struct evidence_input *input)
{
	assert_int_equal(evidence_match(input, &arena, &evidence), OK);
}

static void
assert_item(size_t i, enum evidence_directive directive, const char *item,
	    enum evidence_state state, const char *file)
{
	assert_true(i < evidence.n_items);
	const struct evidence_item *got = &evidence.items[i];
	bool is_equal = got->directive == directive && got->state == state &&
			slice_is_absent(got->item) == (item == NULL) &&
			slice_equal(got->item, slice_str(item)) &&
			slice_is_absent(got->file) == (file == NULL) &&
			slice_equal(got->file, slice_str(file));
	if (!is_equal)
		fail_msg("%s %.*s: %s, file %.*s", evidence_directive_key(got->directive),
			 SLICE_ARGS(got->item), evidence_state_name(got->state),
			 SLICE_ARGS(got->file));
	/* A reason belongs to what was not sent, and only to that. */
	assert_int_equal(got->reason != EVIDENCE_NO_REASON, state == EVIDENCE_NOT_SENT);
	assert_int_equal(got->possible & 1U << got->reason, 0);
}

static void
assert_reason(size_t i, enum evidence_reason reason, uint32_t possible)
{
	assert_true(i < evidence.n_items);
	if (evidence.items[i].reason != reason || evidence.items[i].possible != possible)
		fail_msg("\"%s\", possible %#x, not \"%s\", %#x",
			 evidence_reason_text(evidence.items[i].reason), evidence.items[i].possible,
			 evidence_reason_text(reason), possible);
}
#define BIT(reason) (1U << (reason))

static struct evidence_file
file_of(const char *name, uint64_t size_bytes, enum file_kind kind)
{
	return (struct evidence_file){
		.name = slice_str(name), .size_bytes = size_bytes, .kind = kind};
}

#define TEXT(text)                                                                                 \
	{                                                                                          \
		(const uint8_t *)(text), sizeof(text) - 1                                          \
	}
static const struct evidence_request everything = {
	.cab = true,
	.has_path = true,
	.memory_dump = true,
	.fdoc = true,
	.module_info = true,
	.reg_key = TEXT("HKLM\\A;HKLM\\B;"),
	.reg_tree = TEXT("HKLM\\C"),
	.wql = TEXT("SELECT Family FROM Win32_Processor"),
	.get_file = TEXT("%windir%\\a.log; ;%temp%\\*.etl"),
	.get_file_version = TEXT("%windir%\\a.dll"),
};

static void
nothing_asked_is_nothing_to_say(void **state)
{
	(void)state;
	const struct evidence_input input = {.upload = EVIDENCE_UPLOAD_CAME};
	struct buf json;
	match(&input);
	assert_int_equal(evidence.n_items, 0);
	FILES_JSON(evidence_put_json, &evidence, &json);
	files_assert_has(&json, "\"evidence\":[]");
	buf_done(&json);
}

static void
refuses_more_than_the_limits(void **state)
{
	(void)state;
	struct buf list;
	struct evidence_input input = {.request = {.cab = true, .has_path = true}};
	buf_init(&list, FILES_BYTES_MAX);
	for (size_t i = 1; i < LIMIT_EVIDENCE_ITEMS; i++)
		buf_append_str(&list, "a;");
	input.request.get_file = buf_slice(&list);
	match(&input);
	assert_int_equal(evidence.n_items, LIMIT_EVIDENCE_ITEMS);
	buf_append_str(&list, "a");
	input.request.get_file = buf_slice(&list);
	assert_int_equal(evidence_match(&input, &arena, &evidence), ERR_LIMIT);
	buf_done(&list);
	input.request.get_file = (struct slice){0};
	input.upload = EVIDENCE_UPLOAD_CAME;
	input.n_files = LIMIT_EVIDENCE_FILES + 1;
	assert_int_equal(evidence_match(&input, &arena, &evidence), ERR_LIMIT);
	struct arena none;
	arena_init(&none, 0);
	input.n_files = 0;
	assert_int_equal(evidence_match(&input, &none, &evidence), ERR_LIMIT);
	arena_done(&none);
}

static void
each_directive_has_the_file_that_answers_it(void **state)
{
	(void)state;
	const struct evidence_file files[] = {
		file_of("minidump.mdmp", 9, FILE_MINIDUMP),
		file_of("memory.hdmp", 9, FILE_HEAP_DUMP),
		file_of("Registry.TXT", 9, FILE_REGISTRY),
		file_of("WERE035.tmp.wql.txt", 9, FILE_WQL),
		file_of("A.LOG", 9, FILE_TEXT),
		file_of("trace 1.etl", 9, FILE_UNKNOWN),
		file_of("FileVer.txt", 9, FILE_FILE_VERSION),
		file_of("LoadedModules.xml", 9, FILE_LOADED_MODULES),
		{.name = SLICE_LITERAL("letter.doc"),
		 .size_bytes = 9,
		 .type = EVIDENCE_TYPE_DOCUMENT},
	};
	const struct evidence_input input = {
		.request = everything,
		.upload = EVIDENCE_UPLOAD_CAME,
		.files = files,
		.n_files = sizeof(files) / sizeof(files[0]),
	};
	match(&input);
	assert_int_equal(evidence.n_items, 11);
	assert_item(0, EVIDENCE_CAB, NULL, EVIDENCE_ANSWERED, NULL);
	assert_item(1, EVIDENCE_MEMORY_DUMP, NULL, EVIDENCE_ANSWERED, "memory.hdmp");
	assert_item(2, EVIDENCE_REG_KEY, "HKLM\\A", EVIDENCE_ANSWERED, "Registry.TXT");
	assert_item(3, EVIDENCE_REG_KEY, "HKLM\\B", EVIDENCE_ANSWERED, "Registry.TXT");
	assert_item(4, EVIDENCE_REG_TREE, "HKLM\\C", EVIDENCE_ANSWERED, "Registry.TXT");
	assert_item(5, EVIDENCE_WQL, "SELECT Family FROM Win32_Processor", EVIDENCE_ANSWERED,
		    "WERE035.tmp.wql.txt");
	assert_item(6, EVIDENCE_GET_FILE, "%windir%\\a.log", EVIDENCE_ANSWERED, "A.LOG");
	assert_item(7, EVIDENCE_GET_FILE, "%temp%\\*.etl", EVIDENCE_ANSWERED, "trace 1.etl");
	assert_item(8, EVIDENCE_GET_FILE_VERSION, "%windir%\\a.dll", EVIDENCE_ANSWERED,
		    "FileVer.txt");
	assert_item(9, EVIDENCE_FDOC, NULL, EVIDENCE_ANSWERED, "letter.doc");
	assert_item(10, EVIDENCE_MODULE_INFO, NULL, EVIDENCE_ANSWERED, "LoadedModules.xml");
	/* Where a tree is put nobody knows. */
	for (size_t i = 0; i < evidence.n_items; i++)
		assert_int_equal(evidence.items[i].is_sure, i != 4);
}

static void
an_empty_answer_is_none_unless_another_is_not(void **state)
{
	(void)state;
	const struct evidence_file files[] = {
		file_of("wql.txt", 2, FILE_WQL), /* a byte order mark */
		file_of("a.log", 0, FILE_EMPTY),
		file_of("memory.hdmp", 9, FILE_HEAP_DUMP),
		file_of("other/a.log", 1, FILE_TEXT),
		file_of("a.log", 5, FILE_TEXT),
		file_of("LoadedModules.xml", 0, FILE_EMPTY),
		file_of("b.etl", 0, FILE_EMPTY),
	};
	const struct evidence_input input = {
		.request = everything,
		.upload = EVIDENCE_UPLOAD_CAME,
		.files = files,
		.n_files = sizeof(files) / sizeof(files[0]),
	};
	match(&input);
	assert_item(5, EVIDENCE_WQL, "SELECT Family FROM Win32_Processor", EVIDENCE_EMPTY,
		    "wql.txt");
	assert_item(6, EVIDENCE_GET_FILE, "%windir%\\a.log", EVIDENCE_ANSWERED, "other/a.log");
	assert_item(7, EVIDENCE_GET_FILE, "%temp%\\*.etl", EVIDENCE_EMPTY, "b.etl");
	assert_item(10, EVIDENCE_MODULE_INFO, NULL, EVIDENCE_EMPTY, "LoadedModules.xml");
}

static void
registry_of_known_form_answers_the_keys_in_it(void **state)
{
	(void)state;
	struct registry_result result;
	assert_int_equal(
		registry_result_parse(
			SLICE_LITERAL("REGEDIT4\n[HKEY_LOCAL_MACHINE\\A\\Sub]\n\"v\"=\"1\"\n"
				      "[HKEY_LOCAL_MACHINE\\C\\Deep\\er]\n"),
			&arena, &result),
		OK);
	struct evidence_file files[] = {
		file_of("k.reg", 9, FILE_REGISTRY),
		file_of("unread.reg", 9, FILE_REGISTRY),
	};
	files[0].registry = &result;
	struct evidence_input input = {
		.request = {.cab = true,
			    .has_path = true,
			    .reg_key =
				    SLICE_LITERAL("HKLM\\a;HKLM\\A\\SUB\\;HKLM\\A\\Sub\\V;HKLM\\B;"
						  "HKLM\\A\\Sub\\w;HKLM\\A\\Su"),
			    .reg_tree = SLICE_LITERAL("HKEY_LOCAL_MACHINE\\C")},
		.upload = EVIDENCE_UPLOAD_CAME,
		.files = files,
		.n_files = 1,
	};
	match(&input);
	assert_item(1, EVIDENCE_REG_KEY, "HKLM\\a", EVIDENCE_ANSWERED, "k.reg");
	assert_item(2, EVIDENCE_REG_KEY, "HKLM\\A\\SUB\\", EVIDENCE_ANSWERED, "k.reg");
	assert_item(3, EVIDENCE_REG_KEY, "HKLM\\A\\Sub\\V", EVIDENCE_ANSWERED, "k.reg");
	assert_item(4, EVIDENCE_REG_KEY, "HKLM\\B", EVIDENCE_NOT_SENT, NULL);
	assert_item(5, EVIDENCE_REG_KEY, "HKLM\\A\\Sub\\w", EVIDENCE_NOT_SENT, NULL);
	assert_item(6, EVIDENCE_REG_KEY, "HKLM\\A\\Su", EVIDENCE_NOT_SENT, NULL);
	assert_item(7, EVIDENCE_REG_TREE, "HKEY_LOCAL_MACHINE\\C", EVIDENCE_ANSWERED, "k.reg");
	assert_true(evidence.items[7].is_sure);
	assert_reason(4, EVIDENCE_NOT_THERE, BIT(EVIDENCE_CONSENT_SAFE));
	/* Beside one that nobody could read, it may be in that. */
	input.n_files = 2;
	match(&input);
	assert_item(4, EVIDENCE_REG_KEY, "HKLM\\B", EVIDENCE_ANSWERED, "unread.reg");
	assert_false(evidence.items[4].is_sure);
	assert_true(evidence.items[1].is_sure);
	/* A sure answer counts more, wherever it stands. */
	struct evidence_file first = files[0];
	files[0] = files[1];
	files[1] = first;
	match(&input);
	assert_item(1, EVIDENCE_REG_KEY, "HKLM\\a", EVIDENCE_ANSWERED, "k.reg");
	assert_true(evidence.items[1].is_sure);
}

#define CLIENT_UNKNOWN                                                                             \
	(BIT(EVIDENCE_SECOND_LEVEL_OFF) | BIT(EVIDENCE_CONSENT_PARAMETERS) |                       \
	 BIT(EVIDENCE_CONSENT_ASK) | BIT(EVIDENCE_DATA_THROTTLED) |                                \
	 BIT(EVIDENCE_POWER_THROTTLED) | BIT(EVIDENCE_NETWORK_THROTTLED) |                         \
	 BIT(EVIDENCE_UPLOAD_FAILED))

static void
no_cabinet_has_the_reason_that_is_known(void **state)
{
	(void)state;
	static const struct {
		struct evidence_client client;
		enum evidence_reason reason;
		uint32_t possible; /* besides */
	} cases[] = {
		/* Nothing is known: Windows asks the user. */
		{{0}, EVIDENCE_CONSENT_ASK, CLIENT_UNKNOWN & ~BIT(EVIDENCE_CONSENT_ASK)},
		{{.consent = EVIDENCE_PARAMETERS},
		 EVIDENCE_CONSENT_PARAMETERS,
		 CLIENT_UNKNOWN & ~BIT(EVIDENCE_CONSENT_PARAMETERS) & ~BIT(EVIDENCE_CONSENT_ASK)},
		{{.consent = EVIDENCE_ALWAYS_ASK},
		 EVIDENCE_CONSENT_ASK,
		 CLIENT_UNKNOWN & ~BIT(EVIDENCE_CONSENT_PARAMETERS) & ~BIT(EVIDENCE_CONSENT_ASK)},
		{{.second_level_off = EVIDENCE_YES},
		 EVIDENCE_SECOND_LEVEL_OFF,
		 CLIENT_UNKNOWN & ~BIT(EVIDENCE_SECOND_LEVEL_OFF)},
		{{.report_consent = 3}, EVIDENCE_REPORT_CONSENT, CLIENT_UNKNOWN},
		/* All data may go, nothing bypassed: one cabinet of this type went before. */
		{{.consent = EVIDENCE_ALL_DATA, .sent_cab_before = EVIDENCE_YES},
		 EVIDENCE_DATA_THROTTLED,
		 BIT(EVIDENCE_SECOND_LEVEL_OFF) | BIT(EVIDENCE_POWER_THROTTLED) |
			 BIT(EVIDENCE_NETWORK_THROTTLED) | BIT(EVIDENCE_UPLOAD_FAILED)},
		{{.consent = EVIDENCE_ALL_DATA,
		  .sent_cab_before = EVIDENCE_YES,
		  .bypasses_data = EVIDENCE_YES,
		  .second_level_off = EVIDENCE_NO,
		  .ran_on_battery = EVIDENCE_YES,
		  .was_metered = EVIDENCE_NO},
		 EVIDENCE_POWER_THROTTLED,
		 BIT(EVIDENCE_UPLOAD_FAILED)},
		{{.consent = EVIDENCE_ALL_DATA,
		  .sent_cab_before = EVIDENCE_NO,
		  .second_level_off = EVIDENCE_NO,
		  .ran_on_battery = EVIDENCE_YES,
		  .bypasses_power = EVIDENCE_YES,
		  .was_metered = EVIDENCE_YES,
		  .bypasses_network = EVIDENCE_NO},
		 EVIDENCE_NETWORK_THROTTLED,
		 BIT(EVIDENCE_UPLOAD_FAILED)},
		/* All is excluded but an accident. */
		{{.consent = EVIDENCE_ALL_DATA,
		  .second_level_off = EVIDENCE_NO,
		  .bypasses_data = EVIDENCE_YES,
		  .bypasses_power = EVIDENCE_YES,
		  .bypasses_network = EVIDENCE_YES},
		 EVIDENCE_UPLOAD_FAILED,
		 0},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct evidence_input input = {
			.request = everything,
			.client = cases[i].client,
			.upload = EVIDENCE_UPLOAD_NONE,
		};
		match(&input);
		assert_int_equal(evidence.n_items, 11);
		for (size_t k = 0; k < evidence.n_items; k++)
			assert_reason(k, cases[i].reason, cases[i].possible);
	}
}

static void
what_the_reply_left_out_is_the_reason(void **state)
{
	(void)state;
	struct evidence_input input = {.request = everything, .upload = EVIDENCE_UPLOAD_NONE};
	input.client.consent = EVIDENCE_PARAMETERS;
	input.request.cab = false;
	match(&input);
	assert_item(0, EVIDENCE_MEMORY_DUMP, NULL, EVIDENCE_NOT_SENT, NULL);
	assert_reason(0, EVIDENCE_NOT_ASKED, 0);
	input.request.cab = true;
	input.request.has_path = false;
	match(&input);
	assert_reason(0, EVIDENCE_NO_PATH, 0);
	input.request.has_path = true;
	input.upload = EVIDENCE_UPLOAD_WAITED;
	match(&input);
	assert_reason(0, EVIDENCE_WAITING, 0);
	input.upload = EVIDENCE_UPLOAD_BROKEN;
	match(&input);
	assert_reason(0, EVIDENCE_UPLOAD_FAILED, 0);
}

/* Files that are given although none came are not asked. */
static void
files_of_an_upload_that_did_not_come_say_nothing(void **state)
{
	(void)state;
	const struct evidence_file files[] = {file_of("wql.txt", 9, FILE_WQL)};
	const struct evidence_input input = {
		.request = everything,
		.upload = EVIDENCE_UPLOAD_BROKEN,
		.files = files,
		.n_files = 1,
	};
	match(&input);
	for (size_t i = 0; i < evidence.n_items; i++)
		assert_int_equal(evidence.items[i].state, EVIDENCE_NOT_SENT);
}

static void
assert_missing(int consent, bool has_minidump, const unsigned reasons[11],
	       const uint32_t possible[11])
{
	const struct evidence_file files[] = {
		file_of("a.mdmp", 9, has_minidump ? FILE_MINIDUMP : FILE_KERNEL_DUMP),
	};
	const struct evidence_input input = {
		.request = everything,
		.client = {.consent = consent},
		.upload = EVIDENCE_UPLOAD_CAME,
		.files = files,
		.n_files = 1,
	};
	match(&input);
	assert_int_equal(evidence.n_items, 11);
	for (size_t i = 1; i < evidence.n_items; i++) {
		assert_int_equal(evidence.items[i].state, EVIDENCE_NOT_SENT);
		assert_reason(i, reasons[i], possible[i]);
	}
}

static void
what_a_cabinet_lacks_has_a_reason_each(void **state)
{
	(void)state;
	enum {
		SAFE = EVIDENCE_CONSENT_SAFE,
		GONE = EVIDENCE_NOT_THERE,
		MINI = EVIDENCE_MINI_ONLY,
		PAPER = EVIDENCE_NO_DOCUMENTS,
		OTHER = EVIDENCE_CLIENT_IGNORES
	};
	/* In order: cab, MemoryDump, RegKey x 2, RegTree, WQL, GetFile x 2, version, fDoc,
	 * ModuleInfo */
	static const unsigned unknown[11] = {0,    MINI, GONE, GONE,  GONE, GONE,
					     GONE, GONE, GONE, PAPER, OTHER};
	static const uint32_t safe_too[11] = {0,         BIT(SAFE) | BIT(GONE),
					      BIT(SAFE), BIT(SAFE),
					      BIT(SAFE), BIT(SAFE),
					      BIT(SAFE), BIT(SAFE),
					      BIT(SAFE), BIT(SAFE),
					      BIT(SAFE)};
	assert_missing(EVIDENCE_CONSENT_UNKNOWN, true, unknown, safe_too);
	static const unsigned safe[11] = {0,    SAFE, SAFE, SAFE, SAFE, GONE,
					  SAFE, SAFE, GONE, SAFE, OTHER};
	static const uint32_t others[11] = {0,         BIT(MINI) | BIT(GONE),
					    BIT(GONE), BIT(GONE),
					    BIT(GONE), BIT(SAFE),
					    BIT(GONE), BIT(GONE),
					    BIT(SAFE), BIT(PAPER),
					    BIT(SAFE)};
	assert_missing(EVIDENCE_SAFE_DATA, true, safe, others);
	static const unsigned all[11] = {0,    GONE, GONE, GONE,  GONE, GONE,
					 GONE, GONE, GONE, PAPER, OTHER};
	static const uint32_t none[11] = {0};
	assert_missing(EVIDENCE_ALL_DATA, false, all, none);
}

static void
json_says_it_in_words(void **state)
{
	(void)state;
	struct buf json;
	const struct evidence_file files[] = {file_of("wql.txt", 9, FILE_WQL)};
	const struct evidence_input input = {
		.request = everything,
		.upload = EVIDENCE_UPLOAD_CAME,
		.files = files,
		.n_files = 1,
	};
	match(&input);
	FILES_JSON(evidence_put_json, &evidence, &json);
	files_assert_has(&json, "\"directive\":\"wql\",\n   \"item\":\"SELECT Family FROM "
				"Win32_Processor\",\n   \"state\":\"answered\",\n   "
				"\"file\":\"wql.txt\",\n   \"is_sure\":true,\n   \"reason\":null");
	files_assert_has(&json, "\"state\":\"not_sent\",\n   \"file\":null,\n   \"is_sure\":false,"
				"\n   \"reason\":\"not_there\",\n   \"reason_text\":\"the machine");
	files_assert_has(&json, "\"possible\":[\n    \"consent_safe\"\n   ]");
	buf_done(&json);
	assert_string_equal(evidence_directive_key(EVIDENCE_GET_FILE_VERSION), "GetFileVersion");
	for (unsigned i = 1; i < EVIDENCE_REASON_N; i++)
		assert_true(strlen(evidence_reason_text(i)) > 10);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
		TEST(nothing_asked_is_nothing_to_say),
		TEST(refuses_more_than_the_limits),
		TEST(each_directive_has_the_file_that_answers_it),
		TEST(an_empty_answer_is_none_unless_another_is_not),
		TEST(registry_of_known_form_answers_the_keys_in_it),
		TEST(no_cabinet_has_the_reason_that_is_known),
		TEST(what_the_reply_left_out_is_the_reason),
		TEST(files_of_an_upload_that_did_not_come_say_nothing),
		TEST(what_a_cabinet_lacks_has_a_reason_each),
		TEST(json_says_it_in_words),
#undef TEST
	};
	return cmocka_run_group_tests_name("report_evidence", tests, NULL, NULL);
}
