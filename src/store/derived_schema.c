#include "store/derived_internal.h"

#include "store/id.h"

_Static_assert(ID_COUNTER_BITS + ID_NODE_BITS == 21, "the views shift ids by 21 bits");

extern const uint8_t derived_sql[]; /* derived.sql, made by tools/embed */

const struct sql_file derived_file = {
	.application_id = 0x6f776465, /* "owde" */
	.version = 2,
	.schema = (const char *)derived_sql,
	.sync = SQL_SYNC_NORMAL,
	.page_bytes = 4096,
	.checkpoint_pages = 8000,
	.cache_kib = 64 * 1024,
};
