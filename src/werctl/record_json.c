#include <inttypes.h>
#include <stdio.h>

#include "base/text.h"
#include "base/time.h"
#include "ext/crypto.h"
#include "report/code.h"
#include "report/os.h"
#include "store/id.h"
#include "werctl/record.h"

static void
put_peer(struct json *object, const struct address *peer)
{
	char text[ADDRESS_TEXT_BYTES];
	json_put_str(object, "peer", address_is_none(peer) ? NULL : address_format(peer, text));
}

static void
put_event_time(struct json *object, const struct report *report)
{
	int64_t time_us;
	if (report->has_event_time && time_from_filetime(report->event_filetime, &time_us))
		json_put_time(object, "event_time", time_us);
	else
		json_put_null(object, "event_time");
}

static void
put_number_if(struct json *object, const char *key, bool has, int64_t number)
{
	if (has)
		json_put_number(object, key, number);
	else
		json_put_null(object, key);
}

static struct json *
params_list(const struct record *record, bool is_names)
{
	struct json *list = json_new_list();
	for (size_t i = 0; i < record->report.n_params; i++)
		json_add_text(list, is_names ? record_param_name(record, i)
					     : record->report.params[i].value);
	return list;
}

static struct json *
pairs_list(const struct report_pair *pairs, size_t count)
{
	struct json *list = json_new_list();
	for (size_t i = 0; i < count; i++) {
		struct json *pair = json_new_object();
		json_put_text(pair, "name", pairs[i].name);
		json_put_text(pair, "value", pairs[i].value);
		json_add(list, pair);
	}
	return list;
}

static struct json *
files_list(const struct report *report)
{
	struct json *list = json_new_list();
	for (size_t i = 0; i < report->n_files; i++) {
		struct json *file = json_new_object();
		json_put_text(file, "name", report->files[i].name);
		put_number_if(file, "type", report->files[i].has_type, report->files[i].type);
		json_add(list, file);
	}
	return list;
}

static void
put_cab(struct json *object, const struct facts_report *stored)
{
	json_put_flag(object, "cab_asked", stored->is_cab_asked);
	if (!stored->has_cab) {
		json_put_null(object, "cab");
		return;
	}
	struct json *cab = json_new_object();
	json_put_hex(cab, "sha256", slice_of(stored->cab_sha256, sizeof(stored->cab_sha256)));
	json_put_count(cab, "bytes", stored->cab_bytes);
	json_put_time(cab, "received", stored->cab_received_us);
	json_put_flag(cab, "is_cabinet", stored->cab_is_cabinet);
	json_put(object, "cab", cab);
}

static void
put_body(struct json *object, struct slice body)
{
	static const char *const names[TEXT_ENCODING_N] = {"utf-8", "utf-16le", "utf-16be"};
	uint8_t digest[CRYPTO_SHA256_BYTES];
	size_t bom_bytes;
	if (slice_is_absent(body)) {
		json_put_null(object, "raw_sha256");
		return;
	}
	crypto_sha256(body, digest);
	json_put_hex(object, "raw_sha256", slice_of(digest, sizeof(digest)));
	json_put_count(object, "raw_bytes", body.len);
	json_put_str(object, "encoding", names[text_detect(body, &bom_bytes)]);
	json_put_flag(object, "byte_order_mark", bom_bytes > 0);
}

static void
put_reply(struct json *object, const struct record *record)
{
	struct buf text;
	buf_init(&text, 4 * LIMIT_REPLY_BYTES);
	if (record_reply(record, &text))
		json_put_text(object, "reply", text.len == 0 ? slice_str("") : buf_slice(&text));
	else
		json_put_null(object, "reply");
	buf_done(&text);
}

static void
put_flags(struct json *object, uint32_t flags)
{
	char text[256];
	struct json *list = json_new_list();
	struct slice rest = slice_str(report_flags_text(flags, text));
	while (rest.len > 0) {
		struct slice name = rest;
		if (!slice_cut(rest, ',', &name, &rest))
			rest = (struct slice){NULL, 0};
		json_add_text(list, slice_trim(name));
	}
	json_put(object, "flags", list);
}

static void
put_os_name(struct json *object, struct slice text)
{
	struct os_version os;
	struct buf name;
	buf_init(&name, LIMIT_TEXT_BYTES);
	if (os_parse(text, &os))
		os_describe(&os, &name);
	json_put_text(object, "os_name", name.len == 0 ? (struct slice){0} : buf_slice(&name));
	buf_done(&name);
}

