/* Unwinding of arm64 functions by the exception directory.
 *
 *     function table:  begin, data                8 bytes each, by address
 *     data:            flag:2, packed (1, 2) or place of the full record (0)
 *     full record:     instructions:18 version:2 handler:1 one epilog:1 epilogs:5 words:5,
 *                      [epilogs:16 words:8], scopes of epilogs, codes
 *
 * A code stands for one instruction of the prolog, in the order in which they are undone, and
 * for the instruction of an epilog that undoes it.  So a thread in a prolog of n instructions,
 * at its instruction i, leaves the first n - i codes out; one in an epilog at its instruction i
 * the first i.  Packed entries are spelled out as codes.
 *
 * Windows manuals, "ARM64 exception handling".
 */
#include "symbols/pe_unwind_arm64.h"

enum {
	FLAG_FULL,
	FLAG_PACKED,
	FLAG_PACKED_PIECE,
	FLAG_RESERVED,

	INSTRUCTION_BYTES = 4,
	FP_PAIR_BYTES = 16,
	X0_CONTEXT = 0x8, /* offsets in the context record of arm64 */
	SP_CONTEXT = 0x100,
	PC_CONTEXT = 0x108,
	CANONICAL_BITS = 48 /* of an address; a signature stands above them */
};

/* Registers of a KTRAP_FRAME, as the public symbols of the kernel have it. */
enum {
	TRAP_FRAME_SP = 0x98,
	TRAP_FRAME_X0 = 0xa0,
	TRAP_FRAME_N_X = 19,
	TRAP_FRAME_LR = 0x138,
	TRAP_FRAME_FP = 0x140,
	TRAP_FRAME_PC = 0x148
};

/* Where an emulated amd64 context has the registers of ARM64EC code that calls give back, and
 * the place of lr; ARM64EC_NT_CONTEXT of winnt.h. */
static const struct {
	uint16_t offset;
	uint8_t index;
} ec_registers[] = {
	{0x80, 0},  {0x88, 1},  {0x90, 27}, {0x98, ARM64_SP}, {0xa0, ARM64_FP},  {0xa8, 25},
	{0xb0, 26}, {0xb8, 2},  {0xc0, 3},  {0xc8, 4},        {0xd0, 5},         {0xd8, 19},
	{0xe0, 20}, {0xe8, 21}, {0xf0, 22}, {0xf8, ARM64_PC}, {0x120, ARM64_LR},
};

struct walk {
	const struct memory *memory;
	struct registers registers;
	bool has_pc; /* a frame that was pushed for an interruption gave it */
	bool is_interrupted;
};

/* Codes from the image, or those of a packed entry. */
struct codes {
	struct slice bytes;
	const struct pe_arm64_code *list; /* NULL: take BYTES */
	size_t n;
	size_t at; /* in BYTES or in LIST */
};

/* The full record. */
struct record {
	uint32_t bytes; /* of the function */
	bool has_one_epilog;
	uint32_t n_epilogs; /* or where the codes of the one epilog begin */
	struct slice scopes;
	struct slice codes;
};

static err_t
take_code(struct codes *codes, struct pe_arm64_code *ret_code)
{
	if (codes->list != NULL) {
		if (codes->at >= codes->n)
			return ERR_CORRUPT;
		*ret_code = codes->list[codes->at++];
		return OK;
	}
	if (codes->at >= codes->bytes.len)
		return ERR_CORRUPT;
	err_t err = pe_arm64_code(codes->bytes, codes->at, ret_code);
	if (err == OK)
		codes->at += ret_code->len;
	return err;
}

static bool
is_end(const struct pe_arm64_code *code)
{
	return code->operation == ARM64_END || code->operation == ARM64_END_PIECE;
}

static bool
is_instruction(const struct pe_arm64_code *code)
{
	return !is_end(code) && code->operation < ARM64_TRAP_FRAME;
}

/* Instructions that the codes from here to their end stand for. */
static err_t
count_instructions(struct codes codes, uint32_t *ret_n)
{
	struct pe_arm64_code code;
	uint32_t n = 0;
	do {
		err_t err = take_code(&codes, &code);
		if (err != OK)
			return err;
		n += is_instruction(&code);
	} while (!is_end(&code));
	*ret_n = n;
	return OK;
}

