/* config_table.h - the one table of werd.yaml's keys; private to the module */
#pragma once

#include <stdbool.h>
#include <stddef.h>

enum config_kind {
	CONFIG_SECTION, /* a mapping of the keys whose names begin with its own */
	CONFIG_PATH,
	CONFIG_PATHS,
	CONFIG_ADDRESSES,
	CONFIG_RANGES,
	CONFIG_BYTES,
	CONFIG_DURATION,
	CONFIG_NUMBER,   /* of a uint64_t */
	CONFIG_UNSIGNED, /* a number too, of an unsigned */
	CONFIG_BOOL,     /* of a bool */
	CONFIG_LOG_LEVEL,
	CONFIG_TLS_VERSION,
	CONFIG_KIND_N
};

struct config_key {
	const char *name; /* whole: "ingest.limits.queue"; "" is the file itself */
	enum config_kind kind;
	size_t offset;            /* of its field in struct config; sections have none */
	const char *initial;      /* the default, as it would be written; NULL: none, or required */
	const char *least, *most; /* NULL: no range */
	const char *text;         /* one sentence for people */
};

extern const struct config_key config_keys[];
extern const size_t config_n_keys;
extern const char *const config_kind_names[CONFIG_KIND_N];

/* The name's last part: "queue". */
const char *config_key_leaf(const struct config_key *key);
/* Does KEY stand in SECTION itself, not deeper? */
bool config_key_is_in(const struct config_key *key, const struct config_key *section);

/* For reasons: a path that would fill the detail, cut at its front.  The reason matters more. */
const char *config_shown_path(const char *path);
