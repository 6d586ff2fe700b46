#include "report/loaded_modules.h"

err_t
loaded_modules_parse(struct slice in, struct arena *arena, struct loaded_modules *ret_modules)
{
	struct loaded_modules modules = {0};
	err_t err = text_file_decode(in, arena, &modules.text);
	if (err == OK)
		err = xml_records_parse(modules.text.utf8, arena, &modules.records);
	if (err == OK)
		*ret_modules = modules;
	return err;
}

void
loaded_modules_put_json(const struct loaded_modules *modules, struct json *object)
{
	struct json *records = json_new_list();
	json_put_flag(object, "is_known", false);
	text_file_put_json(&modules->text, object);
	json_put_count(object, "broken_places", modules->records.n_broken);
	text_file_put_text(modules->text.utf8, object);
	for (size_t i = 0; i < modules->records.n; i++) {
		struct json *record = json_new_object();
		xml_record_put_json(&modules->records.items[i], record);
		json_add(records, record);
	}
	json_put(object, "records", records);
}
