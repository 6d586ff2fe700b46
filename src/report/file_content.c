#include "report/file_content.h"

/* Does the kind have a reader here?  FILE_UNKNOWN: no. */
static enum file_kind
form_of(enum file_kind kind)
{
	switch (kind) {
	case FILE_REPORT_WER:
	case FILE_METADATA:
	case FILE_APPCOMPAT:
	case FILE_PROCESS_LIST:
	case FILE_SYSDATA:
	case FILE_LOADED_MODULES:
	case FILE_REGISTRY:
		return kind;
	case FILE_LEVEL1: /* level 1 is read by the reader of the wire */
	case FILE_SYSINFO:
	case FILE_FILE_VERSION:
	case FILE_WQL:
	case FILE_VERSION:
	case FILE_XML:
	case FILE_TEXT:
		return FILE_TEXT;
	default:
		return FILE_UNKNOWN;
	}
}

static err_t
parse_form(enum file_kind form, struct xml_parser *parser, struct slice bytes, struct arena *arena,
	   struct file_content *content)
{
	switch (form) {
	case FILE_REPORT_WER:
		return wer_file_parse(bytes, arena, &content->report_wer);
	case FILE_METADATA:
		return wer_metadata_parse(parser, bytes, arena, &content->metadata,
					  &content->detail);
	case FILE_APPCOMPAT:
		return appcompat_parse(bytes, arena, &content->appcompat);
	case FILE_PROCESS_LIST:
		return process_list_parse(bytes, arena, &content->process_list);
	case FILE_SYSDATA:
		return sysdata_parse(bytes, arena, &content->sysdata);
	case FILE_LOADED_MODULES:
		return loaded_modules_parse(bytes, arena, &content->modules);
	case FILE_REGISTRY:
		return registry_result_parse(bytes, arena, &content->registry);
	case FILE_TEXT:
		return plain_text_parse(bytes, arena, &content->text);
	default:
		return OK;
	}
}

void
file_content_parse(struct xml_parser *parser, struct slice name, struct slice bytes,
		   struct arena *arena, struct file_content *ret_content)
{
	struct file_content content = {.kind = wer_file_detect(name, bytes)};
	content.form = form_of(content.kind);
	content.error = parse_form(content.form, parser, bytes, arena, &content);
	if (content.error != OK)
		content.form = content.form != FILE_TEXT &&
					       plain_text_parse(bytes, arena, &content.text) == OK
				       ? FILE_TEXT
				       : FILE_UNKNOWN;
	*ret_content = content;
}

static void
put_form(const struct file_content *content, struct json *object)
{
	switch (content->form) {
	case FILE_REPORT_WER:
		wer_file_put_json(&content->report_wer, object);
		break;
	case FILE_METADATA:
		wer_metadata_put_json(&content->metadata, object);
		break;
	case FILE_APPCOMPAT:
		appcompat_put_json(&content->appcompat, object);
		break;
	case FILE_PROCESS_LIST:
		process_list_put_json(&content->process_list, object);
		break;
	case FILE_SYSDATA:
		sysdata_put_json(&content->sysdata, object);
		break;
	case FILE_LOADED_MODULES:
		loaded_modules_put_json(&content->modules, object);
		break;
	case FILE_REGISTRY:
		registry_result_put_json(&content->registry, object);
		break;
	default:
		plain_text_put_json(&content->text, object);
		break;
	}
}

void
file_content_put_json(const struct file_content *content, struct json *object)
{
	bool has_why = content->detail.why[0] != '\0';
	json_put_str(object, "kind", file_kind_id(content->kind));
	json_put_str(object, "about", file_kind_name(content->kind));
	json_put_str(object, "error",
		     content->error == OK ? NULL
		     : has_why            ? content->detail.why
					  : err_text(content->error));
	if (content->form == FILE_UNKNOWN) {
		json_put_null(object, "content");
		return;
	}
	struct json *form = json_new_object();
	put_form(content, form);
	json_put(object, "content", form);
}
