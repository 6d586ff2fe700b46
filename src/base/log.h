/* log.h - structured lines to stderr, which is the journal under systemd
 *
 * One line an event: `event=ingest.report_refused peer=10.1.2.3 reason="..."`.  The first word
 * is a stable event name, listed in werd(8), which people and programs may rely on.  Under
 * systemd each line opens with its priority (sd-daemon(3)); elsewhere with time and level.
 * The log is the project's only mutable global.  Libraries do not log; roles do, once.
 */
#pragma once

#include "base/slice.h"

enum log_level {
	LOG_ERROR,
	LOG_WARNING,
	LOG_INFO,
	LOG_DEBUG,
	LOG_LEVEL_N
};

void log_open(const char *role, enum log_level level); /* e.g. "ingest"; default level LOG_INFO */
/* FORMAT gives the fields, `"peer=%s bytes=%zu"`, or is "".  A value that somebody else chose
 * goes through log_value.  Any thread; one write(2) a line. */
void log_event(enum log_level level, const char *event, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* S quoted for a log line: control bytes, quotes and backslashes escaped, invalid UTF-8 as
 * \xHH, cut with "..." after 200 bytes.  Returns TEXT. */
enum {
	LOG_VALUE_BYTES = 840
};
const char *log_value(struct slice s, char text[LOG_VALUE_BYTES]);
