#include <stdio.h>

#include "werctl/cell.h"
#include "werctl/show.h"
#include "werctl/table.h"

enum {
	FOLD_FROM = 3,      /* times that a piece of a stack comes before it is folded */
	CYCLE_MAX = 8,      /* frames of such a piece */
	BIT_FLIPS_SHOWN = 4 /* the likeliest; the JSON form has all */
};

/* ---- what happened ---- */

static void
show_head(struct output *out, const struct json *dump)
{
	char text[512];
	struct slice os_version = show_text(dump, "os_version");
	(void)snprintf(text, sizeof(text), "%.*s of %.*s %.*s, %.*s",
		       SLICE_ARGS(show_text(dump, "kind")), SLICE_ARGS(show_text(dump, "os")),
		       SLICE_ARGS(os_version), SLICE_ARGS(show_text(dump, "arch")));
	show_value(out, "dump", slice_str(text));
	show_value_of(out, "system", dump, "os_text");
	show_value_of(out, "processor", dump, "cpu");
	show_value_of(out, "written", dump, "time");
	show_value_of(out, "by", dump, "writer");
	show_value_of(out, "program", json_find(dump, "process"), "image_path");
	show_value_of(out, "integrity", json_find(dump, "process"), "integrity");
	show_value_of(out, "command line", json_find(dump, "private"), "command_line");
	show_value_of(out, "comment", dump, "comment");
}

static void
show_what_happened(struct output *out, const struct json *what, const char *title)
{
	if (json_kind(what) != JSON_KIND_OBJECT)
		return;
	char code[128];
	show_group(out, title);
	(void)snprintf(code, sizeof(code), "%.*s %.*s", SLICE_ARGS(show_text(what, "code")),
		       SLICE_ARGS(show_text(what, "name")));
	show_value(out, "code", slice_str(code));
	show_value_of(out, "what", what, "text");
	show_value_of(out, "address", what, "address");
}

static void
show_bit_flip(struct output *out, const struct json *flip)
{
	char text[200];
	struct slice reg = show_text(flip, "register");
	(void)snprintf(text, sizeof(text), "bit %lld of %.*s%s%.*s, would give %.*s (%.*s)",
		       (long long)show_number(flip, "bit", 0), SLICE_ARGS(reg),
		       reg.len > 0 ? ", " : "", SLICE_ARGS(show_text(flip, "address")),
		       SLICE_ARGS(show_text(flip, "result")),
		       SLICE_ARGS(show_text(flip, "confidence")));
	show_value(out, "bit flip", slice_str(text));
}

static void
show_triage(struct output *out, const struct json *dump)
{
	const struct json *exploitability = json_find(dump, "exploitability");
	const struct json *reasons = json_find(exploitability, "reasons");
	const struct json *flips = json_find(dump, "bit_flips");
	if (json_kind(exploitability) != JSON_KIND_OBJECT)
		return;
	show_group(out, "Triage (weak inputs: clues, not findings)");
	show_value_of(out, "exploitability", exploitability, "rating");
	for (size_t i = 0; i < json_count(reasons); i++)
		show_value(out, "because", json_text(json_at(reasons, i)));
	for (size_t i = 0; i < json_count(flips) && i < BIT_FLIPS_SHOWN; i++)
		show_bit_flip(out, json_at(flips, i));
}

/* ---- stacks ---- */

static void
show_place(struct output *out, const struct json *frame)
{
	struct slice module = show_text(frame, "module");
	struct slice function = show_text(frame, "function");
	if (!slice_is_absent(module))
		cell_text(module, &out->text);
	else
		cell_text(show_text(frame, "unloaded"), &out->text);
	if (!slice_is_absent(function)) {
		output_printf(out, "!");
		cell_text(function, &out->text);
		output_styled(out, STYLE_FAINT, " + %.*s",
			      SLICE_ARGS(show_text(frame, "function_offset")));
	} else if (!slice_is_absent(module)) {
		output_printf(out, " + ");
		cell_text(show_text(frame, "offset"), &out->text);
	}
}

static void
show_source(struct output *out, const struct json *frame)
{
	struct slice file = show_text(frame, "file");
	if (slice_is_absent(file))
		return;
	output_styled(out, STYLE_GOOD, "   ");
	cell_text(file, &out->text);
	output_printf(out, ":%lld", (long long)show_number(frame, "line", 0));
}

static void
show_frame(struct output *out, size_t number, const struct json *frame)
{
	output_printf(out, "  %3zu ", number);
	output_styled(out, STYLE_FAINT, "%-13.*s %18.*s ", SLICE_ARGS(show_text(frame, "trust")),
		      SLICE_ARGS(show_text(frame, "address")));
	show_place(out, frame);
	show_source(out, frame);
	output_printf(out, "\n");
}

static bool
is_same_frame(const struct json *a, const struct json *b)
{
	return slice_equal(show_text(a, "address"), show_text(b, "address")) &&
	       slice_equal(show_text(a, "function"), show_text(b, "function"));
}

/* How often the LENGTH frames from AT on come one behind the other. */
static size_t
count_repeats(const struct json *frames, size_t at, size_t length)
{
	size_t count = json_count(frames);
	size_t repeats = 1;
	for (size_t next = at + length; next + length <= count; next += length, repeats++)
		for (size_t i = 0; i < length; i++)
			if (!is_same_frame(json_at(frames, at + i), json_at(frames, next + i)))
				return repeats;
	return repeats;
}

