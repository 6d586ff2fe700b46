/* Compiles anything as collection rules, then asks them about one report: what they answer can
 * always be sent.
 */
#include "collection/collection.h"

#include <stdlib.h>

#include "base/limits.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define S(text)                                                                                    \
	{                                                                                          \
		(const uint8_t *)(text), sizeof(text) - 1                                          \
	}

static const struct report crash = {
	.machine = S("PC-17.corp.example"),
	.os = S("10.0.19045.2.0.0.256.48"),
	.user = S("CORP\\jane"),
	.app_name = S("Microsoft Word"),
	.app_path = S("C:\\Program Files\\Office16\\WINWORD.EXE"),
	.event_type = S("APPCRASH"),
	.has_report_type = true,
	.report_type = REPORT_CRASH,
	.n_params = 8,
	.params = {{.value = S("WINWORD.EXE")},
		   {.value = S("16.0.4266.1001")},
		   {.value = S("55ba1c3a")},
		   {.value = S("ntdll.dll")},
		   {.value = S("10.0.19041.804")},
		   {.value = S("b29ecf52")},
		   {.value = S("c0000005")},
		   {.value = S("000000000001d2ee")}},
};

static void
check_plan(const struct collection *collection, const struct collection_input *input)
{
	struct collection_plan plan;
	struct collection_counts counts = {.hits = 1};
	struct buf out;
	collection_plan(collection, input, &plan);
	if (collection_should_ask(&plan, &counts) != (plan.cabs > 0))
		abort();
	for (size_t i = 0; i < COLLECTION_DIRECTIVE_N; i++) {
		int rule = plan.decided_by[i];
		if (rule >= (int)collection_n_rules(collection) ||
		    collection_rule_name(collection, rule) == NULL ||
		    (rule >= 0 && collection_rule_line(collection, rule) == 0))
			abort();
	}
	buf_init(&out, LIMIT_REPLY_BYTES);
	if (reply_format(&plan.directives, &out) != OK)
		abort();
	buf_done(&out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct collection *collection;
	struct err_detail detail;
	struct report_label label;
	struct collection_input input = {
		.report = &crash, .label = &label, .bucket = 4711, .now_us = 1};
	report_label(&crash, &label);
	(void)address_parse(SLICE_LITERAL("10.1.2.3:50000"), &input.peer);
	if (collection_parse(slice_of(data, size), &collection, &detail) == OK) {
		check_plan(collection, &input);
		collection_unref(collection);
	} else if (strncmp(detail.why, "line ", 5) != 0) {
		abort();
	}
	return 0;
}
