#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/text.h"
#include "base/time.h"

static struct {
	const char *role;
	enum log_level level;
	bool under_systemd;
} log_state = {.role = "openwer", .level = LOG_INFO};

static const char *const level_names[LOG_LEVEL_N] = {"error", "warning", "info", "debug"};
static const int level_priorities[LOG_LEVEL_N] = {3, 4, 6, 7};

void
log_open(const char *role, enum log_level level)
{
	log_state.role = role;
	log_state.level = level;
	log_state.under_systemd = getenv("JOURNAL_STREAM") != NULL;
}

static int
line_start(char *line, size_t size, enum log_level level)
{
	char now[TIME_TEXT_BYTES];
	if (log_state.under_systemd)
		return snprintf(line, size, "<%d>", level_priorities[level]);
	return snprintf(line, size, "%s %s ", time_format(time_now_us(), now), level_names[level]);
}

void
log_event(enum log_level level, const char *event, const char *format, ...)
{
	char line[4096];
	if (level > log_state.level)
		return;
	size_t room = sizeof(line) - 1; /* one byte for the newline */
	size_t len = (size_t)line_start(line, room, level);
	len += (size_t)snprintf(line + len, room - len, "role=%s event=%s%s", log_state.role, event,
				*format == '\0' ? "" : " ");
	va_list args;
	va_start(args, format);
	int more = vsnprintf(line + len, room - len, format, args);
	va_end(args);
	if (more > 0)
		len += (size_t)more < room - len ? (size_t)more : room - len - 1;
	line[len++] = '\n';
	ssize_t ignored = write(STDERR_FILENO, line, len); /* nowhere to complain about it */
	(void)ignored;
}

/* Length of the character at the start of S that may be shown as it is, 0 when it may not:
 * control characters, U+0080-U+009F among them, could command a terminal. */
static size_t
shown_as_is(struct slice s)
{
	if (s.len == 0)
		return 0;
	uint8_t c = s.data[0];
	if (c < 0x80)
		return c < 0x20 || c == 0x7f ? 0 : 1;
	if (c == 0xc2 && s.len > 1 && s.data[1] < 0xa0)
		return 0;
	for (size_t count = 2; count <= 4 && count <= s.len; count++)
		if (text_is_utf8(slice_sub(s, 0, count)))
			return count;
	return 0;
}

const char *
log_value(struct slice s, char text[LOG_VALUE_BYTES])
{
	enum {
		MOST = 200
	};
	size_t at = 0;
	size_t i = 0;
	text[at++] = '"';
	while (i < s.len) {
		size_t count = shown_as_is(slice_sub(s, i, 4));
		if (i + (count == 0 ? 1 : count) > MOST)
			break;
		if (count == 0) {
			at += (size_t)snprintf(text + at, 5, "\\x%02x", s.data[i++]);
			continue;
		}
		if (s.data[i] == '"' || s.data[i] == '\\')
			text[at++] = '\\';
		memcpy(text + at, s.data + i, count);
		at += count;
		i += count;
	}
	memcpy(text + at, i < s.len ? "...\"" : "\"", i < s.len ? 5 : 2);
	return text;
}
