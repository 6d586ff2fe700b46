/* php_row.h - a report out of one row of the PHP collector's database
 *
 * The schema is not documented to us, so it is read leniently: columns whose names are those of
 * level-1 attributes ([MS-CER2] 2.2.1), without case and underscores, or common other names for
 * them; parameters as columns p1, p2 ... or in one column, as JSON, XML or lines.
 * Pure.
 */
#pragma once

#include "base/arena.h"
#include "cer/level1.h"
#include "werctl/foreign_db.h"

/* A value that is itself a level-1 document; absent when there is none. */
struct slice php_row_document(const struct foreign_row *row);
/* Fills *ret_report; texts are borrowed from ROW or live in ARENA.  False: no event type. */
bool php_row_report(const struct foreign_row *row, struct level1_parser *parser,
		    struct arena *arena, struct report *ret_report);
/* The 32 hex digits in a value of ROW that stand alone, as ids of reports do: the Nth of them,
 * absent past the last. */
struct slice php_row_id(const struct foreign_row *row, size_t n);
