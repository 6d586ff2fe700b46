/* Names of every kind: whatever comes in, valid text within the limit goes out.  The first byte
 * says which kind of name it is. */
#include <stdlib.h>

#include "base/limits.h"
#include "base/text.h"
#include "bucket/normalize.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
need(bool holds)
{
	if (!holds)
		abort();
}

static void
check(void (*normalize)(struct slice, struct buf *), struct slice name)
{
	struct buf out;
	struct buf again;
	buf_init(&out, LIMIT_NORMALIZED_BYTES);
	buf_init(&again, LIMIT_NORMALIZED_BYTES);
	normalize(name, &out);
	need(buf_error(&out) == OK && text_is_utf8(buf_slice(&out)));
	for (size_t i = 0; i < out.len; i++)
		need(out.data[i] >= 0x20 && out.data[i] != 0x7f);
	normalize(name, &again);
	need(slice_equal(buf_slice(&out), buf_slice(&again)));
	buf_done(&out);
	buf_done(&again);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static void (*const kinds[])(struct slice, struct buf *) = {
		normalize_function,
		normalize_module,
		normalize_source,
		normalize_message,
	};
	if (size > 0)
		check(kinds[data[0] % 4], slice_of(data + 1, size - 1));
	return 0;
}
