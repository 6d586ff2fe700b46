#include "base/hash.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

uint64_t
hash_64(struct slice s)
{
	return XXH3_64bits(s.data, s.len);
}

struct hash128
hash_128(struct slice s)
{
	XXH128_hash_t h = XXH3_128bits(s.data, s.len);
	return (struct hash128){h.high64, h.low64};
}
