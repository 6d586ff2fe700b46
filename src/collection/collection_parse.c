#include "collection/collection_rules.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/text.h"

enum {
	NAME_BYTES_MAX = 128,
	OTHER_LINES_BYTES = 1024 /* of a reply: flags, bucket, DumpFile, all the keys */
};

static const struct {
	const char *name;
	enum collection_field field;
	enum pattern_form form;
} fields[] = {
	{"event_type", FIELD_EVENT_TYPE, FORM_EVENT_TYPE},
	{"report_type", FIELD_REPORT_TYPE, FORM_NUMBER},
	{"app", FIELD_APP, FORM_TEXT},
	{"version", FIELD_VERSION, FORM_VERSION},
	{"module", FIELD_MODULE, FORM_TEXT},
	{"code", FIELD_CODE, FORM_CODE},
	{"machine", FIELD_MACHINE, FORM_TEXT},
	{"user", FIELD_USER, FORM_TEXT},
	{"os_build", FIELD_OS_BUILD, FORM_NUMBER},
	{"bucket", FIELD_BUCKET, FORM_NUMBER},
	{"peer", FIELD_PEER, FORM_PEER},
};
enum {
	N_FIELDS = sizeof(fields) / sizeof(fields[0])
};

err_t
collection_refuse(const struct rules_reader *r, unsigned line, const char *format, ...)
{
	char why[sizeof(r->detail->why)];
	char quoted[LOG_VALUE_BYTES];
	va_list args;
	va_start(args, format);
	(void)vsnprintf(why, sizeof(why), format, args);
	va_end(args);
	if (r->rule == NULL)
		return err_set(r->detail, ERR_CONFIG, "line %u: %s", line, why);
	return err_set(r->detail, ERR_CONFIG, "line %u: rule %s: %s", line,
		       yaml_quote(slice_str(r->rule), quoted), why);
}

err_t
collection_refuse_key(const struct rules_reader *r, const struct yaml_entry *entry,
		      const char *const *names, size_t n_names)
{
	char quoted[LOG_VALUE_BYTES];
	int nearest = yaml_nearest(entry->key, names, n_names);
	yaml_quote(entry->key, quoted);
	if (nearest < 0)
		return collection_refuse(r, entry->key_line, "unknown key %s", quoted);
	return collection_refuse(r, entry->key_line, "unknown key %s: did you mean %s?", quoted,
				 names[nearest]);
}

static err_t
refuse_room(const struct rules_reader *r, unsigned line)
{
	return collection_refuse(r, line, "the rules take too much memory");
}

/* One pattern, or a list of them. */
static err_t
parse_condition(const struct rules_reader *r, enum pattern_form form, const char *name,
		const struct yaml_node *node, struct condition *condition)
{
	bool is_list = node->kind == YAML_LIST;
	size_t count = is_list ? node->n_entries : 1;
	err_t err = OK;
	if (count == 0)
		return collection_refuse(r, node->line, "%s: an empty list fits no report", name);
	condition->patterns = arena_array(&r->collection->arena, count, sizeof(struct pattern));
	if (condition->patterns == NULL)
		return refuse_room(r, node->line);
	for (; condition->n_patterns < count && err == OK; condition->n_patterns++)
		err = collection_pattern_parse(
			r, form, name, is_list ? node->entries[condition->n_patterns].value : node,
			&condition->patterns[condition->n_patterns]);
	return err;
}

/* "1" or "P1" is the first parameter. */
static bool
parse_position(struct slice key, size_t *ret_index)
{
	uint64_t position;
	if (key.len > 0 && (key.data[0] | 0x20) == 'p')
		key = slice_sub(key, 1, key.len);
	if (!slice_to_u64(key, &position) || position < 1 || position > LIMIT_PARAMS)
		return false;
	*ret_index = (size_t)position - 1;
	return true;
}

