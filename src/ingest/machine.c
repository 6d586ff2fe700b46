#include "ingest/machine.h"

#include "base/buf.h"
#include "base/hash.h"
#include "base/limits.h"
#include "base/text.h"

uint64_t
machine_hash(struct slice name)
{
	struct buf folded;
	buf_init(&folded, LIMIT_TEXT_BYTES);
	text_fold(name, &folded);
	uint64_t hash = hash_64(buf_slice(&folded));
	buf_done(&folded);
	return hash == 0 ? 1 : hash;
}
