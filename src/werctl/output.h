/* output.h - what the commands print, and for whom
 *
 * Text is gathered and written in large pieces.  Colors and widths are for a terminal alone;
 * NO_COLOR and TERM=dumb are obeyed.  A failed write is kept and becomes the exit status.
 */
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "ext/json.h"

enum style {
	STYLE_PLAIN,
	STYLE_TITLE, /* headings */
	STYLE_FAINT, /* beside the point */
	STYLE_GOOD,
	STYLE_WARN,
	STYLE_BAD
};

struct output {
	struct buf text; /* not yet written */
	int fd;
	bool is_json;
	bool is_terminal;
	bool has_color;
	unsigned columns; /* of the terminal; 0: no bound */
	err_t error;      /* of the first write that failed */
};

void output_init(struct output *out, int fd, bool is_json);
void output_done(struct output *out); /* without writing */
/* Writes what was gathered; the sticky error. */
err_t output_flush(struct output *out) ERR_CHECK;
/* The same when much was gathered.  Called once per item by every list. */
void output_breathe(struct output *out);

const char *style_open(bool has_color, enum style style); /* "" without color */
const char *style_close(bool has_color, enum style style);
void
output_printf(struct output *out, const char *format, ...) __attribute__((format(printf, 2, 3)));
void output_styled(struct output *out, enum style style, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* Prints VALUE as one line, frees it. */
void output_json(struct output *out, struct json *value);
