/* werctl-events(5) and the event table say the same. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/fs.h"
#include "report/event.h"

static const struct slice item = {(const uint8_t *)"\n.It Ic ", 8};
static struct buf page;

static int
load_page(void **state)
{
	(void)state;
	char path[4096];
	struct err_detail detail = {0};
	const char *source = getenv("OPENWER_SOURCE");
	(void)snprintf(path, sizeof(path), "%s/man/werctl-events.5", source == NULL ? "." : source);
	if (fs_read_file(path, 1 << 20, &page, &detail) != OK) {
		(void)fprintf(stderr, "%s\n", detail.why);
		return 1;
	}
	buf_append_byte(&page, '\0');
	return 0;
}

static int
free_page(void **state)
{
	(void)state;
	buf_done(&page);
	return 0;
}

/* The list of event types alone: it ends at the first .El. */
static struct slice
list_of_types(void)
{
	const char *start = strstr((const char *)page.data, "\n.Sh EVENT TYPES\n");
	assert_non_null(start);
	const char *end = strstr(start, "\n.El\n");
	assert_non_null(end);
	return slice_of(start, (size_t)(end - start) + 1);
}

/* Cuts the next item off *LIST: its name and its text.  False: no more. */
static bool
next_item(struct slice *list, struct slice *ret_name, struct slice *ret_text)
{
	const uint8_t *at = memmem(list->data, list->len, item.data, item.len);
	if (at == NULL)
		return false;
	*list = slice_sub(*list, (size_t)(at - list->data) + item.len, list->len);
	assert_true(slice_cut(*list, '\n', ret_name, list));
	/* One byte back, so that the next item has its newline. */
	list->data--;
	list->len++;
	const uint8_t *end = memmem(list->data, list->len, item.data, item.len);
	*ret_text = end == NULL ? *list : slice_sub(*list, 0, (size_t)(end - list->data) + 1);
	return true;
}

static bool
has_line(struct slice text, const char *line)
{
	char whole[256];
	int len = snprintf(whole, sizeof(whole), "\n%s\n", line);
	return memmem(text.data, text.len, whole, (size_t)len) != NULL;
}

static void
check_parameters(const struct event_type *type, struct slice text)
{
	for (size_t i = 0; i < LIMIT_PARAMS; i++) {
		char line[128];
		bool is_last = i + 1 == LIMIT_PARAMS || type->param_names[i + 1] == NULL;
		if (type->param_names[i] == NULL) {
			(void)snprintf(line, sizeof(line), "\nP%zu ", i + 1);
			assert_null(memmem(text.data, text.len, line, strlen(line)));
			continue;
		}
		(void)snprintf(line, sizeof(line), "P%zu %s%s", i + 1, type->param_names[i],
			       is_last ? "." : ",");
		assert_true(has_line(text, line));
	}
}

static void
every_type_is_in_the_manual_with_what_the_table_says(void **state)
{
	(void)state;
	struct slice list = list_of_types();
	struct slice name;
	struct slice text;
	size_t count = 0;
	while (next_item(&list, &name, &text)) {
		const struct event_type *type = event_at(count++);
		assert_non_null(type);
		assert_true(slice_equal_str(name, type->name)); /* in the order of the table */
		check_parameters(type, text);
		bool is_open = has_line(text, "The order is an open fact.") ||
			       has_line(text, "The parameters and their order are open facts.");
		assert_int_equal(is_open, !type->is_order_known);
		assert_int_equal(has_line(text, "The number of Windows is verified."),
				 type->hashed_verified);
		assert_non_null(
			memmem(text.data, text.len, type->about + 1, strlen(type->about + 1)));
	}
	assert_null(event_at(count));
}

static void
other_spellings_are_in_the_manual(void **state)
{
	(void)state;
	const struct event_type *type;
	for (size_t i = 0; (type = event_at(i)) != NULL; i++) {
		struct slice rest = slice_str(type->aliases);
		struct slice alias = rest;
		while (rest.len > 0) {
			if (!slice_cut(rest, ' ', &alias, &rest)) {
				alias = rest;
				rest.len = 0;
			}
			assert_non_null(memmem(page.data, page.len, alias.data, alias.len));
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_type_is_in_the_manual_with_what_the_table_says),
		cmocka_unit_test(other_spellings_are_in_the_manual),
	};
	return cmocka_run_group_tests(tests, load_page, free_page);
}