/* A signed return address has its signature above the bits of an address. */
static uint64_t
without_signature(uint64_t address)
{
	uint64_t above = ~(((uint64_t)1 << CANONICAL_BITS) - 1);
	return (address >> 55 & 1) != 0 ? address | above : address & ~above;
}

static err_t
restore(struct walk *w, unsigned index, uint64_t address)
{
	uint64_t value;
	if (!memory_u64(w->memory, address, &value))
		return ERR_TRUNCATED;
	registers_set(&w->registers, (int)index, value);
	return OK;
}

/* N_NEXT pairs more lie behind the first one. */
static err_t
restore_saved(struct walk *w, const struct pe_arm64_code *code, unsigned n_next)
{
	uint64_t sp = registers_sp(&w->registers);
	uint64_t at = sp + code->offset;
	err_t err = OK;
	if (!code->is_vector) {
		err = restore(w, code->reg, at);
		if (err == OK && code->second != code->reg)
			err = restore(w, code->second, at + code->step);
		for (unsigned i = 1; i <= n_next && err == OK; i++) {
			if (code->second + 2 * i > ARM64_LR)
				return ERR_CORRUPT;
			err = restore(w, code->reg + 2 * i, at + (uint64_t)2 * i * code->step);
			if (err == OK)
				err = restore(w, code->second + 2 * i,
					      at + ((uint64_t)2 * i + 1) * code->step);
		}
	}
	registers_set(&w->registers, ARM64_SP, sp + code->bytes);
	return err;
}

static err_t
restore_fp_minus(struct walk *w, uint32_t bytes)
{
	uint64_t fp;
	if (!registers_get(&w->registers, ARM64_FP, &fp))
		return ERR_TRUNCATED;
	registers_set(&w->registers, ARM64_SP, fp - bytes);
	return OK;
}

/* Two words: sp and pc of what was interrupted. */
static err_t
leave_machine_frame(struct walk *w)
{
	uint64_t at = registers_sp(&w->registers);
	err_t err = restore(w, ARM64_PC, at + 8);
	if (err == OK)
		err = restore(w, ARM64_SP, at);
	return err;
}

static err_t
leave_trap_frame(struct walk *w)
{
	uint64_t at = registers_sp(&w->registers);
	err_t err = OK;
	for (unsigned i = 0; i < TRAP_FRAME_N_X && err == OK; i++)
		err = restore(w, i, at + TRAP_FRAME_X0 + (uint64_t)8 * i);
	if (err == OK)
		err = restore(w, ARM64_LR, at + TRAP_FRAME_LR);
	if (err == OK)
		err = restore(w, ARM64_FP, at + TRAP_FRAME_FP);
	if (err == OK)
		err = restore(w, ARM64_PC, at + TRAP_FRAME_PC);
	return err == OK ? restore(w, ARM64_SP, at + TRAP_FRAME_SP) : err;
}

static err_t
leave_context(struct walk *w)
{
	uint64_t at = registers_sp(&w->registers);
	err_t err = OK;
	for (unsigned i = 0; i <= ARM64_LR && err == OK; i++)
		err = restore(w, i, at + X0_CONTEXT + (uint64_t)8 * i);
	if (err == OK)
		err = restore(w, ARM64_PC, at + PC_CONTEXT);
	return err == OK ? restore(w, ARM64_SP, at + SP_CONTEXT) : err;
}

static err_t
leave_ec_context(struct walk *w)
{
	uint64_t at = registers_sp(&w->registers);
	err_t err = OK;
	w->registers.known = 0;
	for (size_t i = 0; i < sizeof(ec_registers) / sizeof(ec_registers[0]) && err == OK; i++)
		err = restore(w, ec_registers[i].index, at + ec_registers[i].offset);
	return err;
}

