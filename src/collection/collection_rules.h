/* collection_rules.h - collection rules as they are compiled; private to the module
 *
 * A rule holds conditions, which must all be true, and settings.  A condition holds patterns, of
 * which one must fit.  Everything lives in the collection's arena and is never changed again.
 */
#pragma once

#include <stdatomic.h>

#include "base/arena.h"
#include "base/limits.h"
#include "collection/collection.h"
#include "ext/yaml.h"

/* What a condition looks at.  A parameter's position is a field of its own. */
enum collection_field {
	FIELD_EVENT_TYPE,
	FIELD_REPORT_TYPE,
	FIELD_APP,
	FIELD_VERSION,
	FIELD_MODULE,
	FIELD_CODE,
	FIELD_MACHINE,
	FIELD_USER,
	FIELD_OS_BUILD,
	FIELD_BUCKET,
	FIELD_PEER,
	FIELD_PARAM, /* P1; P2 is the next ... */
	COLLECTION_FIELD_N = FIELD_PARAM + LIMIT_PARAMS
};

/* How a field's patterns are written. */
enum pattern_form {
	FORM_TEXT,
	FORM_EVENT_TYPE,
	FORM_NUMBER,
	FORM_CODE,
	FORM_VERSION,
	FORM_PARAM,
	FORM_PEER
};

enum pattern_kind {
	PATTERN_TEXT, /* equal, case folds */
	PATTERN_WILDCARD,
	PATTERN_NUMBERS,
	PATTERN_VERSIONS,
	PATTERN_ADDRESSES
};

enum {
	VERSION_PARTS = 6
};

/* "10.0.19041"; no parts: the range is open at this end. */
struct version {
	uint32_t parts[VERSION_PARTS];
	size_t n_parts;
};

struct pattern {
	enum pattern_kind kind;
	union {
		struct slice text;
		struct {
			uint64_t low, high;
		} numbers;
		struct {
			struct version low, high;
		} versions;
		struct address_range addresses;
	};
};

struct condition {
	enum collection_field field;
	struct pattern *patterns;
	size_t n_patterns;
};

/* What a `reply:` says.  Of the fields only those count whose directive is in GIVEN. */
struct settings {
	uint32_t given;     /* a bit for each enum collection_directive */
	unsigned cabs_line; /* where `cabs` stands */
	uint64_t cabs;
	bool cabs_then_sample;
	uint64_t cab_bytes_per_machine_day;
	struct reply reply;
};

struct rule {
	const char *name;
	unsigned line;
	struct condition *conditions;
	size_t n_conditions;
	int64_t until_us; /* INT64_MAX: for ever */
	struct settings settings;
};

/* A rule that can only apply to a report that has this key among its own. */
struct index_entry {
	uint64_t key;
	uint32_t rule;
};

struct collection {
	_Atomic uint32_t references;
	struct arena arena;
	struct settings built_in;
	struct settings initial; /* the file's default, over the built-in one */
	unsigned initial_line;   /* 0: the file has none */
	struct rule *rules;
	size_t n_rules;
	struct index_entry *index; /* by key */
	size_t n_index;
	uint32_t *unindexed; /* rules that every report must be compared with */
	size_t n_unindexed;
};

/* What a report shows to the rules.  One field may show several texts: one must fit. */
enum {
	FACT_TEXTS = 4
};
struct facts {
	uint8_t n_texts[COLLECTION_FIELD_N];
	bool has_number[COLLECTION_FIELD_N];
	uint64_t numbers[COLLECTION_FIELD_N];
	struct slice texts[COLLECTION_FIELD_N][FACT_TEXTS];
	const struct address *peer;
};

/* Reading: where a refusal is written, and in which rule the reader is. */
struct rules_reader {
	struct collection *collection;
	struct err_detail *detail;
	const char *rule; /* NULL: in none */
};
err_t collection_refuse(const struct rules_reader *r, unsigned line, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
err_t collection_refuse_key(const struct rules_reader *r, const struct yaml_entry *entry,
			    const char *const *names, size_t n_names);

/* collection_pattern.c */
err_t
collection_pattern_parse(const struct rules_reader *r, enum pattern_form form, const char *name,
			 const struct yaml_node *node, struct pattern *ret_pattern) ERR_CHECK;
bool collection_pattern_fits(const struct pattern *pattern, enum collection_field field,
			     const struct facts *facts);

/* CODE without 0x and leading zeros. */
struct slice collection_strip_code(struct slice code);

/* collection_settings.c */
void collection_settings_init(struct settings *settings); /* the built-in default */
/* SETTINGS are zeroed by the caller.  RET_UNTIL_US NULL: `until` has no place here. */
err_t collection_settings_parse(const struct rules_reader *r, const struct yaml_node *node,
				struct settings *settings, int64_t *ret_until_us) ERR_CHECK;
err_t collection_until_parse(const struct rules_reader *r, const struct yaml_node *node,
			     int64_t *ret_until_us) ERR_CHECK;
/* Takes over what SETTINGS gives and no later rule than RULE has decided. */
void
collection_settings_apply(const struct settings *settings, int rule, struct collection_plan *plan);
/* Is something asked for that only a cabinet can bring? */
bool collection_settings_need_cab(const struct settings *settings);
/* How many bytes DIRECTIVE's value adds to a reply; 0 for those of fixed length. */
size_t collection_settings_value_bytes(const struct settings *settings,
				       enum collection_directive directive);

/* collection_match.c */
err_t collection_index(struct collection *collection) ERR_CHECK; /* ERR_LIMIT: the arena's cap */
