#include "report/evidence.h"

#include "base/limits.h"
#include "base/text.h"
#include "report/evidence_reason.h"
#include "report/rows.h"

enum {
	MARK_BYTES_MOST = 3 /* of a text that has nothing but its byte order mark */
};

static const struct {
	const char *key;
	const char *json;
} directives[EVIDENCE_DIRECTIVE_N] = {
#define EVIDENCE_ROW_(code, key, json) [code] = {key, json},
	EVIDENCE_DIRECTIVES(EVIDENCE_ROW_)
#undef EVIDENCE_ROW_
};

static const struct {
	const char *json;
	const char *text;
} reasons[EVIDENCE_REASON_N] = {
#define EVIDENCE_ROW_(code, json, text) [code] = {json, text},
	EVIDENCE_REASONS(EVIDENCE_ROW_)
#undef EVIDENCE_ROW_
};

const char *
evidence_directive_key(enum evidence_directive directive)
{
	return directives[directive].key;
}

const char *
evidence_state_name(enum evidence_state state)
{
	static const char *const names[EVIDENCE_STATE_N] = {"answered", "empty", "not_sent"};
	return names[state];
}

const char *
evidence_reason_text(enum evidence_reason reason)
{
	return reasons[reason].text;
}

struct match {
	const struct evidence_input *input;
	const struct evidence_file *files; /* none when no cabinet came */
	size_t n_files;
	struct slice *base_names;
	bool has_minidump;
	struct rows items;
	struct arena *arena;
};

/* How much an answer is worth: none, an empty one, one that may be it, the one. */
static unsigned
worth(enum evidence_state state, bool is_sure)
{
	if (state == EVIDENCE_ANSWERED)
		return is_sure ? 3 : 2;
	return state == EVIDENCE_EMPTY ? 1 : 0;
}

/* FILE answers ITEM, unless an answer as good is there already. */
static void
answer(struct evidence_item *item, const struct evidence_file *file, bool is_sure,
       uint64_t most_empty_bytes)
{
	enum evidence_state state =
		file->size_bytes <= most_empty_bytes ? EVIDENCE_EMPTY : EVIDENCE_ANSWERED;
	if (worth(state, is_sure) <= worth(item->state, item->is_sure))
		return;
	item->state = state;
	item->file = file->name;
	item->is_sure = is_sure;
}

/* A text that has always this name. */
static void
find_text(const struct match *m, const char *name, struct evidence_item *item)
{
	for (size_t i = 0; i < m->n_files; i++)
		if (file_is_named(m->base_names[i], name))
			answer(item, &m->files[i], true, MARK_BYTES_MOST);
}

static void
find_heap(const struct match *m, struct evidence_item *item)
{
	for (size_t i = 0; i < m->n_files; i++)
		if (m->files[i].kind == FILE_HEAP_DUMP)
			answer(item, &m->files[i], true, 0);
}

static void
find_document(const struct match *m, struct evidence_item *item)
{
	for (size_t i = 0; i < m->n_files; i++)
		if (m->files[i].type == EVIDENCE_TYPE_DOCUMENT)
			answer(item, &m->files[i], true, 0);
}

static void
find_file(const struct match *m, struct evidence_item *item)
{
	struct slice wanted = file_base_name(item->item);
	bool is_pattern = text_has_wildcard(wanted);
	for (size_t i = 0; i < m->n_files; i++)
		if (is_pattern ? text_matches(wanted, m->base_names[i])
			       : slice_equal_nocase(wanted, m->base_names[i]))
			answer(item, &m->files[i], true, 0);
}

/* PATH names a value of KEY. */
static bool
has_value(const struct registry_key *key, struct slice path)
{
	struct slice name = file_base_name(path);
	struct slice parent = slice_sub(path, 0, path.len - name.len);
	if (name.len == 0 || !registry_is_same_key(key->path, parent))
		return false;
	for (size_t i = 0; i < key->n_values; i++)
		if (slice_equal_nocase(key->values[i].name, name))
			return true;
	return false;
}

static bool
has_key(const struct registry_result *registry, struct slice path)
{
	for (size_t i = 0; i < registry->n_keys; i++)
		if (registry_is_below(registry->keys[i].path, path) ||
		    has_value(&registry->keys[i], path))
			return true;
	return false;
}

/* A file whose form we know has the key or not; of another its name must do, which is known for
 * single keys alone. */
static void
find_registry(const struct match *m, struct evidence_item *item)
{
	for (size_t i = 0; i < m->n_files; i++) {
		const struct evidence_file *file = &m->files[i];
		bool is_named = file_is_named(m->base_names[i], "registry.txt");
		if (file->registry != NULL) {
			if (has_key(file->registry, item->item))
				answer(item, file, true, MARK_BYTES_MOST);
		} else if (is_named || file->kind == FILE_REGISTRY) {
			answer(item, file, is_named && item->directive == EVIDENCE_REG_KEY,
			       MARK_BYTES_MOST);
		}
	}
}

