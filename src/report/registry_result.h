/* registry_result.h - what `RegKey` and `RegTree` brought: registry.txt or a .reg file
 *
 * The form of registry.txt is not published; that of .reg files is ("Windows Registry Editor
 * Version 5.00" or "REGEDIT4", keys in brackets, "name"=data).  A text of that form is read
 * whichever name its file has; every other is kept as a text.  Lines of no known form are kept, in
 * order.
 */
#pragma once

#include "report/text_file.h"

/* REG_NONE ... REG_QWORD; others occur. */
enum {
	REGISTRY_NONE = 0,
	REGISTRY_SZ = 1,
	REGISTRY_EXPAND_SZ = 2,
	REGISTRY_BINARY = 3,
	REGISTRY_DWORD = 4,
	REGISTRY_MULTI_SZ = 7,
	REGISTRY_QWORD = 11
};

struct registry_value {
	struct slice name; /* absent: the key's default value */
	bool is_deleted;   /* "name"=- */
	uint32_t type;
	struct slice text;  /* of SZ, EXPAND_SZ, MULTI_SZ (strings parted by LF); else absent */
	struct slice bytes; /* of what was written in hex; else absent */
	bool has_number;    /* of DWORD and QWORD */
	uint64_t number;
};

struct registry_key {
	struct slice path;
	bool is_deleted; /* [-HKEY...] */
	struct registry_value *values;
	size_t n_values;
};

struct registry_result {
	bool is_known; /* false: TEXT is all there is */
	struct text_file text;
	struct registry_key *keys;
	size_t n_keys;
	struct slice *other; /* lines of no known form */
	size_t n_other;
};

/* ERR_LIMIT: too large, too many keys, values or lines, or ARENA, in which everything lives, is
 * full. */
err_t registry_result_parse(struct slice in, struct arena *arena,
			    struct registry_result *ret_result) ERR_CHECK;
/* Are these paths of one key?  ASCII case folds; HKLM is HKEY_LOCAL_MACHINE, and so on; a '\' at
 * the end says nothing. */
bool registry_is_same_key(struct slice a, struct slice b);
/* Is PATH the key ROOT, or one below it? */
bool registry_is_below(struct slice path, struct slice root);
void registry_result_put_json(const struct registry_result *result, struct json *object);
