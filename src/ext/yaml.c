/* The parser's events are turned into nodes with a stack of open containers, so that no depth of
 * nesting can reach our own stack, and every limit is checked before anything is allocated.
 * libyaml's document loader is not used: it resolves aliases, and knows no limits.
 */
#include "ext/yaml.h"

#include <stdlib.h>
#include <yaml.h>

#include "base/limits.h"
#include "base/time.h"

struct pending {
	struct pending *next;
	struct yaml_entry entry;
};

struct frame {
	struct yaml_node *node;
	struct pending *first;
	struct pending *last;
	bool has_key; /* of a mapping: the key has come, its value has not */
	struct slice key;
	unsigned key_line;
};

struct builder {
	yaml_parser_t parser;
	struct slice text;
	struct arena *arena;
	struct err_detail *detail;
	struct frame frames[LIMIT_YAML_DEPTH];
	size_t depth;
	size_t n_nodes;
	struct yaml_node *root;
};

static unsigned
line_of(const yaml_mark_t *mark)
{
	return mark->line >= UINT32_MAX ? UINT32_MAX : (unsigned)mark->line + 1;
}

static err_t
refuse(struct builder *b, err_t err, unsigned line, const char *why)
{
	(void)err_set(b->detail, err, "line %u: %s", line, why);
	return err;
}

/* The parser counts no lines where it cannot decode the text; this does, well enough to look. */
static unsigned
line_of_offset(struct slice text, size_t offset)
{
	unsigned line = 1;
	for (size_t i = 0; i < offset && i < text.len; i++)
		line += text.data[i] == '\n';
	return line;
}

static err_t
refuse_syntax(struct builder *b)
{
	const yaml_parser_t *parser = &b->parser;
	const char *problem = parser->problem == NULL ? "no YAML" : parser->problem;
	if (parser->error == YAML_MEMORY_ERROR)
		abort(); /* as everywhere, see base/arena.h */
	if (parser->error == YAML_READER_ERROR)
		return refuse(b, ERR_CORRUPT, line_of_offset(b->text, parser->problem_offset),
			      problem);
	if (parser->context == NULL)
		return refuse(b, ERR_CORRUPT, line_of(&parser->problem_mark), problem);
	return err_set(b->detail, ERR_CORRUPT, "line %u: %s, %s that begins in line %u",
		       line_of(&parser->problem_mark), problem, parser->context,
		       line_of(&parser->context_mark));
}

/* Of places in the mapping that CONTEXT is; equal keys keep their order. */
static int
compare_keys(const void *a, const void *b, void *context)
{
	const struct yaml_node *mapping = context;
	size_t left = *(const size_t *)a;
	size_t right = *(const size_t *)b;
	int order = slice_compare(mapping->entries[left].key, mapping->entries[right].key);
	return order != 0 ? order : (left > right) - (left < right);
}

static err_t
refuse_key_twice(struct builder *b, struct yaml_node *mapping)
{
	size_t *sorted = arena_array(b->arena, mapping->n_entries, sizeof(size_t));
	size_t twice = SIZE_MAX;
	char quoted[LOG_VALUE_BYTES];
	if (sorted == NULL)
		return refuse(b, ERR_LIMIT, mapping->line, "too much text");
	for (size_t i = 0; i < mapping->n_entries; i++)
		sorted[i] = i;
	qsort_r(sorted, mapping->n_entries, sizeof(size_t), compare_keys, mapping);
	for (size_t i = 1; i < mapping->n_entries; i++)
		if (sorted[i] < twice && slice_equal(mapping->entries[sorted[i - 1]].key,
						     mapping->entries[sorted[i]].key))
			twice = sorted[i];
	if (twice == SIZE_MAX)
		return OK;
	return err_set(b->detail, ERR_CORRUPT, "line %u: key %s is there twice",
		       mapping->entries[twice].key_line,
		       yaml_quote(mapping->entries[twice].key, quoted));
}

