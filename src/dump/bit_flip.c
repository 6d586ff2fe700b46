#include "dump/bit_flip.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "dump/disassembly.h"
#include "dump/exception.h"

enum {
	CANONICAL_BITS = 48,
	NULL_BYTES = 4096,       /* a null pointer and an offset: no flip, the usual bug */
	LOW_BYTES = 64 * 1024,   /* so low that small numbers get there too */
	NEARBY_BYTES = 64 * 1024 /* a register so near to a result knows of that object */
};

/* Weights in percent; together they are 1 - (1 - a)(1 - b)... */
enum {
	WEIGHT_BASE = 25,
	WEIGHT_NOT_CANONICAL = 90, /* no correct program makes such an address */
	WEIGHT_NULL = 50,
	WEIGHT_NULL_LOW = 25,
	WEIGHT_NEARBY_ONE = 40,
	WEIGHT_NEARBY_MORE = 60,
	PERCENT_MAX = 99,
	PERCENT_HIGH = 90,
	PERCENT_MEDIUM = 50
};

/* ---- which memory could be used ---- */

enum access {
	ACCESS_READ,
	ACCESS_WRITE,
	ACCESS_EXECUTE
};

enum {
	MEM_COMMIT = 0x1000,
	PAGE_READABLE = 0x02 | 0x04 | 0x08 | 0x20 | 0x40 | 0x80,
	PAGE_WRITABLE = 0x04 | 0x08 | 0x40 | 0x80,
	PAGE_EXECUTABLE = 0x10 | 0x20 | 0x40 | 0x80,
	PAGE_GUARD = 0x100
};

static bool
region_allows(const struct dump_region *region, enum access access)
{
	static const uint32_t wanted[] = {
		[ACCESS_READ] = PAGE_READABLE,
		[ACCESS_WRITE] = PAGE_WRITABLE,
		[ACCESS_EXECUTE] = PAGE_EXECUTABLE,
	};
	return (region->state & MEM_COMMIT) != 0 && (region->protection & PAGE_GUARD) == 0 &&
	       (region->protection & wanted[access]) != 0;
}

/* Without a list of regions: memory of the dump can be read, and outside modules written. */
static bool
memory_allows(const struct dump *dump, uint64_t address, enum access access)
{
	struct memory memory = dump_memory_of(dump);
	bool is_code = dump_find_module(dump, address) >= 0;
	if (access == ACCESS_EXECUTE || is_code)
		return is_code && access != ACCESS_WRITE;
	return memory.find(memory.context, address, 1).len > 0;
}

static bool
is_usable(const struct dump *dump, uint64_t address, enum access access)
{
	if (dump->regions.n == 0)
		return memory_allows(dump, address, access);
	const struct dump_region *region = dump_find_region(dump, address);
	return region != NULL && region_allows(region, access);
}

/* ---- the access that failed ---- */

struct fault {
	const struct dump *dump;
	enum access access;
	unsigned bytes;
	uint64_t address;
	bool is_canonical;
	struct instruction instruction;
	const struct operand *operand; /* NULL: not known, or none */
};

static bool
is_canonical(uint64_t address)
{
	return address >> (CANONICAL_BITS - 1) == 0 || address >> (CANONICAL_BITS - 1) == 0x1ffff;
}

/* The processor does not tell an address that is not canonical: systems say 0 or -1. */
static bool
is_lost(const struct dump *dump, uint64_t address)
{
	enum {
		SI_KERNEL = 0x80
	};
	if (dump->os == DUMP_OS_WINDOWS)
		return address == UINT64_MAX;
	return address == 0 && dump->exception.flags == SI_KERNEL;
}

static void
read_access(struct fault *fault)
{
	const struct dump_exception *e = &fault->dump->exception;
	uint64_t pc = registers_pc(&e->registers);
	fault->access = ACCESS_READ;
	if (fault->address == pc)
		fault->access = ACCESS_EXECUTE;
	else if (fault->operand != NULL && fault->operand->is_written)
		fault->access = ACCESS_WRITE;
	if (fault->dump->os != DUMP_OS_WINDOWS || e->n_parameters == 0)
		return;
	if (e->parameters[0] == 1)
		fault->access = ACCESS_WRITE;
	else if (e->parameters[0] == 8)
		fault->access = ACCESS_EXECUTE;
}

/* The memory operand that means the address of the fault; of a lost one, one that is not
 * canonical. */
