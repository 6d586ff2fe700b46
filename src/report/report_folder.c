#include "report/report_folder.h"

#include "base/text.h"
#include "ext/crypto.h"
#include "report/rows.h"

enum {
	PARAM_CHARACTERS = 16,
	HASH_DIGITS_LEAST = CRYPTO_SHA1_BYTES,
	HASH_DIGITS_MOST = 2 * CRYPTO_SHA1_BYTES,
	APP_DIGITS = 8,
	UNIQUE_DIGITS = 8,
	GUID_CHARACTERS = 36
};

static const struct {
	const char *prefix;
	const char *name;
} kinds[REPORT_FOLDER_KIND_N] = {
	[REPORT_FOLDER_OTHER] = {"", "other"},
	[REPORT_FOLDER_CRASH] = {"AppCrash", "crash"},
	[REPORT_FOLDER_HANG] = {"AppHang", "hang"},
	[REPORT_FOLDER_CRITICAL] = {"Critical", "critical"},
	[REPORT_FOLDER_NON_CRITICAL] = {"NonCritical", "non_critical"},
	[REPORT_FOLDER_KERNEL] = {"Kernel", "kernel"},
};

const char *
report_folder_kind_name(enum report_folder_kind kind)
{
	return kinds[kind].name;
}

static enum report_folder_kind
kind_of(struct slice prefix)
{
	for (unsigned i = REPORT_FOLDER_OTHER + 1; i < REPORT_FOLDER_KIND_N; i++)
		if (slice_equal_nocase(prefix, slice_str(kinds[i].prefix)))
			return i;
	return REPORT_FOLDER_OTHER;
}

static bool
is_hex(struct slice text, size_t least, size_t most)
{
	for (size_t i = 0; i < text.len; i++) {
		uint8_t c = text.data[i] | 0x20;
		bool is_digit = text.data[i] >= '0' && text.data[i] <= '9';
		if (!is_digit && !(c >= 'a' && c <= 'f'))
			return false;
	}
	return text.len >= least && text.len <= most;
}

static bool
is_guid(struct slice text)
{
	if (text.len != GUID_CHARACTERS)
		return false;
	for (size_t i = 0; i < text.len; i++) {
		bool is_dash = i == 8 || i == 13 || i == 18 || i == 23;
		struct slice digit = slice_sub(text, i, 1);
		if (is_dash ? digit.data[0] != '-' : !is_hex(digit, 1, 1))
			return false;
	}
	return true;
}

/* Takes the part behind the last '_' off *rest. */
static struct slice
take_last(struct slice *rest)
{
	struct slice in = *rest;
	size_t at = in.len;
	while (at > 0 && in.data[at - 1] != '_')
		at--;
	*rest = slice_sub(in, 0, at == 0 ? 0 : at - 1);
	return slice_sub(in, at, in.len);
}

/* From the right, because P1 may have any number of '_' in it. */
static bool
parse_parts(struct report_folder *folder)
{
	struct slice rest = folder->name;
	folder->unique = take_last(&rest);
	if (!is_guid(folder->unique) && !is_hex(folder->unique, UNIQUE_DIGITS, UNIQUE_DIGITS))
		return false;
	struct slice part = take_last(&rest);
	if (slice_equal_nocase(part, SLICE_LITERAL("cab"))) {
		folder->has_cab = true;
		part = take_last(&rest);
	}
	if (is_hex(part, APP_DIGITS, APP_DIGITS)) {
		folder->app = part;
		part = take_last(&rest);
	}
	folder->hash = part;
	return is_hex(part, HASH_DIGITS_LEAST, HASH_DIGITS_MOST) &&
	       slice_cut(rest, '_', &folder->prefix, &folder->param);
}

void
report_folder_parse(struct slice name, struct report_folder *ret_folder)
{
	struct report_folder folder = {.name = file_base_name(name)};
	if (parse_parts(&folder)) {
		folder.is_known = true;
		folder.kind = kind_of(folder.prefix);
		*ret_folder = folder;
	} else {
		*ret_folder = (struct report_folder){.name = folder.name};
	}
}

void
report_folder_hash(const struct report *report, struct buf *out)
{
	struct buf text;
	uint8_t digest[CRYPTO_SHA1_BYTES];
	buf_init(&text, SIZE_MAX); /* as long as the parameters, which have their limits */
	for (size_t i = 0; i < report->n_params; i++)
		text_to_utf16(report->params[i].value, TEXT_UTF16LE, &text);
	crypto_sha1(buf_slice(&text), digest);
	buf_done(&text);
	for (size_t i = 0; i < sizeof(digest); i++)
		buf_printf(out, "%x", digest[i]);
}

struct slice
report_folder_param(const struct report *report)
{
	struct slice param = report->n_params > 0 ? report->params[0].value : slice_of(NULL, 0);
	size_t units = 0;
	size_t len = 0;
	while (len < param.len && units < PARAM_CHARACTERS) {
		units += param.data[len] >= 0xf0 ? 2 : 1;
		do
			len++;
		while (len < param.len && (param.data[len] & 0xc0) == 0x80);
	}
	return slice_sub(param, 0, len);
}

/* The File[n] whose CabName or Path is the name of this file. */
static const struct wer_item *
find_listed(const struct wer_file *file, struct slice name)
{
	for (size_t i = 0; i < file->lists[WER_FILE].n; i++) {
		const struct wer_item *item = &file->lists[WER_FILE].items[i];
		if (slice_equal_nocase(name, item->parts[WER_PART_CAB_NAME]) ||
		    slice_equal_nocase(name, file_base_name(item->parts[WER_PART_PATH])))
			return item;
	}
	return NULL;
}