/* Hangs a finished node, or a container that opens, into the container that is open. */
static err_t
add_node(struct builder *b, struct yaml_node *node)
{
	if (b->depth == 0) {
		b->root = node;
		return OK;
	}
	struct frame *frame = &b->frames[b->depth - 1];
	struct pending *pending = arena_alloc(b->arena, sizeof(*pending));
	if (pending == NULL)
		return refuse(b, ERR_LIMIT, node->line, "too much text");
	pending->entry = (struct yaml_entry){frame->key, frame->key_line, node};
	if (frame->last == NULL)
		frame->first = pending;
	else
		frame->last->next = pending;
	frame->last = pending;
	frame->node->n_entries++;
	frame->has_key = false;
	frame->key = slice_of(NULL, 0);
	return OK;
}

static bool
expects_key(const struct builder *b)
{
	if (b->depth == 0)
		return false;
	const struct frame *frame = &b->frames[b->depth - 1];
	return frame->node->kind == YAML_MAPPING && !frame->has_key;
}

static err_t
new_node(struct builder *b, enum yaml_kind kind, const yaml_event_t *event, const void *anchor,
	 const void *tag, struct yaml_node **ret_node)
{
	unsigned line = line_of(&event->start_mark);
	if (anchor != NULL)
		return refuse(b, ERR_UNSUPPORTED, line, "anchors (&) are not taken");
	if (tag != NULL)
		return refuse(b, ERR_UNSUPPORTED, line, "tags (!) are not taken");
	if (++b->n_nodes > LIMIT_YAML_NODES)
		return refuse(b, ERR_LIMIT, line, "too many values");
	struct yaml_node *node = arena_alloc(b->arena, sizeof(*node));
	if (node == NULL)
		return refuse(b, ERR_LIMIT, line, "too much text");
	node->kind = kind;
	node->line = line;
	*ret_node = node;
	return OK;
}

static err_t
on_key(struct builder *b, const yaml_event_t *event)
{
	struct frame *frame = &b->frames[b->depth - 1];
	unsigned line = line_of(&event->start_mark);
	struct slice key = slice_of(event->data.scalar.value, event->data.scalar.length);
	if (event->data.scalar.anchor != NULL || event->data.scalar.tag != NULL)
		return refuse(b, ERR_UNSUPPORTED, line, "a key with an anchor or a tag");
	if (key.len == 0)
		return refuse(b, ERR_UNSUPPORTED, line, "empty key");
	frame->key = slice_dup(b->arena, key);
	if (slice_is_absent(frame->key))
		return refuse(b, ERR_LIMIT, line, "too much text");
	frame->has_key = true;
	frame->key_line = line;
	return OK;
}

static err_t
on_scalar(struct builder *b, const yaml_event_t *event)
{
	struct yaml_node *node;
	if (expects_key(b))
		return on_key(b, event);
	err_t err = new_node(b, YAML_SCALAR, event, event->data.scalar.anchor,
			     event->data.scalar.tag, &node);
	if (err != OK)
		return err;
	node->is_plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
	node->text =
		slice_dup(b->arena, slice_of(event->data.scalar.value, event->data.scalar.length));
	if (slice_is_absent(node->text))
		return refuse(b, ERR_LIMIT, node->line, "too much text");
	return add_node(b, node);
}

static err_t
on_open(struct builder *b, enum yaml_kind kind, const yaml_event_t *event, const void *anchor,
	const void *tag)
{
	struct yaml_node *node;
	err_t err = new_node(b, kind, event, anchor, tag, &node);
	if (err != OK)
		return err;
	if (expects_key(b))
		return refuse(b, ERR_UNSUPPORTED, node->line, "a key must be a plain word");
	if (b->depth == LIMIT_YAML_DEPTH)
		return refuse(b, ERR_LIMIT, node->line, "nested too deep");
	err = add_node(b, node);
	if (err == OK)
		b->frames[b->depth++] = (struct frame){.node = node};
	return err;
}

static err_t
on_close(struct builder *b)
{
	const struct frame *frame = &b->frames[--b->depth];
	struct yaml_node *node = frame->node;
	size_t i = 0;
	node->entries = arena_array(b->arena, node->n_entries, sizeof(node->entries[0]));
	if (node->entries == NULL)
		return refuse(b, ERR_LIMIT, node->line, "too much text");
	for (const struct pending *at = frame->first; at != NULL; at = at->next)
		node->entries[i++] = at->entry;
	return node->kind == YAML_MAPPING && i > 1 ? refuse_key_twice(b, node) : OK;
}

