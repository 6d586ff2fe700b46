#include "bucket/frame_lists.h"

#include <stdlib.h>

#include "base/arena.h"
#include "base/hash.h"
#include "base/limits.h"
#include "base/table.h"
#include "base/text.h"
#include "bucket/normalize.h"
#include "ext/crypto.h"

enum {
	GLOB_CHAINS = 257,
	GLOB_ANY = 256, /* patterns whose first letter is not known */
	FIRST_CAPACITY = 256,
	/* "module!function": each within LIMIT_NORMALIZED_BYTES */
	KEY_BYTES = 2 * LIMIT_NORMALIZED_BYTES + 1,
	ARENA_BYTES = 64 * 1024 * 1024
};

static const struct {
	const char *name;
	bool has_value;
} sections[FRAME_SECTION_N] = {
	[FRAME_RELEVANT] = {"relevant", false},
	[FRAME_IRRELEVANT] = {"irrelevant", false},
	[FRAME_PREFIX] = {"prefix", false},
	[FRAME_SENTINEL] = {"sentinel", false},
	[FRAME_TRAP] = {"trap", false},
	[FRAME_BELOW] = {"below", false},
	[FRAME_CORE] = {"core", false},
	[FRAME_ENTRY] = {"entry", false},
	[FRAME_WAITING] = {"waiting", false},
	[FRAME_HEAP] = {"heap", false},
	[FRAME_TAG] = {"tag", true},
	[FRAME_ALIAS] = {"alias", true},
	[FRAME_MODULE_ALIAS] = {"module alias", true},
	[FRAME_CAUSE] = {"cause", true},
	[FRAME_MESSAGE] = {"message", true},
	[FRAME_CONDENSE] = {"condense", false},
	[FRAME_OLD_IMAGE] = {"old image", true},
};

struct frame_lists {
	struct arena arena; /* texts of the lists */
	struct frame_rule *rules;
	size_t n_rules;
	size_t capacity;
	/* Chains of rules, newest first, as index + 1. */
	struct table exact;              /* by hash of the folded "module!function" */
	uint32_t globs[GLOB_CHAINS];     /* with wildcards, by the function's first letter */
	uint32_t texts[FRAME_SECTION_N]; /* of sections that are not of frames */
	uint8_t digest[CRYPTO_SHA256_BYTES];
};

const char *
frame_section_name(enum frame_section section)
{
	return sections[section].name;
}

const uint8_t *
frame_lists_digest(const struct frame_lists *lists)
{
	return lists->digest;
}

/* The digest so far, then the new list. */
static void
digest_list(struct frame_lists *lists, const char *name, struct slice text)
{
	struct buf all;
	buf_init(&all, SIZE_MAX); /* a list has its limit */
	buf_append(&all, slice_of(lists->digest, sizeof(lists->digest)));
	buf_append(&all, slice_of(name, strlen(name) + 1));
	buf_append(&all, text);
	crypto_sha256(buf_slice(&all), lists->digest);
	buf_done(&all);
}

size_t
frame_lists_count(const struct frame_lists *lists)
{
	return lists->n_rules;
}

const struct frame_rule *
frame_lists_at(const struct frame_lists *lists, size_t index)
{
	return &lists->rules[index];
}

struct frame_lists *
frame_lists_new_empty(void)
{
	struct frame_lists *lists = calloc(1, sizeof(*lists));
	if (lists == NULL)
		abort();
	arena_init(&lists->arena, ARENA_BYTES);
	table_init(&lists->exact);
	return lists;
}

void
frame_lists_free(struct frame_lists *lists)
{
	if (lists == NULL)
		return;
	table_done(&lists->exact);
	arena_done(&lists->arena);
	free(lists->rules);
	free(lists);
}

static uint8_t
fold(uint8_t c)
{
	return c >= 'A' && c <= 'Z' ? (uint8_t)(c + ('a' - 'A')) : c;
}

/* The key of an exact pair; 0 when it is too long to be in a list. */
static uint64_t
key_of(struct slice module, struct slice function)
{
	uint8_t text[KEY_BYTES];
	size_t len = 0;
	if (module.len + function.len + 1 > sizeof(text))
		return 0;
	for (size_t i = 0; i < module.len; i++)
		text[len++] = fold(module.data[i]);
	text[len++] = '!';
	for (size_t i = 0; i < function.len; i++)
		text[len++] = fold(function.data[i]);
	return hash_64(slice_of(text, len));
}

static bool
is_frame_section(enum frame_section section)
{
	return section < FRAME_PLACES_N;
}

