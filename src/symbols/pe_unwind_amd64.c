/* Unwinding of amd64 functions by the exception directory.
 *
 *     function table:  begin, end, info          12 bytes each, by address
 *     UNWIND_INFO:     version:3 flags:5 | bytes of the prolog | number of codes |
 *                      frame register:4 its offset / 16:4 | codes of 2 bytes | chained entry
 *     code:            offset behind the instruction | operation:4 info:4
 *
 * A code tells what one instruction of the prolog did; they stand in the order in which they
 * are undone.  An entry may be chained to another one whose codes are undone then.  Where the
 * thread stands matters: in the prolog only what was done already is undone; in an epilog, which
 * version 1 does not describe, the instructions that are left are read and carried out; version
 * 2 lists epilogs by codes of its own, which come first.  No entry: a leaf, which neither moves
 * the stack pointer nor saves a register.
 *
 * Windows manuals, "x64 exception handling" and "x64 prolog and epilog".
 */
#include "symbols/pe_unwind_amd64.h"

enum {
	FLAG_CHAINED = 4,
	INDIRECT = 1, /* of the info field: it leads to another entry of the function table */
	NO_REGISTER = -1,
	EPILOG_AT_END = 1,

	PAGE_OFFSET_RIP = 0, /* machine frame: rip, cs, flags, rsp, ss */
	MACHINE_FRAME_RSP = 24,

	INSTRUCTIONS_BYTES_MOST = 64, /* fixed part, fifteen pops and a jump are 44 */
	POPS_MOST = 16
};

/* Numbers of the processor to those of registers.h. */
static const uint8_t hardware_registers[16] = {
	AMD64_RAX,    AMD64_RCX,    AMD64_RDX,    AMD64_RBX,    AMD64_RSP,    AMD64_RBP,
	AMD64_RSI,    AMD64_RDI,    AMD64_R8,     AMD64_R8 + 1, AMD64_R8 + 2, AMD64_R8 + 3,
	AMD64_R8 + 4, AMD64_R8 + 5, AMD64_R8 + 6, AMD64_R15,
};

/* Those that a called function gives back as they were. */
static const uint8_t kept_registers[] = {
	AMD64_RBX,    AMD64_RBP,    AMD64_RSI, AMD64_RDI, AMD64_R8 + 4,
	AMD64_R8 + 5, AMD64_R8 + 6, AMD64_R15, AMD64_RSP, AMD64_RIP,
};

struct amd64_info {
	unsigned version;
	bool is_chained;
	uint32_t prolog_bytes;
	size_t n_codes;
	int frame_register; /* of registers.h; NO_REGISTER: none */
	uint32_t frame_offset;
	struct slice codes;
	struct pe_amd64_function chained;
};

/* What an unwinding carries from step to step. */
struct walk {
	const struct pe *pe;
	const struct memory *memory;
	struct registers registers;
	struct pe_amd64_function function;
	uint64_t rva;
	bool has_machine_frame;
};

static void
read_function(struct slice bytes, struct pe_amd64_function *function)
{
	function->begin = pe_u32_of(bytes, 0);
	function->end = pe_u32_of(bytes, 1);
	function->info = pe_u32_of(bytes, 2);
}

/* An entry whose info is odd stands for the entry that it leads to. */
static err_t
follow_indirect(const struct pe *pe, struct pe_amd64_function *function)
{
	for (unsigned i = 0; (function->info & INDIRECT) != 0; i++) {
		struct slice bytes;
		if (i == LIMIT_PE_UNWIND_CHAIN ||
		    !pe_bytes(pe, function->info - INDIRECT, PE_AMD64_FUNCTION_BYTES, &bytes))
			return ERR_CORRUPT;
		read_function(bytes, function);
	}
	return OK;
}

err_t
pe_amd64_find_function(const struct pe *pe, uint64_t rva, struct pe_amd64_function *ret_function)
{
	struct pe_amd64_function function;
	size_t index;
	if (!pe_function_before(pe, PE_AMD64_FUNCTION_BYTES, rva, &index))
		return ERR_NOTFOUND;
	read_function(
		slice_sub(pe->functions, index * PE_AMD64_FUNCTION_BYTES, PE_AMD64_FUNCTION_BYTES),
		&function);
	if (rva >= function.end)
		return ERR_NOTFOUND;
	err_t err = follow_indirect(pe, &function);
	if (err == OK)
		*ret_function = function;
	return err;
}