static err_t
on_event(struct builder *b, const yaml_event_t *event)
{
	switch (event->type) {
	case YAML_DOCUMENT_START_EVENT:
		if (b->root != NULL)
			return refuse(b, ERR_UNSUPPORTED, line_of(&event->start_mark),
				      "a second document");
		return OK;
	case YAML_ALIAS_EVENT:
		return refuse(b, ERR_UNSUPPORTED, line_of(&event->start_mark),
			      "aliases (*) are not taken");
	case YAML_SCALAR_EVENT:
		return on_scalar(b, event);
	case YAML_SEQUENCE_START_EVENT:
		return on_open(b, YAML_LIST, event, event->data.sequence_start.anchor,
			       event->data.sequence_start.tag);
	case YAML_MAPPING_START_EVENT:
		return on_open(b, YAML_MAPPING, event, event->data.mapping_start.anchor,
			       event->data.mapping_start.tag);
	case YAML_SEQUENCE_END_EVENT:
	case YAML_MAPPING_END_EVENT:
		return on_close(b);
	default:
		return OK;
	}
}

static err_t
read_events(struct builder *b)
{
	bool at_end = false;
	err_t err = OK;
	while (err == OK && !at_end) {
		yaml_event_t event;
		if (!yaml_parser_parse(&b->parser, &event))
			return refuse_syntax(b);
		at_end = event.type == YAML_STREAM_END_EVENT;
		err = on_event(b, &event);
		yaml_event_delete(&event);
	}
	return err;
}

err_t
yaml_parse(struct slice text, struct arena *arena, struct yaml_node **ret_root,
	   struct err_detail *detail)
{
	struct builder b = {.text = text, .arena = arena, .detail = detail};
	if (text.len > LIMIT_YAML_BYTES)
		return refuse(&b, ERR_LIMIT, 1, "the text is too long");
	if (!yaml_parser_initialize(&b.parser))
		abort(); /* no memory */
	yaml_parser_set_input_string(&b.parser, text.len == 0 ? (const uint8_t *)"" : text.data,
				     text.len);
	err_t err = read_events(&b);
	yaml_parser_delete(&b.parser);
	if (err != OK)
		return err;
	/* A document of nothing but comments is one empty plain scalar, or none at all. */
	if (b.root == NULL || yaml_is_null(b.root)) {
		b.root = arena_alloc(arena, sizeof(*b.root));
		if (b.root == NULL)
			return refuse(&b, ERR_LIMIT, 1, "too much text");
		*b.root = (struct yaml_node){.kind = YAML_MAPPING, .line = 1};
	}
	*ret_root = b.root;
	return OK;
}

const struct yaml_node *
yaml_find(const struct yaml_node *mapping, const char *key)
{
	if (mapping == NULL || mapping->kind != YAML_MAPPING)
		return NULL;
	for (size_t i = 0; i < mapping->n_entries; i++)
		if (slice_equal_str(mapping->entries[i].key, key))
			return mapping->entries[i].value;
	return NULL;
}

bool
yaml_is_null(const struct yaml_node *node)
{
	return node->kind == YAML_SCALAR && node->is_plain &&
	       (node->text.len == 0 || slice_equal_str(node->text, "~") ||
		slice_equal_nocase(node->text, SLICE_LITERAL("null")));
}

bool
yaml_to_bool(const struct yaml_node *node, bool *ret_value)
{
	static const char *const words[] = {"false", "true", "no", "yes", "off", "on"};
	if (node->kind != YAML_SCALAR || !node->is_plain)
		return false;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (slice_equal_nocase(node->text, slice_str(words[i]))) {
			*ret_value = i % 2 == 1;
			return true;
		}
	}
	return false;
}

bool
yaml_to_i64(const struct yaml_node *node, int64_t *ret_value)
{
	return node->kind == YAML_SCALAR && node->is_plain && slice_to_i64(node->text, ret_value);
}

struct unit {
	const char *name;
	uint64_t factor;
};

