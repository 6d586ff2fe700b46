#include "werctl/cell.h"
#include "werctl/show.h"
#include "werctl/table.h"

static void
show_members(struct output *out, const struct json *files)
{
	static const struct table_column columns[] = {
		{.title = "NAME", .least = 20, .is_cut_in_middle = true},
		{.title = "BYTES", .is_right = true},
		{.title = "SHA-256", .least = 12, .style = STYLE_FAINT},
	};
	struct table *table = table_new(columns, 3, out->is_terminal ? out->columns : 0);
	for (size_t i = 0; i < json_count(files); i++) {
		const struct json *file = json_at(files, i);
		table_cell(table, show_text(file, "name"));
		table_cell_printf(table, "%lld", (long long)show_number(file, "bytes", 0));
		table_cell(table, show_text(file, "sha256"));
	}
	table_flush(table, out->has_color, &out->text);
	table_free(table);
}

static void
show_failed(struct output *out, const struct json *failed)
{
	for (size_t i = 0; i < json_count(failed); i++) {
		const struct json *file = json_at(failed, i);
		output_styled(out, STYLE_BAD, "  ");
		cell_text(show_text(file, "name"), &out->text);
		output_printf(
			out, ": %lld of %lld bytes: ", (long long)show_number(file, "got_bytes", 0),
			(long long)show_number(file, "bytes", 0));
		cell_text(show_text(file, "error"), &out->text);
		output_printf(out, "\n");
	}
}

void
show_cabinet(struct output *out, const struct json *cabinet)
{
	const struct json *warnings = json_find(cabinet, "warnings");
	show_group(out, "Cabinet");
	show_members(out, json_find(cabinet, "files"));
	show_failed(out, json_find(cabinet, "failed"));
	show_value_of(out, "error", cabinet, "error");
	for (size_t i = 0; i < json_count(warnings); i++)
		show_value(out, "strange", json_text(json_at(warnings, i)));
}
