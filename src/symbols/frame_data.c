/* An x86 function may use ebp for its frame or not, and may have pushed registers, locals and
 * arguments by the time it calls.  The records give the sizes of these parts:
 *
 *	esp ->	arguments of the call that is going on	callee_param_bytes
 *		saved registers				saved_register_bytes
 *		locals					local_bytes
 *	.raSearchStart ->  return address
 *		arguments of this function		param_bytes
 *
 * .raSearchStart is where the return address should be; alignment may have put it a few words
 * further up, so the first word from there that may be code is taken.
 */
#include "symbols/frame_data.h"

#include "symbols/postfix.h"

enum {
	VARIABLES_MAX = 16, /* $T0, $T1 ..., $L, $P: seen: 5 in one program */
	SEARCH_WORDS = 4,   /* how far a return address may lie above its place */
	CODEVIEW_EAX = 17,  /* programs may name registers by CodeView's numbers, "$20" */
	CODEVIEW_EDI = 24,
	WORD_BYTES = 4
};

struct variable {
	struct slice name;
	uint64_t value;
};

struct program {
	struct registers registers; /* the callee's, then, where set, the caller's */
	uint64_t written;           /* bit n: register n was set */
	struct variable constants[6];
	struct variable variables[VARIABLES_MAX];
	size_t n_variables;
};

static int
register_of(struct slice name)
{
	static const int by_codeview[] = {X86_EAX, X86_ECX, X86_EDX, X86_EBX,
					  X86_ESP, X86_EBP, X86_ESI, X86_EDI};
	uint64_t number;
	if (name.len < 2 || name.data[0] != '$')
		return -1;
	if (slice_to_u64(slice_sub(name, 1, name.len), &number))
		return number < CODEVIEW_EAX || number > CODEVIEW_EDI
			       ? -1
			       : by_codeview[number - CODEVIEW_EAX];
	return registers_find(ARCH_X86, name);
}

static struct variable *
find_variable(struct program *program, struct slice name)
{
	for (size_t i = 0; i < program->n_variables; i++)
		if (slice_equal(program->variables[i].name, name))
			return &program->variables[i];
	return NULL;
}

static bool
find_value(const void *context, struct slice name, uint64_t *ret_value)
{
	const struct program *program = context;
	int index = register_of(name);
	if (index >= 0)
		return registers_get(&program->registers, index, ret_value);
	for (size_t i = 0; i < sizeof(program->constants) / sizeof(program->constants[0]); i++) {
		if (slice_equal(program->constants[i].name, name)) {
			*ret_value = program->constants[i].value;
			return true;
		}
	}
	for (size_t i = 0; i < program->n_variables; i++) {
		if (slice_equal(program->variables[i].name, name)) {
			*ret_value = program->variables[i].value;
			return true;
		}
	}
	return false;
}

static bool
set_value(void *context, struct slice name, uint64_t value)
{
	struct program *program = context;
	int index = register_of(name);
	if (index >= 0) {
		registers_set(&program->registers, index, value);
		program->written |= (uint64_t)1 << index;
		return true;
	}
	if (name.len < 2 || name.data[0] != '$')
		return false;
	struct variable *variable = find_variable(program, name);
	if (variable == NULL) {
		if (program->n_variables >= VARIABLES_MAX)
			return false;
		variable = &program->variables[program->n_variables++];
		variable->name = name;
	}
	variable->value = value;
	return true;
}

/* The first of a few words from *AT on that may be a return address; *AT moves to it. */
static bool
search(const struct unwind *unwind, uint32_t *at, uint32_t *ret_word)
{
	if (unwind->is_code == NULL)
		return false;
	for (uint32_t i = 0; i < SEARCH_WORDS; i++) {
		uint32_t word;
		uint32_t place = *at + i * WORD_BYTES;
		if (memory_u32(unwind->memory, place, &word) &&
		    unwind->is_code(unwind->code_context, word)) {
			*at = place;
			*ret_word = word;
			return true;
		}
	}
	return false;
}

