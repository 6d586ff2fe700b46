#include "dump/disassembly.h"

#include <stdio.h>
#include <stdlib.h>

#include <capstone/capstone.h>

struct disassembler {
	csh handle;
	cs_insn *instruction; /* used again for each */
	enum arch arch;
};

struct disassembler *
disassembler_new(enum arch arch)
{
	if (arch != ARCH_X86 && arch != ARCH_AMD64)
		return NULL;
	struct disassembler *d = calloc(1, sizeof(*d));
	cs_mode mode = arch == ARCH_X86 ? CS_MODE_32 : CS_MODE_64;
	if (d == NULL || cs_open(CS_ARCH_X86, mode, &d->handle) != CS_ERR_OK ||
	    cs_option(d->handle, CS_OPT_DETAIL, CS_OPT_ON) != CS_ERR_OK)
		abort();
	d->arch = arch;
	d->instruction = cs_malloc(d->handle);
	if (d->instruction == NULL)
		abort();
	return d;
}

void
disassembler_free(struct disassembler *disassembler)
{
	if (disassembler == NULL)
		return;
	cs_free(disassembler->instruction, 1);
	(void)cs_close(&disassembler->handle);
	free(disassembler);
}

/* ---- registers ---- */

/* The names of the parts of the eight old registers; those of r8 to r15 are regular. */
static const struct {
	x86_reg reg;
	uint8_t x86;
	uint8_t amd64;
} parts[] = {
	{X86_REG_AL, X86_EAX, AMD64_RAX},  {X86_REG_AH, X86_EAX, AMD64_RAX},
	{X86_REG_AX, X86_EAX, AMD64_RAX},  {X86_REG_EAX, X86_EAX, AMD64_RAX},
	{X86_REG_RAX, X86_EAX, AMD64_RAX}, {X86_REG_CL, X86_ECX, AMD64_RCX},
	{X86_REG_CH, X86_ECX, AMD64_RCX},  {X86_REG_CX, X86_ECX, AMD64_RCX},
	{X86_REG_ECX, X86_ECX, AMD64_RCX}, {X86_REG_RCX, X86_ECX, AMD64_RCX},
	{X86_REG_DL, X86_EDX, AMD64_RDX},  {X86_REG_DH, X86_EDX, AMD64_RDX},
	{X86_REG_DX, X86_EDX, AMD64_RDX},  {X86_REG_EDX, X86_EDX, AMD64_RDX},
	{X86_REG_RDX, X86_EDX, AMD64_RDX}, {X86_REG_BL, X86_EBX, AMD64_RBX},
	{X86_REG_BH, X86_EBX, AMD64_RBX},  {X86_REG_BX, X86_EBX, AMD64_RBX},
	{X86_REG_EBX, X86_EBX, AMD64_RBX}, {X86_REG_RBX, X86_EBX, AMD64_RBX},
	{X86_REG_SPL, X86_ESP, AMD64_RSP}, {X86_REG_SP, X86_ESP, AMD64_RSP},
	{X86_REG_ESP, X86_ESP, AMD64_RSP}, {X86_REG_RSP, X86_ESP, AMD64_RSP},
	{X86_REG_BPL, X86_EBP, AMD64_RBP}, {X86_REG_BP, X86_EBP, AMD64_RBP},
	{X86_REG_EBP, X86_EBP, AMD64_RBP}, {X86_REG_RBP, X86_EBP, AMD64_RBP},
	{X86_REG_SIL, X86_ESI, AMD64_RSI}, {X86_REG_SI, X86_ESI, AMD64_RSI},
	{X86_REG_ESI, X86_ESI, AMD64_RSI}, {X86_REG_RSI, X86_ESI, AMD64_RSI},
	{X86_REG_DIL, X86_EDI, AMD64_RDI}, {X86_REG_DI, X86_EDI, AMD64_RDI},
	{X86_REG_EDI, X86_EDI, AMD64_RDI}, {X86_REG_RDI, X86_EDI, AMD64_RDI},
	{X86_REG_EIP, X86_EIP, AMD64_RIP}, {X86_REG_RIP, X86_EIP, AMD64_RIP},
};