static err_t
read_info(const struct pe *pe, const struct pe_amd64_function *function,
	  struct amd64_info *ret_info)
{
	struct slice head;
	struct slice chained;
	if (!pe_bytes(pe, function->info, 4, &head))
		return ERR_CORRUPT;
	struct amd64_info info = {
		.version = head.data[0] & 7,
		.is_chained = (head.data[0] >> 3 & FLAG_CHAINED) != 0,
		.prolog_bytes = head.data[1],
		.n_codes = head.data[2],
		.frame_register = NO_REGISTER,
		.frame_offset = (uint32_t)(head.data[3] >> 4) * 16,
	};
	if (info.version != 1 && info.version != 2)
		return ERR_CORRUPT;
	if ((head.data[3] & 15) != 0)
		info.frame_register = hardware_registers[head.data[3] & 15];
	uint64_t at = (uint64_t)function->info + 4;
	if (info.n_codes > 0 && !pe_bytes(pe, at, info.n_codes * 2, &info.codes))
		return ERR_CORRUPT;
	at += (info.n_codes + 1) / 2 * 4;
	if (info.is_chained) {
		if (!pe_bytes(pe, at, PE_AMD64_FUNCTION_BYTES, &chained))
			return ERR_CORRUPT;
		read_function(chained, &info.chained);
		err_t err = follow_indirect(pe, &info.chained);
		if (err != OK)
			return err;
	}
	*ret_info = info;
	return OK;
}

static uint32_t
slot_u16(struct slice codes, size_t index)
{
	return (uint32_t)codes.data[2 * index] | (uint32_t)codes.data[2 * index + 1] << 8;
}

static unsigned
slots_of(unsigned operation, unsigned info)
{
	switch (operation) {
	case AMD64_ALLOC_LARGE:
		return info == 0 ? 2 : 3;
	case AMD64_SAVE_NONVOL:
	case AMD64_SAVE_XMM128:
		return 2;
	case AMD64_SAVE_NONVOL_FAR:
	case AMD64_SAVE_XMM128_FAR:
		return 3;
	default:
		return 1;
	}
}

/* What the slots behind a code say, in bytes. */
static uint32_t
operand_of(struct slice codes, size_t index, const struct pe_amd64_code *code)
{
	static const uint8_t scales[] = {
		[AMD64_ALLOC_LARGE] = 8, [AMD64_SAVE_NONVOL] = 8, [AMD64_SAVE_XMM128] = 16};
	if (code->n_slots == 3)
		return slot_u16(codes, index + 1) | slot_u16(codes, index + 2) << 16;
	if (code->n_slots == 2)
		return slot_u16(codes, index + 1) * scales[code->operation];
	return code->operation == AMD64_ALLOC_SMALL ? code->info * UINT32_C(8) + 8 : 0;
}

err_t
pe_amd64_code(struct slice codes, unsigned version, size_t index, struct pe_amd64_code *ret_code)
{
	struct pe_amd64_code code = {
		.prolog_offset = codes.data[2 * index],
		.operation = codes.data[2 * index + 1] & 15,
		.info = codes.data[2 * index + 1] >> 4,
	};
	bool is_known =
		code.operation <= AMD64_SAVE_NONVOL_FAR ||
		(code.operation == AMD64_EPILOG && version == 2) ||
		(code.operation >= AMD64_SAVE_XMM128 && code.operation <= AMD64_PUSH_MACHFRAME);
	if (!is_known || (code.operation == AMD64_ALLOC_LARGE && code.info > 1) ||
	    (code.operation == AMD64_PUSH_MACHFRAME && code.info > 1))
		return ERR_CORRUPT;
	code.n_slots = slots_of(code.operation, code.info);
	if (index + code.n_slots > codes.len / 2)
		return ERR_CORRUPT;
	code.operand = operand_of(codes, index, &code);
	*ret_code = code;
	return OK;
}

static err_t
load(const struct walk *w, uint64_t address, uint64_t *ret_value)
{
	return memory_u64(w->memory, address, ret_value) ? OK : ERR_TRUNCATED;
}

static void
move_rsp(struct walk *w, uint64_t bytes)
{
	registers_set(&w->registers, AMD64_RSP, registers_sp(&w->registers) + bytes);
}

