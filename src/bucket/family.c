#include "bucket/family.h"

#include "base/text.h"
#include "bucket/normalize.h"
#include "ext/crypto.h"
#include "report/event.h"

static bool
is_digit(uint8_t c)
{
	return c >= '0' && c <= '9';
}

static bool
has_prefix_nocase(struct slice s, const char *text)
{
	struct slice prefix = slice_str(text);
	return slice_equal_nocase(slice_sub(s, 0, prefix.len), prefix);
}

/* "10.0.19041.546": digits and at least one point. */
static bool
is_version(struct slice s)
{
	size_t points = 0;
	for (size_t i = 0; i < s.len; i++) {
		if (s.data[i] != '.' && !is_digit(s.data[i]))
			return false;
		points += s.data[i] == '.';
	}
	return points > 0;
}

/* Eight hex digits that are no error code: those begin with 8 or c, stamps of this century do
 * not. */
static bool
is_stamp(struct slice s)
{
	uint64_t value;
	return s.len == 8 && slice_hex_to_u64(s, &value) && value >> 28 != 0x8 &&
	       value >> 28 != 0xc;
}

/* Name_1.2.3.4_x64__publisher becomes Name__publisher. */
static void
append_package(struct slice package, struct buf *out)
{
	struct slice name = package;
	struct slice rest = {0};
	if (!slice_cut(package, '_', &name, &rest)) {
		text_fold(package, out);
		return;
	}
	text_fold(name, out);
	for (size_t at = 0; at + 2 <= rest.len; at++) {
		if (rest.data[at] == '_' && rest.data[at + 1] == '_') {
			text_fold(slice_sub(rest, at, rest.len), out);
			return;
		}
	}
}

static void
append_file(struct slice name, struct buf *out)
{
	/* The four digits behind it are a hash of the stack. */
	if (has_prefix_nocase(name, "StackHash_"))
		buf_append_str(out, "stackhash");
	else
		normalize_module(name, out);
}

static void
append_value(enum event_role role, struct slice value, bool is_known, struct buf *out)
{
	struct buf folded;
	buf_init(&folded, SIZE_MAX); /* as long as the value, which has its limit */
	switch (role) {
	case ROLE_APP:
	case ROLE_MODULE:
		append_file(value, out);
		break;
	case ROLE_PACKAGE:
		append_package(value, &folded);
		break;
	case ROLE_APP_VERSION:
	case ROLE_APP_STAMP:
	case ROLE_MODULE_VERSION:
	case ROLE_MODULE_STAMP:
	case ROLE_OFFSET:
		buf_append_byte(out, '*');
		break;
	default:
		if (!is_known && (is_version(value) || is_stamp(value)))
			buf_append_byte(out, '*');
		else
			text_fold(value, &folded);
	}
	normalize_append(buf_slice(&folded), out);
	buf_done(&folded);
}

/* Does the table say what the positions mean? */
static bool
has_roles(const struct event_type *type)
{
	for (size_t i = 0; type != NULL && i < LIMIT_PARAMS; i++) {
		if (type->roles[i] != ROLE_NONE)
			return true;
	}
	return false;
}

void
family_text(const struct report *report, struct buf *out)
{
	struct report_label parts;
	struct buf type;
	report_label(report, &parts);
	buf_init(&type, LIMIT_EVENT_TYPE_BYTES);
	buf_append_str(out, FAMILY_VERSION "\ntype ");
	text_fold(slice_sub(event_canonical(report->event_type), 0, LIMIT_EVENT_TYPE_BYTES), &type);
	normalize_append(buf_slice(&type), out);
	buf_append_byte(out, '\n');
	buf_done(&type);
	if (parts.type != NULL && parts.type->is_kernel) {
		buf_append_str(out, "code ");
		append_value(ROLE_CODE, parts.code, true, out);
		buf_append_byte(out, '\n');
		return;
	}
	bool is_known = has_roles(parts.type);
	for (size_t i = 0; i < report->n_params; i++) {
		enum event_role role = is_known ? (enum event_role)parts.type->roles[i] : ROLE_NONE;
		buf_printf(out, "p%zu ", i + 1);
		append_value(role, report->params[i].value, is_known, out);
		buf_append_byte(out, '\n');
	}
}

void
family_key(struct slice text, uint8_t ret_key[FAMILY_KEY_BYTES])
{
	uint8_t digest[CRYPTO_SHA256_BYTES];
	crypto_sha256(text, digest);
	memcpy(ret_key, digest, FAMILY_KEY_BYTES);
}
