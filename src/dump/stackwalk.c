#include "dump/stackwalk.h"

#include <stdlib.h>

#include "dump/stackwalk_unwind.h"
#include "symbols/demangle.h"

enum {
	FRAMES_FIRST = 32,         /* room at first; it doubles */
	READABLE_MAX_BYTES = 16384 /* a readable name; longer ones stay as they were */
};

static const char *const trust_names[FRAME_TRUST_N] = {
	[FRAME_CONTEXT] = "context",
	[FRAME_CFI] = "cfi",
	[FRAME_FRAME_DATA] = "frame_data",
	[FRAME_FRAME_POINTER] = "frame_pointer",
	[FRAME_SCAN] = "scan",
	[FRAME_INLINE] = "inline",
	[FRAME_RECORDED] = "recorded",
};

static const char *const end_texts[STACK_END_N] = {
	[STACK_END_DONE] = "the start of the thread",
	[STACK_END_NO_MEMORY] = "the dump has no more of this stack",
	[STACK_END_LOOP] = "the next frame would not lie above this one",
	[STACK_END_NOTHING] = "nothing tells who called this",
	[STACK_END_LIMIT] = "too many frames",
	[STACK_END_NO_REGISTERS] = "the dump has no registers of this thread",
};

const char *
frame_trust_name(enum frame_trust trust)
{
	return trust_names[trust];
}

const char *
stack_end_text(enum stack_end end)
{
	return end_texts[end];
}

/* ---- naming a frame ---- */

/* The frames of a stack while it is walked. */
struct growing {
	const struct stackwalk *walk;
	struct stack stack;
	size_t capacity;
};

static struct frame *
add_frame(struct growing *g)
{
	if (g->stack.n_frames == g->capacity) {
		size_t capacity = g->capacity == 0 ? FRAMES_FIRST : g->capacity * 2;
		struct frame *frames = arena_array(g->walk->arena, capacity, sizeof(*frames));
		if (frames == NULL)
			return NULL;
		if (g->stack.n_frames > 0)
			memcpy(frames, g->stack.frames, g->stack.n_frames * sizeof(*frames));
		g->stack.frames = frames;
		g->capacity = capacity;
	}
	return &g->stack.frames[g->stack.n_frames++];
}

static struct slice
readable(struct arena *arena, struct slice name)
{
	struct buf out;
	struct slice copy = {0};
	buf_init(&out, READABLE_MAX_BYTES);
	if (demangle(name, &out) && buf_error(&out) == OK)
		copy = slice_dup(arena, buf_slice(&out));
	buf_done(&out);
	return slice_is_absent(copy) ? name : copy;
}

/* The first source that knows the address; one that has lines is better than one that has not. */
static bool
find_symbol(const struct stackwalk *walk, int module, uint64_t rva, struct symbol *ret_symbol)
{
	const struct symbols_set *set = walk->find_symbols == NULL || module < 0
						? NULL
						: walk->find_symbols(walk->context, (size_t)module);
	bool is_found = false;
	for (size_t i = 0; set != NULL && i < set->n_sources; i++) {
		struct symbol symbol;
		if (symbols_find(set->sources[i], rva, &symbol) != OK || symbol.n_places == 0)
			continue;
		if (!is_found || (ret_symbol->is_public && !symbol.is_public))
			*ret_symbol = symbol;
		is_found = true;
		if (!ret_symbol->is_public)
			break;
	}
	return is_found;
}

static void
name_place(const struct stackwalk *walk, const struct symbol_place *place, struct frame *frame)
{
	frame->symbol = place->function;
	frame->function = readable(walk->arena, place->function);
	frame->file = place->file;
	frame->line = place->line;
}

/* IS_PC: the address is that of an instruction; else a return address, and what is looked up lies
 * before it. */
static void
locate(const struct stackwalk *walk, const struct registers *registers, enum frame_trust trust,
       bool is_pc, struct frame *frame)
{
	uint64_t address = registers_pc(registers);
	if (registers->arch == ARCH_ARM)
		address &= ~UINT64_C(1); /* Thumb, not part of the address */
	uint64_t lookup = is_pc || address == 0 ? address : address - 1;
	*frame = (struct frame){
		.address = address,
		.trust = trust,
		.is_pc = is_pc,
		.module = dump_find_module(walk->dump, lookup),
		.rva = lookup,
		.registers = *registers,
	};
	if (frame->module >= 0) {
		frame->rva = lookup - walk->dump->modules.items[frame->module].base;
		return;
	}
	const struct dump_unloaded *unloaded = dump_find_unloaded(walk->dump, lookup);
	if (unloaded == NULL)
		return;
	frame->unloaded = unloaded->name;
	frame->rva = lookup - unloaded->base;
}

