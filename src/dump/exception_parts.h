/* exception_parts.h - the parts that exception_describe is made of; for exception*.c alone
 *
 * Each appends what it knows to TEXT, and nothing when the dump does not have it.
 */
#pragma once

#include "dump/exception.h"

/* Codes of Windows that are raised by runtime libraries and say more in their parameters. */
void exception_put_cpp(const struct dump *dump, struct buf *text);
void exception_put_clr(const struct dump *dump, struct buf *text);
void exception_put_delay_load(const struct dump *dump, struct buf *text);
void exception_put_stowed(const struct dump *dump, struct buf *text);
void exception_put_fast_fail(const struct dump *dump, struct buf *text);
void exception_put_heap(const struct dump *dump, struct buf *text);

void exception_describe_signal(const struct dump *dump, struct buf *name, struct buf *text);
void exception_describe_mach(const struct dump *dump, struct buf *name, struct buf *text);
/* Is the exception's address one that could not be read, written or executed? */
bool exception_signal_has_fault(const struct dump_exception *e);
/* "SIGSEGV"; NULL: not known. */
const char *exception_signal_name(uint32_t signal);

/* Appends " at app.exe+0x1d72". */
void exception_put_place(const struct dump *dump, struct buf *text);
