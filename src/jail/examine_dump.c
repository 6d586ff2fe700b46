#include <stdio.h>

#include "dump/bit_flip.h"
#include "dump/core.h"
#include "dump/dump_json.h"
#include "dump/exception.h"
#include "dump/exploitability.h"
#include "dump/kernel.h"
#include "dump/minidump.h"
#include "dump/stackwalk_json.h"
#include "jail/examine_internal.h"

static err_t
parse(struct slice file, enum file_kind kind, struct arena *arena, struct dump *ret_dump,
      struct err_detail *detail)
{
	if (kind == FILE_KERNEL_DUMP)
		return kernel_parse(file, arena, ret_dump, detail);
	if (kind == FILE_ELF_CORE)
		return core_parse(file, arena, ret_dump, detail);
	return minidump_parse(file, arena, ret_dump, detail);
}

/* ---- one line for people ---- */

/* The first frame of which something is known. */
static const struct frame *
telling_frame(const struct stack *stack)
{
	for (size_t i = 0; i < stack->n_frames; i++)
		if (!slice_is_absent(stack->frames[i].function))
			return &stack->frames[i];
	return stack->n_frames > 0 ? &stack->frames[0] : NULL;
}

static void
append_frame(const struct dump *dump, const struct frame *frame, struct buf *out)
{
	if (frame->module >= 0) {
		struct slice name = dump_base_name(dump->modules.items[frame->module].name);
		buf_append(out, name);
	}
	if (!slice_is_absent(frame->function)) {
		buf_append_str(out, "!");
		buf_append(out, frame->function);
	} else if (frame->module >= 0) {
		buf_printf(out, "+0x%llx", (unsigned long long)frame->rva);
	} else {
		buf_printf(out, "0x%llx", (unsigned long long)frame->address);
	}
	if (frame->line > 0)
		buf_printf(out, " (%.*s:%u)", SLICE_ARGS(dump_base_name(frame->file)), frame->line);
}

static struct slice
slice_before(struct slice text, const char *mark)
{
	const uint8_t *at = memmem(text.data, text.len, mark, strlen(mark));
	return at == NULL ? text : slice_of(text.data, (size_t)(at - text.data));
}

static void
summarize(const struct dump *dump, const struct stack *blamed, struct buf *out)
{
	struct buf name;
	struct buf text;
	buf_init(&name, 1024);
	buf_init(&text, 4096);
	exception_describe(dump, &name, &text);
	/* By whose code is told better below. */
	struct slice what = buf_slice(text.len > 0 ? &text : &name);
	buf_append(out, slice_before(what, "; by "));
	const struct frame *frame = blamed == NULL ? NULL : telling_frame(blamed);
	if (frame != NULL) {
		buf_append_str(out, out->len > 0 ? " in " : "");
		append_frame(dump, frame, out);
	}
	if (out->len == 0)
		buf_append_str(out,
			       dump->exception.is_there ? "a crash" : "a dump without a crash");
	buf_done(&name);
	buf_done(&text);
}

/* ---- stacks ---- */

struct stacks {
	struct stack *threads; /* one for each; NULL: the arena's cap */
	/* Where it went wrong: the crashing thread's, or in a kernel dump what the kernel had
	 * interrupted before it stopped itself.  NULL: no crash. */
	const struct stack *blamed;
	struct stack interrupted;
};

static void
walk_all(const struct dump *dump, struct examine_symbols *symbols, struct examined *examined,
	 struct stacks *stacks)
{
	struct stackwalk walk = {
		.dump = dump,
		.memory = dump_memory_of(dump),
		.find_symbols = examine_symbols_find,
		.context = symbols,
		.arena = &examined->arena,
	};
	bool is_kernel = dump->kind == DUMP_KERNEL_TRIAGE || dump->kind == DUMP_KERNEL_FULL;
	int crashing = dump_crashing_thread(dump);
	stacks->threads = arena_array(&examined->arena, dump->threads.n + 1, sizeof(struct stack));
	/* At the arena's cap the frames until then are there. */
	for (size_t i = 0; stacks->threads != NULL && i < dump->threads.n; i++) {
		jail_note("the stack of a thread", dump->threads.items[i].id);
		(void)!stackwalk_thread(&walk, i, &stacks->threads[i]);
	}
	if (stacks->threads != NULL && crashing >= 0)
		stacks->blamed = &stacks->threads[crashing];
	if (is_kernel && dump->exception.is_there && dump->exception.has_registers) {
		(void)!stackwalk_from(&walk, &dump->exception.registers, &stacks->interrupted);
		stacks->blamed = &stacks->interrupted;
	}
}

static void
put_triage(struct examined *examined, const struct dump *dump, const struct stack *blamed,
	   struct json *object)
{
	struct exploitability exploitability;
	struct bit_flips flips;
	jail_note("how exploitable it is", 0);
	exploitability_rate(dump, blamed, &examined->arena, &exploitability);
	exploitability_put_json(&exploitability, object);
	jail_note("bit flips", 0);
	bit_flips_find(dump, &flips);
	bit_flips_put_json(&flips, object);
}

static void
put_stacks(struct examiner *examiner, struct examined *examined, const struct dump *dump,
	   const struct stacks *stacks, struct json *object)
{
	put_triage(examined, dump, stacks->blamed, object);
	stackwalk_put_json(dump, stacks->threads, object);
	if (stacks->blamed == &stacks->interrupted)
		stackwalk_put_frames(dump, stacks->blamed, "interrupted", object);
	if (stacks->blamed != NULL)
		examine_class(examiner, examined, dump, stacks->blamed, object);
	if (!examined->has_dump)
		summarize(dump, stacks->blamed, &examined->summary);
	examined->has_dump = true;
}

void
examine_dump(struct examiner *examiner, struct examined *examined, struct slice file,
	     enum file_kind kind, struct json *object)
{
	struct dump dump;
	struct err_detail detail = {0};
	jail_note("the dump's lists", 0);
	err_t err = parse(file, kind, &examined->arena, &dump, &detail);
	if (err != OK) {
		char why[300];
		(void)snprintf(why, sizeof(why), "%s (offset %llu)",
			       detail.why[0] != '\0' ? detail.why : err_text(err),
			       (unsigned long long)detail.offset);
		json_put_str(object, "error", why);
		return;
	}
	json_put_null(object, "error");
	dump_put_json(&dump, object);
	struct examine_symbols *symbols = examine_symbols_new(examiner, &dump);
	struct stacks stacks = {.threads = NULL};
	walk_all(&dump, symbols, examined, &stacks);
	if (stacks.threads != NULL)
		put_stacks(examiner, examined, &dump, &stacks, object);
	examine_symbols_put(symbols, object);
	examine_symbols_free(symbols);
}
