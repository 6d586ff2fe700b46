#include "symbols/folder_store.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/limits.h"

enum {
	DEPTH_MAX = 4, /* two letters, name, id, file */
	PATH_BYTES = 1024
};

static bool
is_same_file(const char *path, struct slice file)
{
	struct err_detail ignored;
	struct buf there;
	if (fs_read_file(path, file.len, &there, &ignored) != OK)
		return false;
	bool is_same = slice_equal(buf_slice(&there), file);
	buf_done(&there);
	return is_same;
}

static err_t
write_file(const char *folder, const char *place, struct slice file, bool is_replacing,
	   struct arena *arena, struct err_detail *detail)
{
	char *path = fs_join(arena, folder, place);
	if (path == NULL)
		return err_set(detail, ERR_LIMIT, "%s: path too long", place);
	if (access(path, F_OK) == 0) {
		if (is_same_file(path, file))
			return err_set(detail, ERR_EXISTS, "%s is there already", path);
		if (!is_replacing)
			return err_set(detail, ERR_STALE, "%s is there, and is another file", path);
	}
	char *slash = strrchr(path, '/');
	*slash = '\0';
	err_t err = fs_make_folders(path, 0755, detail);
	*slash = '/';
	return err == OK ? fs_replace_file(path, file, 0644, detail) : err;
}

err_t
folder_add(const char *folder, struct slice file, struct slice base_name,
	   const struct folder_options *options, bool is_replacing, struct arena *arena,
	   const char **ret_path, struct err_detail *detail)
{
	struct identity identity = {0};
	struct symbols *symbols;
	const struct folder_format *format = folder_detect(options, file);
	if (format == NULL)
		return err_set(detail, ERR_UNSUPPORTED, "no known format of symbols");
	err_t err = format->identify(file, &identity, detail);
	if (err == OK)
		err = format->open(file, &symbols, detail);
	if (err != OK)
		return err == ERR_NOTFOUND ? ERR_UNSUPPORTED : err;
	symbols_free(symbols);
	if (slice_is_absent(identity.code_name) && slice_equal_str(slice_str(format->name), "pe"))
		identity.code_name = base_name;
	const char *place = folder_place(&identity, format->name, arena);
	if (place == NULL)
		return err_set(detail, ERR_UNSUPPORTED,
			       "the file does not say which build it is of");
	err = write_file(folder, place, file, is_replacing, arena, detail);
	if (err == OK || err == ERR_EXISTS)
		*ret_path = place;
	return err;
}

/* The entries of one folder, while they are listed and sorted. */
struct entry_name {
	char *name;
	bool is_folder;
};

struct names {
	struct entry_name *names;
	size_t n;
	size_t capacity;
	bool is_cut;
};

static bool
note_name(void *context, const char *name, bool is_folder)
{
	struct names *names = context;
	if (names->n >= LIMIT_SYMBOL_FOLDER_NAMES) {
		names->is_cut = true;
		return false;
	}
	if (names->n == names->capacity) {
		names->capacity = names->capacity == 0 ? 16 : names->capacity * 2;
		names->names = reallocarray(names->names, names->capacity, sizeof(*names->names));
		if (names->names == NULL)
			abort();
	}
	char *copy = strdup(name);
	if (copy == NULL)
		abort();
	names->names[names->n++] = (struct entry_name){copy, is_folder};
	return true;
}

static int
compare_names(const void *left, const void *right)
{
	const struct entry_name *a = left;
	const struct entry_name *b = right;
	return strcmp(a->name, b->name);
}

static void
names_done(struct names *names)
{
	for (size_t i = 0; i < names->n; i++)
		free(names->names[i].name);
	free(names->names);
}

/* A walk over the folders, at most DEPTH_MAX deep. */
struct walk {
	int fd;
	const struct folder_files *files;
	bool (*each)(void *context, const struct folder_entry *entry);
	void *context;
	bool is_over;
	bool is_cut;
};

/* PARTS: of the path, the file's name last. */
static void
give_entry(struct walk *walk, const char *path, const char *const *parts, size_t n_parts)
{
	static const char build_id[] = ".build-id";
	char id[PATH_BYTES];
	struct folder_entry entry = {.path = path, .name = parts[n_parts - 1], .id = ""};
	if (n_parts >= 3) {
		entry.name = parts[n_parts - 3];
		entry.id = parts[n_parts - 2];
	}
	if (strcmp(entry.name, build_id) == 0) { /* two digits are a folder, the others the file */
		struct slice rest = slice_str(parts[n_parts - 1]);
		if (slice_ends_with(rest, SLICE_LITERAL(".debug")))
			rest.len -= 6;
		(void)snprintf(id, sizeof(id), "%s%.*s", entry.id, SLICE_ARGS(rest));
		entry.id = id;
	}
	walk->is_over = !walk->each(walk->context, &entry);
}

static void walk_folder(struct walk *walk, const char *path, const char **parts, size_t n_parts);

