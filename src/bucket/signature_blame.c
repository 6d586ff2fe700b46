/* Which frame is to blame.
 *
 * First the stack's beginning is looked for: a sentinel, or behind a trap or a function that ends
 * programs, the innermost of them.  From there each frame is skipped, or could be blamed; of those
 * the best is taken, and of equals the innermost:
 *
 *	0  a program's or driver's own frame	2  the same, found by a scan
 *	1  a frame of the system with a name
 *	3  one without a name			4  one with or without, found by a scan
 *	5  where programs and threads begin	6  the same, found by a scan
 *
 * A scan finds return addresses of calls that ended long ago, so that nothing it finds goes
 * before what was unwound and says something.  An offset in the system says nothing: without
 * symbols all exceptions of all programs are raised at the same one.
 */
#include "bucket/signature_internal.h"

enum {
	BEGINNING_REACH = 64, /* frames; handlers and reporters of crashes are shorter */
	RANK_OWN = 0,
	RANK_SYSTEM = 1,
	RANK_OWN_SCANNED = 2,
	RANK_SYSTEM_NAMELESS = 3,
	RANK_SYSTEM_SCANNED = 4,
	RANK_ENTRY = 5,
	RANKS = 7,
	/* An endless recursion is one when it shows this often. */
	CYCLE_ROUNDS = 3,
	CYCLE_REACH = 64 /* it is looked for behind this many frames at most */
};

static const struct frame_rule *
rule_of(const struct signature_frame *frame, enum frame_section section)
{
	return frame->matches.rules[section];
}

/* The line that keeps FRAME from being blamed; NULL: none does. */
static const struct frame_rule *
skip_rule(const struct blame *blame, const struct signature_frame *frame)
{
	static const enum frame_section skipping[] = {FRAME_TRAP, FRAME_BELOW, FRAME_HEAP,
						      FRAME_IRRELEVANT, FRAME_WAITING};
	size_t n = sizeof(skipping) / sizeof(skipping[0]) - !blame->is_hang;
	if (rule_of(frame, FRAME_RELEVANT) != NULL)
		return NULL;
	for (size_t i = 0; i < n; i++) {
		if (rule_of(frame, skipping[i]) != NULL)
			return rule_of(frame, skipping[i]);
	}
	return NULL;
}

/* The line that makes the stack begin at or behind FRAME; NULL: none does. */
static const struct frame_rule *
start_rule(const struct blame *blame, const struct signature_frame *frame)
{
	const struct frame_rule *rule = rule_of(frame, FRAME_SENTINEL);
	if (rule == NULL && blame->is_trap_counted)
		rule = rule_of(frame, FRAME_TRAP);
	if (rule == NULL && blame->is_end_counted)
		rule = rule_of(frame, FRAME_BELOW);
	return rule;
}

static void
find_start(struct blame *blame)
{
	size_t reach = blame->n_frames < BEGINNING_REACH ? blame->n_frames : BEGINNING_REACH;
	blame->start = 0;
	blame->start_rule = NULL;
	for (size_t i = 0; i < reach && blame->start_rule == NULL; i++) {
		const struct signature_frame *frame = &blame->frames[i];
		blame->start_rule = start_rule(blame, frame);
		if (blame->start_rule != NULL)
			blame->start = blame->start_rule->section == FRAME_SENTINEL ? i : i + 1;
		/* Programs take dumps in handlers of their own; the kernel has none.  So a trap
		 * behind something else is older: a page was read, and the reading failed. */
		if (blame->is_kernel && frame->kind != FRAME_NOWHERE &&
		    skip_rule(blame, frame) == NULL)
			blame->is_trap_counted = false;
	}
}

static unsigned
rank_of(const struct signature_frame *frame, const struct frame_rule **ret_rule)
{
	*ret_rule = rule_of(frame, FRAME_RELEVANT);
	if (*ret_rule == NULL)
		*ret_rule = rule_of(frame, FRAME_ENTRY);
	if (*ret_rule == NULL)
		*ret_rule = rule_of(frame, FRAME_CORE);
	if (*ret_rule == NULL || (*ret_rule)->section == FRAME_RELEVANT)
		return frame->is_scan ? RANK_OWN_SCANNED : RANK_OWN;
	if ((*ret_rule)->section == FRAME_ENTRY)
		return RANK_ENTRY + frame->is_scan;
	if (frame->is_scan)
		return RANK_SYSTEM_SCANNED;
	return frame->kind == FRAME_FUNCTION ? RANK_SYSTEM : RANK_SYSTEM_NAMELESS;
}