static err_t
pop(struct walk *w, int index)
{
	uint64_t value;
	err_t err = load(w, registers_sp(&w->registers), &value);
	if (err != OK)
		return err;
	move_rsp(w, 8);
	registers_set(&w->registers, index, value);
	return OK;
}

/* What an interrupt pushed: rip, cs, flags, rsp, ss, and before them an error code or none. */
static err_t
leave_machine_frame(struct walk *w, bool has_error_code)
{
	uint64_t at = registers_sp(&w->registers) + (has_error_code ? 8 : 0);
	uint64_t rip;
	uint64_t rsp;
	err_t err = load(w, at + PAGE_OFFSET_RIP, &rip);
	if (err == OK)
		err = load(w, at + MACHINE_FRAME_RSP, &rsp);
	if (err != OK)
		return err;
	registers_set(&w->registers, AMD64_RIP, rip);
	registers_set(&w->registers, AMD64_RSP, rsp);
	w->has_machine_frame = true;
	return OK;
}

static err_t
undo(struct walk *w, const struct pe_amd64_code *code, uint64_t frame)
{
	uint64_t value;
	err_t err;
	switch (code->operation) {
	case AMD64_PUSH_NONVOL:
		return pop(w, hardware_registers[code->info]);
	case AMD64_ALLOC_LARGE:
	case AMD64_ALLOC_SMALL:
		move_rsp(w, code->operand);
		return OK;
	case AMD64_SET_FPREG:
		registers_set(&w->registers, AMD64_RSP, frame);
		return OK;
	case AMD64_SAVE_NONVOL:
	case AMD64_SAVE_NONVOL_FAR:
		err = load(w, frame + code->operand, &value);
		if (err == OK)
			registers_set(&w->registers, hardware_registers[code->info], value);
		return err;
	case AMD64_PUSH_MACHFRAME:
		return leave_machine_frame(w, code->info != 0);
	default:
		return OK; /* xmm registers are not followed; epilogs are read elsewhere */
	}
}

/* Has the frame register its value where the thread stands? */
static err_t
frame_register_is_set(const struct amd64_info *info, uint64_t offset, bool *ret_is_set)
{
	bool is_set = false;
	struct pe_amd64_code code;
	for (size_t i = 0; i < info->n_codes; i += code.n_slots) {
		err_t err = pe_amd64_code(info->codes, info->version, i, &code);
		if (err != OK)
			return err;
		if (code.operation == AMD64_SET_FPREG && code.prolog_offset <= offset)
			is_set = true;
	}
	*ret_is_set = is_set || info->is_chained || offset >= info->prolog_bytes;
	return OK;
}

/* To what saved registers are relative: the stack pointer as the prolog left it. */
static err_t
frame_of(const struct walk *w, const struct amd64_info *info, uint64_t offset, uint64_t *ret_frame)
{
	bool is_set = false;
	uint64_t base;
	if (info->frame_register != NO_REGISTER) {
		err_t err = frame_register_is_set(info, offset, &is_set);
		if (err != OK)
			return err;
	}
	if (!registers_get(&w->registers, is_set ? info->frame_register : AMD64_RSP, &base))
		return ERR_TRUNCATED;
	*ret_frame = is_set ? base - info->frame_offset : base;
	return OK;
}

/* Undoes what the prolog did up to OFFSET. */
static err_t
undo_codes(struct walk *w, const struct amd64_info *info, uint64_t offset)
{
	struct pe_amd64_code code;
	uint64_t frame;
	err_t err = frame_of(w, info, offset, &frame);
	for (size_t i = 0; i < info->n_codes && err == OK; i += code.n_slots) {
		err = pe_amd64_code(info->codes, info->version, i, &code);
		if (err == OK && code.operation == AMD64_SET_FPREG &&
		    info->frame_register == NO_REGISTER)
			err = ERR_CORRUPT;
		if (err == OK && w->has_machine_frame)
			err = ERR_CORRUPT; /* nothing can come before it */
		if (err == OK && (code.prolog_offset <= offset || offset >= info->prolog_bytes))
			err = undo(w, &code, frame);
	}
	return err;
}

