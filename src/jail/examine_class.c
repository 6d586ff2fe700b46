/* Which class bucket a dump belongs to. */
#include <stdio.h>

#include "bucket/signature.h"
#include "dump/exception.h"
#include "jail/examine_internal.h"

enum {
	KIND_BYTES = 128,
	EXPLANATION_BYTES = 64 * 1024
};

/* ---- the kind of the exception, in the words of bucket/frames/causes.txt ---- */

static void
append_lower(struct slice text, struct buf *out)
{
	for (size_t i = 0; i < text.len; i++) {
		uint8_t c = text.data[i];
		bool is_upper = c >= 'A' && c <= 'Z';
		bool is_word = is_upper || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
		buf_append_byte(out, is_upper ? (uint8_t)(c | 0x20) : is_word ? c : '_');
	}
}

/* "_read", "_write", "_execute", and "_null" when the address is null or nearly so. */
static void
append_access(const struct dump *dump, struct buf *out)
{
	static const char *const accesses[] = {"_read", "_write", [8] = "_execute"};
	const struct dump_exception *e = &dump->exception;
	struct address address;
	uint64_t fault;
	uint64_t access = e->n_parameters > 0 ? e->parameters[0] : UINT64_MAX;
	if (dump->os == DUMP_OS_WINDOWS && access <= 8 && accesses[access] != NULL)
		buf_append_str(out, accesses[access]);
	if (!exception_fault_address(dump, &fault))
		return;
	address_classify(dump, fault, &address);
	if (address.class == ADDRESS_NULL || address.class == ADDRESS_NEAR_NULL)
		buf_append_str(out, "_null");
}

/* From the exception's symbol: "STATUS_HEAP_CORRUPTION" is "heap_corruption", and
 * "SIGSEGV / SEGV_MAPERR" is "sigsegv". */
static void
append_symbol(struct slice name, struct buf *out)
{
	static const char *const prefixes[] = {"STATUS_", "EXCEPTION_"};
	struct slice rest;
	(void)slice_cut(name, ' ', &name, &rest);
	for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++)
		if (slice_starts_with(name, slice_str(prefixes[i])))
			name = slice_sub(name, strlen(prefixes[i]), SIZE_MAX);
	append_lower(name, out);
}

static void
describe_kind(const struct dump *dump, struct buf *out)
{
	static const uint32_t stack_buffer_overrun = 0xc0000409;
	const struct dump_exception *e = &dump->exception;
	struct buf name;
	struct buf text;
	const char *fast_fail = NULL;
	buf_init(&name, 1024);
	buf_init(&text, 16 * 1024);
	if (dump->os == DUMP_OS_WINDOWS && e->code == stack_buffer_overrun && e->n_parameters > 0)
		fast_fail = exception_fast_fail_name(e->parameters[0]);
	exception_describe(dump, &name, &text);
	if (fast_fail != NULL)
		append_lower(slice_str(fast_fail), out);
	else if (e->code == 0xe06d7363)
		buf_append_str(out, "cpp_exception");
	else
		append_symbol(buf_slice(&name), out);
	append_access(dump, out);
	buf_done(&name);
	buf_done(&text);
}

/* ---- frames ---- */

static enum crash_trust
trust_of(enum frame_trust trust)
{
	static const enum crash_trust trusts[FRAME_TRUST_N] = {
		[FRAME_CONTEXT] = CRASH_TRUST_CONTEXT,
		[FRAME_CFI] = CRASH_TRUST_RULES,
		[FRAME_FRAME_DATA] = CRASH_TRUST_RULES,
		[FRAME_FRAME_POINTER] = CRASH_TRUST_FRAME_POINTER,
		[FRAME_SCAN] = CRASH_TRUST_SCAN,
		[FRAME_INLINE] = CRASH_TRUST_INLINE,
		[FRAME_RECORDED] = CRASH_TRUST_RULES,
	};
	return trusts[trust];
}

static struct bucket_frame
bucket_frame_of(const struct dump *dump, const struct frame *frame)
{
	struct bucket_frame b = {
		.function = frame->function,
		.module_offset = frame->rva,
		.function_offset = frame->function_offset,
		.file = frame->file,
		.line = frame->line,
		.trust = trust_of(frame->trust),
		.is_public = frame->is_public,
		.unloaded = dump_base_name(frame->unloaded),
	};
	if (frame->module < 0)
		return b;
	const struct dump_module *module = &dump->modules.items[frame->module];
	b.module = dump_base_name(module->name);
	b.module_version = module->version;
	/* The age counts too: builds that differ in nothing else are different programs. */
	b.module_id = slice_is_absent(module->debug_id) ? module->code_id : module->debug_id;
	return b;
}

static struct slice
process_name(const struct dump *dump)
{
	for (size_t i = 0; i < dump->modules.n; i++)
		if (dump->modules.items[i].is_main)
			return dump_base_name(dump->modules.items[i].name);
	return (struct slice){0};
}

/* ---- the class ---- */

static void
put_explanation(const struct signature *signature, struct json *class)
{
	struct buf text;
	struct json *lines = json_new_list();
	struct slice line;
	buf_init(&text, EXPLANATION_BYTES);
	signature_explain(signature, &text);
	struct slice rest = buf_slice(&text);
	while (rest.len > 0) {
		if (!slice_cut(rest, '\n', &line, &rest)) {
			line = rest;
			rest = (struct slice){0};
		}
		json_add_text(lines, line);
	}
	json_put(class, "explanation", lines);
	buf_done(&text);
}

static void
put_class(const struct signature *signature, struct json *object)
{
	struct json *class = json_new_object();
	struct buf stack;
	buf_init(&stack, MEDOID_BYTES_MAX);
	medoid_format(&signature->stack, &stack);
	json_put_count(class, "version", 1);
	json_put_hex(class, "key", slice_of(signature->key, sizeof(signature->key)));
	json_put_text(class, "title", signature->title);
	json_put_text(class, "text", signature->text);
	put_explanation(signature, class);
	if (stack.len > 0)
		json_put_hex(class, "stack", buf_slice(&stack));
	json_put(object, "class", class);
	buf_done(&stack);
}

void
examine_class(struct examiner *examiner, struct examined *examined, const struct dump *dump,
	      const struct stack *stack, struct json *object)
{
	struct buf kind;
	struct signature signature;
	struct bucket_frame *frames =
		arena_array(&examined->arena, stack->n_frames + 1, sizeof(*frames));
	if (frames == NULL)
		return;
	for (size_t i = 0; i < stack->n_frames; i++)
		frames[i] = bucket_frame_of(dump, &stack->frames[i]);
	buf_init(&kind, KIND_BYTES);
	describe_kind(dump, &kind);
	const struct bucket_crash crash = {
		.exception = buf_slice(&kind),
		.process = process_name(dump),
		.has_bugcheck = dump->bugcheck.is_there,
		.bugcheck_code = dump->bugcheck.code,
		.frames = frames,
		.n_frames = stack->n_frames,
	};
	if (signature_make(examiner->lists, &crash, &examined->arena, &signature) == OK)
		put_class(&signature, object);
	buf_done(&kind);
}
