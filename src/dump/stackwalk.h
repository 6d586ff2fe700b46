/* stackwalk.h - the calls that led to where a thread stands
 *
 * Tries, in this order, for each frame: unwind rules of the module's symbols, frame pointers,
 * and at last a scan of the stack for what looks like a return address.  Each frame carries how
 * it was found, because a scan finds too much.  A stack that leaves its memory, loops, or has no
 * module still gives what was found, and says why it ends.  Pure; bounded by STACKWALK_FRAMES_MAX
 * frames and by what a scan may read.
 */
#pragma once

#include "dump/dump.h"
#include "symbols/symbols.h"

enum {
	STACKWALK_FRAMES_MAX = 1024,
	STACKWALK_SOURCES_MAX = 4
};

enum frame_trust {
	FRAME_CONTEXT,       /* the registers of the thread or exception */
	FRAME_CFI,           /* unwind rules */
	FRAME_FRAME_DATA,    /* x86 frame data of a PDB */
	FRAME_FRAME_POINTER, /* the saved frame pointer */
	FRAME_SCAN,          /* a word of the stack that points behind a call */
	FRAME_INLINE,        /* no frame of its own: inlined into the next one */
	FRAME_RECORDED,      /* the dump's writer walked it */
	FRAME_TRUST_N
};

enum stack_end {
	STACK_END_DONE,      /* the rules say that nothing called this, or the address is 0 */
	STACK_END_NO_MEMORY, /* it leaves the memory that the dump has */
	STACK_END_LOOP,      /* the stack pointer did not move up */
	STACK_END_NOTHING,   /* no rule, and a scan found nothing */
	STACK_END_LIMIT,     /* STACKWALK_FRAMES_MAX */
	STACK_END_NO_REGISTERS,
	STACK_END_N
};

struct frame {
	uint64_t address; /* context frame: the pc; others: the return address; inline: as its outer
			   */
	enum frame_trust trust;
	bool is_pc;               /* ADDRESS is an instruction's, no return address */
	int module;               /* index into dump->modules; -1: in none */
	uint64_t rva;             /* of the address that was looked up: a return address less one */
	struct slice function;    /* readable (demangled); absent: not known */
	struct slice symbol;      /* as the symbol file spells it */
	uint64_t function_offset; /* from the function's start to ADDRESS */
	bool is_public;           /* the name is only the nearest one before */
	struct slice file;
	uint32_t line;              /* 0: not known */
	struct slice unloaded;      /* name of the unloaded module that held it; absent: none */
	struct registers registers; /* what is known of them in this frame; inline: as its outer */
};

struct stack {
	struct frame *frames; /* innermost first, in the arena */
	size_t n_frames;
	enum stack_end end;
};

/* All that is there for one module: names of a PDB and unwind data of its image, say. */
struct symbols_set {
	const struct symbols *sources[STACKWALK_SOURCES_MAX]; /* asked in this order */
	size_t n_sources;
};

struct stackwalk {
	const struct dump *dump;
	struct memory memory;
	/* Symbols of dump->modules[MODULE]; called at each look-up, so it remembers.  NULL: none.
	 */
	const struct symbols_set *(*find_symbols)(void *context, size_t module);
	void *context;
	struct arena *arena; /* for frames and readable names */
};

const char *frame_trust_name(enum frame_trust trust); /* "context", "cfi", "frame_data" ... */
const char *stack_end_text(enum stack_end end);       /* for people */

/* The stack of dump->threads[THREAD]; for the crashing thread from the exception's registers.
 * ERR_LIMIT: the arena's cap; the frames until then are in *ret_stack all the same. */
err_t
stackwalk_thread(const struct stackwalk *walk, size_t thread, struct stack *ret_stack) ERR_CHECK;
/* From REGISTERS; for kernel dumps and tests. */
err_t stackwalk_from(const struct stackwalk *walk, const struct registers *registers,
		     struct stack *ret_stack) ERR_CHECK;
