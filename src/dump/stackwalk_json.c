#include "dump/stackwalk_json.h"

#include <inttypes.h>
#include <stdio.h>

static void
put_hex(struct json *object, const char *key, uint64_t value)
{
	char text[24];
	(void)snprintf(text, sizeof(text), "0x%" PRIx64, value);
	json_put_str(object, key, text);
}

/* A return address lies one behind what was looked up. */
static uint64_t
module_offset(const struct frame *frame)
{
	return frame->is_pc ? frame->rva : frame->rva + 1;
}

static void
put_module(const struct dump *dump, const struct frame *frame, struct json *object)
{
	if (frame->module >= 0) {
		const struct dump_module *module = &dump->modules.items[frame->module];
		json_put_text(object, "module", dump_base_name(module->name));
		put_hex(object, "offset", module_offset(frame));
	} else {
		json_put_null(object, "module");
		json_put_null(object, "offset");
	}
}

static void
put_function(const struct frame *frame, struct json *object)
{
	json_put_text(object, "function", frame->function);
	if (slice_is_absent(frame->function))
		json_put_null(object, "function_offset");
	else
		put_hex(object, "function_offset", frame->function_offset);
	json_put_flag(object, "nearest", frame->is_public);
	json_put_text(object, "file", frame->file);
	if (frame->line == 0)
		json_put_null(object, "line");
	else
		json_put_count(object, "line", frame->line);
}

static struct json *
frame_json(const struct dump *dump, const struct frame *frame)
{
	struct json *object = json_new_object();
	put_hex(object, "address", frame->address);
	json_put_str(object, "trust", frame_trust_name(frame->trust));
	put_module(dump, frame, object);
	put_function(frame, object);
	if (!slice_is_absent(frame->unloaded))
		json_put_text(object, "unloaded", dump_base_name(frame->unloaded));
	return object;
}

static void
put_registers(const struct registers *registers, struct json *object)
{
	struct json *values = json_new_object();
	for (unsigned i = 0; i < registers_count(registers->arch); i++) {
		uint64_t value;
		if (registers_get(registers, (int)i, &value))
			put_hex(values, registers_name(registers->arch, i), value);
	}
	json_put(object, "registers", values);
}

static struct json *
thread_json(const struct dump *dump, size_t index, const struct stack *stack)
{
	const struct dump_thread *thread = &dump->threads.items[index];
	bool is_crashing = dump_crashing_thread(dump) == (int)index;
	size_t most = is_crashing ? SIZE_MAX : STACKWALK_JSON_FRAMES_MAX;
	struct json *object = json_new_object();
	struct json *frames = json_new_list();
	if (thread->id <= INT64_MAX)
		json_put_count(object, "id", thread->id);
	else
		json_put_null(object, "id");
	json_put_text(object, "name", thread->name);
	json_put_flag(object, "crashing", is_crashing);
	if (thread->start_address != 0)
		put_hex(object, "start", thread->start_address);
	json_put_str(object, "end", stack_end_text(stack->end));
	if (is_crashing && stack->n_frames > 0)
		put_registers(&stack->frames[0].registers, object);
	for (size_t i = 0; i < stack->n_frames && i < most; i++)
		json_add(frames, frame_json(dump, &stack->frames[i]));
	if (stack->n_frames > most)
		json_put_count(object, "left_out", stack->n_frames - most);
	json_put(object, "frames", frames);
	return object;
}

void
stackwalk_put_frames(const struct dump *dump, const struct stack *stack, const char *key,
		     struct json *object)
{
	struct json *frames = json_new_list();
	for (size_t i = 0; i < stack->n_frames; i++)
		json_add(frames, frame_json(dump, &stack->frames[i]));
	json_put(object, key, frames);
}

void
stackwalk_put_json(const struct dump *dump, const struct stack *stacks, struct json *object)
{
	struct json *threads = json_new_list();
	for (size_t i = 0; i < dump->threads.n; i++)
		json_add(threads, thread_json(dump, i, &stacks[i]));
	json_put(object, "threads", threads);
}