/* The entry of the whole function of which FUNCTION may be a piece. */
static err_t
find_primary(const struct pe *pe, struct pe_amd64_function *function)
{
	struct amd64_info info;
	for (unsigned i = 0; i < LIMIT_PE_UNWIND_CHAIN; i++) {
		err_t err = read_info(pe, function, &info);
		if (err != OK || !info.is_chained)
			return err;
		*function = info.chained;
	}
	return ERR_CORRUPT;
}

err_t
pe_amd64_function_begin(const struct pe *pe, uint64_t rva, uint32_t *ret_begin)
{
	struct pe_amd64_function function;
	err_t err = pe_amd64_find_function(pe, rva, &function);
	if (err == OK)
		err = find_primary(pe, &function);
	if (err == OK)
		*ret_begin = function.begin;
	return err;
}

/* Instructions from where the thread stands: as they are in memory, else as in the image. */
static struct slice
instructions_at(const struct walk *w, uint64_t address, uint8_t bytes[INSTRUCTIONS_BYTES_MOST])
{
	size_t n = 0;
	while (n < INSTRUCTIONS_BYTES_MOST) {
		struct slice piece = w->memory->find(w->memory->context, address + n,
						     INSTRUCTIONS_BYTES_MOST - n);
		if (piece.len == 0)
			piece = pe_read(w->pe, w->rva + n, INSTRUCTIONS_BYTES_MOST - n);
		if (piece.len == 0)
			break;
		memcpy(bytes + n, piece.data, piece.len);
		n += piece.len;
	}
	return slice_of(bytes, n);
}

static uint8_t
byte_at(struct slice s, size_t at)
{
	return at < s.len ? s.data[at] : 0;
}

/* A signed number of BYTES. */
static int64_t
signed_at(struct slice s, size_t at, size_t bytes)
{
	uint32_t value = 0;
	for (size_t i = 0; i < bytes; i++)
		value |= (uint32_t)byte_at(s, at + i) << (8 * i);
	return bytes == 1 ? (int8_t)value : bytes == 2 ? (int16_t)value : (int32_t)value;
}

/* What an epilog is going to do from here on. */
struct epilog {
	bool has_frame; /* rsp becomes the frame register and MOVE, else it grows by MOVE */
	int64_t move;
	uint8_t pops[POPS_MOST]; /* numbers of registers.h */
	size_t n_pops;
	uint64_t behind; /* bytes that ret takes off besides the address */
};

/* "lea rsp, [frame register + displacement]" */
static size_t
parse_lea(struct slice in, const struct amd64_info *info, struct epilog *epilog)
{
	uint8_t rex = byte_at(in, 0);
	uint8_t modrm = byte_at(in, 2);
	unsigned base = (modrm & 7u) | (rex & 1u) << 3;
	size_t bytes = modrm >> 6 == 1 ? 1 : 4;
	size_t at = (modrm & 7) == 4 ? 4 : 3; /* r12 needs a SIB byte */
	if ((rex & 0xfe) != 0x48 || byte_at(in, 1) != 0x8d || (modrm >> 3 & 7) != 4 ||
	    (modrm >> 6 != 1 && modrm >> 6 != 2) || (at == 4 && byte_at(in, 3) != 0x24) ||
	    info->frame_register == NO_REGISTER || hardware_registers[base] != info->frame_register)
		return 0;
	epilog->has_frame = true;
	epilog->move = signed_at(in, at, bytes);
	return at + bytes;
}

/* Takes the local variables off the stack; 0: no such instruction. */
static size_t
parse_release(struct slice in, const struct amd64_info *info, struct epilog *epilog)
{
	if (byte_at(in, 0) == 0x48 && byte_at(in, 2) == 0xc4) { /* add rsp, number */
		if (byte_at(in, 1) == 0x83) {
			epilog->move = signed_at(in, 3, 1);
			return 4;
		}
		if (byte_at(in, 1) == 0x81) {
			epilog->move = signed_at(in, 3, 4);
			return 7;
		}
	}
	return parse_lea(in, info, epilog);
}

static size_t
parse_pops(struct slice in, size_t at, struct epilog *epilog)
{
	while (epilog->n_pops < POPS_MOST) {
		unsigned rex = byte_at(in, at) == 0x41;
		uint8_t code = byte_at(in, at + rex);
		if ((code & 0xf8) != 0x58)
			break;
		epilog->pops[epilog->n_pops++] = hardware_registers[(code & 7u) + 8 * rex];
		at += rex + 1;
	}
	return at;
}