static err_t
parse_params(const struct rules_reader *r, const struct yaml_node *node, struct rule *rule)
{
	bool seen[LIMIT_PARAMS] = {false};
	if (node->kind != YAML_MAPPING || node->n_entries == 0)
		return collection_refuse(r, node->line,
					 "param must be a mapping of positions to patterns");
	for (size_t i = 0; i < node->n_entries; i++) {
		const struct yaml_entry *entry = &node->entries[i];
		struct condition *condition = &rule->conditions[rule->n_conditions];
		char quoted[LOG_VALUE_BYTES];
		size_t index;
		if (!parse_position(entry->key, &index))
			return collection_refuse(
				r, entry->key_line,
				"param: %s is no position: they count from 1 (or P1) to %d",
				yaml_quote(entry->key, quoted), LIMIT_PARAMS);
		if (seen[index])
			return collection_refuse(r, entry->key_line,
						 "param: position %zu is there twice", index + 1);
		seen[index] = true;
		condition->field = FIELD_PARAM + (enum collection_field)index;
		err_t err = parse_condition(r, FORM_PARAM, "param", entry->value, condition);
		if (err != OK)
			return err;
		rule->n_conditions++;
	}
	return OK;
}

static err_t
refuse_match_key(const struct rules_reader *r, const struct yaml_entry *entry)
{
	const char *names[N_FIELDS + 1];
	for (size_t i = 0; i < N_FIELDS; i++)
		names[i] = fields[i].name;
	names[N_FIELDS] = "param";
	return collection_refuse_key(r, entry, names, N_FIELDS + 1);
}

static err_t
parse_match(const struct rules_reader *r, const struct yaml_node *node, struct rule *rule)
{
	if (node->kind != YAML_MAPPING)
		return collection_refuse(r, node->line, "match must be a mapping of conditions");
	rule->conditions = arena_array(&r->collection->arena, node->n_entries + LIMIT_PARAMS,
				       sizeof(struct condition));
	if (rule->conditions == NULL)
		return refuse_room(r, node->line);
	for (size_t i = 0; i < node->n_entries; i++) {
		const struct yaml_entry *entry = &node->entries[i];
		size_t f = 0;
		err_t err;
		while (f < N_FIELDS && !slice_equal_str(entry->key, fields[f].name))
			f++;
		if (f < N_FIELDS) {
			struct condition *condition = &rule->conditions[rule->n_conditions++];
			condition->field = fields[f].field;
			err = parse_condition(r, fields[f].form, fields[f].name, entry->value,
					      condition);
		} else if (slice_equal_str(entry->key, "param")) {
			err = parse_params(r, entry->value, rule);
		} else {
			err = refuse_match_key(r, entry);
		}
		if (err != OK)
			return err;
	}
	return OK;
}

static bool
is_name(struct slice text)
{
	for (size_t i = 0; i < text.len; i++)
		if (text.data[i] < 0x20 || text.data[i] == 0x7f)
			return false;
	return text.len > 0 && text.len <= NAME_BYTES_MAX && text_is_utf8(text) &&
	       !slice_equal_nocase(text, SLICE_LITERAL("default"));
}

static err_t
parse_name(struct rules_reader *r, const struct yaml_node *node, struct rule *rule)
{
	const struct yaml_node *name = yaml_find(node, "name");
	if (name == NULL)
		return collection_refuse(r, node->line, "a rule without a name");
	if (name->kind != YAML_SCALAR || yaml_is_null(name) || !is_name(name->text))
		return collection_refuse(r, name->line,
					 "a rule's name must be a text of 1 to %d bytes, in one "
					 "line, and not \"default\"",
					 NAME_BYTES_MAX);
	rule->line = node->line;
	rule->name = arena_str(&r->collection->arena, name->text);
	if (rule->name == NULL)
		return refuse_room(r, node->line);
	r->rule = rule->name;
	return OK;
}