static void
find_operand(struct fault *fault, bool is_address_lost)
{
	const struct registers *registers = &fault->dump->exception.registers;
	for (unsigned i = 0; i < fault->instruction.n_operands; i++) {
		const struct operand *operand = &fault->instruction.operands[i];
		uint64_t address;
		if (!operand_address(&fault->instruction, operand, registers, &address))
			continue;
		if (is_address_lost ? is_canonical(address)
				    : fault->address - address >= (operand->bytes | 1U))
			continue;
		fault->operand = operand;
		fault->bytes = operand->bytes;
		fault->address = address;
		return;
	}
}

static bool
read_fault(const struct dump *dump, struct fault *fault)
{
	const struct dump_exception *e = &dump->exception;
	struct memory memory = dump_memory_of(dump);
	*fault = (struct fault){.dump = dump, .bytes = 1};
	if (dump->arch != ARCH_AMD64 || !e->has_registers || e->registers.arch != ARCH_AMD64 ||
	    !exception_fault_address(dump, &fault->address))
		return false;
	uint64_t pc = registers_pc(&e->registers);
	struct slice code = memory.find(memory.context, pc, INSTRUCTION_BYTES_MAX);
	struct disassembler *disassembler = disassembler_new(ARCH_AMD64);
	bool is_address_lost = is_lost(dump, fault->address);
	if (disassembler_read(disassembler, code, pc, &fault->instruction))
		find_operand(fault, is_address_lost);
	disassembler_free(disassembler);
	read_access(fault);
	fault->is_canonical = is_canonical(fault->address);
	return !is_address_lost || fault->operand != NULL;
}

/* ---- when not to ask ---- */

/* The pointer behind a small address is null, however the address is made of it. */
static bool
is_null_pointer(const struct fault *fault)
{
	const struct operand *operand = fault->operand;
	uint64_t base;
	if (fault->address < NULL_BYTES || 0 - fault->address < NULL_BYTES)
		return true;
	return operand != NULL && operand->index < 0 && operand->base >= 0 &&
	       registers_get(&fault->dump->exception.registers, operand->base, &base) && base == 0;
}

/* It ran over the edge of memory that it may use: an access too far, no other address. */
static bool
is_at_an_edge(const struct fault *fault)
{
	uint64_t bytes = fault->bytes == 0 ? 1 : fault->bytes;
	return is_usable(fault->dump, fault->address - bytes, fault->access) ||
	       is_usable(fault->dump, fault->address + bytes, fault->access);
}

/* ---- candidates ---- */

static unsigned
and_also(unsigned percent, unsigned weight)
{
	return 100 - (100 - percent) * (100 - weight) / 100;
}

/* Other registers that point to near the result. */
static unsigned
count_nearby(const struct fault *fault, const struct bit_flip *flip)
{
	const struct registers *registers = &fault->dump->exception.registers;
	unsigned n = 0;
	for (int i = 0; i < AMD64_RIP; i++) {
		uint64_t value;
		if (i == flip->reg || !registers_get(registers, i, &value) || value == flip->from)
			continue;
		n += value - flip->result < NEARBY_BYTES || flip->result - value < NEARBY_BYTES;
	}
	return n;
}

/* A register has what allocators fill freed memory with: a bug of the program explains more. */
static bool
has_poison(const struct fault *fault)
{
	const struct registers *registers = &fault->dump->exception.registers;
	for (int i = 0; i < AMD64_RIP; i++) {
		struct address address;
		uint64_t value;
		if (!registers_get(registers, i, &value))
			continue;
		address_classify(fault->dump, value, &address);
		if (address.pattern != NULL)
			return true;
	}
	return false;
}

static unsigned
weigh(const struct fault *fault, const struct bit_flip *flip, bool is_poisoned)
{
	unsigned percent = WEIGHT_BASE;
	if (!fault->is_canonical)
		percent = and_also(percent, WEIGHT_NOT_CANONICAL);
	if (flip->result == 0)
		percent = and_also(percent, flip->from < LOW_BYTES ? WEIGHT_NULL_LOW : WEIGHT_NULL);
	unsigned n_nearby = flip->result == 0 ? 0 : count_nearby(fault, flip);
	if (n_nearby > 0)
		percent = and_also(percent, n_nearby == 1 ? WEIGHT_NEARBY_ONE : WEIGHT_NEARBY_MORE);
	if (is_poisoned)
		percent /= 2;
	return percent > PERCENT_MAX ? PERCENT_MAX : percent;
}

