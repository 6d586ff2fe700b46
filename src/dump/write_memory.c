/* write_memory.c - which memory is written, and where it comes from
 *
 * All that could be written is one sorted list of pieces, those at hand and those that are read
 * by the callback.  What a kind of dump wants is cut out of it.
 */
#include <stdlib.h>

#include "dump/write_internal.h"

enum {
	RED_ZONE_BYTES = 128, /* below the stack pointer, in use by leaf functions of amd64 */
	AROUND_REGISTER_BYTES = 4096,
	AROUND_PC_BYTES = 256,
	SMALL_NUMBER = 4096 /* kept in a filtered stack: counts, offsets, and their negatives */
};

/* ---- pieces ---- */

static int
compare_piece(const void *a, const void *b)
{
	const struct write_piece *x = a;
	const struct write_piece *y = b;
	return (x->base > y->base) - (x->base < y->base);
}

static int
compare_range(const void *a, const void *b)
{
	const struct write_range *x = a;
	const struct write_range *y = b;
	return (x->base > y->base) - (x->base < y->base);
}

static int
compare_chosen(const void *a, const void *b)
{
	const struct write_chosen *x = a;
	const struct write_chosen *y = b;
	return (x->base > y->base) - (x->base < y->base);
}

static void
add_piece(struct writer *w, uint64_t base, uint64_t end, const uint8_t *data)
{
	w->pieces[w->n_pieces++] = (struct write_piece){base, end - base, data};
}

/* [FROM, END) without what is at hand; NEXT: of the memory at hand, the first that may be in the
 * way.  Ranges come sorted, so it only moves up. */
static void
add_unheld(struct writer *w, uint64_t from, uint64_t end, size_t *next)
{
	const struct dump_memory *memory = w->dump->memory.items;
	while (from < end) {
		while (*next < w->dump->memory.n &&
		       memory[*next].base + (memory[*next].bytes.len - 1) < from)
			(*next)++;
		if (*next == w->dump->memory.n || memory[*next].base >= end) {
			add_piece(w, from, end, NULL);
			return;
		}
		if (memory[*next].base > from)
			add_piece(w, from, memory[*next].base, NULL);
		from = memory[*next].base + memory[*next].bytes.len;
		if (from == 0)
			return; /* up to the top */
	}
}

static err_t
add_ranges(struct writer *w)
{
	size_t n = w->request->n_ranges;
	size_t next = 0;
	uint64_t end = 0;
	struct write_range *sorted = arena_array(&w->arena, n, sizeof(*sorted));
	if (sorted == NULL)
		return ERR_LIMIT;
	memcpy(sorted, w->request->ranges, n * sizeof(*sorted));
	qsort(sorted, n, sizeof(*sorted), compare_range);
	for (size_t i = 0; i < n; i++) {
		uint64_t from = sorted[i].base > end ? sorted[i].base : end;
		uint64_t room = UINT64_MAX - sorted[i].base;
		uint64_t to = sorted[i].base + (sorted[i].bytes < room ? sorted[i].bytes : room);
		add_unheld(w, from, to, &next);
		end = to > end ? to : end;
	}
	return OK;
}

err_t
write_memory_collect(struct writer *w)
{
	size_t n_ranges = w->request->read == NULL ? 0 : w->request->n_ranges;
	size_t n_held = w->dump->memory.n;
	w->pieces = arena_array(&w->arena, 2 * n_held + n_ranges + 1, sizeof(*w->pieces));
	if (w->pieces == NULL)
		return ERR_LIMIT;
	err_t err = n_ranges == 0 ? OK : add_ranges(w);
	for (size_t i = 0; i < n_held; i++) {
		const struct dump_memory *held = &w->dump->memory.items[i];
		add_piece(w, held->base, held->base + held->bytes.len, held->bytes.data);
	}
	qsort(w->pieces, w->n_pieces, sizeof(*w->pieces), compare_piece);
	return err;
}