/* Adds the frame and, before it, those that were inlined into it. */
static err_t
push(struct growing *g, const struct registers *registers, enum frame_trust trust, bool is_pc)
{
	struct frame outer;
	struct symbol symbol;
	locate(g->walk, registers, trust, is_pc, &outer);
	bool is_named = find_symbol(g->walk, outer.module, outer.rva, &symbol);
	size_t n = is_named ? symbol.n_places : 1;
	for (size_t i = 0; i < n; i++) {
		struct frame *frame = add_frame(g);
		if (frame == NULL)
			return ERR_LIMIT;
		*frame = outer;
		if (i + 1 < n)
			frame->trust = FRAME_INLINE;
		if (!is_named)
			continue;
		name_place(g->walk, &symbol.places[i], frame);
		frame->is_public = symbol.is_public;
		frame->function_offset = outer.rva - symbol.function_rva + (is_pc ? 0 : 1);
	}
	return OK;
}

/* ---- walking ---- */

bool
stackwalk_is_code(const struct stackwalk *walk, uint64_t address)
{
	struct symbol symbol;
	if (address == 0)
		return false;
	int module = dump_find_module(walk->dump, address - 1);
	if (module < 0)
		return false;
	const struct symbols_set *set = walk->find_symbols == NULL
						? NULL
						: walk->find_symbols(walk->context, (size_t)module);
	if (set == NULL || set->n_sources == 0)
		return true;
	return find_symbol(walk, module, address - 1 - walk->dump->modules.items[module].base,
			   &symbol);
}

const struct symbols_set *
stackwalk_symbols_at(const struct stackwalk *walk, uint64_t address, uint64_t *ret_base)
{
	int module = dump_find_module(walk->dump, address);
	if (module < 0 || walk->find_symbols == NULL)
		return NULL;
	*ret_base = walk->dump->modules.items[module].base;
	return walk->find_symbols(walk->context, (size_t)module);
}

static bool
has_memory_at(const struct stackwalk *walk, uint64_t address)
{
	return walk->memory.find(walk->memory.context, address, 1).len > 0;
}

/* Why no caller was found. */
static enum stack_end
judge_end(const struct stackwalk *walk, const struct registers *registers)
{
	return has_memory_at(walk, registers_sp(registers)) ? STACK_END_NOTHING
							    : STACK_END_NO_MEMORY;
}

err_t
stackwalk_from(const struct stackwalk *walk, const struct registers *registers,
	       struct stack *ret_stack)
{
	struct growing g = {.walk = walk};
	struct unwinding unwinding = {.walk = walk, .registers = *registers, .is_innermost = true};
	enum frame_trust trust = FRAME_CONTEXT;
	err_t err = OK;
	if (registers->arch == ARCH_UNKNOWN || registers_sp(registers) == 0) {
		*ret_stack = (struct stack){.end = STACK_END_NO_REGISTERS};
		return OK;
	}
	g.stack.end = STACK_END_LIMIT;
	while (g.stack.n_frames < STACKWALK_FRAMES_MAX) {
		err = push(&g, &unwinding.registers, trust, unwinding.is_innermost);
		if (err != OK)
			break;
		enum unwind_step step = unwind_caller(&unwinding, &trust);
		if (step == UNWIND_STEP_CALLER)
			continue;
		g.stack.end = step == UNWIND_STEP_DONE   ? STACK_END_DONE
			      : step == UNWIND_STEP_LOOP ? STACK_END_LOOP
							 : judge_end(walk, &unwinding.registers);
		break;
	}
	if (g.stack.n_frames > STACKWALK_FRAMES_MAX)
		g.stack.n_frames = STACKWALK_FRAMES_MAX;
	*ret_stack = g.stack;
	return err;
}

err_t
stackwalk_thread(const struct stackwalk *walk, size_t thread, struct stack *ret_stack)
{
	const struct dump *dump = walk->dump;
	const struct dump_thread *t = &dump->threads.items[thread];
	/* A kernel's own stack begins where it stopped itself; further up it comes through the trap
	 * to what went wrong. */
	bool is_kernel = dump->kind == DUMP_KERNEL_TRIAGE || dump->kind == DUMP_KERNEL_FULL;
	bool is_crashing = dump->exception.is_there && dump->exception.has_registers &&
			   dump_crashing_thread(dump) == (int)thread &&
			   !(is_kernel && t->has_registers);
	if (is_crashing)
		return stackwalk_from(walk, &dump->exception.registers, ret_stack);
	if (t->has_registers)
		return stackwalk_from(walk, &t->registers, ret_stack);
	*ret_stack = (struct stack){.end = STACK_END_NO_REGISTERS};
	return OK;
}
