/* time.h - the only clock, and the forms that times take
 *
 * A time is an int64_t: microseconds since 1970-01-01 UTC.  A FILETIME, the form on the wire,
 * counts 100 ns since 1601-01-01 UTC.  Tests set the clock with time_set_for_test.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"

#define TIME_SECOND_US INT64_C(1000000)
#define TIME_MINUTE_US (60 * TIME_SECOND_US)
#define TIME_HOUR_US (60 * TIME_MINUTE_US)
#define TIME_DAY_US (24 * TIME_HOUR_US)

enum {
	TIME_TEXT_BYTES = 32
}; /* "2026-11-25T03:11:53.123456Z" and a NUL */

int64_t time_now_us(void);
int64_t time_monotonic_us(void);        /* for durations and deadlines; never set back */
void time_set_for_test(int64_t now_us); /* the wall clock stands still here; 0 lets it run */

/* RFC 3339 in UTC with microseconds.  Years outside 0001-9999 print as the nearest of them. */
const char *time_format(int64_t time_us, char text[TIME_TEXT_BYTES]);
/* RFC 3339 ("2026-11-25T03:11:53Z", fraction and offset optional), a date alone, or a span
 * before NOW_US ("90s", "15m", "36h", "7d").  False when it is none of them. */
bool time_parse(struct slice text, int64_t now_us, int64_t *ret_time_us);

/* False when the FILETIME lies outside years 1601-9999 (it says nothing then). */
bool time_from_filetime(uint64_t filetime, int64_t *ret_time_us);
uint64_t time_to_filetime(int64_t time_us);
