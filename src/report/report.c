#include "report/report.h"

#include <stdio.h>

struct slice
report_find_secondary(const struct report *report, const char *name)
{
	struct slice wanted = slice_str(name);
	for (size_t i = 0; i < report->n_secondary; i++)
		if (slice_equal_nocase(report->secondary[i].name, wanted))
			return report->secondary[i].value;
	return (struct slice){NULL, 0};
}

const char *
report_flags_text(uint32_t flags, char text[256])
{
	/* The place in this list is the bit. */
	static const char *const names[] = {
		"bad-text",  "bad-os",        "bad-number",    "extra-params", "duplicate-param",
		"long-text", "unknown-parts", "missing-parts", "bad-param-id",
	};
	size_t at = 0;
	text[0] = '\0';
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if ((flags & (1U << i)) == 0)
			continue;
		int len = snprintf(text + at, 256 - at, "%s%s", at == 0 ? "" : ", ", names[i]);
		at += (size_t)len; /* all names together are shorter than TEXT */
	}
	return text;
}
