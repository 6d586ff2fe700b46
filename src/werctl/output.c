#include "werctl/output.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/fs.h"

enum {
	OUTPUT_PIECE_BYTES = 64 * 1024,
	OUTPUT_LINE_BYTES = 4096,
	OUTPUT_LEAST_COLUMNS = 40 /* narrower, and lines are left to wrap */
};

static unsigned
terminal_columns(int fd)
{
	struct winsize size;
	if (ioctl(fd, TIOCGWINSZ, &size) != 0 || size.ws_col == 0)
		return 80;
	return size.ws_col < OUTPUT_LEAST_COLUMNS ? OUTPUT_LEAST_COLUMNS : size.ws_col;
}

static bool
wants_color(void)
{
	const char *no_color = getenv("NO_COLOR");
	const char *terminal = getenv("TERM");
	return (no_color == NULL || no_color[0] == '\0') && terminal != NULL &&
	       strcmp(terminal, "dumb") != 0;
}

void
output_init(struct output *out, int fd, bool is_json)
{
	*out = (struct output){.fd = fd, .is_json = is_json};
	buf_init(&out->text, SIZE_MAX / 2);
	out->is_terminal = isatty(fd) == 1;
	out->has_color = out->is_terminal && wants_color();
	out->columns = out->is_terminal ? terminal_columns(fd) : 0;
}

void
output_done(struct output *out)
{
	buf_done(&out->text);
}

static void
write_text(struct output *out)
{
	if (out->error == OK && out->text.len > 0)
		out->error = fs_write_all(out->fd, buf_slice(&out->text));
	buf_reset(&out->text);
}

err_t
output_flush(struct output *out)
{
	write_text(out);
	return out->error;
}

void
output_breathe(struct output *out)
{
	if (out->text.len >= OUTPUT_PIECE_BYTES)
		write_text(out);
}

const char *
style_open(bool has_color, enum style style)
{
	static const char *const codes[] = {
		[STYLE_PLAIN] = "",        [STYLE_TITLE] = "\033[1m", [STYLE_FAINT] = "\033[2m",
		[STYLE_GOOD] = "\033[32m", [STYLE_WARN] = "\033[33m", [STYLE_BAD] = "\033[31m",
	};
	return has_color ? codes[style] : "";
}

const char *
style_close(bool has_color, enum style style)
{
	return has_color && style != STYLE_PLAIN ? "\033[0m" : "";
}

void
output_printf(struct output *out, const char *format, ...)
{
	char line[OUTPUT_LINE_BYTES];
	va_list args;
	va_start(args, format);
	(void)vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	buf_append_str(&out->text, line);
}

void
output_styled(struct output *out, enum style style, const char *format, ...)
{
	char line[OUTPUT_LINE_BYTES];
	va_list args;
	va_start(args, format);
	(void)vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	buf_append_str(&out->text, style_open(out->has_color, style));
	buf_append_str(&out->text, line);
	buf_append_str(&out->text, style_close(out->has_color, style));
}

void
output_json(struct output *out, struct json *value)
{
	json_format_line(value, out->is_terminal, &out->text);
	json_free(value);
	output_breathe(out);
}
