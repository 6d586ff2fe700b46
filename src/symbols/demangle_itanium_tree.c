#include "symbols/demangle_itanium.h"

#include <stdarg.h>

void
itanium_fail(struct itanium *p)
{
	p->has_failed = true;
	p->rest.len = 0;
}

bool
itanium_enter(struct itanium *p)
{
	p->depth++;
	p->steps++;
	if (p->depth > LIMIT_DEMANGLE_DEPTH || p->steps > LIMIT_DEMANGLE_STEPS || p->has_failed) {
		itanium_fail(p);
		p->depth--;
		return false;
	}
	return true;
}

void
itanium_leave(struct itanium *p)
{
	p->depth--;
}

int
itanium_peek(const struct itanium *p, size_t at)
{
	return at < p->rest.len ? p->rest.data[at] : -1;
}

bool
itanium_take(struct itanium *p, const char *text)
{
	struct slice word = slice_str(text);
	if (!slice_starts_with(p->rest, word))
		return false;
	p->rest = slice_sub(p->rest, word.len, p->rest.len);
	return true;
}

bool
itanium_number(struct itanium *p, uint64_t *ret_number)
{
	size_t n = 0;
	while (itanium_peek(p, n) >= '0' && itanium_peek(p, n) <= '9')
		n++;
	if (!slice_to_u64(slice_sub(p->rest, 0, n), ret_number))
		return false;
	p->rest = slice_sub(p->rest, n, p->rest.len);
	return true;
}

static int
digit_of(int c, unsigned base)
{
	int digit = c >= '0' && c <= '9' ? c - '0' : c >= 'A' && c <= 'Z' ? c - 'A' + 10 : -1;
	return digit < (int)base ? digit : -1;
}

uint64_t
itanium_sequence_number(struct itanium *p, unsigned base)
{
	uint64_t number = 0;
	size_t n = 0;
	for (int digit; (digit = digit_of(itanium_peek(p, n), base)) >= 0; n++) {
		number = number * base + (unsigned)digit;
		if (number > UINT32_MAX)
			break;
	}
	if (itanium_peek(p, n) != '_') {
		itanium_fail(p);
		return 0;
	}
	p->rest = slice_sub(p->rest, n + 1, p->rest.len);
	return n == 0 ? 0 : number + 1;
}

struct itanium_node *
itanium_new(struct itanium *p, enum itanium_kind kind)
{
	static struct itanium_node none; /* never written: its user has failed */
	struct itanium_node *node = arena_alloc(&p->arena, sizeof(*node));
	if (node == NULL) {
		itanium_fail(p);
		return &none;
	}
	node->kind = kind;
	return node;
}

struct itanium_node *
itanium_text(struct itanium *p, struct slice text)
{
	struct itanium_node *node = itanium_new(p, ITANIUM_TEXT);
	if (!p->has_failed)
		node->text = text;
	return node;
}

struct itanium_node *
itanium_word(struct itanium *p, const char *word)
{
	return itanium_text(p, slice_str(word));
}

void
itanium_push(struct itanium *p, struct itanium_node *node)
{
	if (p->n_stack >= p->max)
		itanium_fail(p);
	else
		p->stack[p->n_stack++] = node;
}

/* Moves what lies on the stack from FROM on into NODE. */
static void
take_items(struct itanium *p, struct itanium_node *node, size_t from)
{
	size_t n = p->n_stack - from;
	p->n_stack = from;
	struct itanium_node **items = arena_array(&p->arena, n, sizeof(struct itanium_node *));
	if (items == NULL || p->has_failed) {
		itanium_fail(p);
		return;
	}
	memcpy(items, &p->stack[from], n * sizeof(struct itanium_node *));
	node->items = items;
	node->n_items = n;
}

struct itanium_node *
itanium_list(struct itanium *p, size_t from)
{
	struct itanium_node *node = itanium_new(p, ITANIUM_LIST);
	take_items(p, node, from);
	return node;
}

struct itanium_node *
itanium_sequence(struct itanium *p, const char *format, ...)
{
	struct itanium_node *node = itanium_new(p, ITANIUM_SEQUENCE);
	struct slice rest = slice_str(format);
	struct itanium_node *items[8];
	size_t n = 0;
	va_list args;
	va_start(args, format);
	while (rest.len > 0 && n + 2 <= sizeof(items) / sizeof(items[0])) {
		struct slice text = rest;
		struct slice tail = slice_sub(rest, rest.len, 0);
		bool has_node = slice_cut(rest, '%', &text, &tail);
		if (text.len > 0)
			items[n++] = itanium_text(p, text);
		if (has_node)
			items[n++] = va_arg(args, struct itanium_node *);
		rest = tail;
	}
	va_end(args);
	struct itanium_node **copy = arena_array(&p->arena, n, sizeof(struct itanium_node *));
	if (copy == NULL || p->has_failed) {
		itanium_fail(p);
		return node;
	}
	memcpy(copy, items, n * sizeof(struct itanium_node *));
	node->items = copy;
	node->n_items = n;
	return node;
}

void
itanium_substitute(struct itanium *p, struct itanium_node *node)
{
	if (p->n_substitutions >= p->max)
		itanium_fail(p);
	else
		p->substitutions[p->n_substitutions++] = node;
}
