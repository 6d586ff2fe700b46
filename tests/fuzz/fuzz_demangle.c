/* Any name, in every style: within the limits, whole or not at all, and the same twice. */
#include <stdlib.h>

#include "base/limits.h"
#include "symbols/demangle.h"

enum {
	TEXT_BYTES_MAX = 1024 * 1024
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
need(bool is_true)
{
	if (!is_true)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	bool is_read[DEMANGLE_STYLE_N];
	for (unsigned style = 0; style < DEMANGLE_STYLE_N; style++) {
		struct buf out;
		buf_init(&out, TEXT_BYTES_MAX);
		buf_append_str(&out, "x");
		is_read[style] =
			demangle_as(slice_of(data, size), (enum demangle_style)style, &out);
		need(buf_error(&out) == OK);
		need(is_read[style] ? out.len > 1 : out.len == 1);
		need(out.len <= 1 + LIMIT_DEMANGLE_OUTPUT_BYTES);
		buf_done(&out);
	}
	/* What can be read in full can be read in short. */
	need(!is_read[DEMANGLE_FULL] || is_read[DEMANGLE_NAME]);
	return 0;
}
