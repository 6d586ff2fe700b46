#include "bucket/label.h"

#include "base/text.h"
#include "ext/crypto.h"

void
label_of(const struct report *report, struct arena *arena, struct label *ret_label)
{
	struct report_label parts;
	struct label label = {.event_type = event_canonical(report->event_type)};
	(void)arena; /* every part of the label lies in the report as it is */
	report_label(report, &parts);
	if (parts.type != NULL && parts.type->is_kernel) {
		label.params[0] = parts.code;
		label.n_params = parts.code.len > 0 ? 1 : 0;
		*ret_label = label;
		return;
	}
	label.n_params = report->n_params;
	for (size_t i = 0; i < label.n_params; i++) {
		struct slice value = report->params[i].value;
		label.params[i] = slice_is_absent(value) ? SLICE_LITERAL("") : value;
	}
	*ret_label = label;
}

/* Lower case, with a backslash before what could be taken for the end of the value. */
static void
append_component(struct slice value, struct buf *out)
{
	size_t from = 0;
	for (size_t i = 0; i < value.len; i++) {
		if (value.data[i] != '/' && value.data[i] != '\\')
			continue;
		text_fold(slice_sub(value, from, i - from), out);
		buf_append_byte(out, '\\');
		from = i;
	}
	text_fold(slice_sub(value, from, value.len), out);
	buf_append_byte(out, '/');
}

void
label_key_text(const struct label *label, struct buf *out)
{
	append_component(label->event_type, out);
	for (size_t i = 0; i < label->n_params; i++)
		append_component(label->params[i], out);
}

void
label_key(struct slice key_text, uint8_t ret_key[LABEL_KEY_BYTES])
{
	uint8_t digest[CRYPTO_SHA256_BYTES];
	crypto_sha256(key_text, digest);
	memcpy(ret_key, digest, LABEL_KEY_BYTES);
}

void
label_hashed(const struct label *label, uint8_t ret_hashed[LABEL_HASHED_BYTES])
{
	struct buf text;
	buf_init(&text, SIZE_MAX); /* as long as the label, which has its limits */
	text_fold(label->event_type, &text);
	buf_append_byte(&text, '/');
	for (size_t i = 0; i < label->n_params; i++) {
		text_fold(label->params[i], &text);
		buf_append_byte(&text, '/');
	}
	crypto_md5(buf_slice(&text), ret_hashed);
	buf_done(&text);
}

uint64_t
label_legacy(const uint8_t hashed[LABEL_HASHED_BYTES])
{
	uint64_t low = 0;
	for (size_t i = LABEL_HASHED_BYTES - sizeof(low); i < LABEL_HASHED_BYTES; i++)
		low = low << 8 | hashed[i];
	return (low & UINT64_C(0x0fffffffffffffff)) | UINT64_C(0x1000000000000000);
}

bool
label_is_hashed_verified(const struct label *label)
{
	const struct event_type *type = event_find(label->event_type);
	return type != NULL && type->hashed_verified;
}