/* The first that ends behind ADDRESS; n_pieces: none. */
static size_t
find_piece(const struct writer *w, uint64_t address)
{
	size_t low = 0;
	size_t high = w->n_pieces;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct write_piece *piece = &w->pieces[middle];
		if (piece->base + (piece->bytes - 1) < address)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* NULL: no piece has ADDRESS. */
static const struct write_piece *
piece_at(const struct writer *w, uint64_t address)
{
	size_t index = find_piece(w, address);
	return index < w->n_pieces && w->pieces[index].base <= address ? &w->pieces[index] : NULL;
}

/* ---- choosing ---- */

static err_t
choose(struct writer *w, uint64_t base, uint64_t bytes)
{
	if (w->n_chosen == w->chosen_room) {
		size_t room = w->chosen_room == 0 ? 256 : 2 * w->chosen_room;
		struct write_chosen *more = arena_array(&w->arena, room, sizeof(*more));
		if (room > 4 * LIMIT_WRITE_LIST || more == NULL)
			return ERR_LIMIT;
		if (w->n_chosen > 0)
			memcpy(more, w->chosen, w->n_chosen * sizeof(*more));
		w->chosen = more;
		w->chosen_room = room;
	}
	w->chosen[w->n_chosen++] = (struct write_chosen){.base = base, .bytes = bytes};
	return OK;
}

/* What is there of [FROM, TO). */
static err_t
choose_between(struct writer *w, uint64_t from, uint64_t to)
{
	err_t err = OK;
	for (size_t i = find_piece(w, from); i < w->n_pieces && err == OK; i++) {
		const struct write_piece *piece = &w->pieces[i];
		uint64_t last = piece->base + (piece->bytes - 1);
		uint64_t low = piece->base > from ? piece->base : from;
		if (piece->base >= to)
			break;
		err = choose(w, low, (last < to ? last + 1 : to) - low);
	}
	return err;
}

static err_t
choose_around(struct writer *w, uint64_t address, uint64_t bytes)
{
	uint64_t from = address > bytes / 2 ? address - bytes / 2 : 0;
	uint64_t to = from < UINT64_MAX - bytes ? from + bytes : UINT64_MAX;
	return choose_between(w, from, to);
}

/* The registers with which the stack of thread INDEX begins. */
static const struct registers *
registers_of(const struct writer *w, size_t index)
{
	const struct dump *dump = w->dump;
	if ((int)index == w->crashing && dump->exception.has_registers)
		return &dump->exception.registers;
	return &dump->threads.items[index].registers;
}

/* The lower of a crashing thread's two stack pointers, if both are on one stack: with an
 * exception handler it went on below where it crashed. */
static uint64_t
lowest_sp(const struct writer *w, size_t index)
{
	uint64_t sp = registers_sp(&w->dump->threads.items[index].registers);
	uint64_t other = registers_sp(registers_of(w, index));
	if (w->request->kind == WRITE_MICRO || sp == 0)
		return other;
	return other != 0 && other < sp && piece_at(w, other) == piece_at(w, sp) ? other : sp;
}

/* How much lies together from ADDRESS, at most MOST. */
static uint64_t
bytes_together(const struct writer *w, uint64_t address, uint64_t most)
{
	uint64_t bytes = 0;
	size_t first = find_piece(w, address);
	for (size_t i = first; i < w->n_pieces && bytes < most; i++) {
		const struct write_piece *piece = &w->pieces[i];
		if (i - first == LIMIT_WRITE_STACK_PIECES)
			break;
		if (piece->base > address + bytes)
			break;
		bytes = piece->base + piece->bytes - address;
	}
	return bytes < most ? bytes : most;
}

struct write_range
write_memory_stack(const struct writer *w, size_t index)
{
	const struct dump_thread *thread = &w->dump->threads.items[index];
	uint64_t sp = lowest_sp(w, index);
	if (sp == 0)
		sp = thread->stack_base;
	const struct write_piece *piece = piece_at(w, sp);
	uint64_t most = w->request->kind == WRITE_MICRO ? LIMIT_WRITE_MICRO_STACK_BYTES
							: LIMIT_WRITE_STACK_BYTES;
	if (piece == NULL)
		return (struct write_range){sp, 0};
	uint64_t from = sp & ~UINT64_C(15);
	bool is_at_end = from < piece->base || from - piece->base < RED_ZONE_BYTES;
	from = is_at_end ? piece->base : from - RED_ZONE_BYTES;
	uint64_t bytes = bytes_together(w, from, most);
	uint64_t known = thread->stack_base + thread->stack_bytes - from;
	if (sp >= thread->stack_base && sp - thread->stack_base < thread->stack_bytes &&
	    known < bytes)
		bytes = known;
	return (struct write_range){from, bytes};
}

static err_t
choose_of_thread(struct writer *w, size_t index)
{
	const struct registers *registers = registers_of(w, index);
	struct write_range stack = write_memory_stack(w, index);
	err_t err = choose_between(w, stack.base, stack.base + stack.bytes);
	if ((int)index != w->crashing)
		return err == OK ? choose_around(w, registers_pc(registers), AROUND_PC_BYTES) : err;
	for (unsigned i = 0; i < registers_count(w->dump->arch) && err == OK; i++) {
		uint64_t value;
		if (registers_get(registers, (int)i, &value) && value >= WRITE_PAGE_BYTES)
			err = choose_around(w, value, AROUND_REGISTER_BYTES);
	}
	return err;
}

/* Joins what overlaps or touches, and counts. */
static void
join_chosen(struct writer *w)
{
	size_t kept = 0;
	uint64_t offset = 0;
	if (w->n_chosen > 0)
		qsort(w->chosen, w->n_chosen, sizeof(*w->chosen), compare_chosen);
	for (size_t i = 0; i < w->n_chosen; i++) {
		const struct write_chosen *next = &w->chosen[i];
		struct write_chosen *last = kept == 0 ? NULL : &w->chosen[kept - 1];
		if (last != NULL && next->base - last->base <= last->bytes) {
			uint64_t bytes = next->base - last->base + next->bytes;
			last->bytes = bytes > last->bytes ? bytes : last->bytes;
		} else {
			w->chosen[kept++] = *next;
		}
	}
	w->n_chosen = kept;
	for (size_t i = 0; i < kept; i++) {
		w->chosen[i].offset = offset;
		offset += w->chosen[i].bytes;
	}
	w->memory_bytes = offset;
}

/* ---- micro ---- */

static bool
is_worth_keeping(const struct writer *w, uint64_t value, const struct write_range *stack)
{
	uint64_t negative = (0 - value) & arch_pointer_mask(w->dump->arch);
	return value < SMALL_NUMBER || negative < SMALL_NUMBER ||
	       dump_find_module(w->dump, value) >= 0 ||
	       (value >= stack->base && value - stack->base < stack->bytes);
}

/* Texts, keys and what else programs keep on their stack is not needed to walk it. */
static err_t
take_micro_stack(struct writer *w)
{
	struct write_range stack = write_memory_stack(w, (size_t)w->crashing);
	unsigned bytes = arch_pointer_bytes(w->dump->arch);
	struct write_range whole = {stack.base,
				    bytes_together(w, stack.base, LIMIT_WRITE_STACK_BYTES)};
	if (stack.bytes == 0)
		return OK;
	uint64_t aligned = stack.bytes - stack.bytes % bytes;
	uint8_t *copy = arena_alloc(&w->arena, (size_t)aligned + 1);
	if (copy == NULL)
		return ERR_LIMIT;
	write_memory_copy(w, stack.base, copy, (size_t)aligned);
	for (size_t at = 0; at < aligned; at += bytes)
		if (!is_worth_keeping(w, write_word(copy + at, bytes), &whole))
			memset(copy + at, 0, bytes);
	w->micro_stack = slice_of(copy, (size_t)aligned);
	return choose_between(w, stack.base, stack.base + aligned);
}

err_t
write_memory_choose(struct writer *w)
{
	err_t err = OK;
	if (w->request->kind == WRITE_MICRO)
		err = take_micro_stack(w);
	for (size_t i = 0; w->request->kind == WRITE_MINI && i < w->dump->threads.n && err == OK;
	     i++)
		err = choose_of_thread(w, i);
	for (size_t i = 0; w->request->kind == WRITE_HEAP && i < w->n_pieces && err == OK; i++)
		err = choose(w, w->pieces[i].base, w->pieces[i].bytes);
	join_chosen(w);
	return err;
}

/* ---- copying ---- */

/* A page that vanished must not cost those around it. */
static void
read_by_pages(struct writer *w, uint64_t address, uint8_t *out, size_t len)
{
	while (len > 0) {
		size_t part = WRITE_PAGE_BYTES - (size_t)(address % WRITE_PAGE_BYTES);
		part = part < len ? part : len;
		if (w->request->read(w->request->read_context, address, out, part) != OK) {
			memset(out, 0, part);
			w->unread_bytes += part;
		}
		address += part;
		out += part;
		len -= part;
	}
}

void
write_memory_copy(struct writer *w, uint64_t address, uint8_t *out, size_t len)
{
	while (len > 0) {
		const struct write_piece *piece = piece_at(w, address);
		if (piece == NULL)
			abort(); /* what is chosen lies in pieces */
		uint64_t inside = address - piece->base;
		size_t part = piece->bytes - inside < len ? (size_t)(piece->bytes - inside) : len;
		if (piece->data != NULL)
			memcpy(out, piece->data + inside, part);
		else if (w->request->read(w->request->read_context, address, out, part) != OK)
			read_by_pages(w, address, out, part);
		address += part;
		out += part;
		len -= part;
	}
}

uint64_t
write_memory_offset(const struct writer *w, uint64_t address)
{
	size_t low = 0;
	size_t high = w->n_chosen;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (w->chosen[middle].base <= address)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == 0 || address - w->chosen[low - 1].base >= w->chosen[low - 1].bytes)
		return 0;
	const struct write_chosen *chosen = &w->chosen[low - 1];
	return w->memory_offset + chosen->offset + (address - chosen->base);
}
