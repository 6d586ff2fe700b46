/* Two ways in: bytes as a stored row, which must be refused or give a body and a text; and bytes as
 * a body, which must come back as they were. */
#include <stdlib.h>

#include "base/limits.h"
#include "store/pack.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
need(bool holds)
{
	if (!holds)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct pack *pack;
	static struct unpack *unpack;
	struct buf packed;
	struct buf body;
	if (pack == NULL) {
		pack = pack_new();
		unpack = unpack_new();
	}
	buf_init(&packed, LIMIT_REPORT_BYTES * 2);
	buf_init(&body, LIMIT_REPORT_BYTES);
	if (unpack_body(unpack, slice_of(data, size), &body) != OK)
		need(body.len == 0);
	buf_reset(&body);
	if (unpack_text(unpack, slice_of(data, size), &body) != OK)
		need(body.len == 0);
	buf_reset(&body);
	pack_body(pack, slice_of(data, size), &packed);
	need(buf_error(&packed) == OK && packed.len <= size * 3 / 2 + 4);
	need(unpack_body(unpack, buf_slice(&packed), &body) == OK);
	need(slice_equal(buf_slice(&body), slice_of(data, size)));
	buf_done(&packed);
	buf_done(&body);
	return 0;
}
