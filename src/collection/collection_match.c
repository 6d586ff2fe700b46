/* Most rules name something exactly: a bucket, a program, an event type.  Such a rule stands in
 * an index under each of the values that it names, and is compared only with reports that show
 * one of them; the others are compared with every report.  The order of comparing is free: for
 * each directive the rule with the highest number wins.
 */
#include "collection/collection_rules.h"

#include <stdlib.h>

#include "base/hash.h"
#include "report/os.h"

/* What to index a rule by, the field with the most different values first. */
static const enum collection_field indexed_fields[] = {
	FIELD_BUCKET,    FIELD_MACHINE,   FIELD_USER,       FIELD_APP,
	FIELD_MODULE,    FIELD_CODE,      FIELD_PARAM,      FIELD_PARAM + 1,
	FIELD_PARAM + 2, FIELD_PARAM + 3, FIELD_EVENT_TYPE,
};
enum {
	N_INDEXED = sizeof(indexed_fields) / sizeof(indexed_fields[0])
};

static uint64_t
text_key(enum collection_field field, struct slice text)
{
	uint8_t folded[128]; /* what is longer differs early, or is compared in full anyway */
	size_t len = 0;
	folded[len++] = (uint8_t)field;
	for (size_t i = 0; i < text.len && len < sizeof(folded); i++) {
		uint8_t c = text.data[i];
		folded[len++] = c >= 'A' && c <= 'Z' ? (uint8_t)(c + 32) : c;
	}
	return hash_64(slice_of(folded, len));
}

static uint64_t
number_key(enum collection_field field, uint64_t number)
{
	const uint64_t both[2] = {field, number};
	return hash_64(slice_of(both, sizeof(both)));
}

static bool
is_exact(const struct pattern *pattern)
{
	return pattern->kind == PATTERN_TEXT ||
	       (pattern->kind == PATTERN_NUMBERS && pattern->numbers.low == pattern->numbers.high);
}

static bool
is_indexable(const struct condition *condition)
{
	for (size_t i = 0; i < condition->n_patterns; i++)
		if (!is_exact(&condition->patterns[i]))
			return false;
	return true;
}

/* The condition to index a rule by; NULL: there is none. */
static const struct condition *
choose_condition(const struct rule *rule)
{
	for (size_t i = 0; i < N_INDEXED; i++)
		for (size_t j = 0; j < rule->n_conditions; j++)
			if (rule->conditions[j].field == indexed_fields[i] &&
			    is_indexable(&rule->conditions[j]))
				return &rule->conditions[j];
	return NULL;
}

static int
compare_entries(const void *a, const void *b)
{
	const struct index_entry *left = a;
	const struct index_entry *right = b;
	if (left->key != right->key)
		return left->key < right->key ? -1 : 1;
	return (left->rule > right->rule) - (left->rule < right->rule);
}

static void
index_rule(struct collection *collection, uint32_t number)
{
	const struct condition *condition = choose_condition(&collection->rules[number]);
	if (condition == NULL) {
		collection->unindexed[collection->n_unindexed++] = number;
		return;
	}
	for (size_t i = 0; i < condition->n_patterns; i++) {
		const struct pattern *pattern = &condition->patterns[i];
		uint64_t key = pattern->kind == PATTERN_TEXT
				       ? text_key(condition->field, pattern->text)
				       : number_key(condition->field, pattern->numbers.low);
		collection->index[collection->n_index++] = (struct index_entry){key, number};
	}
}

err_t
collection_index(struct collection *collection)
{
	size_t n_entries = 0;
	for (size_t i = 0; i < collection->n_rules; i++) {
		const struct condition *condition = choose_condition(&collection->rules[i]);
		n_entries += condition == NULL ? 0 : condition->n_patterns;
	}
	collection->index = arena_array(&collection->arena, n_entries, sizeof(struct index_entry));
	collection->unindexed =
		arena_array(&collection->arena, collection->n_rules, sizeof(uint32_t));
	if (collection->index == NULL || collection->unindexed == NULL)
		return ERR_LIMIT;
	for (size_t i = 0; i < collection->n_rules; i++)
		index_rule(collection, (uint32_t)i);
	qsort(collection->index, collection->n_index, sizeof(collection->index[0]),
	      compare_entries);
	return OK;
}

static void
add_text(struct facts *facts, enum collection_field field, struct slice text)
{
	if (!slice_is_absent(text) && facts->n_texts[field] < FACT_TEXTS)
		facts->texts[field][facts->n_texts[field]++] = text;
}

static void
add_number(struct facts *facts, enum collection_field field, uint64_t number)
{
	facts->has_number[field] = true;
	facts->numbers[field] = number;
}

/* What stands behind the last slash of either kind. */
static struct slice
file_name(struct slice path)
{
	size_t at = path.len;
	while (at > 0 && path.data[at - 1] != '\\' && path.data[at - 1] != '/')
		at--;
	return slice_sub(path, at, path.len);
}

static void
add_code(struct facts *facts, struct slice code)
{
	uint64_t number;
	code = collection_strip_code(code);
	if (!slice_hex_to_u64(code, &number))
		return;
	add_number(facts, FIELD_CODE, number);
	add_text(facts, FIELD_CODE, code);
}

