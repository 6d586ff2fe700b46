/* crash_lines.h - a struct bucket_crash from lines of text, for golden files, tests and fuzzing
 *
 *	event APPCRASH			exception access_violation_read_null
 *	process app.exe			message Assertion failed
 *	hang				bugcheck d1
 *	one_bit				image_corrupt
 *	misaligned
 *	frame TRUST|MODULE|ID|VERSION|MODULE_OFFSET|FUNCTION|FUNCTION_OFFSET|FILE|LINE|UNLOADED
 *
 * TRUST is context, rules, inline, fp or scan, with '+' behind it for a name that is only public;
 * offsets are hex; what is empty or missing is absent.  '#' begins a comment.  Unknown lines are
 * passed over.  Slices point into the text.
 */
#pragma once

#include <string.h>

#include "bucket/crash.h"

enum {
	CRASH_LINES_FRAMES_MAX = 2048,
	CRASH_LINES_FIELDS = 10
};

static inline enum crash_trust
crash_lines_trust(struct slice text, bool *ret_is_public)
{
	static const char *const names[CRASH_TRUST_N] = {"context", "rules", "inline", "fp",
							 "scan"};
	*ret_is_public = slice_ends_with(text, SLICE_LITERAL("+"));
	text.len -= *ret_is_public;
	for (int i = 0; i < CRASH_TRUST_N; i++) {
		if (slice_equal_str(text, names[i]))
			return (enum crash_trust)i;
	}
	return CRASH_TRUST_RULES;
}

static inline struct slice
crash_lines_text(struct slice field)
{
	return field.len == 0 ? (struct slice){0} : field;
}

static inline uint64_t
crash_lines_hex(struct slice field)
{
	uint64_t value = 0;
	(void)slice_hex_to_u64(field, &value);
	return value;
}

static inline void
crash_lines_frame(struct slice rest, struct bucket_frame *frame)
{
	struct slice fields[CRASH_LINES_FIELDS] = {0};
	for (int i = 0; i < CRASH_LINES_FIELDS && rest.data != NULL; i++) {
		struct slice behind = {0};
		fields[i] = rest;
		(void)slice_cut(rest, '|', &fields[i], &behind);
		rest = behind;
	}
	uint64_t line = 0;
	(void)slice_to_u64(fields[8], &line);
	*frame = (struct bucket_frame){
		.module = crash_lines_text(fields[1]),
		.module_id = crash_lines_text(fields[2]),
		.module_version = crash_lines_text(fields[3]),
		.module_offset = crash_lines_hex(fields[4]),
		.function = crash_lines_text(fields[5]),
		.function_offset = crash_lines_hex(fields[6]),
		.file = crash_lines_text(fields[7]),
		.line = (uint32_t)line,
		.unloaded = crash_lines_text(fields[9]),
	};
	frame->trust = crash_lines_trust(fields[0], &frame->is_public);
}

static inline void
crash_lines_line(struct slice line, struct bucket_crash *crash, struct bucket_frame *frames)
{
	struct slice word = line;
	struct slice rest = {0};
	(void)slice_cut(line, ' ', &word, &rest);
	if (slice_equal_str(word, "event"))
		crash->event_type = rest;
	else if (slice_equal_str(word, "exception"))
		crash->exception = rest;
	else if (slice_equal_str(word, "process"))
		crash->process = rest;
	else if (slice_equal_str(word, "message"))
		crash->abort_message = rest;
	else if (slice_equal_str(word, "hang"))
		crash->is_hang = true;
	else if (slice_equal_str(word, "one_bit"))
		crash->is_one_bit_corrupt = true;
	else if (slice_equal_str(word, "image_corrupt"))
		crash->is_image_corrupt = true;
	else if (slice_equal_str(word, "misaligned"))
		crash->is_pc_misaligned = true;
	else if (slice_equal_str(word, "bugcheck")) {
		crash->has_bugcheck = true;
		crash->bugcheck_code = (uint32_t)crash_lines_hex(rest);
	} else if (slice_equal_str(word, "frame") && crash->n_frames < CRASH_LINES_FRAMES_MAX) {
		crash_lines_frame(rest, &frames[crash->n_frames++]);
	}
}

/* FRAMES has room for CRASH_LINES_FRAMES_MAX. */
static inline void
crash_lines_parse(struct slice text, struct bucket_frame *frames, struct bucket_crash *ret_crash)
{
	*ret_crash = (struct bucket_crash){.frames = frames};
	while (text.len > 0) {
		struct slice line = text;
		struct slice behind = {0};
		(void)slice_cut(text, '\n', &line, &behind);
		text = behind;
		if (line.len > 0 && line.data[0] != '#')
			crash_lines_line(line, ret_crash, frames);
	}
}