static err_t
parse_rule_entry(const struct rules_reader *r, const struct yaml_entry *entry, struct rule *rule,
		 int64_t *reply_until_us)
{
	static const char *const names[] = {"name", "match", "reply", "until"};
	if (slice_equal_str(entry->key, "match"))
		return parse_match(r, entry->value, rule);
	if (slice_equal_str(entry->key, "reply"))
		return collection_settings_parse(r, entry->value, &rule->settings, reply_until_us);
	if (slice_equal_str(entry->key, "until"))
		return collection_until_parse(r, entry->value, &rule->until_us);
	if (slice_equal_str(entry->key, "name"))
		return OK; /* was read first */
	return collection_refuse_key(r, entry, names, sizeof(names) / sizeof(names[0]));
}

static err_t
parse_rule(struct rules_reader *r, const struct yaml_node *node, struct rule *rule)
{
	int64_t reply_until_us = INT64_MAX;
	rule->until_us = INT64_MAX;
	if (node->kind != YAML_MAPPING)
		return collection_refuse(r, node->line, "a rule must be a mapping");
	err_t err = parse_name(r, node, rule);
	for (size_t i = 0; i < node->n_entries && err == OK; i++)
		err = parse_rule_entry(r, &node->entries[i], rule, &reply_until_us);
	if (err != OK)
		return err;
	if (yaml_find(node, "reply") == NULL)
		return collection_refuse(r, node->line, "a rule without a reply");
	if (rule->settings.given == 0)
		return collection_refuse(r, node->line, "the reply says nothing");
	if (reply_until_us != INT64_MAX && rule->until_us != INT64_MAX)
		return collection_refuse(r, node->line, "until is there twice");
	if (reply_until_us != INT64_MAX)
		rule->until_us = reply_until_us;
	r->rule = NULL;
	return OK;
}

static err_t
parse_rules(struct rules_reader *r, const struct yaml_node *node)
{
	struct collection *collection = r->collection;
	if (yaml_is_null(node))
		return OK;
	if (node->kind != YAML_LIST)
		return collection_refuse(r, node->line, "rules must be a list");
	if (node->n_entries > LIMIT_COLLECTION_RULES)
		return collection_refuse(r, node->entries[LIMIT_COLLECTION_RULES].value->line,
					 "more than %d rules", LIMIT_COLLECTION_RULES);
	collection->rules = arena_array(&collection->arena, node->n_entries, sizeof(struct rule));
	if (collection->rules == NULL)
		return refuse_room(r, node->line);
	for (size_t i = 0; i < node->n_entries; i++) {
		err_t err = parse_rule(r, node->entries[i].value, &collection->rules[i]);
		if (err != OK)
			return err;
		collection->n_rules++;
	}
	return OK;
}

static err_t
parse_default(struct rules_reader *r, const struct yaml_entry *entry)
{
	r->collection->initial_line = entry->key_line;
	if (yaml_is_null(entry->value))
		return OK;
	r->rule = "default";
	err_t err = collection_settings_parse(r, entry->value, &r->collection->initial, NULL);
	r->rule = NULL;
	return err;
}

static err_t
parse_file(struct rules_reader *r, const struct yaml_node *root)
{
	static const char *const names[] = {"default", "rules"};
	if (root->kind != YAML_MAPPING)
		return collection_refuse(r, root->line,
					 "the file must be a mapping with default and rules");
	for (size_t i = 0; i < root->n_entries; i++) {
		const struct yaml_entry *entry = &root->entries[i];
		err_t err;
		if (slice_equal_str(entry->key, "default"))
			err = parse_default(r, entry);
		else if (slice_equal_str(entry->key, "rules"))
			err = parse_rules(r, entry->value);
		else
			err = collection_refuse_key(r, entry, names, 2);
		if (err != OK)
			return err;
	}
	return OK;
}

/* Of places in the rules that CONTEXT is; equal names keep their order. */
static int
compare_names(const void *a, const void *b, void *context)
{
	const struct rule *rules = context;
	size_t left = *(const size_t *)a;
	size_t right = *(const size_t *)b;
	int order = strcmp(rules[left].name, rules[right].name);
	return order != 0 ? order : (left > right) - (left < right);
}