static void
find_answer(const struct match *m, struct evidence_item *item)
{
	switch (item->directive) {
	case EVIDENCE_CAB:
		item->state = m->input->upload == EVIDENCE_UPLOAD_CAME ? EVIDENCE_ANSWERED
								       : EVIDENCE_NOT_SENT;
		item->is_sure = item->state == EVIDENCE_ANSWERED;
		break;
	case EVIDENCE_MEMORY_DUMP:
		find_heap(m, item);
		break;
	case EVIDENCE_REG_KEY:
	case EVIDENCE_REG_TREE:
		find_registry(m, item);
		break;
	case EVIDENCE_WQL:
		find_text(m, "wql.txt", item);
		break;
	case EVIDENCE_GET_FILE:
		find_file(m, item);
		break;
	case EVIDENCE_GET_FILE_VERSION:
		find_text(m, "FileVer.txt", item);
		break;
	case EVIDENCE_FDOC:
		find_document(m, item);
		break;
	case EVIDENCE_MODULE_INFO:
	default:
		find_text(m, "LoadedModules.xml", item);
		break;
	}
}

static err_t
add_item(struct match *m, enum evidence_directive directive, struct slice text)
{
	struct evidence_item *item = rows_add(&m->items, m->arena);
	if (item == NULL)
		return ERR_LIMIT;
	item->directive = directive;
	item->item = text;
	item->state = EVIDENCE_NOT_SENT;
	find_answer(m, item);
	if (item->state == EVIDENCE_NOT_SENT)
		evidence_explain(m->input, m->has_minidump, item);
	return OK;
}

static err_t
add_flag(struct match *m, enum evidence_directive directive, bool is_asked)
{
	return is_asked ? add_item(m, directive, (struct slice){NULL, 0}) : OK;
}

static err_t
add_list(struct match *m, enum evidence_directive directive, struct slice list)
{
	err_t err = OK;
	while (err == OK && list.len > 0) {
		struct slice item = list;
		if (!slice_cut(list, ';', &item, &list))
			list = slice_sub(list, list.len, 0);
		item = slice_trim(item);
		if (item.len > 0)
			err = add_item(m, directive, item);
	}
	return err;
}

static err_t
add_all(struct match *m)
{
	const struct evidence_request *request = &m->input->request;
	err_t err = add_flag(m, EVIDENCE_CAB, request->cab);
	if (err == OK)
		err = add_flag(m, EVIDENCE_MEMORY_DUMP, request->memory_dump);
	if (err == OK)
		err = add_list(m, EVIDENCE_REG_KEY, request->reg_key);
	if (err == OK)
		err = add_list(m, EVIDENCE_REG_TREE, request->reg_tree);
	if (err == OK)
		err = add_list(m, EVIDENCE_WQL, request->wql);
	if (err == OK)
		err = add_list(m, EVIDENCE_GET_FILE, request->get_file);
	if (err == OK)
		err = add_list(m, EVIDENCE_GET_FILE_VERSION, request->get_file_version);
	if (err == OK)
		err = add_flag(m, EVIDENCE_FDOC, request->fdoc);
	if (err == OK)
		err = add_flag(m, EVIDENCE_MODULE_INFO, request->module_info);
	return err;
}

err_t
evidence_match(const struct evidence_input *input, struct arena *arena,
	       struct evidence *ret_evidence)
{
	struct match m = {
		.input = input,
		.items = ROWS_OF(struct evidence_item, LIMIT_EVIDENCE_ITEMS),
		.arena = arena,
	};
	if (input->upload == EVIDENCE_UPLOAD_CAME) {
		m.files = input->files;
		m.n_files = input->n_files;
	}
	m.base_names = arena_array(arena, m.n_files, sizeof(*m.base_names));
	if (m.n_files > LIMIT_EVIDENCE_FILES || m.base_names == NULL)
		return ERR_LIMIT;
	for (size_t i = 0; i < m.n_files; i++) {
		m.base_names[i] = file_base_name(m.files[i].name);
		m.has_minidump |= m.files[i].kind == FILE_MINIDUMP;
	}
	err_t err = add_all(&m);
	if (err == OK)
		*ret_evidence = (struct evidence){m.items.items, m.items.n};
	return err;
}

static struct json *
possible_json(uint32_t possible)
{
	struct json *list = json_new_list();
	for (unsigned i = 0; i < EVIDENCE_REASON_N; i++)
		if ((possible & 1U << i) != 0)
			json_add_text(list, slice_str(reasons[i].json));
	return list;
}

static struct json *
item_json(const struct evidence_item *item)
{
	struct json *object = json_new_object();
	bool is_missing = item->state == EVIDENCE_NOT_SENT;
	json_put_str(object, "directive", directives[item->directive].json);
	json_put_text(object, "item", item->item);
	json_put_str(object, "state", evidence_state_name(item->state));
	json_put_text(object, "file", item->file);
	json_put_flag(object, "is_sure", item->is_sure);
	json_put_str(object, "reason", is_missing ? reasons[item->reason].json : NULL);
	json_put_str(object, "reason_text", is_missing ? reasons[item->reason].text : NULL);
	json_put(object, "possible", possible_json(item->possible));
	return object;
}

void
evidence_put_json(const struct evidence *evidence, struct json *object)
{
	struct json *items = json_new_list();
	for (size_t i = 0; i < evidence->n_items; i++)
		json_add(items, item_json(&evidence->items[i]));
	json_put(object, "evidence", items);
}
