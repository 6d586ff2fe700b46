#include "dump/stackwalk_unwind.h"

/* How far from a frame its caller may be: more is no stack frame but a wrong guess. */
static const uint64_t GAP_MAX_BYTES = 128 * 1024;
/* No code lies there on any system. */
static const uint64_t FIRST_CODE = 4096;

enum {
	SCAN_WORDS = 40,
	SCAN_WORDS_INNERMOST = 160, /* its frame may be larger than any rule knows of */
	SCAN_WORDS_KERNEL = 1024    /* trap frames and contexts lie there; the dump bounds it */
};

static bool
is_canonical(const struct registers *r, uint64_t address)
{
	if (r->arch != ARCH_AMD64)
		return true;
	uint64_t high = address >> 47;
	return high == 0 || high == 0x1ffff;
}

static bool
read_pointer(const struct unwinding *u, uint64_t address, uint64_t *ret_value)
{
	return memory_pointer(&u->walk->memory, arch_pointer_bytes(u->registers.arch), address,
			      ret_value);
}

/* Some arm64 systems sign return addresses in bits that no address has. */
static uint64_t
without_signature(const struct unwinding *u, uint64_t address)
{
	const struct dump *dump = u->walk->dump;
	if (u->registers.arch != ARCH_ARM64 || dump_find_module(dump, address) >= 0)
		return address;
	for (unsigned bits = 39; bits <= 55; bits++) {
		uint64_t cut = address & ((UINT64_C(1) << bits) - 1);
		if (dump_find_module(dump, cut) >= 0)
			return cut;
	}
	return address;
}

/* ---- rules ---- */

static bool
is_code(const void *context, uint64_t address)
{
	return stackwalk_is_code(context, address);
}

static bool
follow_rules(const struct unwinding *u, struct unwinding *caller, enum frame_trust *ret_trust)
{
	uint64_t base = 0;
	uint64_t pc = registers_pc(&u->registers);
	if (u->registers.arch == ARCH_ARM)
		pc &= ~UINT64_C(1);
	uint64_t lookup = u->is_innermost || pc == 0 ? pc : pc - 1;
	const struct symbols_set *set = stackwalk_symbols_at(u->walk, lookup, &base);
	for (size_t i = 0; set != NULL && i < set->n_sources; i++) {
		struct unwind unwind = {
			.memory = &u->walk->memory,
			.callee = u->registers,
			.module_base = base,
			.rva = lookup - base,
			.is_innermost = u->is_innermost,
			.callee_param_bytes = u->param_bytes,
			.is_code = is_code,
			.code_context = u->walk,
		};
		if (symbols_unwind(set->sources[i], &unwind) != OK)
			continue;
		caller->registers = unwind.caller;
		caller->registers.arch = u->registers.arch;
		caller->param_bytes = unwind.param_bytes;
		caller->is_innermost = unwind.caller_is_interrupted;
		*ret_trust = unwind.way == UNWIND_CFI ? FRAME_CFI : FRAME_FRAME_DATA;
		return true;
	}
	return false;
}

/* ---- frame pointers ---- */

static void
start_caller(const struct unwinding *u, uint64_t pc, uint64_t sp, struct unwinding *caller)
{
	enum arch arch = u->registers.arch;
	caller->registers = (struct registers){.arch = arch};
	caller->param_bytes = 0;
	registers_set(&caller->registers, registers_pc_index(arch), pc);
	registers_set(&caller->registers, registers_sp_index(arch), sp);
}

static int
frame_pointer_index(const struct unwinding *u)
{
	enum dump_os os = u->walk->dump->os;
	if (u->registers.arch == ARCH_ARM && (os == DUMP_OS_MACOS || os == DUMP_OS_IOS))
		return ARM_R7;
	return registers_fp_index(u->registers.arch);
}

/* x86 and amd64: the saved frame pointer lies where the frame pointer points, the return address
 * above it. */
static bool
follow_frame_pointer_x86(const struct unwinding *u, struct unwinding *caller)
{
	unsigned word = arch_pointer_bytes(u->registers.arch);
	int index = frame_pointer_index(u);
	uint64_t fp, saved_fp, pc;
	if (!registers_get(&u->registers, index, &fp) || fp == 0 || fp % word != 0 ||
	    !read_pointer(u, fp, &saved_fp) || !read_pointer(u, fp + word, &pc))
		return false;
	uint64_t sp = fp + 2 * word;
	/* It points down, or so far up that it is none. */
	if (fp < registers_sp(&u->registers) || (saved_fp != 0 && saved_fp < sp))
		return false;
	bool is_end = pc == 0 && saved_fp == 0; /* as whoever starts a thread leaves it */
	if (!is_end && (pc < FIRST_CODE || !is_canonical(&u->registers, pc)))
		return false;
	start_caller(u, pc, sp, caller);
	registers_set(&caller->registers, index, saved_fp);
	return true;
}

/* arm and arm64: the return address is in the link register; what the frame pointer points to is
 * the caller's frame pointer and link register. */