static void
add(struct bit_flips *flips, const struct bit_flip *flip)
{
	size_t at = flips->n;
	while (at > 0 && flips->items[at - 1].percent < flip->percent)
		at--;
	if (at == BIT_FLIPS_MAX)
		return;
	size_t n_moved = flips->n - at;
	if (flips->n == BIT_FLIPS_MAX)
		n_moved--;
	else
		flips->n++;
	memmove(&flips->items[at + 1], &flips->items[at], n_moved * sizeof(*flip));
	flips->items[at] = *flip;
}

/* Flips each bit of FROM, of which the address of the fault has SCALE times. */
static void
try_bits(const struct fault *fault, int reg, uint64_t from, unsigned scale, bool is_poisoned,
	 struct bit_flips *flips)
{
	for (unsigned bit = 0; bit < 64; bit++) {
		/* An address that has the form of one lost no bit above that form. */
		if (fault->is_canonical && bit >= CANONICAL_BITS)
			break;
		uint64_t changed = from ^ UINT64_C(1) << bit;
		struct bit_flip flip = {
			.reg = reg,
			.from = from,
			.bit = bit,
			.result = fault->address + (changed - from) * scale,
		};
		if (flip.result != 0 && (!is_canonical(flip.result) ||
					 !is_usable(fault->dump, flip.result, fault->access)))
			continue;
		flip.percent = weigh(fault, &flip, is_poisoned);
		add(flips, &flip);
	}
}

static void
try_register(const struct fault *fault, int reg, unsigned scale, bool is_poisoned,
	     struct bit_flips *flips)
{
	uint64_t value;
	/* The pc and the stack pointer were used well until then. */
	if (reg >= 0 && reg != AMD64_RIP && reg != AMD64_RSP &&
	    registers_get(&fault->dump->exception.registers, reg, &value))
		try_bits(fault, reg, value, scale, is_poisoned, flips);
}

void
bit_flips_find(const struct dump *dump, struct bit_flips *ret_flips)
{
	struct fault fault;
	ret_flips->n = 0;
	if (!read_fault(dump, &fault) || is_null_pointer(&fault) || is_at_an_edge(&fault))
		return;
	bool is_poisoned = has_poison(&fault);
	if (fault.operand == NULL) {
		try_bits(&fault, -1, fault.address, 1, is_poisoned, ret_flips);
		return;
	}
	try_register(&fault, fault.operand->base, 1, is_poisoned, ret_flips);
	try_register(&fault, fault.operand->index, fault.operand->scale, is_poisoned, ret_flips);
}

/* ---- JSON ---- */

const char *
bit_flip_level(unsigned percent)
{
	if (percent >= PERCENT_HIGH)
		return "high";
	return percent >= PERCENT_MEDIUM ? "medium" : "low";
}

static void
put_hex(struct json *object, const char *key, uint64_t value)
{
	char text[24];
	(void)snprintf(text, sizeof(text), "0x%" PRIx64, value);
	json_put_str(object, key, text);
}

void
bit_flips_put_json(const struct bit_flips *flips, struct json *object)
{
	struct json *list = json_new_list();
	for (size_t i = 0; i < flips->n; i++) {
		const struct bit_flip *flip = &flips->items[i];
		struct json *entry = json_new_object();
		put_hex(entry, "address", flip->from);
		json_put_str(entry, "register",
			     flip->reg < 0 ? NULL
					   : registers_name(ARCH_AMD64, (unsigned)flip->reg));
		json_put_count(entry, "bit", flip->bit);
		put_hex(entry, "result", flip->result);
		json_put_str(entry, "confidence", bit_flip_level(flip->percent));
		json_put_count(entry, "percent", flip->percent);
		json_add(list, entry);
	}
	json_put(object, "bit_flips", list);
}

/* ---- code ---- */

struct code_difference
code_compare(struct slice in_dump, struct slice in_image)
{
	struct code_difference difference = {
		.n_compared = in_dump.len < in_image.len ? in_dump.len : in_image.len};
	unsigned first = 0;
	for (size_t i = 0; i < difference.n_compared; i++) {
		unsigned flipped = in_dump.data[i] ^ in_image.data[i];
		if (flipped == 0)
			continue;
		if (difference.n_bytes++ == 0) {
			difference.offset = i;
			first = flipped;
		}
	}
	if (difference.n_bytes == 0)
		return difference;
	difference.kind = CODE_MORE;
	if (difference.n_bytes == 1 && (first & (first - 1)) == 0) {
		difference.kind = CODE_ONE_BIT;
		difference.bit = (unsigned)__builtin_ctz(first);
	}
	return difference;
}
