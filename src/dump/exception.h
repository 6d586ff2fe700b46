/* exception.h - an exception in words: what happened, to which address, in whose code
 *
 * Of Windows' exceptions, Linux' signals and macOS' Mach exceptions, and the bug checks of kernel
 * dumps.  Says what the dump shows and no more: what an address belongs to is told from modules,
 * stacks and the memory info list.  Nothing here can fail; an unknown code is said to be one.
 * Pure; of the dump's memory only a bounded part is read.
 */
#pragma once

#include "base/buf.h"
#include "dump/dump.h"

/* Appends to NAME the exception's symbol: "STATUS_ACCESS_VIOLATION", "SIGSEGV / SEGV_MAPERR",
 * "EXC_BAD_ACCESS / KERN_INVALID_ADDRESS", a code in hex where it has none; nothing when there
 * was no exception.  Appends to TEXT one line for people.  A kernel dump without an exception
 * is described by its bug check. */
void exception_describe(const struct dump *dump, struct buf *name, struct buf *text);
/* The bug check alone; appends nothing when there is none. */
void exception_describe_bugcheck(const struct dump *dump, struct buf *name, struct buf *text);

/* The address that could not be read, written or executed.  False: this is no such exception, or
 * the dump does not say. */
bool exception_fault_address(const struct dump *dump, uint64_t *ret_address);

/* FAST_FAIL_*: the first parameter of STATUS_STACK_BUFFER_OVERRUN.  NULL: not known. */
const char *exception_fast_fail_name(uint64_t subcode);

/* ---- addresses ---- */

enum address_class {
	ADDRESS_NULL,
	ADDRESS_NEAR_NULL,     /* a null pointer and an offset, also a negative one */
	ADDRESS_NOT_CANONICAL, /* the processor has no such address */
	ADDRESS_PATTERN,       /* what allocators fill memory with; see `pattern` */
	ADDRESS_MODULE,        /* inside `module` */
	ADDRESS_STACK,         /* on the stack of `thread` */
	ADDRESS_STACK_EDGE,    /* within a few pages below it, where its guard pages are */
	ADDRESS_UNLOADED,      /* where `unloaded` was */
	ADDRESS_KERNEL,
	ADDRESS_FREE,      /* the memory info list: nothing was there */
	ADDRESS_RESERVED,  /* ... only reserved */
	ADDRESS_COMMITTED, /* ... memory with the protection of `region` */
	ADDRESS_UNMAPPED,  /* in none of the regions that the dump lists */
	ADDRESS_UNKNOWN,   /* the dump does not say */
	ADDRESS_CLASS_N
};

struct address {
	enum address_class class;
	int module; /* index into dump->modules; -1: in none */
	int thread; /* index into dump->threads; -1 */
	const struct dump_unloaded *unloaded;
	const struct dump_region *region; /* also where another class says more */
	const char *pattern;              /* NULL: none */
};

void address_classify(const struct dump *dump, uint64_t address, struct address *ret_address);
/* Appends "near null: a null pointer and an offset of 0x45"; of code and stacks whose. */
void address_describe(const struct dump *dump, uint64_t address, struct buf *text);
/* Appends "app.exe+0x1d72", "unloaded foo.dll+0x10" or "0x12345, which is in no module". */
void address_describe_code(const struct dump *dump, uint64_t address, struct buf *text);
