#include "report/appcompat.h"

#include "report/wer_identity.h"

static struct appcompat_file
file_of(const struct xml_record *record)
{
	struct appcompat_file file = {
		.name = xml_record_field(record, "NAME"),
		.file_version = xml_record_field(record, "BIN_FILE_VERSION"),
		.program_id = xml_record_field(record, "PROGRAM_ID"),
		.file_id = xml_record_field(record, "FILE_ID"),
		.record = record,
	};
	file.sha1 = wer_file_id_sha1(file.file_id);
	file.has_size = slice_to_u64(xml_record_field(record, "SIZE"), &file.size_bytes);
	return file;
}

static bool
is_element(const struct xml_record *record, const char *name)
{
	return slice_equal_nocase(record->name, slice_str(name));
}

/* Each MATCHING_FILE belongs to the EXE before it, however the elements were closed. */
static err_t
sort_out(const struct xml_records *records, struct arena *arena, struct appcompat *appcompat)
{
	struct appcompat_file *files = arena_array(arena, records->n, sizeof(*files));
	struct appcompat_exe *exe = NULL;
	appcompat->exes = arena_array(arena, records->n, sizeof(*appcompat->exes));
	appcompat->other = arena_array(arena, records->n, sizeof(*appcompat->other));
	if (files == NULL || appcompat->exes == NULL || appcompat->other == NULL)
		return ERR_LIMIT;
	for (size_t i = 0; i < records->n; i++) {
		const struct xml_record *record = &records->items[i];
		if (is_element(record, "EXE")) {
			exe = &appcompat->exes[appcompat->n_exes++];
			exe->name = xml_record_field(record, "NAME");
			exe->filter = xml_record_field(record, "FILTER");
			exe->files = files;
		} else if (exe != NULL && is_element(record, "MATCHING_FILE")) {
			*files++ = file_of(record);
			exe->n_files++;
		} else {
			appcompat->other[appcompat->n_other++] = record;
		}
	}
	return OK;
}

err_t
appcompat_parse(struct slice in, struct arena *arena, struct appcompat *ret)
{
	struct appcompat appcompat = {0};
	struct xml_records records;
	err_t err = text_file_decode(in, arena, &appcompat.text);
	if (err == OK)
		err = xml_records_parse(appcompat.text.utf8, arena, &records);
	if (err == OK)
		err = sort_out(&records, arena, &appcompat);
	if (err != OK)
		return err;
	appcompat.n_broken = records.n_broken;
	appcompat.is_known =
		slice_equal_nocase(records.root, SLICE_LITERAL("DATABASE")) && appcompat.n_exes > 0;
	*ret = appcompat;
	return OK;
}

static struct json *
file_json(const struct appcompat_file *file)
{
	struct json *object = json_new_object();
	json_put_text(object, "name", file->name);
	if (file->has_size)
		json_put_count(object, "size", file->size_bytes);
	else
		json_put_null(object, "size");
	json_put_text(object, "file_version", file->file_version);
	json_put_text(object, "program_id", file->program_id);
	json_put_text(object, "file_id", file->file_id);
	json_put_text(object, "sha1", file->sha1);
	xml_record_put_json(file->record, object);
	return object;
}

static struct json *
exe_json(const struct appcompat_exe *exe)
{
	struct json *object = json_new_object();
	struct json *files = json_new_list();
	json_put_text(object, "name", exe->name);
	json_put_text(object, "filter", exe->filter);
	for (size_t i = 0; i < exe->n_files; i++)
		json_add(files, file_json(&exe->files[i]));
	json_put(object, "files", files);
	return object;
}

void
appcompat_put_json(const struct appcompat *appcompat, struct json *object)
{
	struct json *exes = json_new_list();
	struct json *other = json_new_list();
	json_put_flag(object, "is_known", appcompat->is_known);
	text_file_put_json(&appcompat->text, object);
	json_put_count(object, "broken_places", appcompat->n_broken);
	if (!appcompat->is_known)
		text_file_put_text(appcompat->text.utf8, object);
	for (size_t i = 0; i < appcompat->n_exes; i++)
		json_add(exes, exe_json(&appcompat->exes[i]));
	for (size_t i = 0; i < appcompat->n_other; i++) {
		struct json *record = json_new_object();
		xml_record_put_json(appcompat->other[i], record);
		json_add(other, record);
	}
	json_put(object, "exes", exes);
	json_put(object, "other", other);
}