static err_t
leave_interruption(struct walk *w, enum pe_arm64_operation operation)
{
	w->is_interrupted = true;
	if (operation == ARM64_INTERRUPTED)
		return OK;
	w->has_pc = true;
	switch (operation) {
	case ARM64_TRAP_FRAME:
		return leave_trap_frame(w);
	case ARM64_MACHINE_FRAME:
		return leave_machine_frame(w);
	case ARM64_CONTEXT:
		return leave_context(w);
	default:
		return leave_ec_context(w);
	}
}

static err_t
undo(struct walk *w, const struct pe_arm64_code *code, unsigned n_next)
{
	uint64_t lr;
	switch (code->operation) {
	case ARM64_ALLOC:
		registers_set(&w->registers, ARM64_SP, registers_sp(&w->registers) + code->bytes);
		return OK;
	case ARM64_SAVE:
		return restore_saved(w, code, n_next);
	case ARM64_SET_FP:
	case ARM64_ADD_FP:
		return restore_fp_minus(w, code->bytes);
	case ARM64_ALLOC_SVE:
		return ERR_TRUNCATED; /* the length of a vector is a register that no dump has */
	case ARM64_SIGN:
		if (registers_get(&w->registers, ARM64_LR, &lr))
			registers_set(&w->registers, ARM64_LR, without_signature(lr));
		return OK;
	case ARM64_SAVE_NEXT:
	case ARM64_NOP:
	case ARM64_END:
	case ARM64_END_PIECE:
		return OK;
	default:
		return leave_interruption(w, code->operation);
	}
}

static err_t
skip_instructions(struct codes *codes, uint32_t n)
{
	struct pe_arm64_code code;
	while (n > 0) {
		struct codes before = *codes;
		err_t err = take_code(codes, &code);
		if (err != OK)
			return err;
		if (is_end(&code)) {
			*codes = before;
			return OK;
		}
		n -= is_instruction(&code);
	}
	return OK;
}

/* Undoes all codes but the first SKIP instructions.  After a frame of an interruption nothing
 * more belongs to this one. */
static err_t
undo_codes(struct walk *w, struct codes codes, uint32_t skip)
{
	struct pe_arm64_code code;
	unsigned n_next = 0;
	err_t err = skip_instructions(&codes, skip);
	while (err == OK && !w->has_pc) {
		err = take_code(&codes, &code);
		if (err == OK && code.operation == ARM64_END)
			break;
		if (err == OK)
			err = undo(w, &code, n_next);
		n_next = code.operation == ARM64_SAVE_NEXT ? n_next + 1 : 0;
	}
	return err;
}

/* Which instructions of the codes are not done, when the thread stands AT instructions into a
 * function whose prolog these codes are. */
static err_t
undo_prolog(struct walk *w, struct codes codes, uint32_t at)
{
	uint32_t n;
	err_t err = count_instructions(codes, &n);
	return err != OK ? err : undo_codes(w, codes, at < n ? n - at : 0);
}

/* Is AT in the epilog that begins at START?  Its codes, and one instruction more: the return. */
static err_t
is_in_epilog(struct codes codes, uint32_t start, uint32_t at, bool *ret_is)
{
	uint32_t n;
	err_t err = count_instructions(codes, &n);
	if (err == OK)
		*ret_is = at >= start && at - start <= n;
	return err;
}

err_t
pe_arm64_find_function(const struct pe *pe, uint64_t rva, struct pe_arm64_function *ret_function)
{
	struct pe_arm64_function function;
	uint32_t head;
	size_t index;
	if (!pe_function_before(pe, PE_ARM64_FUNCTION_BYTES, rva, &index))
		return ERR_NOTFOUND;
	function.begin = pe_u32_of(pe->functions, 2 * index);
	function.data = pe_u32_of(pe->functions, 2 * index + 1);
	if ((function.data & 3) == FLAG_RESERVED)
		return ERR_CORRUPT;
	if (pe_arm64_is_packed(&function))
		function.bytes = (function.data >> 2 & 0x7ff) * INSTRUCTION_BYTES;
	else if (pe_u32(pe, function.data, &head))
		function.bytes = (head & 0x3ffff) * INSTRUCTION_BYTES;
	else
		return ERR_CORRUPT;
	if (rva - function.begin >= function.bytes)
		return ERR_NOTFOUND;
	*ret_function = function;
	return OK;
}

