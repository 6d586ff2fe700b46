/* `diff`: two reports, attribute by attribute */
#include "werctl/command.h"
#include "werctl/diff.h"
#include "werctl/record.h"
#include "werctl/table.h"

struct diff_printing {
	struct output *out;
	struct table *table; /* NULL: JSON */
	bool is_all;
	size_t n_equal;
	size_t n_different;
};

static void
print_row(void *context, const struct diff_row *row)
{
	struct diff_printing *p = context;
	p->n_equal += row->is_equal;
	p->n_different += !row->is_equal;
	if (p->table == NULL) {
		struct json *object = json_new_object();
		json_put_str(object, "attribute", row->attribute);
		json_put_text(object, "name", row->name);
		json_put_text(object, "a", row->a);
		json_put_text(object, "b", row->b);
		json_put_flag(object, "equal", row->is_equal);
		output_json(p->out, object);
		return;
	}
	if (row->is_equal && !p->is_all)
		return;
	table_cell(p->table, slice_str(row->is_equal ? "" : "*"));
	if (row->name.len > 0)
		table_cell_printf(p->table, "%s (%.*s)", row->attribute, SLICE_ARGS(row->name));
	else
		table_cell(p->table, slice_str(row->attribute));
	table_cell(p->table, row->a);
	table_cell(p->table, row->b);
}

static void
print_diff(struct werctl *w, const struct record *a, const struct record *b)
{
	const struct table_column columns[] = {
		{.title = "", .style = STYLE_WARN},
		{.title = "ATTRIBUTE", .least = 12},
		{.title = werctl_operand(w, 0), .least = 16},
		{.title = werctl_operand(w, 1), .least = 16},
	};
	struct diff_printing p = {.out = &w->out,
				  .is_all = option_is_given(&w->options, OPTION_ALL)};
	if (!w->out.is_json)
		p.table = table_new(columns, 4, w->out.columns);
	diff_reports(&a->report, &b->report, print_row, &p);
	if (p.table != NULL) {
		table_flush(p.table, w->out.has_color, &w->out.text);
		output_styled(&w->out, STYLE_FAINT, "%zu different, %zu equal", p.n_different,
			      p.n_equal);
		output_printf(&w->out, "\n");
	}
	table_free(p.table);
}

err_t
cmd_diff(struct werctl *w)
{
	struct record a;
	struct record b;
	err_t err = record_load_operand(w, werctl_operand(w, 0), &w->arena, &a);
	if (err == OK)
		err = record_load_operand(w, werctl_operand(w, 1), &w->arena, &b);
	if (err == OK)
		print_diff(w, &a, &b);
	return err;
}
