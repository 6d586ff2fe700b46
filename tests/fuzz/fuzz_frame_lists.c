/* A list of frames: taken whole or refused whole with a reason, and then looked things up in. */
#include <stdlib.h>

#include "bucket/frame_lists.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
need(bool holds)
{
	if (!holds)
		abort();
}

/* Each line's own pattern finds it, or one that came later. */
static void
check_rule(const struct frame_lists *lists, const struct frame_rule *rule)
{
	struct frame_matches matches;
	if (rule->section < FRAME_PLACES_N) {
		frame_lists_find(lists, rule->program, rule->module, rule->function, &matches);
		need(matches.rules[rule->section] != NULL && matches.rules[rule->section] >= rule);
	} else {
		need(frame_lists_find_text(lists, rule->section, rule->program, rule->function) >=
		     rule);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct err_detail detail = {.why = ""};
	struct frame_lists *lists = frame_lists_new_empty();
	err_t err = frame_lists_add(lists, "fuzz.txt", slice_of(data, size), &detail);
	need(err == OK || (detail.why[0] != '\0' && frame_lists_count(lists) == 0));
	for (size_t i = 0; i < frame_lists_count(lists); i++)
		check_rule(lists, frame_lists_at(lists, i));
	frame_lists_free(lists);
	return 0;
}