bool
pe_arm64_is_packed(const struct pe_arm64_function *function)
{
	return (function->data & 3) != FLAG_FULL;
}

static err_t
read_record(const struct pe *pe, const struct pe_arm64_function *function,
	    struct record *ret_record)
{
	uint64_t at = function->data;
	uint32_t head;
	uint32_t more;
	if (!pe_u32(pe, at, &head))
		return ERR_CORRUPT;
	struct record record = {
		.bytes = function->bytes,
		.has_one_epilog = (head >> 21 & 1) != 0,
		.n_epilogs = head >> 22 & 0x1f,
	};
	uint32_t n_words = head >> 27;
	at += 4;
	if ((head >> 18 & 3) != 0)
		return ERR_CORRUPT; /* a version that is not defined */
	if (record.n_epilogs == 0 && n_words == 0) {
		if (!pe_u32(pe, at, &more))
			return ERR_CORRUPT;
		record.n_epilogs = more & 0xffff;
		n_words = more >> 16 & 0xff;
		at += 4;
	}
	if (!record.has_one_epilog && record.n_epilogs > 0) {
		size_t bytes = (size_t)record.n_epilogs * 4;
		if (!pe_bytes(pe, at, bytes, &record.scopes))
			return ERR_CORRUPT;
		at += bytes;
	}
	if (n_words == 0 || !pe_bytes(pe, at, (size_t)n_words * 4, &record.codes))
		return ERR_CORRUPT;
	*ret_record = record;
	return OK;
}

/* Scopes stand in the order of their places: start in instructions, then the first code. */
static err_t
find_scope(const struct record *record, uint32_t at, struct codes *codes, uint32_t *ret_start)
{
	for (size_t i = 0; i < record->scopes.len / 4; i++) {
		uint32_t scope = pe_u32_of(record->scopes, i);
		uint32_t start = scope & 0x3ffff;
		bool is_in = false;
		if (at < start)
			break;
		codes->at = scope >> 22;
		err_t err = is_in_epilog(*codes, start, at, &is_in);
		if (err != OK)
			return err;
		if (is_in) {
			*ret_start = start;
			return OK;
		}
	}
	return ERR_NOTFOUND;
}

/* The one epilog ends with the function. */
static err_t
find_last_epilog(const struct record *record, uint32_t at, struct codes *codes, uint32_t *ret_start)
{
	uint32_t n;
	uint32_t end = record->bytes / INSTRUCTION_BYTES;
	codes->at = record->n_epilogs;
	err_t err = count_instructions(*codes, &n);
	if (err != OK)
		return err;
	if (end < n + 1 || at < end - (n + 1))
		return ERR_NOTFOUND;
	*ret_start = end - (n + 1);
	return OK;
}

static err_t
leave_full(struct walk *w, const struct pe *pe, const struct pe_arm64_function *function,
	   uint32_t at)
{
	struct record record;
	uint32_t n;
	uint32_t start;
	err_t err = read_record(pe, function, &record);
	if (err != OK)
		return err;
	struct codes prolog = {.bytes = record.codes};
	struct codes epilog = prolog;
	err = count_instructions(prolog, &n);
	if (err != OK || at < n)
		return err != OK ? err : undo_prolog(w, prolog, at);
	err = record.has_one_epilog ? find_last_epilog(&record, at, &epilog, &start)
				    : find_scope(&record, at, &epilog, &start);
	if (err == OK)
		return undo_codes(w, epilog, at - start);
	return err == ERR_NOTFOUND ? undo_codes(w, prolog, 0) : err;
}

/* The prolog of a packed entry sets fp and homes parameters; its epilog has nothing for that. */
static size_t
packed_epilog(const struct pe_arm64_packed *packed, struct pe_arm64_code *codes)
{
	size_t n = 0;
	for (size_t i = 0; i < packed->n_codes; i++)
		if (packed->codes[i].operation != ARM64_SET_FP &&
		    packed->codes[i].operation != ARM64_NOP)
			codes[n++] = packed->codes[i];
	return n;
}