/* "64 KiB": digits, blanks or none, one of the units. */
static bool
to_units(const struct yaml_node *node, const struct unit *units, size_t n_units,
	 uint64_t *ret_value)
{
	size_t n_digits = 0;
	uint64_t count;
	if (node->kind != YAML_SCALAR)
		return false;
	while (n_digits < node->text.len && node->text.data[n_digits] >= '0' &&
	       node->text.data[n_digits] <= '9')
		n_digits++;
	if (!slice_to_u64(slice_sub(node->text, 0, n_digits), &count))
		return false;
	struct slice name = slice_trim(slice_sub(node->text, n_digits, node->text.len));
	for (size_t i = 0; i < n_units; i++)
		if (slice_equal_nocase(name, slice_str(units[i].name)))
			return !__builtin_mul_overflow(count, units[i].factor, ret_value);
	return false;
}

bool
yaml_to_bytes(const struct yaml_node *node, uint64_t *ret_bytes)
{
	static const struct unit units[] = {
		{"", 1},
		{"B", 1},
		{"KB", 1000},
		{"MB", 1000000},
		{"GB", 1000000000},
		{"TB", 1000000000000},
		{"KiB", UINT64_C(1) << 10},
		{"MiB", UINT64_C(1) << 20},
		{"GiB", UINT64_C(1) << 30},
		{"TiB", UINT64_C(1) << 40},
	};
	return to_units(node, units, sizeof(units) / sizeof(units[0]), ret_bytes);
}

bool
yaml_to_duration_us(const struct yaml_node *node, int64_t *ret_us)
{
	static const struct unit units[] = {
		{"ms", 1000},
		{"s", (uint64_t)TIME_SECOND_US},
		{"m", (uint64_t)TIME_MINUTE_US},
		{"h", (uint64_t)TIME_HOUR_US},
		{"d", (uint64_t)TIME_DAY_US},
	};
	uint64_t us;
	if (!to_units(node, units, sizeof(units) / sizeof(units[0]), &us) || us > INT64_MAX)
		return false;
	*ret_us = (int64_t)us;
	return true;
}

const char *
yaml_quote(struct slice text, char quoted[LOG_VALUE_BYTES])
{
	size_t shown = 40;
	if (text.len <= shown)
		return log_value(text, quoted);
	while (shown > 36 && (text.data[shown] & 0xc0) == 0x80)
		shown--; /* not in the middle of a character */
	log_value(slice_sub(text, 0, shown), quoted);
	memcpy(quoted + strlen(quoted) - 1, "...\"", 5);
	return quoted;
}

enum {
	NEAREST_BYTES = 40 /* longer than any known name: no slip, but something else */
};

static uint8_t
spelled(uint8_t c)
{
	if (c == '-')
		return '_';
	return c >= 'A' && c <= 'Z' ? (uint8_t)(c + 32) : c;
}

static size_t
least(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* Letters to change, add, leave out or swap with the next one (optimal string alignment). */
static size_t
distance(struct slice a, struct slice b)
{
	size_t rows[3][NEAREST_BYTES + 1];
	for (size_t j = 0; j <= b.len; j++)
		rows[0][j] = j;
	for (size_t i = 1; i <= a.len; i++) {
		size_t *row = rows[i % 3];
		const size_t *above = rows[(i - 1) % 3];
		const size_t *two_above = rows[(i + 1) % 3];
		row[0] = i;
		for (size_t j = 1; j <= b.len; j++) {
			uint8_t at_a = spelled(a.data[i - 1]);
			uint8_t at_b = spelled(b.data[j - 1]);
			row[j] = least(least(above[j], row[j - 1]) + 1,
				       above[j - 1] + (at_a != at_b));
			if (i > 1 && j > 1 && at_a == spelled(b.data[j - 2]) &&
			    at_b == spelled(a.data[i - 2]))
				row[j] = least(row[j], two_above[j - 2] + 1);
		}
	}
	return rows[a.len % 3][b.len];
}

int
yaml_nearest(struct slice key, const char *const *names, size_t n_names)
{
	size_t nearest = 3; /* more than two letters wrong is another word */
	int found = -1;
	if (key.len > NEAREST_BYTES)
		return -1;
	for (size_t i = 0; i < n_names; i++) {
		struct slice name = slice_str(names[i]);
		if (name.len > NEAREST_BYTES)
			continue;
		size_t wrong = distance(key, name);
		if (wrong < nearest && wrong * 2 < name.len) {
			nearest = wrong;
			found = (int)i;
		}
	}
	return found;
}