static int
register_number(const struct disassembler *d, x86_reg reg)
{
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		if (parts[i].reg == reg)
			return d->arch == ARCH_X86 ? parts[i].x86 : parts[i].amd64;
	/* "r8", "r8d", "r8w", "r8b". */
	const char *name = reg == X86_REG_INVALID ? NULL : cs_reg_name(d->handle, reg);
	if (name == NULL || name[0] != 'r' || name[1] < '0' || name[1] > '9')
		return -1;
	int number = (int)strtol(name + 1, NULL, 10);
	return number >= 8 && number <= 15 ? AMD64_R8 + (number - 8) : -1;
}

/* ---- operands ---- */

static void
read_memory_operand(const struct disassembler *d, const x86_op_mem *memory, struct operand *out)
{
	out->kind = OPERAND_MEMORY;
	out->base = register_number(d, memory->base);
	out->index = register_number(d, memory->index);
	out->scale = memory->scale <= 0 ? 1 : (unsigned)memory->scale;
	out->displacement = memory->disp;
	out->is_elsewhere = memory->segment == X86_REG_FS || memory->segment == X86_REG_GS ||
			    (memory->base != X86_REG_INVALID && out->base < 0) ||
			    (memory->index != X86_REG_INVALID && memory->index != X86_REG_EIZ &&
			     memory->index != X86_REG_RIZ && out->index < 0);
}

static struct operand
read_operand(const struct disassembler *d, const cs_x86_op *operand)
{
	struct operand out = {
		.is_read = (operand->access & CS_AC_READ) != 0,
		.is_written = (operand->access & CS_AC_WRITE) != 0,
		.bytes = operand->size,
		.reg = -1,
		.base = -1,
		.index = -1,
	};
	if (operand->type == X86_OP_MEM)
		read_memory_operand(d, &operand->mem, &out);
	else if (operand->type == X86_OP_REG)
		out.reg = register_number(d, operand->reg);
	if (out.reg >= 0)
		out.kind = OPERAND_REGISTER;
	return out;
}

/* ---- kinds ---- */

static bool
is_string(unsigned id)
{
	switch (id) {
	case X86_INS_MOVSB:
	case X86_INS_MOVSW:
	case X86_INS_MOVSD: /* also the move of a double: the caller asks for two memory operands */
	case X86_INS_MOVSQ:
	case X86_INS_STOSB:
	case X86_INS_STOSW:
	case X86_INS_STOSD:
	case X86_INS_STOSQ:
	case X86_INS_LODSB:
	case X86_INS_LODSW:
	case X86_INS_LODSD:
	case X86_INS_LODSQ:
	case X86_INS_CMPSB:
	case X86_INS_CMPSW:
	case X86_INS_CMPSD:
	case X86_INS_CMPSQ:
	case X86_INS_SCASB:
	case X86_INS_SCASW:
	case X86_INS_SCASD:
	case X86_INS_SCASQ:
		return true;
	default:
		return false;
	}
}

/* Those of SSE that have a string instruction's name begin with 0F. */
static bool
is_of_string_opcodes(const cs_x86 *x86)
{
	return x86->opcode[0] >= 0xa4 && x86->opcode[0] <= 0xaf;
}

static enum instruction_kind
kind_of(const struct disassembler *d, const cs_insn *in)
{
	if (cs_insn_group(d->handle, in, CS_GRP_RET) || cs_insn_group(d->handle, in, CS_GRP_IRET))
		return INSTRUCTION_RETURN;
	if (cs_insn_group(d->handle, in, CS_GRP_CALL))
		return INSTRUCTION_CALL;
	if (cs_insn_group(d->handle, in, CS_GRP_JUMP))
		return INSTRUCTION_JUMP;
	if (is_string(in->id) && is_of_string_opcodes(&in->detail->x86))
		return INSTRUCTION_STRING;
	if (in->id == X86_INS_CMP || in->id == X86_INS_TEST)
		return INSTRUCTION_COMPARISON;
	return in->id == X86_INS_PUSH ? INSTRUCTION_PUSH : INSTRUCTION_OTHER;
}

/* Stores whose only operand is memory, of which the library says that they read. */
static bool
is_store(unsigned id)
{
	switch (id) {
	case X86_INS_FST:
	case X86_INS_FSTP:
	case X86_INS_FIST:
	case X86_INS_FISTP:
	case X86_INS_FISTTP:
	case X86_INS_FBSTP:
	case X86_INS_FNSAVE:
	case X86_INS_FNSTENV:
	case X86_INS_FNSTCW:
	case X86_INS_CMPXCHG8B:
	case X86_INS_CMPXCHG16B:
		return true;
	default:
		return false;
	}
}