static void
walk_entry(struct walk *walk, const char *path, const struct entry_name *entry, const char **parts,
	   size_t n_parts)
{
	char longer[PATH_BYTES];
	bool is_top = n_parts == 0;
	int len = snprintf(longer, sizeof(longer), "%s%s%s", is_top ? "" : path, is_top ? "" : "/",
			   entry->name);
	if (len < 0 || (size_t)len >= sizeof(longer))
		return;
	parts[n_parts] = entry->name;
	if (!entry->is_folder)
		give_entry(walk, longer, parts, n_parts + 1);
	else if (n_parts + 1 < DEPTH_MAX && strcmp(longer, "000Admin") != 0)
		walk_folder(walk, longer, parts, n_parts + 1);
}

/* As deep as DEPTH_MAX says. */
static void
walk_folder(struct walk *walk, const char *path, const char **parts, size_t n_parts)
{
	struct names names = {0};
	(void)walk->files->list(walk->fd, path, note_name, &names);
	walk->is_cut = walk->is_cut || names.is_cut;
	if (names.n > 0)
		qsort(names.names, names.n, sizeof(*names.names), compare_names);
	for (size_t i = 0; i < names.n && !walk->is_over; i++)
		walk_entry(walk, path, &names.names[i], parts, n_parts);
	names_done(&names);
}

err_t
folder_list(int fd, const struct folder_files *files,
	    bool (*each)(void *context, const struct folder_entry *entry), void *context)
{
	const char *parts[DEPTH_MAX];
	struct walk walk = {.fd = fd, .files = files, .each = each, .context = context};
	if (walk.files == NULL)
		walk.files = &folder_files_system;
	walk_folder(&walk, ".", parts, 0);
	return walk.is_cut ? ERR_LIMIT : OK;
}

/* The id that a place of the symbol server's layout says, without what marks ELF files. */
static struct slice
bare_id(const char *id)
{
	static const char *const marks[] = {"elf-buildid-sym-", "elf-buildid-"};
	struct slice bare = slice_str(id);
	for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++)
		if (slice_starts_with(bare, slice_str(marks[i])))
			return slice_sub(bare, strlen(marks[i]), bare.len);
	return bare;
}

static enum folder_status
verify_bytes(struct slice file, const struct folder_options *options,
	     const struct folder_entry *entry, struct err_detail *detail)
{
	struct identity identity = {0};
	struct symbols *symbols;
	struct slice id = bare_id(entry->id);
	const struct folder_format *format = folder_detect(options, file);
	if (format == NULL) {
		(void)err_set(detail, ERR_UNSUPPORTED, "no known format of symbols");
		return FOLDER_BROKEN;
	}
	err_t err = format->identify(file, &identity, detail);
	if (err == ERR_NOTFOUND)
		return FOLDER_NO_IDENTITY;
	if (err == OK)
		err = format->open(file, &symbols, detail);
	if (err != OK)
		return FOLDER_BROKEN;
	symbols_free(symbols);
	if (id.len == 0 || slice_equal_nocase(id, slice_str(identity.debug_id)) ||
	    slice_equal_nocase(id, slice_str(identity.code_id)))
		return FOLDER_FOUND;
	(void)err_set(detail, ERR_STALE, "it is %s",
		      identity.debug_id[0] != '\0' ? identity.debug_id : identity.code_id);
	return FOLDER_WRONG_IDENTITY;
}

enum folder_status
folder_verify(int fd, const struct folder_options *options, const struct folder_entry *entry,
	      struct err_detail *detail)
{
	const struct folder_files *files =
		options->files == NULL ? &folder_files_system : options->files;
	struct buf unpacked;
	struct slice file;
	err_t err = files->map(fd, entry->path, LIMIT_SYMBOL_FILE_BYTES, &file);
	if (err != OK) {
		(void)err_set(detail, err, "%s", err_text(err));
		return err == ERR_NOTFOUND ? FOLDER_NOT_FOUND : FOLDER_BROKEN;
	}
	buf_init(&unpacked, LIMIT_SYMBOL_UNPACKED_BYTES);
	enum folder_status status = FOLDER_BROKEN;
	if (!slice_ends_with(slice_str(entry->path), SLICE_LITERAL("_")))
		status = verify_bytes(file, options, entry, detail);
	else if (options->unpack == NULL)
		(void)err_set(detail, ERR_UNSUPPORTED, "it is packed");
	else if (options->unpack(file, &unpacked, detail) == OK)
		status = verify_bytes(buf_slice(&unpacked), options, entry, detail);
	buf_done(&unpacked);
	files->unmap(file);
	return status;
}

/* Takes the quotes off, where they are. */
static struct slice
unquoted(struct slice text)
{
	text = slice_trim(text);
	if (text.len >= 2 && text.data[0] == '"' && text.data[text.len - 1] == '"')
		text = slice_sub(text, 1, text.len - 2);
	return text;
}

bool
folder_parse_index_line(struct slice line, struct slice *ret_name, struct slice *ret_id,
			struct slice *ret_comment)
{
	struct slice head;
	struct slice comment;
	struct slice name;
	struct slice id;
	if (!slice_cut(slice_trim(line), ',', &head, &comment))
		return false;
	head = unquoted(head);
	if (!slice_cut(head, '\\', &name, &id) || !folder_is_safe_name(name) ||
	    !folder_is_safe_name(id))
		return false;
	*ret_name = name;
	*ret_id = id;
	*ret_comment = unquoted(comment);
	return true;
}