/* A recursion is shown once.  Returns how many frames were dealt with. */
static size_t
show_recursion(struct output *out, const struct json *frames, size_t at)
{
	for (size_t length = 1; length <= CYCLE_MAX; length++) {
		size_t repeats = count_repeats(frames, at, length);
		if (repeats < FOLD_FROM)
			continue;
		for (size_t i = 0; i < length; i++)
			show_frame(out, at + i, json_at(frames, at + i));
		output_styled(out, STYLE_WARN, "      the last %zu %s %zu times in a row\n", length,
			      length == 1 ? "frame stands" : "frames stand", repeats);
		return length * repeats;
	}
	return 0;
}

static void
show_frame_list(struct output *out, const struct json *frames)
{
	for (size_t i = 0; i < json_count(frames);) {
		size_t folded = show_recursion(out, frames, i);
		if (folded == 0)
			show_frame(out, i, json_at(frames, i));
		i += folded == 0 ? 1 : folded;
	}
}

static void
show_frames(struct output *out, const struct json *thread)
{
	show_frame_list(out, json_find(thread, "frames"));
	output_styled(out, STYLE_FAINT, "      ends: %.*s", SLICE_ARGS(show_text(thread, "end")));
	output_printf(out, "\n");
}

static void
show_thread_title(struct output *out, const struct json *thread)
{
	struct slice name = show_text(thread, "name");
	output_printf(out, "\n");
	output_styled(out, STYLE_TITLE, "Thread %lld%s", (long long)show_number(thread, "id", 0),
		      json_is_true(json_find(thread, "crashing")) ? ", where it happened" : "");
	if (!slice_is_absent(name)) {
		output_printf(out, " ");
		cell_text(name, &out->text);
	}
	output_printf(out, "\n");
}

static void
show_other_thread(struct output *out, const struct json *thread)
{
	const struct json *frames = json_find(thread, "frames");
	output_styled(out, STYLE_FAINT, "  %8lld ", (long long)show_number(thread, "id", 0));
	cell_text(show_text(thread, "name"), &out->text);
	output_printf(out, json_count(frames) > 0 ? "  in " : "  no stack");
	if (json_count(frames) > 0)
		show_place(out, json_at(frames, 0));
	output_styled(out, STYLE_FAINT, "   %zu frames\n", json_count(frames));
}

static void
show_threads(struct output *out, const struct json *dump, bool all)
{
	const struct json *threads = json_find(dump, "threads");
	const struct json *interrupted = json_find(dump, "interrupted");
	size_t n_others = 0;
	if (json_count(interrupted) > 0)
		show_group(out, "What the kernel was doing when it went wrong");
	show_frame_list(out, interrupted);
	for (size_t i = 0; i < json_count(threads); i++) {
		const struct json *thread = json_at(threads, i);
		if (!all && !json_is_true(json_find(thread, "crashing"))) {
			n_others++;
			continue;
		}
		show_thread_title(out, thread);
		show_frames(out, thread);
	}
	if (n_others == 0)
		return;
	show_group(out, "Other threads (--all shows their stacks)");
	for (size_t i = 0; i < json_count(threads); i++)
		if (!json_is_true(json_find(json_at(threads, i), "crashing")))
			show_other_thread(out, json_at(threads, i));
}

/* ---- modules ---- */

static void
show_modules(struct output *out, const struct json *dump)
{
	static const struct table_column columns[] = {
		{.title = "MODULE", .least = 16, .is_cut_in_middle = true},
		{.title = "VERSION"},
		{.title = "BASE", .is_right = true},
		{.title = "SIZE", .is_right = true, .rank = 1},
		{.title = "DEBUG ID", .least = 12, .style = STYLE_FAINT},
		{.title = "SYMBOLS", .least = 10},
	};
	const struct json *modules = json_find(dump, "modules");
	if (json_count(modules) == 0)
		return;
	show_group(out, "Modules");
	struct table *table = table_new(columns, 6, out->is_terminal ? out->columns : 0);
	table_indent(table, 2);
	for (size_t i = 0; i < json_count(modules); i++) {
		const struct json *module = json_at(modules, i);
		table_cell(table, show_text(module, "name"));
		table_cell(table, show_text(module, "version"));
		table_cell(table, show_text(module, "base"));
		table_cell_printf(table, "%lld", (long long)show_number(module, "size", 0));
		table_cell(table, show_text(module, "debug_id"));
		table_cell(table, show_text(module, "symbols"));
	}
	table_flush(table, out->has_color, &out->text);
	table_free(table);
}

void
show_dump(struct output *out, const struct json *dump, bool all)
{
	const struct json *oddities = json_find(dump, "oddities");
	show_value_of(out, "error", dump, "error");
	if (slice_is_absent(show_text(dump, "kind")))
		return;
	show_head(out, dump);
	show_what_happened(out, json_find(dump, "bugcheck"), "Bug check");
	show_what_happened(out, json_find(dump, "exception"), "Exception");
	show_triage(out, dump);
	show_threads(out, dump, all);
	show_modules(out, dump);
	if (json_count(oddities) > 0)
		show_group(out, "Strange");
	for (size_t i = 0; i < json_count(oddities); i++)
		show_value(out, "", json_text(json_at(oddities, i)));
}