static uint32_t
return_address_place(const struct frame_data *data, const struct unwind *unwind)
{
	uint32_t start = (uint32_t)registers_sp(&unwind->callee) + unwind->callee_param_bytes +
			 data->local_bytes + data->saved_register_bytes;
	uint32_t at = start;
	uint32_t word;
	if (!search(unwind, &at, &word))
		return start;
	/* A system call that returned, but whose return address still lies on the stack: the frame
	 * would be its own caller. */
	if (unwind->is_innermost && slice_is_absent(data->program) && at == start &&
	    word == registers_pc(&unwind->callee)) {
		at += WORD_BYTES;
		(void)search(unwind, &at, &word);
	}
	return at;
}

static struct slice
program_of(const struct frame_data *data)
{
	if (!slice_is_absent(data->program))
		return data->program;
	if (data->uses_base_pointer)
		return SLICE_LITERAL("$ebp $esp .cbCalleeParams + .cbSavedRegs + 8 - ^ = "
				     "$eip .raSearchStart ^ = $esp .raSearchStart 4 + =");
	return SLICE_LITERAL("$eip .raSearchStart ^ = $esp .raSearchStart 4 + =");
}

static void
prepare(const struct frame_data *data, const struct unwind *unwind, struct program *program)
{
	uint32_t place = return_address_place(data, unwind);
	*program = (struct program){
		.registers = unwind->callee,
		.constants = {{SLICE_LITERAL(".raSearchStart"), place},
			      {SLICE_LITERAL(".raSearch"), place},
			      {SLICE_LITERAL(".cbCalleeParams"), unwind->callee_param_bytes},
			      {SLICE_LITERAL(".cbSavedRegs"), data->saved_register_bytes},
			      {SLICE_LITERAL(".cbLocals"), data->local_bytes},
			      {SLICE_LITERAL(".cbParams"), data->param_bytes}},
	};
	registers_forget(&program->registers, X86_EIP);
}

static void
forget_unless_written(struct program *program, int index)
{
	if ((program->written >> index & 1) == 0)
		registers_forget(&program->registers, index);
}

/* What a call does not preserve is not known in the caller, unless the program gave it; nor what
 * the function saved somewhere that the record does not tell. */
static void
forget_lost(const struct frame_data *data, struct program *program)
{
	static const int volatiles[] = {X86_EAX, X86_ECX, X86_EDX, X86_EFLAGS};
	static const int saved[] = {X86_EBX, X86_ESI, X86_EDI};
	for (size_t i = 0; i < sizeof(volatiles) / sizeof(volatiles[0]); i++)
		forget_unless_written(program, volatiles[i]);
	for (size_t i = 0; data->saved_register_bytes > 0 && i < sizeof(saved) / sizeof(saved[0]);
	     i++)
		forget_unless_written(program, saved[i]);
}

err_t
frame_data_unwind(const struct frame_data *data, struct unwind *unwind)
{
	const uint64_t needed = (uint64_t)1 << X86_EIP | (uint64_t)1 << X86_ESP;
	struct program program;
	uint64_t sp;
	if (unwind->callee.arch != ARCH_X86)
		return ERR_UNSUPPORTED;
	if (!registers_get(&unwind->callee, X86_ESP, &sp))
		return ERR_TRUNCATED;
	prepare(data, unwind, &program);
	struct postfix machine = {
		.memory = unwind->memory,
		.pointer_bytes = WORD_BYTES,
		.find = find_value,
		.set = set_value,
		.context = &program,
	};
	err_t err = postfix_run(&machine, program_of(data));
	/* What is recovered last are saved registers: without them the walk goes on. */
	if (err == ERR_TRUNCATED && (program.written & needed) == needed)
		err = OK;
	if (err != OK)
		return err;
	if ((program.written & needed) != needed)
		return ERR_CORRUPT;
	forget_lost(data, &program);
	unwind->caller = program.registers;
	unwind->param_bytes = data->param_bytes;
	unwind->way = UNWIND_FRAME_DATA;
	return OK;
}