static void
put_label(struct json *object, const struct record *record)
{
	const struct report_label *label = &record->label;
	uint64_t code;
	bool is_number = slice_hex_to_u64(label->code, &code);
	json_put_text(object, "app", label->app);
	json_put_text(object, "app_version", label->app_version);
	json_put_text(object, "module", label->module);
	json_put_text(object, "module_version", label->module_version);
	json_put_text(object, "code", label->code);
	json_put_str(object, "code_name",
		     is_number ? code_name(record_code_kind(record), code) : NULL);
	json_put_text(object, "offset", label->offset);
}

/* "none": there is nothing to analyse. */
static const char *
analysis_state(const struct record *record)
{
	if (!record->stored.has_cab)
		return "none";
	if (!record->has_analysis)
		return "waiting";
	return record->analysis.state == ANALYSIS_DONE ? "done" : "failed";
}

static void
put_document(struct json *object, struct slice document)
{
	struct json *value = NULL;
	if (!slice_is_absent(document) && json_parse(document, &value, NULL) == OK)
		json_put(object, "document", value);
}

static void
put_analysis(struct json *object, const struct record *record)
{
	static const char *const ratings[RATING_N] = {
		[RATING_NONE] = "NONE", [RATING_INTERESTING] = "INTERESTING",
		[RATING_LOW] = "LOW",   [RATING_MEDIUM] = "MEDIUM",
		[RATING_HIGH] = "HIGH",
	};
	const struct analysis *a = &record->analysis;
	struct json *analysis = json_new_object();
	char id[17];
	bool has_class = record->has_analysis && a->has_class;
	(void)snprintf(id, sizeof(id), "%016" PRIx64, has_class ? class_id(a->class_key.key) : 0);
	json_put_str(object, "class_bucket", has_class ? id : NULL);
	json_put_str(analysis, "state", analysis_state(record));
	json_put_text(analysis, "summary", record->has_analysis ? a->summary : (struct slice){0});
	json_put_str(analysis, "exploitability", record->has_analysis ? ratings[a->rating] : NULL);
	if (has_class)
		json_put_text(analysis, "class_title", a->class_key.title);
	put_document(analysis, a->document);
	json_put(object, "analysis", analysis);
}

/* The fields that outside programs rely on, in their documented order. */
static void
put_contract(struct json *object, const struct record *record)
{
	const struct report *r = &record->report;
	const struct facts_report *stored = &record->stored;
	json_put_id(object, "id", stored->id);
	json_put_time(object, "received", id_time_us(stored->id));
	json_put_text(object, "event_type", r->event_type);
	put_number_if(object, "report_type", r->has_report_type, r->report_type);
	put_event_time(object, r);
	put_peer(object, &stored->source.peer);
	json_put_text(object, "friendly_event_name", r->friendly_event_name);
	json_put_text(object, "event_description", r->event_description);
	json_put_text(object, "app_name", r->app_name);
	json_put_text(object, "app_path", r->app_path);
	json_put_text(object, "app_company", r->app_company);
	json_put_text(object, "machine", r->machine);
	json_put_text(object, "os", r->os);
	put_number_if(object, "lcid", r->has_lcid, r->lcid);
	json_put_text(object, "oem", r->oem);
	json_put_text(object, "user", r->user);
	json_put_id(object, "bucket", stored->bucket);
	json_put(object, "params", params_list(record, false));
	json_put(object, "param_names", params_list(record, true));
	json_put(object, "secondary_params", pairs_list(r->secondary, r->n_secondary));
	json_put(object, "files", files_list(r));
	put_reply(object, record);
	put_body(object, stored->body);
	put_cab(object, stored);
	put_analysis(object, record);
}

struct json *
record_to_json(const struct record *record)
{
	const struct report *r = &record->report;
	const struct facts_source *source = &record->stored.source;
	struct json *object = json_new_object();
	put_contract(object, record);
	json_put(object, "extra_params", pairs_list(r->extra_params, r->n_extra_params));
	if (r->has_event_time)
		json_put_id(object, "event_filetime", r->event_filetime);
	else
		json_put_null(object, "event_filetime");
	json_put_text(object, "event_type_canonical", record_event_type(record));
	put_label(object, record);
	put_os_name(object, r->os);
	json_put_str(object, "machine_identity", record_identity(record));
	json_put_text(object, "auth_name", source->auth_name);
	json_put_flag(object, "is_tls", (source->flags & SOURCE_TLS) != 0);
	json_put_flag(object, "is_generated", (source->flags & SOURCE_GENERATED) != 0);
	json_put_text(object, "origin", source->origin);
	put_flags(object, r->flags);
	json_put_id(object, "cursor", record->stored.id);
	return object;
}
