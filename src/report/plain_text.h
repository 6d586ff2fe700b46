/* plain_text.h - text whose form nobody has published: sysinfo.txt, FileVer.txt, wql.txt,
 * Version.txt, and whatever text a GetFile brought
 *
 * Never `known`: the text is kept and shown.  Lines `name=value` and `name: value` are listed
 * besides, so that they can be searched; that says nothing about what they mean.
 */
#pragma once

#include "report/report.h"
#include "report/text_file.h"

struct plain_text {
	struct text_file text;
	size_t n_lines;
	size_t n_blank; /* of them without a character */
	struct report_pair *pairs;
	size_t n_pairs;
	bool has_more_pairs; /* past LIMIT_TEXT_PAIRS */
};

/* ERR_LIMIT: too large, or ARENA, in which everything lives, is full. */
err_t plain_text_parse(struct slice in, struct arena *arena, struct plain_text *ret_text) ERR_CHECK;
void plain_text_put_json(const struct plain_text *text, struct json *object);
