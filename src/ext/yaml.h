/* yaml.h - read YAML that people wrote (libyaml behind it), with the line of everything
 *
 * One document of mappings, lists and scalars.  Refuses: anchors and aliases, tags, a key that is
 * empty, no scalar, or twice in one mapping, a second document, more than LIMIT_YAML_* of
 * anything.  Pure; nodes live in the arena, their texts are UTF-8.
 */
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "base/log.h"
#include "base/slice.h"

enum yaml_kind {
	YAML_SCALAR,
	YAML_LIST,
	YAML_MAPPING
};

struct yaml_node;

struct yaml_entry {
	struct slice key; /* empty in a list */
	unsigned key_line;
	struct yaml_node *value;
};

struct yaml_node {
	enum yaml_kind kind;
	unsigned line;              /* from 1 */
	struct slice text;          /* of a scalar */
	bool is_plain;              /* scalar without quotes: may be a number, true, null */
	struct yaml_entry *entries; /* of a list or mapping, in order */
	size_t n_entries;
};

/* An empty document gives an empty mapping.  DETAIL's why begins with "line N: ".
 * ERR_CORRUPT: no YAML, or a key twice.  ERR_UNSUPPORTED: what this reader refuses.  ERR_LIMIT. */
err_t yaml_parse(struct slice text, struct arena *arena, struct yaml_node **ret_root,
		 struct err_detail *detail) ERR_CHECK;
const struct yaml_node *yaml_find(const struct yaml_node *mapping, const char *key); /* or NULL */
bool yaml_is_null(const struct yaml_node *node); /* `key:` with nothing behind it, ~ or null */
bool yaml_to_bool(const struct yaml_node *node, bool *ret_value); /* true/false/yes/no/on/off */
bool yaml_to_i64(const struct yaml_node *node, int64_t *ret_value);
/* "500", "64 KiB", "20MB", "1 GiB": KB/MB/GB are powers of 1000, KiB/MiB/GiB of 1024. */
bool yaml_to_bytes(const struct yaml_node *node, uint64_t *ret_bytes);
/* "30s", "15m", "36h", "7d", "500ms"; microseconds. */
bool yaml_to_duration_us(const struct yaml_node *node, int64_t *ret_us);

/* For the reason of a refusal: TEXT in double quotes, cut and escaped.  Returns QUOTED. */
const char *yaml_quote(struct slice text, char quoted[LOG_VALUE_BYTES]);
/* The known name that a mistyped KEY is nearest to (case and '-' for '_' aside, at most two letters
 * wrong): its index in NAMES, or -1. */
int yaml_nearest(struct slice key, const char *const *names, size_t n_names);