static void
index_rule(struct frame_lists *lists, size_t index)
{
	struct frame_rule *rule = &lists->rules[index];
	uint32_t number = (uint32_t)index + 1;
	if (!is_frame_section(rule->section)) {
		rule->next = lists->texts[rule->section];
		lists->texts[rule->section] = number;
	} else if (text_has_wildcard(rule->module) || text_has_wildcard(rule->function)) {
		uint8_t first = rule->function.len > 0 ? rule->function.data[0] : '*';
		uint32_t *chain =
			&lists->globs[first == '*' || first == '?' ? GLOB_ANY : fold(first)];
		rule->next = *chain;
		*chain = number;
	} else {
		uint64_t key = key_of(rule->module, rule->function);
		uint64_t before = 0;
		(void)table_find(&lists->exact, key, &before);
		rule->next = (uint32_t)before;
		table_put(&lists->exact, key, number);
	}
}

/* What is being read. */
struct parse {
	struct frame_lists *lists;
	const char *list;
	uint32_t line;
	bool has_section;
	enum frame_section section;
	struct slice program;
	struct err_detail *detail;
};

static err_t
refuse(const struct parse *p, const char *why, struct slice what)
{
	return err_set(p->detail, ERR_CONFIG, "%s:%u: %s: %.*s", p->list, p->line, why,
		       SLICE_ARGS(slice_sub(what, 0, 80)));
}

static err_t
parse_section(struct parse *p, struct slice text)
{
	static const char word[] = " for ";
	struct slice name = text;
	p->program = (struct slice){0};
	for (size_t at = 0; at + sizeof(word) - 1 < text.len; at++) {
		if (slice_starts_with(slice_sub(text, at, text.len), slice_str(word))) {
			name = slice_sub(text, 0, at);
			p->program = slice_trim(slice_sub(text, at + sizeof(word) - 1, text.len));
			break;
		}
	}
	for (int i = 0; i < FRAME_SECTION_N; i++) {
		if (slice_equal_str(name, sections[i].name)) {
			p->section = (enum frame_section)i;
			p->has_section = true;
			return OK;
		}
	}
	return refuse(p, "no such section", text);
}

/* Names are compared in their normal form: another spelling would never be found. */
static err_t
check_form(const struct parse *p, struct slice pattern, void (*form)(struct slice, struct buf *))
{
	struct buf normal;
	err_t err = OK;
	if (pattern.len == 0 || text_has_wildcard(pattern))
		return OK;
	buf_init(&normal, LIMIT_NORMALIZED_BYTES);
	form(pattern, &normal);
	if (!slice_equal_nocase(buf_slice(&normal), pattern))
		err = err_set(p->detail, ERR_CONFIG, "%s:%u: '%.*s' is compared as '%.*s'", p->list,
			      p->line, SLICE_ARGS(pattern), SLICE_ARGS(buf_slice(&normal)));
	buf_done(&normal);
	return err;
}

static err_t
parse_pattern(const struct parse *p, struct slice text, struct frame_rule *rule)
{
	struct slice module;
	struct slice function;
	rule->function = text;
	if (p->section == FRAME_MODULE_ALIAS && check_form(p, rule->value, normalize_module) != OK)
		return ERR_CONFIG;
	if (p->section == FRAME_ALIAS && check_form(p, rule->value, normalize_function) != OK)
		return ERR_CONFIG;
	if (p->section == FRAME_MODULE_ALIAS || p->section == FRAME_OLD_IMAGE)
		return check_form(p, text, normalize_module);
	if (!is_frame_section(p->section))
		return OK;
	if (slice_cut(text, '!', &module, &function)) {
		rule->module = module.len > 0 ? module : (struct slice){0};
		rule->function = function.len > 0 ? function : (struct slice){0};
		if (module.len + function.len == 0)
			return refuse(p, "neither module nor function", text);
	}
	if (check_form(p, rule->module, normalize_module) != OK)
		return ERR_CONFIG;
	return check_form(p, rule->function, normalize_function);
}

/* Splits "PATTERN = VALUE". */
static bool
cut_value(struct slice line, struct slice *ret_pattern, struct slice *ret_value)
{
	for (size_t at = 0; at + 3 < line.len; at++) {
		if (memcmp(line.data + at, " = ", 3) == 0) {
			*ret_pattern = slice_trim(slice_sub(line, 0, at));
			*ret_value = slice_trim(slice_sub(line, at + 3, line.len));
			return ret_pattern->len > 0 && ret_value->len > 0;
		}
	}
	return false;
}

static err_t
put_rule(struct frame_lists *lists, const struct frame_rule *rule)
{
	if (lists->n_rules == LIMIT_FRAME_RULES)
		return ERR_LIMIT;
	if (lists->n_rules == lists->capacity) {
		size_t capacity = lists->capacity == 0 ? FIRST_CAPACITY : 2 * lists->capacity;
		struct frame_rule *rules = reallocarray(lists->rules, capacity, sizeof(*rules));
		if (rules == NULL)
			abort();
		lists->rules = rules;
		lists->capacity = capacity;
	}
	lists->rules[lists->n_rules++] = *rule;
	return OK;
}

