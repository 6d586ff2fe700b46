/* minidump.h - read a minidump that lies in memory
 *
 * Takes what Windows' dbghelp and WER, Breakpad, Crashpad and Wine write, of x86, amd64, arm and
 * arm64.  Pure: no I/O, no clock.  Nothing is copied but lists and names, so that a dump of many
 * gigabytes may be mapped: what is returned lives in the arena or points into the file.
 * Every count is bounded by the bytes that are there and by limits.h.
 *
 * Refuses the file: no header, a big-endian one, a directory outside the file.  Everything else
 * that is wrong costs the stream it is in, or a part of it (dump_stream.err), and what is only
 * strange is named in dump.oddities.  Of two streams of one type the first counts.  Streams of
 * vendors whose layout is not public are listed, not guessed.
 * Format: MINIDUMP_HEADER and the streams of minidumpapiset.h; minidump_format.h of Breakpad.
 */
#pragma once

#include "dump/dump.h"

/* FILE must outlive *ret_dump.  LIMIT_MINIDUMP_ARENA_BYTES are enough for any file.
 * ERR_TRUNCATED	header or directory end early
 * ERR_CORRUPT		not a minidump
 * ERR_UNSUPPORTED	of a big-endian machine
 * ERR_LIMIT		more streams than limits.h allows, or the arena's cap */
err_t minidump_parse(struct slice file, struct arena *arena, struct dump *ret_dump,
		     struct err_detail *detail) ERR_CHECK;
