/* rate_fixture.h - rates one crash and asks for its points and reasons
 *
 * Include after cmocka.h.
 */
#pragma once

#include "dump/exploitability.h"
#include "triage_fixture.h"

struct rated {
	struct parsed parsed;
	struct exploitability e;
};

static inline void
rated_init(struct rated *r, const struct crash *crash, const struct stack *blamed)
{
	crash_parse(crash, &r->parsed);
	exploitability_rate(&r->parsed.dump, blamed, &r->parsed.arena, &r->e);
}

static inline void
rated_done(struct rated *r)
{
	parsed_done(&r->parsed);
}

static inline bool
rated_says(const struct exploitability *e, const char *part)
{
	for (unsigned i = 0; i < e->n_reasons; i++)
		if (memmem(e->reasons[i].text.data, e->reasons[i].text.len, part, strlen(part)) !=
		    NULL)
			return true;
	return false;
}

static inline void
assert_said(const struct exploitability *e, const char *part)
{
	if (rated_says(e, part))
		return;
	for (unsigned i = 0; i < e->n_reasons; i++)
		(void)printf("reason: %.*s (+%u)\n", SLICE_ARGS(e->reasons[i].text),
			     e->reasons[i].points);
	fail_msg("no reason says \"%s\"", part);
}

/* Rates CRASH; fails unless it has SCORE points, RATING and a reason with PART in it. */
static inline void
assert_rated(const struct crash *crash, const struct stack *blamed, unsigned score,
	     enum exploitability_rating rating, const char *part)
{
	struct rated r;
	unsigned sum = 0;
	rated_init(&r, crash, blamed);
	assert_said(&r.e, part);
	for (unsigned i = 0; i < r.e.n_reasons; i++)
		sum += r.e.reasons[i].points;
	if (r.e.score != score)
		for (unsigned i = 0; i < r.e.n_reasons; i++)
			(void)printf("reason: %.*s (+%u)\n", SLICE_ARGS(r.e.reasons[i].text),
				     r.e.reasons[i].points);
	assert_int_equal(r.e.score, score);
	assert_int_equal(sum, score);
	assert_int_equal(r.e.rating, rating);
	rated_done(&r);
}
