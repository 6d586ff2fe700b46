/* core.h - ELF core files of Linux: amd64, x86, arm64, arm
 *
 * Written by the kernel, by gcore, or by whoever uses their format: program headers, of which
 * PT_LOAD are pieces of memory and PT_NOTE say the rest.
 *
 *	NT_PRSTATUS	one for each thread, the crashing one first: registers, signal
 *	NT_SIGINFO	why: signal, code, address
 *	NT_PRPSINFO	process, its name and the first 79 characters of its command line
 *	NT_FILE		which files are mapped where
 *	NT_AUXV		where the program's entry and the vDSO are
 *
 * In struct dump: `exception` has the signal as its code and si_code as its flags; its address is
 * si_addr of faults; a signal that was sent has the sender's process and user id as parameters.
 * `modules` are mapped files that hold an ELF header or code, with the build id from their first
 * page, where that is in the dump; the vDSO is "linux-gate.so".  A debug id is made of the build
 * id as Breakpad does.  `regions` are all mappings, also those whose memory was left out.
 * `streams` has one entry for each kind of note, and one for all pieces of memory.
 *
 * FILE is only read: it may be mapped read-only.  elfutils reads the headers.
 * Refused: other ELF files, big-endian ones, more segments than limits.h allows.  Cores of other
 * systems give memory, but no threads.
 */
#pragma once

#include "dump/dump.h"

bool core_is_core(struct slice file); /* ELF, ET_CORE; by its first 18 bytes */

/* FILE must outlive *ret_dump; ARENA holds the lists.
 * ERR_CORRUPT		no ELF core, or its headers contradict themselves
 * ERR_TRUNCATED	the program headers are not there
 * ERR_UNSUPPORTED	big-endian
 * ERR_LIMIT		too many segments, threads or notes, or the arena's cap */
err_t core_parse(struct slice file, struct arena *arena, struct dump *ret_dump,
		 struct err_detail *detail) ERR_CHECK;