static err_t
refuse_name_twice(struct rules_reader *r)
{
	struct collection *collection = r->collection;
	struct rule *rules = collection->rules;
	size_t *sorted = arena_array(&collection->arena, collection->n_rules, sizeof(size_t));
	size_t twice = SIZE_MAX;
	if (sorted == NULL)
		return refuse_room(r, 1);
	for (size_t i = 0; i < collection->n_rules; i++)
		sorted[i] = i;
	qsort_r(sorted, collection->n_rules, sizeof(size_t), compare_names, rules);
	for (size_t i = 1; i < collection->n_rules; i++)
		if (sorted[i] < twice &&
		    strcmp(rules[sorted[i - 1]].name, rules[sorted[i]].name) == 0)
			twice = sorted[i];
	if (twice == SIZE_MAX)
		return OK;
	r->rule = rules[twice].name;
	return collection_refuse(r, rules[twice].line, "an earlier rule has this name");
}

/* Who says `cabs: 0` and names what only a cabinet can bring, contradicts himself, unless a later
 * rule can ask for cabinets again. */
static err_t
refuse_contradiction(struct rules_reader *r)
{
	const struct collection *collection = r->collection;
	bool later_asks = false;
	for (size_t i = collection->n_rules + 1; i-- > 0;) {
		const struct settings *settings =
			i == 0 ? &collection->initial : &collection->rules[i - 1].settings;
		if ((settings->given >> COLLECTION_CABS & 1) == 0)
			continue;
		if (settings->cabs > 0)
			later_asks = true;
		else if (!later_asks && collection_settings_need_cab(settings)) {
			r->rule = collection_rule_name(collection, (int)i - 1);
			return collection_refuse(r, settings->cabs_line,
						 "cabs: 0 contradicts the directives beside it, "
						 "which only a cabinet can bring");
		}
	}
	return OK;
}

/* Every directive may come from another rule: the longest of each must fit together. */
static err_t
refuse_long_reply(struct rules_reader *r)
{
	const struct collection *collection = r->collection;
	size_t total = OTHER_LINES_BYTES;
	size_t longest = 0;
	int longest_rule = -1;
	for (int d = 0; d < COLLECTION_DIRECTIVE_N; d++) {
		size_t most = 0;
		for (size_t i = 0; i <= collection->n_rules; i++) {
			const struct settings *settings =
				i == 0 ? &collection->initial : &collection->rules[i - 1].settings;
			size_t bytes = collection_settings_value_bytes(
				settings, (enum collection_directive)d);
			most = bytes > most ? bytes : most;
			if (bytes > longest) {
				longest = bytes;
				longest_rule = (int)i - 1;
			}
		}
		total += most;
	}
	if (total <= LIMIT_REPLY_BYTES)
		return OK;
	r->rule = collection_rule_name(collection, longest_rule);
	return collection_refuse(r, collection_rule_line(collection, longest_rule),
				 "a reply could be %zu bytes long, more than %d; this is the "
				 "longest part of it",
				 total, LIMIT_REPLY_BYTES);
}

static err_t
check_whole(struct rules_reader *r)
{
	err_t err = refuse_name_twice(r);
	if (err == OK)
		err = refuse_contradiction(r);
	if (err == OK)
		err = refuse_long_reply(r);
	if (err == OK && collection_index(r->collection) != OK)
		err = refuse_room(r, 1);
	return err;
}

err_t
collection_parse(struct slice yaml, struct collection **ret_collection, struct err_detail *detail)
{
	struct collection *collection = collection_default();
	struct rules_reader r = {.collection = collection, .detail = detail};
	struct arena nodes;
	struct yaml_node *root;
	arena_init(&nodes, LIMIT_YAML_ARENA_BYTES);
	err_t err = yaml_parse(yaml, &nodes, &root, detail) == OK ? OK : ERR_CONFIG;
	if (err == OK)
		err = parse_file(&r, root);
	if (err == OK)
		err = check_whole(&r);
	arena_done(&nodes);
	if (err != OK) {
		collection_unref(collection);
		return err;
	}
	*ret_collection = collection;
	return OK;
}