static void
add_machine(struct facts *facts, struct slice machine)
{
	struct slice label;
	struct slice domain;
	add_text(facts, FIELD_MACHINE, machine);
	if (slice_cut(machine, '.', &label, &domain))
		add_text(facts, FIELD_MACHINE, label);
}

static void
gather_facts(const struct collection_input *input, struct facts *facts)
{
	const struct report *report = input->report;
	const struct report_label *label = input->label;
	struct os_version os;
	memset(facts->n_texts, 0, sizeof(facts->n_texts));
	memset(facts->has_number, 0, sizeof(facts->has_number));
	facts->peer = &input->peer;
	add_text(facts, FIELD_EVENT_TYPE, event_canonical(report->event_type));
	add_text(facts, FIELD_EVENT_TYPE, report->event_type);
	if (report->has_report_type && report->report_type >= 0)
		add_number(facts, FIELD_REPORT_TYPE, (uint64_t)report->report_type);
	add_text(facts, FIELD_APP, label->app);
	add_text(facts, FIELD_APP, report->app_name);
	add_text(facts, FIELD_APP, report->app_path);
	add_text(facts, FIELD_APP, file_name(report->app_path));
	add_text(facts, FIELD_VERSION, label->app_version);
	add_text(facts, FIELD_MODULE, label->module);
	add_code(facts, label->code);
	add_machine(facts, report->machine);
	add_text(facts, FIELD_USER, report->user);
	if (os_parse(report->os, &os))
		add_number(facts, FIELD_OS_BUILD, os.build);
	if (input->bucket != 0)
		add_number(facts, FIELD_BUCKET, input->bucket);
	for (size_t i = 0; i < report->n_params; i++)
		add_text(facts, FIELD_PARAM + (enum collection_field)i, report->params[i].value);
}

static bool
condition_holds(const struct condition *condition, const struct facts *facts)
{
	for (size_t i = 0; i < condition->n_patterns; i++)
		if (collection_pattern_fits(&condition->patterns[i], condition->field, facts))
			return true;
	return false;
}

struct matching {
	const struct collection *collection;
	struct facts facts;
	int64_t now_us;
	struct collection_plan *plan;
};

static void
try_rule(struct matching *m, uint32_t number)
{
	const struct rule *rule = &m->collection->rules[number];
	if (m->now_us >= rule->until_us)
		return;
	for (size_t i = 0; i < rule->n_conditions; i++)
		if (!condition_holds(&rule->conditions[i], &m->facts))
			return;
	collection_settings_apply(&rule->settings, (int)number, m->plan);
}

static void
try_key(struct matching *m, uint64_t key)
{
	const struct index_entry *index = m->collection->index;
	size_t low = 0;
	size_t high = m->collection->n_index;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (index[middle].key < key)
			low = middle + 1;
		else
			high = middle;
	}
	for (; low < m->collection->n_index && index[low].key == key; low++)
		try_rule(m, index[low].rule);
}

static void
try_indexed(struct matching *m)
{
	for (size_t i = 0; i < N_INDEXED && m->collection->n_index > 0; i++) {
		enum collection_field field = indexed_fields[i];
		if (m->facts.has_number[field])
			try_key(m, number_key(field, m->facts.numbers[field]));
		for (size_t j = 0; j < m->facts.n_texts[field]; j++)
			try_key(m, text_key(field, m->facts.texts[field][j]));
	}
}

void
collection_plan(const struct collection *collection, const struct collection_input *input,
		struct collection_plan *ret_plan)
{
	struct collection_plan plan = {0};
	for (size_t i = 0; i < COLLECTION_DIRECTIVE_N; i++)
		plan.decided_by[i] = -1;
	collection_settings_apply(&collection->built_in, -1, &plan);
	collection_settings_apply(&collection->initial, -1, &plan);
	if (collection->n_rules > 0) {
		struct matching m; /* its facts are long, and mostly not used */
		m.collection = collection;
		m.now_us = input->now_us;
		m.plan = &plan;
		gather_facts(input, &m.facts);
		try_indexed(&m);
		for (size_t i = 0; i < collection->n_unindexed; i++)
			try_rule(&m, collection->unindexed[i]);
	}
	*ret_plan = plan;
}

bool
collection_should_ask(const struct collection_plan *plan, const struct collection_counts *counts)
{
	uint64_t asked;
	uint64_t next;
	if (plan->cabs == 0 || counts->machine_day_bytes >= plan->cab_bytes_per_machine_day)
		return false;
	if (__builtin_add_overflow(counts->kept, counts->awaited, &asked))
		asked = UINT64_MAX;
	if (asked < plan->cabs)
		return true;
	if (!plan->cabs_then_sample || counts->awaited > 0)
		return false;
	uint64_t last = counts->last_asked_hits == 0 ? 1 : counts->last_asked_hits;
	if (__builtin_mul_overflow(last, 2, &next))
		next = UINT64_MAX;
	return counts->hits >= next;
}