/* A jump leaves the function when it goes to another one, or to the very start of this one. */
static bool
leaves_function(const struct walk *w, const struct amd64_info *info, uint64_t target)
{
	struct pe_amd64_function there;
	struct pe_amd64_function here = w->function;
	if (target == here.begin)
		return !info->is_chained;
	if (target > here.begin && target < here.end)
		return false;
	if (pe_amd64_find_function(w->pe, target, &there) != OK)
		return true;
	return find_primary(w->pe, &there) != OK || find_primary(w->pe, &here) != OK ||
	       there.begin != here.begin || target == there.begin;
}

/* ret, or a jump to another function: only forms that the manual allows. */
static bool
ends_epilog(const struct walk *w, const struct amd64_info *info, struct slice in, size_t at,
	    struct epilog *epilog)
{
	uint8_t code = byte_at(in, at);
	uint8_t next = byte_at(in, at + 1);
	uint64_t here = w->rva + at;
	if (code == 0xc3 || (code == 0xf3 && next == 0xc3))
		return true;
	if (code == 0xc2) {
		epilog->behind = (uint16_t)signed_at(in, at + 1, 2);
		return at + 3 <= in.len;
	}
	if (code == 0xeb && at + 2 <= in.len)
		return leaves_function(w, info, here + 2 + (uint64_t)signed_at(in, at + 1, 1));
	if (code == 0xe9 && at + 5 <= in.len)
		return leaves_function(w, info, here + 5 + (uint64_t)signed_at(in, at + 1, 4));
	if (code == 0xff)
		return next == 0x25; /* jmp [rip + number] */
	return (code & 0xf8) == 0x48 && next == 0xff && (byte_at(in, at + 2) & 0x38) == 0x20;
}

/* Version 1: is what follows an epilog to its end? */
static bool
parse_epilog(const struct walk *w, const struct amd64_info *info, struct epilog *epilog)
{
	uint8_t bytes[INSTRUCTIONS_BYTES_MOST];
	struct slice in = instructions_at(w, registers_pc(&w->registers), bytes);
	*epilog = (struct epilog){0};
	size_t at = parse_release(in, info, epilog);
	at = parse_pops(in, at, epilog);
	return ends_epilog(w, info, in, at, epilog);
}

static err_t
carry_out(struct walk *w, const struct amd64_info *info, const struct epilog *epilog)
{
	uint64_t base;
	if (!registers_get(&w->registers, epilog->has_frame ? info->frame_register : AMD64_RSP,
			   &base))
		return ERR_TRUNCATED;
	registers_set(&w->registers, AMD64_RSP, base + (uint64_t)epilog->move);
	err_t err = OK;
	for (size_t i = 0; i < epilog->n_pops && err == OK; i++)
		err = pop(w, epilog->pops[i]);
	if (err == OK)
		err = pop(w, AMD64_RIP);
	move_rsp(w, epilog->behind);
	return err;
}

/* Version 2: the first code has the bytes of an epilog, and whether one ends the function; the
 * ones behind it have offsets from the function's end, 0 for none.  *RET_OFFSET: how far into
 * an epilog the thread is. */
static bool
find_listed_epilog(const struct walk *w, const struct amd64_info *info, uint64_t *ret_offset)
{
	struct pe_amd64_code code;
	uint32_t bytes = 0;
	for (size_t i = 0; i < info->n_codes; i++) {
		if (pe_amd64_code(info->codes, info->version, i, &code) != OK ||
		    code.operation != AMD64_EPILOG)
			break;
		uint32_t from_end = code.prolog_offset | (uint32_t)code.info << 8;
		if (i == 0) {
			bytes = code.prolog_offset;
			from_end = (code.info & EPILOG_AT_END) != 0 ? bytes : 0;
		}
		if (from_end == 0 || from_end > w->function.end - w->function.begin)
			continue;
		uint64_t start = w->function.end - from_end;
		if (w->rva >= start && w->rva - start < bytes) {
			*ret_offset = w->rva - start;
			return true;
		}
	}
	return false;
}

/* Where the pops of an epilog stand that are undone one after the other. */
struct pops {
	uint64_t at;     /* offset of the next one in the epilog */
	uint64_t offset; /* where the thread stands: those before it are done */
	bool has_any;
};