static void
take_report(const struct report_folder_file *files, size_t n_files, struct arena *arena,
	    struct report_folder_view *view)
{
	for (size_t i = 0; i < n_files; i++) {
		if (!file_is_named(files[i].name, "Report.wer"))
			continue;
		err_t err = wer_file_parse(files[i].bytes, arena, &view->file);
		if (err == OK)
			err = wer_file_to_report(&view->file, arena, &view->report);
		view->has_report = err == OK;
		view->report_error = err;
		return;
	}
}

static void
compare_hash(struct report_folder_view *view)
{
	struct buf hash;
	if (!view->has_report || !view->folder.is_known)
		return;
	buf_init(&hash, HASH_DIGITS_MOST);
	report_folder_hash(&view->report, &hash);
	view->is_hash_equal = slice_equal_nocase(buf_slice(&hash), view->folder.hash);
	buf_done(&hash);
}

static err_t
list_members(const struct report_folder_file *files, size_t n_files, struct arena *arena,
	     struct report_folder_view *view)
{
	view->members = arena_array(arena, n_files, sizeof(*view->members));
	if (view->members == NULL)
		return ERR_LIMIT;
	for (size_t i = 0; i < n_files; i++) {
		struct report_folder_member *member = &view->members[view->n_members++];
		const struct wer_item *listed =
			view->has_report ? find_listed(&view->file, file_base_name(files[i].name))
					 : NULL;
		member->name = files[i].name;
		member->size_bytes = files[i].size_bytes;
		member->kind = wer_file_detect(files[i].name, files[i].bytes);
		if (listed != NULL)
			member->cab_name = listed->parts[WER_PART_CAB_NAME];
	}
	return OK;
}

static bool
is_there(const struct report_folder_view *view, const struct wer_item *item)
{
	for (size_t i = 0; i < view->n_members; i++) {
		struct slice name = file_base_name(view->members[i].name);
		if (slice_equal_nocase(name, item->parts[WER_PART_CAB_NAME]) ||
		    slice_equal_nocase(name, file_base_name(item->parts[WER_PART_PATH])))
			return true;
	}
	return false;
}

static err_t
list_missing(struct arena *arena, struct report_folder_view *view)
{
	struct rows missing = ROWS_OF(struct slice, LIMIT_FILES);
	for (size_t i = 0; view->has_report && i < view->file.lists[WER_FILE].n; i++) {
		const struct wer_item *item = &view->file.lists[WER_FILE].items[i];
		if (is_there(view, item))
			continue;
		struct slice *name = rows_add(&missing, arena);
		if (name == NULL)
			return ERR_LIMIT;
		*name = slice_is_absent(item->parts[WER_PART_CAB_NAME])
				? item->parts[WER_PART_PATH]
				: item->parts[WER_PART_CAB_NAME];
	}
	view->missing = missing.items;
	view->n_missing = missing.n;
	return OK;
}

err_t
report_folder_describe(struct slice name, const struct report_folder_file *files, size_t n_files,
		       struct arena *arena, struct report_folder_view *ret_view)
{
	struct report_folder_view view = {0};
	if (n_files > LIMIT_FOLDER_FILES)
		return ERR_LIMIT;
	report_folder_parse(name, &view.folder);
	take_report(files, n_files, arena, &view);
	compare_hash(&view);
	err_t err = list_members(files, n_files, arena, &view);
	if (err == OK)
		err = list_missing(arena, &view);
	if (err == OK)
		*ret_view = view;
	return err;
}

static struct json *
name_json(const struct report_folder *folder)
{
	struct json *object = json_new_object();
	json_put_text(object, "name", folder->name);
	json_put_flag(object, "is_known", folder->is_known);
	json_put_str(object, "kind", kinds[folder->kind].name);
	json_put_text(object, "prefix", folder->prefix);
	json_put_text(object, "parameter", folder->param);
	json_put_text(object, "hash", folder->hash);
	json_put_text(object, "app", folder->app);
	json_put_text(object, "unique", folder->unique);
	json_put_flag(object, "has_cab", folder->has_cab);
	return object;
}

static struct json *
member_json(const struct report_folder_member *member)
{
	struct json *object = json_new_object();
	json_put_text(object, "name", member->name);
	json_put_count(object, "bytes", member->size_bytes);
	json_put_str(object, "kind", file_kind_id(member->kind));
	json_put_str(object, "about", file_kind_name(member->kind));
	json_put_text(object, "cab_name", member->cab_name);
	return object;
}

void
report_folder_put_json(const struct report_folder_view *view, struct json *object)
{
	struct json *members = json_new_list();
	struct json *missing = json_new_list();
	json_put(object, "folder", name_json(&view->folder));
	if (view->has_report) {
		struct json *report = json_new_object();
		wer_file_put_json(&view->file, report);
		json_put(object, "report", report);
		json_put_flag(object, "is_hash_equal", view->is_hash_equal);
	} else {
		json_put_null(object, "report");
		json_put_null(object, "is_hash_equal");
	}
	json_put_str(object, "report_error",
		     view->report_error == OK ? NULL : err_text(view->report_error));
	for (size_t i = 0; i < view->n_members; i++)
		json_add(members, member_json(&view->members[i]));
	for (size_t i = 0; i < view->n_missing; i++)
		json_add_text(missing, view->missing[i]);
	json_put(object, "files", members);
	json_put(object, "missing", missing);
}
