#include "base/time.h"
#include "report/wer_metadata.h"

static const char *const text_keys[METADATA_TEXT_N] = {
#define METADATA_KEY_(code, path, json) [code] = json,
	METADATA_TEXTS(METADATA_KEY_)};
static const char *const process_keys[METADATA_PROCESS_TEXT_N] = {
	METADATA_PROCESS_TEXTS(METADATA_KEY_)
#undef METADATA_KEY_
};

/* A number where it is one: counters, process ids; else the text. */
static void
put_number_or_text(struct json *object, const char *key, struct slice text)
{
	int64_t number;
	if (slice_to_i64(text, &number))
		json_put_number(object, key, number);
	else
		json_put_text(object, key, text);
}

static struct json *
process_json(const struct metadata_process *process)
{
	struct json *object = json_new_object();
	json_put_count(object, "generation", process->generation);
	for (unsigned i = 0; i < METADATA_PROCESS_TEXT_N; i++) {
		bool is_text = i == METADATA_PROCESS_IMAGE || i == METADATA_PROCESS_PATH ||
			       i == METADATA_PROCESS_COMMAND || i == METADATA_PROCESS_SIGNATURE;
		if (is_text)
			json_put_text(object, process_keys[i], process->texts[i]);
		else
			put_number_or_text(object, process_keys[i], process->texts[i]);
	}
	return object;
}

static struct json *
pairs_json(const char *key, const struct report_pair *pairs, size_t n)
{
	struct json *list = json_new_list();
	for (size_t i = 0; i < n; i++) {
		struct json *object = json_new_object();
		json_put_text(object, key, pairs[i].name);
		json_put_text(object, "value", pairs[i].value);
		json_add(list, object);
	}
	return list;
}

/* OSInstallDate counts seconds since 1970; CreationTime is ISO 8601 in UTC. */
static void
put_times(const struct wer_metadata *metadata, struct json *object)
{
	struct slice created = metadata->texts[METADATA_CREATION_TIME];
	int64_t install_s;
	int64_t created_us;
	bool is_date = created.len > 0 && memchr(created.data, 'T', created.len) != NULL;
	if (slice_to_i64(metadata->texts[METADATA_INSTALL_DATE], &install_s) && install_s >= 0 &&
	    install_s <= INT64_MAX / TIME_SECOND_US)
		json_put_time(object, "installed", install_s * TIME_SECOND_US);
	else
		json_put_null(object, "installed");
	if (is_date && time_parse(created, 0, &created_us))
		json_put_time(object, "created", created_us);
	else
		json_put_null(object, "created");
}

static void
put_signature(const struct wer_metadata *metadata, struct json *object)
{
	struct json *params = json_new_list();
	struct json *dynamic = json_new_list();
	for (size_t i = 0; i < metadata->n_params; i++)
		json_add_text(params, metadata->params[i]);
	for (size_t i = 0; i < metadata->n_dynamic; i++) {
		struct json *item = json_new_object();
		json_put_number(item, "index", metadata->dynamic[i].index);
		json_put_text(item, "value", metadata->dynamic[i].value);
		json_add(dynamic, item);
	}
	json_put(object, "signature", params);
	json_put(object, "dynamic_signature", dynamic);
}

void
wer_metadata_put_json(const struct wer_metadata *metadata, struct json *object)
{
	struct json *processes = json_new_list();
	struct json *layers = json_new_list();
	const char *form = metadata->is_windows7       ? "windows7"
			   : metadata->n_processes > 0 ? "windows10"
						       : NULL;
	json_put_flag(object, "is_known", true);
	text_file_put_json(&metadata->form, object);
	json_put_str(object, "form", form);
	for (unsigned i = 0; i < METADATA_TEXT_N; i++)
		json_put_text(object, text_keys[i], metadata->texts[i]);
	put_times(metadata, object);
	put_signature(metadata, object);
	for (size_t i = 0; i < metadata->n_processes; i++)
		json_add(processes, process_json(&metadata->processes[i]));
	for (size_t i = 0; i < metadata->n_layers; i++)
		json_add(layers, pairs_json("name", metadata->layers[i].attributes,
					    metadata->layers[i].n_attributes));
	json_put(object, "processes", processes);
	json_put(object, "build_layers", layers);
	json_put(object, "other", pairs_json("path", metadata->other, metadata->n_other));
	json_put_flag(object, "has_mixed_text", metadata->has_mixed_text);
}