static err_t
leave_packed(struct walk *w, const struct pe_arm64_function *function, uint32_t at)
{
	struct pe_arm64_packed packed;
	struct pe_arm64_code epilog_codes[ARM64_PACKED_CODES_MOST];
	uint32_t n;
	err_t err = pe_arm64_unpack(function, &packed);
	if (err != OK)
		return err;
	struct codes prolog = {.list = packed.codes, .n = packed.n_codes};
	struct codes epilog = {.list = epilog_codes, .n = packed_epilog(&packed, epilog_codes)};
	err = count_instructions(prolog, &n);
	if (err != OK || packed.is_piece)
		return err != OK ? err : undo_codes(w, prolog, 0);
	if (at < n)
		return undo_prolog(w, prolog, at);
	err = count_instructions(epilog, &n);
	if (err != OK)
		return err;
	uint32_t end = function->bytes / INSTRUCTION_BYTES;
	bool is_in_last = end >= n + 1 && at >= end - (n + 1);
	return is_in_last ? undo_codes(w, epilog, at - (end - (n + 1))) : undo_codes(w, prolog, 0);
}

err_t
pe_arm64_function_begin(const struct pe *pe, uint64_t rva, uint32_t *ret_begin)
{
	struct pe_arm64_function function;
	struct pe_arm64_code first;
	struct record record;
	err_t err = pe_arm64_find_function(pe, rva, &function);
	if (err != OK)
		return err;
	if (pe_arm64_is_packed(&function)) {
		if ((function.data & 3) == FLAG_PACKED_PIECE)
			return ERR_NOTFOUND;
	} else {
		err = read_record(pe, &function, &record);
		if (err == OK)
			err = pe_arm64_code(record.codes, 0, &first);
		if (err != OK)
			return err;
		if (first.operation == ARM64_END_PIECE)
			return ERR_NOTFOUND;
	}
	*ret_begin = function.begin;
	return OK;
}

/* What a call gives back; lr is spent, unless an interruption gave all registers. */
static void
forget_changed(struct walk *w)
{
	uint64_t kept = (uint64_t)1 << ARM64_FP | (uint64_t)1 << ARM64_SP | (uint64_t)1 << ARM64_PC;
	for (unsigned i = 19; i <= 28; i++)
		kept |= (uint64_t)1 << i;
	if (!w->has_pc)
		w->registers.known &= kept;
}

static err_t
return_to_lr(struct walk *w)
{
	uint64_t lr;
	if (!registers_get(&w->registers, ARM64_LR, &lr))
		return ERR_TRUNCATED;
	registers_set(&w->registers, ARM64_PC, lr);
	return OK;
}

static err_t
leave_function(struct walk *w, const struct pe *pe, const struct unwind *unwind)
{
	struct pe_arm64_function function;
	err_t err = pe_arm64_find_function(pe, unwind->rva, &function);
	if (err == ERR_NOTFOUND)
		return unwind->is_innermost ? OK : err; /* a leaf calls nothing */
	if (err != OK)
		return err;
	uint32_t at = (uint32_t)((unwind->rva - function.begin) / INSTRUCTION_BYTES);
	return pe_arm64_is_packed(&function) ? leave_packed(w, &function, at)
					     : leave_full(w, pe, &function, at);
}

err_t
pe_unwind_arm64(const struct pe *pe, struct unwind *unwind)
{
	struct walk w = {.memory = unwind->memory, .registers = unwind->callee};
	uint64_t sp;
	if (!registers_get(&w.registers, ARM64_SP, &sp))
		return ERR_TRUNCATED;
	err_t err = leave_function(&w, pe, unwind);
	if (err == OK && !w.has_pc)
		err = return_to_lr(&w);
	if (err != OK)
		return err;
	forget_changed(&w);
	unwind->caller = w.registers;
	unwind->param_bytes = 0;
	unwind->way = UNWIND_CFI;
	unwind->caller_is_interrupted = w.is_interrupted;
	return OK;
}