/* An epilog of version 2 begins with its first pop and undoes the pushes, nothing else.  A pop
 * that takes the flags off is told as an allocation of 8 bytes. */
static err_t
leave_pops(struct walk *w, const struct amd64_info *info, struct pops *pops)
{
	struct pe_amd64_code code;
	for (size_t i = 0; i < info->n_codes; i += code.n_slots) {
		err_t err = pe_amd64_code(info->codes, info->version, i, &code);
		if (err != OK)
			return err;
		bool is_flags =
			pops->has_any && code.operation == AMD64_ALLOC_SMALL && code.info == 0;
		if (code.operation != AMD64_PUSH_NONVOL && !is_flags)
			continue;
		if (pops->at >= pops->offset)
			err = undo(w, &code, 0);
		if (err != OK)
			return err;
		pops->has_any = true;
		pops->at += !is_flags && code.info >= 8 ? 2 : 1;
	}
	return OK;
}

static err_t
leave_listed_epilog(struct walk *w, struct amd64_info *info, uint64_t offset)
{
	struct pops pops = {.offset = offset};
	err_t err = leave_pops(w, info, &pops);
	for (unsigned i = 0; err == OK && info->is_chained; i++) {
		struct pe_amd64_function chained = info->chained;
		if (i == LIMIT_PE_UNWIND_CHAIN)
			return ERR_CORRUPT;
		err = read_info(w->pe, &chained, info);
		if (err == OK)
			err = leave_pops(w, info, &pops);
	}
	return err == OK ? pop(w, AMD64_RIP) : err;
}

/* From the entry of the function on, through all that it is chained to. */
static err_t
undo_function(struct walk *w, struct amd64_info *info)
{
	uint64_t offset = w->rva - w->function.begin;
	err_t err = undo_codes(w, info, offset);
	for (unsigned i = 0; err == OK && info->is_chained; i++) {
		struct pe_amd64_function chained = info->chained;
		if (i == LIMIT_PE_UNWIND_CHAIN)
			return ERR_CORRUPT;
		err = read_info(w->pe, &chained, info);
		if (err == OK)
			err = undo_codes(w, info, UINT64_MAX);
	}
	if (err == OK && !w->has_machine_frame)
		err = pop(w, AMD64_RIP);
	return err;
}

static err_t
leave_function(struct walk *w, bool is_innermost)
{
	struct amd64_info info;
	struct epilog epilog;
	uint64_t offset;
	err_t err = read_info(w->pe, &w->function, &info);
	if (err != OK)
		return err;
	bool is_behind_prolog = w->rva - w->function.begin >= info.prolog_bytes;
	if (is_innermost && is_behind_prolog) {
		if (info.version == 2 && find_listed_epilog(w, &info, &offset))
			return leave_listed_epilog(w, &info, offset);
		if (info.version == 1 && parse_epilog(w, &info, &epilog))
			return carry_out(w, &info, &epilog);
	}
	return undo_function(w, &info);
}

static void
forget_changed(struct registers *r)
{
	uint64_t kept = 0;
	for (size_t i = 0; i < sizeof(kept_registers); i++)
		kept |= (uint64_t)1 << kept_registers[i];
	r->known &= kept;
}

/* Only the innermost frame can be a leaf: a leaf calls nothing. */
err_t
pe_unwind_amd64(const struct pe *pe, struct unwind *unwind)
{
	struct walk w = {
		.pe = pe,
		.memory = unwind->memory,
		.registers = unwind->callee,
		.rva = unwind->rva,
	};
	uint64_t sp;
	if (!registers_get(&w.registers, AMD64_RSP, &sp))
		return ERR_TRUNCATED;
	err_t err = pe_amd64_find_function(pe, w.rva, &w.function);
	if (err == OK && w.rva < w.function.begin)
		err = ERR_CORRUPT; /* an indirect entry that leads elsewhere */
	if (err == OK)
		err = leave_function(&w, unwind->is_innermost);
	else if (err == ERR_NOTFOUND && unwind->is_innermost)
		err = pop(&w, AMD64_RIP);
	if (err != OK)
		return err;
	forget_changed(&w.registers);
	unwind->caller = w.registers;
	unwind->param_bytes = 0;
	unwind->way = UNWIND_CFI;
	unwind->caller_is_interrupted = w.has_machine_frame;
	return OK;
}
