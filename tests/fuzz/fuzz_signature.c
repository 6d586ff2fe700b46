/* Crashes as lines of text (tests/support/crash_lines.h): each gives a key that its text explains,
 * the same each time, and a stack whose bytes come back. */
#include <stdlib.h>

#include "../support/crash_lines.h"
#include "base/limits.h"
#include "base/text.h"
#include "bucket/signature.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
	ARENA_BYTES = 16 << 20
};

static void
need(bool holds)
{
	if (!holds)
		abort();
}

static void
check_stack(const struct medoid *stack)
{
	struct medoid back;
	struct buf bytes;
	buf_init(&bytes, MEDOID_BYTES_MAX);
	medoid_format(stack, &bytes);
	need(buf_error(&bytes) == OK);
	if (stack->n_frames > 0) {
		need(medoid_parse(buf_slice(&bytes), &back) == OK);
		need(memcmp(&back, stack, sizeof(back)) == 0);
	}
	buf_done(&bytes);
}

static void
check_steps(const struct signature *s, size_t n_frames)
{
	size_t n_culprits = 0;
	need(s->n_steps == (n_frames < LIMIT_CRASH_FRAMES ? n_frames : LIMIT_CRASH_FRAMES));
	need(s->culprit < (int)s->n_steps);
	for (size_t i = 0; i < s->n_steps; i++) {
		need(s->steps[i].verdict < SIGNATURE_VERDICT_N);
		need(s->steps[i].verdict != SIGNATURE_SKIPPED || s->steps[i].rule != NULL);
		n_culprits += s->steps[i].verdict == SIGNATURE_CULPRIT;
	}
	need(n_culprits == (s->culprit >= 0 && !(s->flags & SIGNATURE_CYCLE)));
}

static void
check(const struct frame_lists *lists, const struct bucket_crash *crash, struct arena *arena)
{
	struct signature s;
	struct signature again;
	struct buf explained;
	need(signature_make(lists, crash, arena, &s) == OK);
	need(signature_make(lists, crash, arena, &again) == OK);
	need(slice_equal(s.text, again.text) && memcmp(s.key, again.key, sizeof(s.key)) == 0);
	need(slice_starts_with(s.text, SLICE_LITERAL(SIGNATURE_VERSION "\nkind ")));
	need(text_is_utf8(s.text) && text_is_utf8(s.title));
	check_steps(&s, crash->n_frames);
	check_stack(&s.stack);
	buf_init(&explained, 4 << 20);
	signature_explain(&s, &explained);
	need(buf_error(&explained) == OK && text_is_utf8(buf_slice(&explained)));
	buf_done(&explained);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct frame_lists *lists;
	static struct bucket_frame frames[CRASH_LINES_FRAMES_MAX];
	struct bucket_crash crash;
	struct arena arena;
	if (lists == NULL)
		lists = frame_lists_new();
	arena_init(&arena, ARENA_BYTES);
	crash_lines_parse(slice_of(data, size), frames, &crash);
	check(lists, &crash, &arena);
	arena_done(&arena);
	return 0;
}