static err_t
parse_rule(const struct parse *p, struct slice line)
{
	struct frame_rule rule = {
		.section = p->section,
		.program = p->program,
		.list = p->list,
		.line = p->line,
	};
	struct slice pattern = line;
	if (!p->has_section)
		return refuse(p, "before the first [section]", line);
	if (sections[p->section].has_value && !cut_value(line, &pattern, &rule.value))
		return refuse(p, "not of the form PATTERN = VALUE", line);
	if (pattern.len > LIMIT_FRAME_PATTERN_BYTES || rule.value.len > LIMIT_FRAME_PATTERN_BYTES)
		return refuse(p, "too long", line);
	err_t err = parse_pattern(p, pattern, &rule);
	return err == OK ? put_rule(p->lists, &rule) : err;
}

static err_t
parse_line(struct parse *p, struct slice line)
{
	p->line++;
	line = slice_trim(line);
	if (line.len == 0 || line.data[0] == '#')
		return OK;
	if (!text_is_utf8(line))
		return refuse(p, "not UTF-8", SLICE_LITERAL(""));
	if (line.data[0] == '[' && line.data[line.len - 1] == ']')
		return parse_section(p, slice_sub(line, 1, line.len - 2));
	return parse_rule(p, line);
}

err_t
frame_lists_add(struct frame_lists *lists, const char *name, struct slice text,
		struct err_detail *detail)
{
	size_t before = lists->n_rules;
	err_t err = OK;
	if (text.len > LIMIT_FRAME_LIST_BYTES)
		return err_set(detail, ERR_LIMIT, "%s: over %d bytes", name,
			       LIMIT_FRAME_LIST_BYTES);
	struct parse p = {.lists = lists, .detail = detail};
	p.list = arena_str(&lists->arena, slice_str(name));
	struct slice rest = slice_dup(&lists->arena, text);
	if (p.list == NULL || (text.len > 0 && slice_is_absent(rest)))
		return err_set(detail, ERR_LIMIT, "%s: the lists are too long together", name);
	while (rest.len > 0 && err == OK) {
		struct slice line = rest;
		struct slice behind = {0};
		(void)slice_cut(rest, '\n', &line, &behind);
		rest = behind;
		err = parse_line(&p, line);
	}
	if (err == ERR_LIMIT)
		(void)err_set(detail, err, "%s:%u: over %d lines in all lists", name, p.line,
			      LIMIT_FRAME_RULES);
	if (err != OK) {
		lists->n_rules = before;
		return err;
	}
	for (size_t i = before; i < lists->n_rules; i++)
		index_rule(lists, i);
	digest_list(lists, name, text);
	return OK;
}

static bool
matches(struct slice pattern, struct slice text)
{
	return slice_is_absent(pattern) || (!slice_is_absent(text) && text_matches(pattern, text));
}

/* Takes those of the chain at NUMBER that match and are newer than what is there. */
static void
take_chain(const struct frame_lists *lists, uint32_t number, struct slice program,
	   struct slice module, struct slice function, struct frame_matches *found)
{
	while (number != 0) {
		const struct frame_rule *rule = &lists->rules[number - 1];
		const struct frame_rule **place = &found->rules[rule->section];
		number = rule->next;
		if ((*place == NULL || rule > *place) && matches(rule->program, program) &&
		    matches(rule->module, module) && matches(rule->function, function))
			*place = rule;
	}
}

static uint32_t
exact_chain(const struct frame_lists *lists, struct slice module, struct slice function)
{
	uint64_t number = 0;
	(void)table_find(&lists->exact, key_of(module, function), &number);
	return (uint32_t)number;
}

void
frame_lists_find(const struct frame_lists *lists, struct slice program, struct slice module,
		 struct slice function, struct frame_matches *ret_matches)
{
	const struct slice none = {0};
	uint32_t chains[5] = {lists->globs[GLOB_ANY]};
	*ret_matches = (struct frame_matches){0};
	if (module.len > 0)
		chains[1] = exact_chain(lists, module, none);
	if (function.len > 0) {
		chains[2] = lists->globs[fold(function.data[0])];
		chains[3] = exact_chain(lists, none, function);
	}
	if (module.len > 0 && function.len > 0)
		chains[4] = exact_chain(lists, module, function);
	for (size_t i = 0; i < 5; i++)
		take_chain(lists, chains[i], program, module, function, ret_matches);
}

const struct frame_rule *
frame_lists_find_text(const struct frame_lists *lists, enum frame_section section,
		      struct slice program, struct slice text)
{
	for (uint32_t number = lists->texts[section]; number != 0;) {
		const struct frame_rule *rule = &lists->rules[number - 1];
		if (matches(rule->program, program) && matches(rule->function, text))
			return rule;
		number = rule->next;
	}
	return NULL;
}
