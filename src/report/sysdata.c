#include "report/sysdata.h"

static struct sysdata_list *
list_of(struct sysdata *sysdata, const struct xml_record *record)
{
	if (slice_equal_nocase(record->name, SLICE_LITERAL("DRIVER")))
		return &sysdata->drivers;
	if (slice_equal_nocase(record->name, SLICE_LITERAL("DEVICE")))
		return &sysdata->devices;
	return &sysdata->other;
}

static err_t
sort_out(const struct xml_records *records, struct arena *arena, struct sysdata *sysdata)
{
	struct sysdata_list *lists[] = {&sysdata->drivers, &sysdata->devices, &sysdata->other};
	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		lists[i]->items = arena_array(arena, records->n, sizeof(*lists[i]->items));
		if (lists[i]->items == NULL)
			return ERR_LIMIT;
	}
	for (size_t i = 0; i < records->n; i++) {
		struct sysdata_list *list = list_of(sysdata, &records->items[i]);
		list->items[list->n++] = &records->items[i];
	}
	return OK;
}

err_t
sysdata_parse(struct slice in, struct arena *arena, struct sysdata *ret_sysdata)
{
	struct sysdata sysdata = {0};
	struct xml_records records;
	err_t err = text_file_decode(in, arena, &sysdata.text);
	if (err == OK)
		err = xml_records_parse(sysdata.text.utf8, arena, &records);
	if (err == OK)
		err = sort_out(&records, arena, &sysdata);
	if (err != OK)
		return err;
	sysdata.n_broken = records.n_broken;
	sysdata.is_known = sysdata.drivers.n + sysdata.devices.n > 0;
	*ret_sysdata = sysdata;
	return OK;
}

static void
put_list(const char *key, const struct sysdata_list *list, struct json *object)
{
	struct json *items = json_new_list();
	for (size_t i = 0; i < list->n; i++) {
		struct json *record = json_new_object();
		xml_record_put_json(list->items[i], record);
		json_add(items, record);
	}
	json_put(object, key, items);
}

void
sysdata_put_json(const struct sysdata *sysdata, struct json *object)
{
	json_put_flag(object, "is_known", sysdata->is_known);
	text_file_put_json(&sysdata->text, object);
	json_put_count(object, "broken_places", sysdata->n_broken);
	if (!sysdata->is_known)
		text_file_put_text(sysdata->text.utf8, object);
	put_list("drivers", &sysdata->drivers, object);
	put_list("devices", &sysdata->devices, object);
	put_list("other", &sysdata->other, object);
}
