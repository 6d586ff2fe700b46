/* cell.h - values that machines sent, made fit for a person's terminal
 *
 * Control characters are written as their pictures (U+2400 and on); C1 controls and characters
 * that turn the direction of writing or cannot be seen as <U+202E>: so no value can give the
 * terminal orders or look like another one.  Not with a backslash, as text_escape does: Windows
 * paths and names such as CORP\u1015 are the daily bread here.  --json has the exact values. Widths
 * are those of wcwidth(3) in a UTF-8 locale: cell_locale once.
 */
#pragma once

#include "base/buf.h"
#include "base/slice.h"

void cell_locale(void);
/* Appends TEXT as above; the result is valid UTF-8. */
void cell_text(struct slice text, struct buf *out);
/* Appends the picture of an ASCII control character, one column wide. */
void cell_picture(uint8_t control, struct buf *out);
/* Columns that CELL, made by cell_text, takes. */
size_t cell_width(struct slice cell);
/* Appends CELL cut to WIDTH columns, the last of them an ellipsis when something was cut. */
void cell_cut(struct slice cell, size_t width, struct buf *out);
/* The same with the ellipsis in the middle: for texts whose end tells them apart. */
void cell_cut_middle(struct slice cell, size_t width, struct buf *out);

void cell_time(int64_t time_us, struct buf *out); /* "2026-11-25 03:11:53Z" */
void cell_bytes(uint64_t bytes, struct buf *out); /* "1.4 MiB" */
void cell_span(int64_t span_us, struct buf *out); /* "3 days", "1 hour", "12 s" */