/* The verdict on a frame alone; LESS_LIKELY when it could be blamed. */
static enum signature_verdict
judge(const struct blame *blame, size_t i, const struct slice *before,
      const struct frame_rule **ret_rule)
{
	const struct signature_frame *frame = &blame->frames[i];
	if (i < blame->start) {
		*ret_rule = blame->start_rule;
		return SIGNATURE_ABOVE;
	}
	if (frame->kind == FRAME_NOWHERE)
		return SIGNATURE_NAMELESS;
	if (slice_equal(frame->text, *before))
		return SIGNATURE_REPEATED;
	*ret_rule = skip_rule(blame, frame);
	if (*ret_rule != NULL)
		return SIGNATURE_SKIPPED;
	return SIGNATURE_LESS_LIKELY;
}

static bool
is_prefix(const struct signature_frame *frame)
{
	return rule_of(frame, FRAME_PREFIX) != NULL && rule_of(frame, FRAME_RELEVANT) == NULL;
}

/* Judges all frames and finds the innermost one of the best rank, and the last prefix. */
static void
judge_all(struct blame *blame, int *ret_best, unsigned *ret_rank, int *ret_prefix)
{
	struct slice before = {0};
	*ret_best = -1;
	*ret_rank = RANKS;
	*ret_prefix = -1;
	for (size_t i = 0; i < blame->n_frames; i++) {
		struct signature_step *step = &blame->steps[i];
		step->rule = NULL;
		step->verdict = judge(blame, i, &before, &step->rule);
		if (step->verdict != SIGNATURE_LESS_LIKELY) {
			if (step->verdict == SIGNATURE_SKIPPED)
				before = blame->frames[i].text;
			continue;
		}
		before = blame->frames[i].text;
		if (is_prefix(&blame->frames[i])) {
			step->rule = rule_of(&blame->frames[i], FRAME_PREFIX);
			if (*ret_rank == RANKS)
				*ret_prefix = (int)i;
			continue;
		}
		unsigned rank = rank_of(&blame->frames[i], &step->rule);
		if (rank < *ret_rank) {
			*ret_rank = rank;
			*ret_best = (int)i;
		}
	}
}

/* The frames before the culprit that tell more: prefixes, and the first of the system's own. */
static void
find_led(struct blame *blame, unsigned rank)
{
	bool has_core = false;
	for (int i = (int)blame->start; i < blame->culprit; i++) {
		const struct signature_frame *frame = &blame->frames[i];
		if (blame->n_led == SIGNATURE_FRAMES_MAX - 1)
			return;
		if (blame->steps[i].verdict != SIGNATURE_LESS_LIKELY || frame->is_scan)
			continue;
		bool is_core = rule_of(frame, FRAME_CORE) != NULL && !is_prefix(frame);
		bool is_own = rank == RANK_OWN || rank == RANK_OWN_SCANNED;
		if (!is_prefix(frame) && (!is_core || has_core || !is_own))
			continue;
		has_core |= is_core;
		blame->led[blame->n_led++] = i;
		blame->steps[i].verdict = SIGNATURE_LED_TO_IT;
	}
}

/* Nothing can be blamed: the first frame with a name stands in. */
static int
first_named(const struct blame *blame)
{
	for (size_t i = blame->start; i < blame->n_frames; i++) {
		if (blame->frames[i].kind != FRAME_NOWHERE)
			return (int)i;
	}
	return -1;
}

static void
mark_beyond(struct blame *blame)
{
	size_t last = blame->culprit < 0 ? blame->n_frames : (size_t)blame->culprit + 1;
	for (size_t i = last; i < blame->n_frames; i++) {
		blame->steps[i].verdict = SIGNATURE_BEYOND;
		blame->steps[i].rule = NULL;
	}
	if (blame->culprit >= 0)
		blame->steps[blame->culprit].verdict = SIGNATURE_CULPRIT;
}

void
signature_blame(struct blame *blame)
{
	int best;
	int prefix;
	unsigned rank;
	find_start(blame);
	judge_all(blame, &best, &rank, &prefix);
	if (best < 0 && prefix < 0 && blame->start > 0) {
		/* Nothing stands behind the beginning: then it was none. */
		blame->start = 0;
		blame->start_rule = NULL;
		judge_all(blame, &best, &rank, &prefix);
	}
	blame->n_led = 0;
	blame->culprit = best >= 0 ? best : prefix;
	blame->is_desperate = blame->culprit < 0;
	if (blame->is_desperate)
		blame->culprit = first_named(blame);
	else
		find_led(blame, best >= 0 ? rank : RANK_OWN);
	/* The system's own beginning of a thread says nothing either. */
	if (best >= 0 && rank >= RANK_ENTRY)
		blame->is_desperate = rule_of(&blame->frames[best], FRAME_CORE) != NULL;
	mark_beyond(blame);
}