static bool
follow_frame_pointer_arm(const struct unwinding *u, struct unwinding *caller)
{
	enum arch arch = u->registers.arch;
	unsigned word = arch_pointer_bytes(arch);
	int fp_index = frame_pointer_index(u);
	int lr_index = arch == ARCH_ARM64 ? (int)ARM64_LR : (int)ARM_LR;
	uint64_t fp, lr;
	uint64_t saved_fp = 0, saved_lr = 0;
	uint64_t sp = registers_sp(&u->registers);
	if (!registers_get(&u->registers, fp_index, &fp) ||
	    !registers_get(&u->registers, lr_index, &lr))
		return false;
	lr = without_signature(u, lr);
	if (fp != 0) {
		if (fp < sp || !read_pointer(u, fp, &saved_fp) ||
		    !read_pointer(u, fp + word, &saved_lr))
			return false;
		sp = fp + 2 * word;
	}
	if (lr < FIRST_CODE)
		return false;
	start_caller(u, lr, sp, caller);
	registers_set(&caller->registers, fp_index, saved_fp);
	registers_set(&caller->registers, lr_index, without_signature(u, saved_lr));
	return true;
}

static bool
follow_frame_pointer(const struct unwinding *u, struct unwinding *caller)
{
	enum arch arch = u->registers.arch;
	/* There rbp is a register like any other: what looks like a chain skips frames. */
	if (arch == ARCH_AMD64 && u->walk->dump->os == DUMP_OS_WINDOWS)
		return false;
	return arch == ARCH_ARM || arch == ARCH_ARM64 ? follow_frame_pointer_arm(u, caller)
						      : follow_frame_pointer_x86(u, caller);
}

/* ---- scanning ---- */

/* The frame pointer of the caller, where the scan lets it be guessed: it was pushed right below
 * the return address, or it points above and was not touched. */
static void
guess_frame_pointer(const struct unwinding *u, uint64_t return_at, struct unwinding *caller)
{
	unsigned word = arch_pointer_bytes(u->registers.arch);
	int index = frame_pointer_index(u);
	uint64_t fp, pushed, probe;
	if (!registers_get(&u->registers, index, &fp))
		return;
	uint64_t pushed_at = return_at - word;
	if (return_at > registers_sp(&u->registers) && fp == pushed_at &&
	    read_pointer(u, pushed_at, &pushed)) {
		if (pushed > pushed_at && pushed - pushed_at <= GAP_MAX_BYTES &&
		    read_pointer(u, pushed, &probe))
			registers_set(&caller->registers, index, pushed);
	} else if (fp >= return_at + word && read_pointer(u, fp, &probe)) {
		registers_set(&caller->registers, index, fp);
	}
}

static bool
scan(const struct unwinding *u, struct unwinding *caller)
{
	unsigned word = arch_pointer_bytes(u->registers.arch);
	enum dump_kind kind = u->walk->dump->kind;
	bool is_kernel = kind == DUMP_KERNEL_TRIAGE || kind == DUMP_KERNEL_FULL;
	unsigned most = is_kernel         ? SCAN_WORDS_KERNEL
			: u->is_innermost ? SCAN_WORDS_INNERMOST
					  : SCAN_WORDS;
	uint64_t at = registers_sp(&u->registers) & ~(uint64_t)(word - 1);
	for (unsigned i = 0; i < most; i++, at += word) {
		uint64_t candidate;
		if (!read_pointer(u, at, &candidate))
			return false;
		candidate = without_signature(u, candidate);
		if (!stackwalk_is_code(u->walk, candidate))
			continue;
		start_caller(u, candidate, at + word, caller);
		guess_frame_pointer(u, at, caller);
		return true;
	}
	return false;
}

/* ---- all of them ---- */

/* Only a leaf on a machine with a link register has its caller's stack pointer. */
static bool
moves_up(const struct unwinding *u, const struct unwinding *caller)
{
	uint64_t sp = registers_sp(&u->registers);
	uint64_t caller_sp = registers_sp(&caller->registers);
	bool may_be_leaf = u->is_innermost &&
			   (u->registers.arch == ARCH_ARM64 || u->registers.arch == ARCH_ARM);
	return caller_sp > sp || (may_be_leaf && caller_sp == sp);
}

static bool
follow(const struct unwinding *u, struct unwinding *caller, enum frame_trust *ret_trust)
{
	*caller = (struct unwinding){.walk = u->walk};
	if (follow_rules(u, caller, ret_trust)) {
		int pc = registers_pc_index(u->registers.arch);
		registers_set(&caller->registers, pc,
			      without_signature(u, registers_pc(&caller->registers)));
		return true;
	}
	if (follow_frame_pointer(u, caller) && moves_up(u, caller)) {
		*ret_trust = FRAME_FRAME_POINTER;
		return true;
	}
	*ret_trust = FRAME_SCAN;
	return scan(u, caller);
}

enum unwind_step
unwind_caller(struct unwinding *u, enum frame_trust *ret_trust)
{
	struct unwinding caller;
	enum frame_trust trust;
	if (!follow(u, &caller, &trust))
		return UNWIND_STEP_NOTHING;
	if (registers_pc(&caller.registers) < FIRST_CODE)
		return UNWIND_STEP_DONE;
	if (!moves_up(u, &caller))
		return UNWIND_STEP_LOOP;
	*u = caller;
	*ret_trust = trust;
	return UNWIND_STEP_CALLER;
}
