#include "symbols/breakpad_record.h"

#include <inttypes.h>

static const char *const words[BREAKPAD_KIND_N] = {
	[BREAKPAD_MODULE] = "MODULE", [BREAKPAD_INFO] = "INFO",
	[BREAKPAD_FILE] = "FILE",     [BREAKPAD_INLINE_ORIGIN] = "INLINE_ORIGIN",
	[BREAKPAD_FUNC] = "FUNC",     [BREAKPAD_INLINE] = "INLINE",
	[BREAKPAD_PUBLIC] = "PUBLIC",
};

bool
breakpad_take_line(struct slice *text, struct slice *ret_line)
{
	if (text->len == 0)
		return false;
	const uint8_t *end = memchr(text->data, '\n', text->len);
	size_t len = end == NULL ? text->len : (size_t)(end - text->data);
	struct slice line = slice_sub(*text, 0, len);
	*text = slice_sub(*text, end == NULL ? len : len + 1, text->len);
	while (line.len > 0 && line.data[line.len - 1] == '\r')
		line.len--;
	*ret_line = line;
	return true;
}

static bool
is_blank(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

static void
skip_blanks(struct slice *text)
{
	size_t n = 0;
	while (n < text->len && is_blank(text->data[n]))
		n++;
	*text = slice_sub(*text, n, text->len);
}

static struct slice
take_word(struct slice *text)
{
	skip_blanks(text);
	size_t n = 0;
	while (n < text->len && !is_blank(text->data[n]))
		n++;
	struct slice word = slice_sub(*text, 0, n);
	*text = slice_sub(*text, n, text->len);
	return word;
}

static struct slice
take_rest(struct slice *text)
{
	skip_blanks(text);
	struct slice rest = *text;
	*text = slice_sub(*text, text->len, 0);
	return rest;
}

static bool
take_hex(struct slice *text, uint64_t *ret_value)
{
	return slice_hex_to_u64(take_word(text), ret_value);
}

static bool
take_hex32(struct slice *text, uint32_t *ret_value)
{
	uint64_t value;
	if (!take_hex(text, &value) || value > UINT32_MAX)
		return false;
	*ret_value = (uint32_t)value;
	return true;
}

static bool
take_decimal(struct slice *text, uint64_t *ret_value)
{
	return slice_to_u64(take_word(text), ret_value);
}

static bool
take_signed(struct slice *text, int64_t *ret_value)
{
	return slice_to_i64(take_word(text), ret_value);
}

static bool
take_given(struct slice *text, const char *given)
{
	struct slice rest = *text;
	if (!slice_equal_str(take_word(&rest), given))
		return false;
	*text = rest;
	return true;
}

static const char *
parse_module(struct slice rest, struct breakpad_record *record)
{
	record->os = take_word(&rest);
	record->arch = take_word(&rest);
	record->debug_id = take_word(&rest);
	record->text = take_rest(&rest);
	return record->debug_id.len == 0 ? "MODULE needs a system, a processor and an id" : NULL;
}

static const char *
parse_info(struct slice rest, struct breakpad_record *record)
{
	record->key = take_word(&rest);
	record->text = take_rest(&rest);
	return NULL;
}

static const char *
parse_file(struct slice rest, struct breakpad_record *record)
{
	if (!take_decimal(&rest, &record->id))
		return "FILE needs a number";
	record->text = take_rest(&rest);
	return NULL;
}

/* The old form has a file number before the name; a name that begins with a number and a blank is
 * taken for it, as Breakpad itself does. */
static const char *
parse_origin(struct slice rest, struct breakpad_record *record)
{
	if (!take_decimal(&rest, &record->id))
		return "INLINE_ORIGIN needs a number";
	struct slice after = rest;
	record->has_file = take_signed(&after, &record->file) && take_rest(&after).len > 0;
	if (record->has_file)
		(void)take_word(&rest);
	else
		record->file = 0;
	record->text = take_rest(&rest);
	return NULL;
}

static const char *
parse_func(struct slice rest, struct breakpad_record *record)
{
	record->is_multiple = take_given(&rest, "m");
	if (!take_hex(&rest, &record->rva) || !take_hex(&rest, &record->bytes) ||
	    !take_hex(&rest, &record->param_bytes))
		return "FUNC needs an address, a size and a size of parameters, in hex";
	record->text = take_rest(&rest);
	return NULL;
}

static const char *
parse_public(struct slice rest, struct breakpad_record *record)
{
	record->is_multiple = take_given(&rest, "m");
	if (!take_hex(&rest, &record->rva) || !take_hex(&rest, &record->param_bytes))
		return "PUBLIC needs an address and a size of parameters, in hex";
	record->text = take_rest(&rest);
	return NULL;
}

bool
breakpad_take_range(struct slice *ranges, uint64_t *ret_rva, uint64_t *ret_bytes)
{
	struct slice rest = *ranges;
	uint64_t rva;
	uint64_t bytes;
	if (!take_hex(&rest, &rva) || !take_hex(&rest, &bytes))
		return false;
	*ranges = rest;
	*ret_rva = rva;
	*ret_bytes = bytes;
	return true;
}

static size_t
count_words(struct slice text)
{
	size_t n = 0;
	while (take_word(&text).len > 0)
		n++;
	return n;
}

/* "INLINE depth line [file] origin {address size}": the number of words tells whether the file is
 * there, because ranges are pairs. */
static const char *
parse_inline(struct slice rest, struct breakpad_record *record)
{
	static const char why[] = "INLINE needs a depth, a line, an origin and address ranges";
	if (!take_decimal(&rest, &record->depth) || !take_decimal(&rest, &record->line))
		return why;
	size_t n = count_words(rest);
	record->has_file = n % 2 == 0;
	if (n < 3 || (record->has_file && !take_signed(&rest, &record->file)) ||
	    !take_decimal(&rest, &record->id))
		return why;
	record->text = take_rest(&rest);
	struct slice ranges = record->text;
	uint64_t rva;
	uint64_t bytes;
	while (breakpad_take_range(&ranges, &rva, &bytes))
		continue;
	return slice_trim(ranges).len == 0 ? NULL : why;
}

static const char *
parse_line(struct slice rest, struct breakpad_record *record)
{
	if (!take_hex(&rest, &record->rva) || !take_hex(&rest, &record->bytes) ||
	    !take_decimal(&rest, &record->line) || !take_signed(&rest, &record->file))
		return "a line record needs an address, a size, a line and a file";
	record->has_file = true;
	return NULL;
}

static const char *
parse_cfi(struct slice rest, struct breakpad_record *record)
{
	record->kind = take_given(&rest, "INIT") ? BREAKPAD_CFI_INIT : BREAKPAD_CFI;
	if (!take_hex(&rest, &record->rva))
		return "STACK CFI needs an address in hex";
	if (record->kind == BREAKPAD_CFI_INIT && !take_hex(&rest, &record->bytes))
		return "STACK CFI INIT needs a size in hex";
	record->text = take_rest(&rest);
	return NULL;
}

static const char *
parse_win(struct slice rest, struct breakpad_record *record)
{
	struct frame_data *win = &record->win;
	uint64_t type;
	uint64_t has_program;
	record->kind = BREAKPAD_WIN;
	if (!take_hex(&rest, &type) || type > UINT8_MAX || !take_hex(&rest, &win->rva) ||
	    !take_hex32(&rest, &win->code_bytes) || !take_hex32(&rest, &win->prolog_bytes) ||
	    !take_hex32(&rest, &record->epilog_bytes) || !take_hex32(&rest, &win->param_bytes) ||
	    !take_hex32(&rest, &win->saved_register_bytes) ||
	    !take_hex32(&rest, &win->local_bytes) || !take_hex32(&rest, &win->max_stack_bytes) ||
	    !take_hex(&rest, &has_program))
		return "STACK WIN needs a type, an address, seven sizes and a flag, in hex";
	record->win_type = (uint8_t)type;
	struct slice last = take_rest(&rest);
	if (has_program != 0)
		win->program = last;
	else
		win->uses_base_pointer = !slice_equal_str(slice_trim(last), "0") && last.len > 0;
	record->rva = win->rva;
	record->bytes = win->code_bytes;
	return NULL;
}

static const char *
parse_stack(struct slice rest, struct breakpad_record *record)
{
	if (take_given(&rest, "CFI"))
		return parse_cfi(rest, record);
	if (take_given(&rest, "WIN"))
		return parse_win(rest, record);
	record->kind = BREAKPAD_OTHER;
	return NULL;
}

static enum breakpad_kind
kind_of(struct slice word)
{
	uint64_t rva;
	if (word.len == 0)
		return BREAKPAD_BLANK;
	for (unsigned i = 0; i < BREAKPAD_KIND_N; i++)
		if (words[i] != NULL && slice_equal_str(word, words[i]))
			return (enum breakpad_kind)i;
	return slice_hex_to_u64(word, &rva) ? BREAKPAD_LINE : BREAKPAD_OTHER;
}

static const char *
parse_fields(struct slice line, struct slice rest, struct breakpad_record *record)
{
	switch (record->kind) {
	case BREAKPAD_MODULE:
		return parse_module(rest, record);
	case BREAKPAD_INFO:
		return parse_info(rest, record);
	case BREAKPAD_FILE:
		return parse_file(rest, record);
	case BREAKPAD_INLINE_ORIGIN:
		return parse_origin(rest, record);
	case BREAKPAD_FUNC:
		return parse_func(rest, record);
	case BREAKPAD_INLINE:
		return parse_inline(rest, record);
	case BREAKPAD_PUBLIC:
		return parse_public(rest, record);
	case BREAKPAD_LINE:
		return parse_line(line, record);
	default:
		return NULL;
	}
}

err_t
breakpad_record_parse(struct slice line, struct breakpad_record *ret_record, const char **ret_why)
{
	struct slice rest = line;
	struct slice word = take_word(&rest);
	struct breakpad_record record = {.kind = kind_of(word)};
	const char *why = NULL;
	if (slice_equal_str(word, "STACK"))
		why = parse_stack(rest, &record);
	else
		why = parse_fields(line, rest, &record);
	if (record.kind == BREAKPAD_OTHER) {
		/* What begins with a capital letter may be a later version's word. */
		if (word.data[0] < 'A' || word.data[0] > 'Z')
			why = "no record of a symbol file begins so";
		record.text = line;
	}
	if (why != NULL) {
		*ret_why = why;
		return ERR_CORRUPT;
	}
	*ret_record = record;
	return OK;
}

static void
append_text(struct buf *out, struct slice text)
{
	if (text.len > 0) {
		buf_append_byte(out, ' ');
		buf_append(out, text);
	}
}

static void
format_win(const struct breakpad_record *record, struct buf *out)
{
	const struct frame_data *win = &record->win;
	buf_printf(out, "STACK WIN %x %" PRIx64 " %x %x %x %x %x %x %x %d", record->win_type,
		   win->rva, win->code_bytes, win->prolog_bytes, record->epilog_bytes,
		   win->param_bytes, win->saved_register_bytes, win->local_bytes,
		   win->max_stack_bytes, !slice_is_absent(win->program));
	if (slice_is_absent(win->program))
		buf_append_str(out, win->uses_base_pointer ? " 1" : " 0");
	else
		append_text(out, win->program);
}

static void
format_inline(const struct breakpad_record *record, struct buf *out)
{
	buf_printf(out, "INLINE %" PRIu64 " %" PRIu64, record->depth, record->line);
	if (record->has_file)
		buf_printf(out, " %" PRId64, record->file);
	buf_printf(out, " %" PRIu64, record->id);
	append_text(out, record->text);
}

static void
format_origin(const struct breakpad_record *record, struct buf *out)
{
	buf_printf(out, "INLINE_ORIGIN %" PRIu64, record->id);
	if (record->has_file)
		buf_printf(out, " %" PRId64, record->file);
	append_text(out, record->text);
}

static void
format_module(const struct breakpad_record *record, struct buf *out)
{
	buf_append_str(out, "MODULE");
	append_text(out, record->os);
	append_text(out, record->arch);
	append_text(out, record->debug_id);
	append_text(out, record->text);
}

static void
format_fields(const struct breakpad_record *r, struct buf *out)
{
	const char *multiple = r->is_multiple ? " m" : "";
	switch (r->kind) {
	case BREAKPAD_MODULE:
		format_module(r, out);
		return;
	case BREAKPAD_INFO:
		buf_append_str(out, "INFO");
		append_text(out, r->key);
		break;
	case BREAKPAD_FILE:
		buf_printf(out, "FILE %" PRIu64, r->id);
		break;
	case BREAKPAD_INLINE_ORIGIN:
		format_origin(r, out);
		return;
	case BREAKPAD_FUNC:
		buf_printf(out, "FUNC%s %" PRIx64 " %" PRIx64 " %" PRIx64, multiple, r->rva,
			   r->bytes, r->param_bytes);
		break;
	case BREAKPAD_INLINE:
		format_inline(r, out);
		return;
	case BREAKPAD_LINE:
		buf_printf(out, "%" PRIx64 " %" PRIx64 " %" PRIu64 " %" PRId64, r->rva, r->bytes,
			   r->line, r->file);
		return;
	case BREAKPAD_PUBLIC:
		buf_printf(out, "PUBLIC%s %" PRIx64 " %" PRIx64, multiple, r->rva, r->param_bytes);
		break;
	case BREAKPAD_CFI_INIT:
		buf_printf(out, "STACK CFI INIT %" PRIx64 " %" PRIx64, r->rva, r->bytes);
		break;
	case BREAKPAD_CFI:
		buf_printf(out, "STACK CFI %" PRIx64, r->rva);
		break;
	case BREAKPAD_WIN:
		format_win(r, out);
		return;
	default:
		buf_append(out, r->text);
		return;
	}
	append_text(out, r->text);
}

void
breakpad_record_format(const struct breakpad_record *record, struct buf *out)
{
	format_fields(record, out);
	buf_append_byte(out, '\n');
}