static bool
only_reads(unsigned id, enum instruction_kind kind)
{
	return kind == INSTRUCTION_JUMP || kind == INSTRUCTION_CALL ||
	       kind == INSTRUCTION_COMPARISON || kind == INSTRUCTION_PUSH || id == X86_INS_BT;
}

/* The library is wrong about the access of many stores (movups, cmpxchg).  In its order of operands
 * memory that comes first is written, but by the few instructions that have no result. */
static void
mend_access(unsigned id, struct instruction *instruction)
{
	struct operand *first = &instruction->operands[0];
	if (instruction->n_operands == 0)
		return;
	if (only_reads(id, instruction->kind)) {
		for (unsigned i = 0; i < instruction->n_operands; i++) {
			instruction->operands[i].is_read = true;
			instruction->operands[i].is_written = false;
		}
	} else if (first->kind == OPERAND_MEMORY && instruction->kind == INSTRUCTION_OTHER &&
		   (instruction->n_operands > 1 || is_store(id))) {
		/* Reading alone was what was wrong; reading and writing is kept. */
		first->is_read = first->is_read && first->is_written;
		first->is_written = true;
	}
}

/* "xor eax, eax" makes 0 of whatever there was. */
static void
mend_clearing(unsigned id, struct instruction *instruction)
{
	struct operand *operands = instruction->operands;
	if ((id != X86_INS_XOR && id != X86_INS_SUB) || instruction->n_operands != 2 ||
	    operands[0].kind != OPERAND_REGISTER || operands[1].kind != OPERAND_REGISTER ||
	    operands[0].reg != operands[1].reg || operands[0].bytes != operands[1].bytes)
		return;
	operands[0].is_read = false;
	operands[1].is_read = false;
}

/* lea and nop name memory and do not touch it. */
static bool
only_names_memory(unsigned id)
{
	return id == X86_INS_LEA || id == X86_INS_NOP;
}

bool
disassembler_read(struct disassembler *d, struct slice code, uint64_t address,
		  struct instruction *ret_instruction)
{
	const uint8_t *bytes = code.data;
	size_t left = code.len > INSTRUCTION_BYTES_MAX ? INSTRUCTION_BYTES_MAX : code.len;
	uint64_t next = address;
	cs_insn *in = d->instruction;
	struct instruction out = {.address = address};
	if (left == 0 || !cs_disasm_iter(d->handle, &bytes, &left, &next, in))
		return false;
	const cs_x86 *x86 = &in->detail->x86;
	out.bytes = in->size;
	out.kind = kind_of(d, in);
	for (unsigned i = 0; i < x86->op_count && out.n_operands < INSTRUCTION_OPERANDS_MAX; i++) {
		struct operand operand = read_operand(d, &x86->operands[i]);
		if (operand.kind == OPERAND_MEMORY && only_names_memory(in->id))
			operand.kind = OPERAND_OTHER;
		out.operands[out.n_operands++] = operand;
	}
	mend_access(in->id, &out);
	mend_clearing(in->id, &out);
	(void)snprintf(out.text, sizeof(out.text), "%s%s%s", in->mnemonic,
		       in->op_str[0] == '\0' ? "" : " ", in->op_str);
	*ret_instruction = out;
	return true;
}

static bool
add_register(const struct instruction *instruction, const struct registers *registers, int number,
	     unsigned scale, uint64_t *sum)
{
	uint64_t value;
	if (number < 0)
		return true;
	if (number == registers_pc_index(registers->arch))
		value = instruction->address + instruction->bytes;
	else if (!registers_get(registers, number, &value))
		return false;
	*sum += value * scale;
	return true;
}

bool
operand_address(const struct instruction *instruction, const struct operand *operand,
		const struct registers *registers, uint64_t *ret_address)
{
	uint64_t sum = (uint64_t)operand->displacement;
	if (operand->kind != OPERAND_MEMORY || operand->is_elsewhere ||
	    !add_register(instruction, registers, operand->base, 1, &sum) ||
	    !add_register(instruction, registers, operand->index, operand->scale, &sum))
		return false;
	*ret_address = sum & arch_pointer_mask(registers->arch);
	return true;
}