const struct signature_frame *
signature_first_told(const struct blame *blame)
{
	for (size_t i = 0; i < blame->n_frames; i++) {
		const struct signature_frame *frame = &blame->frames[i];
		bool is_end = frame->kind == FRAME_NOWHERE || rule_of(frame, FRAME_TRAP) != NULL ||
			      rule_of(frame, FRAME_BELOW) != NULL ||
			      rule_of(frame, FRAME_IRRELEVANT) != NULL;
		if (!is_end || rule_of(frame, FRAME_HEAP) != NULL)
			return frame;
	}
	return NULL;
}

static bool
is_same(const struct blame *blame, size_t a, size_t b)
{
	const struct signature_frame *frames = blame->frames;
	return frames[a].kind != FRAME_NOWHERE && slice_equal(frames[a].text, frames[b].text);
}

static bool
is_cycle(const struct blame *blame, size_t at, size_t len)
{
	if (at + len * CYCLE_ROUNDS > blame->n_frames)
		return false;
	for (size_t i = at; i < at + len * (CYCLE_ROUNDS - 1); i++) {
		if (!is_same(blame, i, i + len))
			return false;
	}
	return true;
}

/* Is the round that begins at A smaller than the one at B, by its texts in order? */
static bool
is_smaller(const struct blame *blame, size_t a, size_t b)
{
	for (size_t i = 0; i < blame->cycle_len; i++) {
		int order = slice_compare(blame->frames[a + i].text, blame->frames[b + i].text);
		if (order != 0)
			return order < 0;
	}
	return false;
}

/* The stack may end anywhere in the recursion, so that the round is told from its smallest
 * beginning. */
static void
turn_cycle(struct blame *blame)
{
	size_t best = blame->cycle_at;
	for (size_t i = 1; i < blame->cycle_len; i++) {
		if (is_smaller(blame, blame->cycle_at + i, best))
			best = blame->cycle_at + i;
	}
	blame->cycle_at = best;
}

/* The round is to blame, and nobody else. */
static void
blame_cycle(struct blame *blame)
{
	if (blame->culprit >= 0)
		blame->steps[blame->culprit].verdict = SIGNATURE_LESS_LIKELY;
	for (size_t i = 0; i < blame->n_led; i++)
		blame->steps[blame->led[i]].verdict = SIGNATURE_LESS_LIKELY;
	for (size_t i = 0; i < blame->cycle_len; i++)
		blame->steps[blame->cycle_at + i].verdict = SIGNATURE_IN_CYCLE;
	blame->culprit = (int)blame->cycle_at;
	blame->n_led = 0;
	blame->is_desperate = false;
}

void
signature_find_cycle(struct blame *blame)
{
	blame->cycle_len = 0;
	for (size_t at = 0; at < CYCLE_REACH && at < blame->n_frames; at++) {
		for (size_t len = 1; len <= SIGNATURE_CYCLE_MAX; len++) {
			if (!is_cycle(blame, at, len))
				continue;
			blame->cycle_at = at;
			blame->cycle_len = len;
			turn_cycle(blame);
			blame_cycle(blame);
			return;
		}
	}
}

/* Does frame I repeat the round before it? */
static bool
is_in_later_round(const struct blame *blame, size_t i)
{
	return blame->cycle_len > 0 && i >= blame->cycle_at + blame->cycle_len &&
	       is_same(blame, i, i - blame->cycle_len);
}

void
signature_stack(const struct blame *blame, struct medoid *ret_stack)
{
	struct slice before = {0};
	*ret_stack = (struct medoid){0};
	for (size_t i = blame->start; i < blame->n_frames; i++) {
		const struct signature_frame *frame = &blame->frames[i];
		if (frame->kind == FRAME_NOWHERE || slice_equal(frame->text, before) ||
		    is_in_later_round(blame, i) || skip_rule(blame, frame) != NULL)
			continue;
		before = frame->text;
		if (!medoid_push(ret_stack, frame->text, frame->is_scan))
			return;
	}
}
