#include <stdio.h>

#include "base/fs.h"
#include "base/text.h"
#include "base/time.h"
#include "werd/sniff.h"

enum {
	ABOUT_BYTES = 64 * 1024,
	LEAST_NAME = 2 /* a name of one letter would mask half of the text */
};

/* Overwrites each NEEDLE in BYTES, ASCII case folded; STEP 2 keeps the zero bytes of UTF-16. */
static void
mask_bytes(uint8_t *bytes, size_t len, struct slice needle, size_t step)
{
	for (size_t at = 0; needle.len > 0 && at + needle.len <= len;) {
		if (!slice_equal_nocase(slice_of(bytes + at, needle.len), needle)) {
			at++;
			continue;
		}
		for (size_t i = 0; i < needle.len; i += step)
			if (needle.data[i] != '\\' && needle.data[i] != '.')
				bytes[at + i] = 'x';
		at += needle.len;
	}
}

static void
mask_name(struct buf *text, struct slice name)
{
	struct buf wide;
	if (name.len < LEAST_NAME)
		return;
	mask_bytes(text->data, text->len, name, 1);
	buf_init(&wide, LIMIT_TEXT_BYTES);
	text_to_utf16(name, TEXT_UTF16LE, &wide);
	mask_bytes(text->data, text->len, buf_slice(&wide), 2);
	buf_done(&wide);
}

/* The last part of "domain\user", and the first label of a name with its domain. */
static void
mask_user(struct buf *text, struct slice user)
{
	struct slice domain;
	struct slice name;
	mask_name(text, user);
	if (slice_cut(user, '\\', &domain, &name)) {
		mask_name(text, domain);
		mask_name(text, name);
	}
}

static void
mask_machine(struct buf *text, struct slice machine)
{
	struct slice label;
	struct slice domain;
	mask_name(text, machine);
	if (slice_cut(machine, '.', &label, &domain)) {
		mask_name(text, label);
		mask_name(text, domain);
	}
}

static struct slice
host_of(struct slice head)
{
	struct slice line;
	while (slice_cut(head, '\n', &line, &head)) {
		struct slice name;
		struct slice value;
		if (slice_cut(line, ':', &name, &value) &&
		    slice_equal_nocase(name, SLICE_LITERAL("host")))
			return slice_trim(value);
	}
	return slice_of("", 0);
}

static void
mask(struct buf *text, const struct sniff_exchange *x)
{
	struct slice host = host_of(x->head);
	struct slice name;
	struct slice port;
	mask_machine(text, slice_cut(host, ':', &name, &port) ? name : host);
	if (x->is_level1 && x->parse_error == OK) {
		mask_machine(text, x->report->machine);
		mask_user(text, x->report->user);
	}
}

static err_t
write_part(const char *folder, const struct sniff_exchange *x, const char *part, struct buf *text,
	   struct err_detail *detail)
{
	char path[4096];
	int len = snprintf(path, sizeof(path), "%s/%04u-%s.%s", folder, x->number,
			   x->is_level1 ? "level1" : "upload", part);
	if (len < 0 || (size_t)len >= sizeof(path))
		return err_set(detail, ERR_LIMIT, "%s: path too long", folder);
	if (buf_error(text) != OK)
		return err_set(detail, ERR_LIMIT, "%s: exchange too long", folder);
	mask(text, x);
	return fs_replace_file(path, buf_slice(text), 0644, detail);
}

static void
describe(const struct sniff_exchange *x, struct buf *out)
{
	char when[TIME_TEXT_BYTES];
	buf_printf(out, "received: %s\n", time_format(x->received_us, when));
	buf_printf(out, "scheme: %s\n", x->is_tls ? "https" : "http");
	buf_printf(out, "body_bytes: %llu\n", (unsigned long long)x->body_bytes);
	buf_append_str(out, "masked: machine, user and server names, as x of the same length\n");
	if (!x->is_level1)
		buf_append_str(out, "body: not recorded, a cabinet cannot be masked\n");
	if (x->is_level1 && x->parse_error != OK)
		buf_printf(out, "refused: %s at byte %llu\n", level1_reason_name(x->error.reason),
			   (unsigned long long)x->error.detail.offset);
}

err_t
sniff_record(const char *folder, const struct sniff_exchange *x, struct err_detail *detail)
{
	struct buf request;
	struct buf reply;
	struct buf about;
	buf_init(&request, 2 * LIMIT_REPORT_BYTES);
	buf_init(&reply, 2 * LIMIT_REPORT_BYTES);
	buf_init(&about, ABOUT_BYTES);
	buf_append(&request, x->head);
	buf_append(&request, x->body);
	buf_append(&reply, x->reply);
	describe(x, &about);
	err_t err = fs_make_folders(folder, 0755, detail);
	if (err == OK)
		err = write_part(folder, x, "request", &request, detail);
	if (err == OK)
		err = write_part(folder, x, "reply", &reply, detail);
	if (err == OK)
		err = write_part(folder, x, "about", &about, detail);
	buf_done(&request);
	buf_done(&reply);
	buf_done(&about);
	return err;
}
