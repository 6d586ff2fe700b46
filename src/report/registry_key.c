#include "report/registry_result.h"

/* The root's long name and what is behind it; PATH's own first part when it is no short name. */
static struct slice
split_root(struct slice path, struct slice *ret_below)
{
	static const struct {
		const char *name;
		const char *key;
	} roots[] = {
		{"HKLM", "HKEY_LOCAL_MACHINE"},  {"HKCU", "HKEY_CURRENT_USER"},
		{"HKCR", "HKEY_CLASSES_ROOT"},   {"HKU", "HKEY_USERS"},
		{"HKCC", "HKEY_CURRENT_CONFIG"},
	};
	struct slice root = path;
	*ret_below = slice_sub(path, path.len, 0);
	(void)slice_cut(path, '\\', &root, ret_below);
	for (size_t i = 0; i < sizeof(roots) / sizeof(roots[0]); i++)
		if (slice_equal_nocase(root, slice_str(roots[i].name)))
			return slice_str(roots[i].key);
	return root;
}

static struct slice
without_end(struct slice path)
{
	path = slice_trim(path);
	while (path.len > 0 && path.data[path.len - 1] == '\\')
		path.len--;
	return path;
}

bool
registry_is_below(struct slice path, struct slice root)
{
	struct slice path_below;
	struct slice root_below;
	struct slice path_root = split_root(without_end(path), &path_below);
	if (!slice_equal_nocase(path_root, split_root(without_end(root), &root_below)))
		return false;
	if (root_below.len == 0)
		return true;
	return slice_equal_nocase(slice_sub(path_below, 0, root_below.len), root_below) &&
	       (path_below.len == root_below.len || path_below.data[root_below.len] == '\\');
}

bool
registry_is_same_key(struct slice a, struct slice b)
{
	return registry_is_below(a, b) && registry_is_below(b, a);
}

static struct json *
value_json(const struct registry_value *value)
{
	static const char *const names[] = {
		"REG_NONE",
		"REG_SZ",
		"REG_EXPAND_SZ",
		"REG_BINARY",
		"REG_DWORD",
		"REG_DWORD_BIG_ENDIAN",
		"REG_LINK",
		"REG_MULTI_SZ",
		"REG_RESOURCE_LIST",
		"REG_FULL_RESOURCE_DESCRIPTOR",
		"REG_RESOURCE_REQUIREMENTS_LIST",
		"REG_QWORD",
	};
	struct json *object = json_new_object();
	bool is_named = value->type < sizeof(names) / sizeof(names[0]);
	json_put_text(object, "name", value->name);
	json_put_flag(object, "is_deleted", value->is_deleted);
	json_put_number(object, "type", value->type);
	json_put_str(object, "type_name",
		     is_named && !value->is_deleted ? names[value->type] : NULL);
	json_put_text(object, "text", value->text);
	if (value->has_number)
		json_put_id(object, "number", value->number);
	else
		json_put_null(object, "number");
	if (slice_is_absent(value->bytes))
		json_put_null(object, "hex");
	else
		json_put_hex(object, "hex", value->bytes);
	return object;
}

static struct json *
key_json(const struct registry_key *key)
{
	struct json *object = json_new_object();
	struct json *values = json_new_list();
	json_put_text(object, "path", key->path);
	json_put_flag(object, "is_deleted", key->is_deleted);
	for (size_t i = 0; i < key->n_values; i++)
		json_add(values, value_json(&key->values[i]));
	json_put(object, "values", values);
	return object;
}

void
registry_result_put_json(const struct registry_result *result, struct json *object)
{
	struct json *keys = json_new_list();
	struct json *other = json_new_list();
	json_put_flag(object, "is_known", result->is_known);
	text_file_put_json(&result->text, object);
	if (!result->is_known)
		text_file_put_text(result->text.utf8, object);
	for (size_t i = 0; i < result->n_keys; i++)
		json_add(keys, key_json(&result->keys[i]));
	for (size_t i = 0; i < result->n_other; i++)
		json_add_text(other, result->other[i]);
	json_put(object, "keys", keys);
	json_put(object, "other_lines", other);
}
