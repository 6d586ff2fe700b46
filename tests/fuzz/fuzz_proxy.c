/* fuzz_proxy.c - the PROXY v2 header: what a part of it says is what the whole says */
#include <stdlib.h>

#include "base/limits.h"
#include "net/address.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct address before = {.ip = {[15] = 7}, .port = 7};
	struct address peer = before;
	size_t used = 0;
	err_t err = proxy_parse(slice_of(data, size), &peer, &used);
	if (err == OK && (used < 16 || used > size || used > 16 + LIMIT_PROXY_HEADER_BYTES))
		abort();
	if (err != OK && memcmp(&peer, &before, sizeof(peer)) != 0)
		abort();
	/* It never takes what follows, nor does it need it. */
	struct address again = before;
	size_t used_again = 0;
	if (err == OK && (proxy_parse(slice_of(data, used), &again, &used_again) != OK ||
			  used_again != used || memcmp(&again, &peer, sizeof(peer)) != 0))
		abort();
	/* A part of a header is never refused. */
	for (size_t part = 0; err == OK && part < used; part++)
		if (proxy_parse(slice_of(data, part), &again, &used_again) != ERR_TRUNCATED)
			abort();
	return 0;
}
