#include "base/time.h"

#include <stdatomic.h>
#include <stdio.h>
#include <time.h>

static const int64_t EPOCH_1601_US = INT64_C(11644473600) * TIME_SECOND_US;
static const int64_t YEAR_1_US = INT64_C(-62135596800) * TIME_SECOND_US;
static const int64_t YEAR_9999_END_US = INT64_C(253402300799) * TIME_SECOND_US + 999999;

static _Atomic int64_t test_now_us;

static int64_t
clock_us(clockid_t id)
{
	struct timespec now;
	(void)clock_gettime(id, &now);
	return (int64_t)now.tv_sec * TIME_SECOND_US + now.tv_nsec / 1000;
}

int64_t
time_now_us(void)
{
	int64_t fixed = atomic_load_explicit(&test_now_us, memory_order_relaxed);
	return fixed != 0 ? fixed : clock_us(CLOCK_REALTIME);
}

int64_t
time_monotonic_us(void)
{
	return clock_us(CLOCK_MONOTONIC);
}

void
time_set_for_test(int64_t now_us)
{
	atomic_store(&test_now_us, now_us);
}

const char *
time_format(int64_t time_us, char text[TIME_TEXT_BYTES])
{
	if (time_us < YEAR_1_US)
		time_us = YEAR_1_US;
	if (time_us > YEAR_9999_END_US)
		time_us = YEAR_9999_END_US;
	int64_t fraction = time_us % TIME_SECOND_US;
	if (fraction < 0)
		fraction += TIME_SECOND_US;
	time_t seconds = (time_t)((time_us - fraction) / TIME_SECOND_US);
	struct tm tm;
	(void)gmtime_r(&seconds, &tm);
	char whole[96]; /* as long as the compiler can imagine the fields */
	(void)snprintf(whole, sizeof(whole), "%04d-%02d-%02dT%02d:%02d:%02d.%06dZ",
		       (tm.tm_year + 1900) % 10000, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour,
		       tm.tm_min, tm.tm_sec, (int)fraction);
	memcpy(text, whole, TIME_TEXT_BYTES - 1);
	text[TIME_TEXT_BYTES - 1] = '\0';
	return text;
}

bool
time_from_filetime(uint64_t filetime, int64_t *ret_time_us)
{
	int64_t time_us = (int64_t)(filetime / 10) - EPOCH_1601_US;
	if (time_us > YEAR_9999_END_US)
		return false;
	*ret_time_us = time_us;
	return true;
}

uint64_t
time_to_filetime(int64_t time_us)
{
	if (time_us > YEAR_9999_END_US)
		time_us = YEAR_9999_END_US;
	if (time_us < -EPOCH_1601_US)
		return 0;
	int64_t since_1601 = time_us + EPOCH_1601_US;
	return (uint64_t)since_1601 * 10;
}

static bool
digits(struct slice *s, size_t count, int *ret_value)
{
	uint64_t value;
	if (s->len < count || !slice_to_u64(slice_sub(*s, 0, count), &value))
		return false;
	*s = slice_sub(*s, count, s->len);
	*ret_value = (int)value;
	return true;
}

static bool
skip(struct slice *s, const char *any_of)
{
	if (s->len == 0 || s->data[0] == 0 || strchr(any_of, s->data[0]) == NULL)
		return false;
	*s = slice_sub(*s, 1, s->len);
	return true;
}

static bool
parse_span(struct slice s, int64_t *ret_us)
{
	static const struct {
		uint8_t unit;
		int64_t us;
	} units[] = {{'s', TIME_SECOND_US},
		     {'m', TIME_MINUTE_US},
		     {'h', TIME_HOUR_US},
		     {'d', TIME_DAY_US}};
	uint64_t count;
	if (s.len < 2 || !slice_to_u64(slice_sub(s, 0, s.len - 1), &count) || count > 1000000)
		return false;
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (units[i].unit == s.data[s.len - 1]) {
			*ret_us = (int64_t)count * units[i].us;
			return true;
		}
	}
	return false;
}

static int64_t
parse_fraction(struct slice *s)
{
	int64_t fraction = 0;
	int64_t scale = TIME_SECOND_US / 10;
	if (!skip(s, ".,"))
		return 0;
	for (; s->len > 0 && s->data[0] >= '0' && s->data[0] <= '9'; scale /= 10) {
		fraction += (s->data[0] - '0') * scale;
		*s = slice_sub(*s, 1, s->len);
	}
	return fraction;
}

/* "Z", "+hh:mm", "-hhmm" or nothing, which is UTC too. */
static bool
parse_offset(struct slice *s, int64_t *ret_us)
{
	int hours = 0;
	int minutes = 0;
	*ret_us = 0;
	if (s->len == 0 || skip(s, "Zz"))
		return s->len == 0;
	bool west = s->data[0] == '-';
	if (!skip(s, "+-") || !digits(s, 2, &hours))
		return false;
	(void)skip(s, ":");
	if (!digits(s, 2, &minutes) || s->len != 0 || hours > 23 || minutes > 59)
		return false;
	*ret_us = (west ? -1 : 1) * (hours * TIME_HOUR_US + minutes * TIME_MINUTE_US);
	return true;
}

/* timegm takes a 30 February for a day in March. */
static bool
is_day_of_month(const struct tm *tm)
{
	struct tm noon = {.tm_year = tm->tm_year,
			  .tm_mon = tm->tm_mon,
			  .tm_mday = tm->tm_mday,
			  .tm_hour = 12};
	(void)timegm(&noon);
	return noon.tm_mday == tm->tm_mday;
}

bool
time_parse(struct slice s, int64_t now_us, int64_t *ret_time_us)
{
	int64_t span_us;
	int64_t offset_us = 0;
	int64_t fraction = 0;
	struct tm tm = {0};
	if (parse_span(s, &span_us)) {
		*ret_time_us = now_us - span_us;
		return true;
	}
	if (!digits(&s, 4, &tm.tm_year) || !skip(&s, "-") || !digits(&s, 2, &tm.tm_mon) ||
	    !skip(&s, "-") || !digits(&s, 2, &tm.tm_mday))
		return false;
	if (s.len > 0) {
		if (!skip(&s, "Tt ") || !digits(&s, 2, &tm.tm_hour) || !skip(&s, ":") ||
		    !digits(&s, 2, &tm.tm_min))
			return false;
		if (skip(&s, ":") && !digits(&s, 2, &tm.tm_sec))
			return false;
		fraction = parse_fraction(&s);
		if (!parse_offset(&s, &offset_us))
			return false;
	}
	if (tm.tm_mon < 1 || tm.tm_mon > 12 || tm.tm_mday < 1 || tm.tm_mday > 31 ||
	    tm.tm_hour > 23 || tm.tm_min > 59 || tm.tm_sec > 60)
		return false;
	tm.tm_year -= 1900;
	tm.tm_mon -= 1;
	if (!is_day_of_month(&tm))
		return false;
	*ret_time_us = (int64_t)timegm(&tm) * TIME_SECOND_US + fraction - offset_us;
	return true;
}
