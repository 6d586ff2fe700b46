/* hash.h - fast hashes for tables and keys (XXH3); not for secrets, see ext/crypto.h */
#pragma once

#include "base/slice.h"

struct hash128 {
	uint64_t high;
	uint64_t low;
};

uint64_t hash_64(struct slice s);
struct hash128 hash_128(struct slice s);
