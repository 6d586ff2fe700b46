/* The bytes of a stack: refused, or the same bytes come back, and the stack is found as itself
 * among others.  What is behind the first stack is taken for a second one. */
#include <stdlib.h>

#include "bucket/similarity.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
need(bool holds)
{
	if (!holds)
		abort();
}

static void
check_bytes(struct slice in, const struct medoid *medoid)
{
	struct buf bytes;
	buf_init(&bytes, MEDOID_BYTES_MAX);
	medoid_format(medoid, &bytes);
	need(slice_equal(buf_slice(&bytes), in));
	buf_done(&bytes);
}

static void
check_index(const struct medoid *a, const struct medoid *b)
{
	struct similarity_match match;
	struct similarity *similarity = similarity_new(&similarity_defaults);
	need(similarity_put(similarity, 1, a) == OK);
	need(similarity_find(similarity, a, &match) && match.id == 1 && match.score > 0.999F);
	need(similarity_put(similarity, 2, b) == OK);
	need(similarity_find(similarity, b, &match) && match.score > 0.999F);
	float there = similarity_score(similarity, a, b);
	need(there == similarity_score(similarity, b, a) && there >= -1.0001F && there <= 1.0001F);
	need(similarity_remove(similarity, 1) && similarity_count(similarity) == 1);
	need(similarity_remove(similarity, 2) && similarity_frames(similarity) == 0);
	similarity_free(similarity);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct medoid a;
	struct medoid b;
	struct slice in = slice_of(data, size);
	if (medoid_parse(in, &a) == OK)
		check_bytes(in, &a);
	for (size_t cut = 0; cut <= size && cut <= MEDOID_BYTES_MAX; cut++) {
		if (medoid_parse(slice_sub(in, 0, cut), &a) == OK &&
		    medoid_parse(slice_sub(in, cut, size), &b) == OK)
			check_index(&a, &b);
	}
	return 0;
}
