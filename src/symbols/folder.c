#include "symbols/folder.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/limits.h"
#include "symbols/breakpad.h"

/* One folder; its names are listed when one is first looked for in another case. */
struct place {
	int fd;
	const char *name;
	bool has_tiers;
	bool is_listed;
	const char **entries; /* sorted without regard to case */
	size_t n_entries;
};

struct folder {
	struct place places[FOLDERS_MAX];
	size_t n_places;
	struct folder_options options;
	const struct folder_files *files;
	struct arena arena;
};

/* A search that is going on. */
struct search {
	struct folder *folder;
	const struct identity_wanted *wanted;
	struct folder_found *found;
};

const char *
folder_status_text(enum folder_status status)
{
	static const char *const texts[FOLDER_STATUS_N] = {
		[FOLDER_FOUND] = "found",
		[FOLDER_NOT_FOUND] = "not found",
		[FOLDER_WRONG_IDENTITY] = "of another build",
		[FOLDER_BROKEN] = "cannot be read",
		[FOLDER_NO_IDENTITY] = "nothing says which build it is",
	};
	return (unsigned)status < FOLDER_STATUS_N ? texts[status] : "unknown";
}

static bool
is_there(const struct folder *folder, int fd, const char *path)
{
	struct slice bytes;
	err_t err = folder->files->map(fd, path, LIMIT_SYMBOL_FILE_BYTES, &bytes);
	if (err == OK)
		folder->files->unmap(bytes);
	return err == OK;
}

err_t
folder_open(const int *fds, const char *const *names, size_t n,
	    const struct folder_options *options, struct folder **ret_folder,
	    struct err_detail *detail)
{
	if (n > FOLDERS_MAX)
		return err_set(detail, ERR_LIMIT, "more than %d folders of symbols", FOLDERS_MAX);
	struct folder *folder = calloc(1, sizeof(*folder));
	if (folder == NULL)
		abort();
	arena_init(&folder->arena, LIMIT_SYMBOL_FOLDER_ARENA_BYTES);
	folder->options = *options;
	folder->files = options->files == NULL ? &folder_files_system : options->files;
	folder->n_places = n;
	for (size_t i = 0; i < n; i++) {
		folder->places[i] = (struct place){.fd = fds[i], .name = names[i]};
		folder->places[i].has_tiers = is_there(folder, fds[i], "index2.txt");
	}
	*ret_folder = folder;
	return OK;
}

void
folder_close(struct folder *folder)
{
	if (folder == NULL)
		return;
	for (size_t i = 0; i < folder->n_places; i++)
		free(folder->places[i].entries);
	arena_done(&folder->arena);
	free(folder);
}

static int
fold(uint8_t c)
{
	return c >= 'A' && c <= 'Z' ? c + 32 : c;
}

static int
compare_nocase(struct slice a, struct slice b)
{
	size_t common = a.len < b.len ? a.len : b.len;
	for (size_t i = 0; i < common; i++)
		if (fold(a.data[i]) != fold(b.data[i]))
			return fold(a.data[i]) - fold(b.data[i]);
	return a.len < b.len ? -1 : a.len > b.len;
}

static int
compare_entries(const void *left, const void *right)
{
	const char *const *a = left;
	const char *const *b = right;
	return compare_nocase(slice_str(*a), slice_str(*b));
}

/* The list of a place's names while it is made. */
struct listing {
	struct arena *arena;
	const char **entries;
	size_t n;
	size_t capacity;
};

static bool
note_entry(void *context, const char *name, bool is_folder)
{
	struct listing *listing = context;
	char *copy = arena_str(listing->arena, slice_str(name));
	(void)is_folder;
	if (copy == NULL || listing->n >= LIMIT_SYMBOL_FOLDER_NAMES)
		return false;
	if (listing->n == listing->capacity) {
		listing->capacity = listing->capacity == 0 ? 64 : listing->capacity * 2;
		listing->entries =
			reallocarray(listing->entries, listing->capacity, sizeof(char *));
		if (listing->entries == NULL)
			abort();
	}
	listing->entries[listing->n++] = copy;
	return true;
}

static void
list_place(struct folder *folder, struct place *place)
{
	struct listing listing = {.arena = &folder->arena};
	if (place->is_listed)
		return;
	place->is_listed = true;
	(void)folder->files->list(place->fd, ".", note_entry, &listing);
	place->entries = listing.entries;
	place->n_entries = listing.n;
	if (listing.n > 0)
		qsort(place->entries, listing.n, sizeof(char *), compare_entries);
}

static const char *
find_entry(struct folder *folder, struct place *place, struct slice name)
{
	list_place(folder, place);
	size_t low = 0;
	size_t high = place->n_entries;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = compare_nocase(slice_str(place->entries[middle]), name);
		if (order == 0)
			return place->entries[middle];
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

/* One name that is looked for in a folder that is not kept. */
struct quest {
	struct arena *arena;
	struct slice wanted;
	const char *name;
};

static bool
compare_entry(void *context, const char *name, bool is_folder)
{
	struct quest *quest = context;
	(void)is_folder;
	if (!slice_equal_nocase(slice_str(name), quest->wanted))
		return true;
	quest->name = arena_str(quest->arena, slice_str(name));
	return false;
}

/* PATH as the folder spells it, when only the case of letters differs; NULL: it is not there. */
static const char *
spelled(struct search *search, struct place *place, const char *path)
{
	struct arena *arena = &search->found->arena;
	struct slice rest = slice_str(path);
	const char *so_far = NULL;
	while (rest.len > 0) {
		struct slice part = rest;
		struct slice tail = slice_sub(rest, rest.len, 0);
		const char *name;
		(void)slice_cut(rest, '/', &part, &tail);
		rest = tail;
		if (so_far == NULL) {
			name = find_entry(search->folder, place, part);
		} else {
			struct quest quest = {.arena = arena, .wanted = part};
			(void)search->folder->files->list(place->fd, so_far, compare_entry, &quest);
			name = quest.name;
		}
		if (name == NULL)
			return NULL;
		so_far = so_far == NULL ? name : arena_printf(arena, "%s/%s", so_far, name);
		if (so_far == NULL)
			return NULL;
	}
	return so_far;
}

static void
note(struct search *search, const char *path, enum folder_status status, const char *why)
{
	struct folder_found *found = search->found;
	const char *copy = arena_str(&found->arena, slice_str(why));
	found->attempts[found->n_attempts++] =
		(struct folder_attempt){path, status, copy == NULL ? "" : copy};
}

const struct folder_format *
folder_detect(const struct folder_options *options, struct slice file)
{
	for (size_t i = 0; i < options->n_formats; i++)
		if (options->formats[i]->detect(file))
			return options->formats[i];
	return NULL;
}

/* Is the file the module's?  Sets source->is_proven. */
static enum folder_status
check_identity(struct search *search, const struct folder_format *format, struct slice file,
	       bool is_loose, struct folder_source *source, struct err_detail *detail)
{
	struct identity identity = {0};
	err_t err = format->identify(file, &identity, detail);
	if (err != OK && err != ERR_NOTFOUND)
		return FOLDER_BROKEN;
	enum identity_verdict verdict =
		identity_compare(search->wanted, &identity, source->part == FOLDER_IMAGE);
	source->is_proven = verdict == IDENTITY_EQUAL;
	if (verdict == IDENTITY_DIFFERENT) {
		(void)err_set(detail, ERR_STALE, "it is %s",
			      identity.debug_id[0] != '\0' ? identity.debug_id : identity.code_id);
		return FOLDER_WRONG_IDENTITY;
	}
	if (verdict == IDENTITY_UNKNOWN && is_loose) {
		(void)err_set(detail, ERR_STALE, "it does not say which build it is of");
		return FOLDER_WRONG_IDENTITY;
	}
	return FOLDER_FOUND;
}

static enum folder_status
open_source(struct search *search, const struct folder_candidate *candidate,
	    struct folder_source *source, struct err_detail *detail)
{
	const struct folder_options *options = &search->folder->options;
	struct slice file = source->mapped;
	if (candidate->is_packed) {
		if (options->unpack == NULL) {
			(void)err_set(detail, ERR_UNSUPPORTED, "it is packed");
			return FOLDER_BROKEN;
		}
		err_t err = options->unpack(file, &source->unpacked, detail);
		if (err != OK)
			return FOLDER_BROKEN;
		file = buf_slice(&source->unpacked);
	}
	const struct folder_format *format = folder_detect(options, file);
	if (format == NULL) {
		(void)err_set(detail, ERR_UNSUPPORTED, "no known format");
		return FOLDER_BROKEN;
	}
	source->format = format->name;
	enum folder_status status =
		check_identity(search, format, file, candidate->is_loose, source, detail);
	if (status == FOLDER_FOUND && format->open(file, &source->symbols, detail) != OK)
		status = FOLDER_BROKEN;
	return status;
}

static void
source_done(const struct folder_files *files, struct folder_source *source)
{
	symbols_free(source->symbols);
	buf_done(&source->unpacked);
	files->unmap(source->mapped);
}

/* True: the candidate is there, and is the module's. */
static bool
try_candidate(struct search *search, struct place *place, const struct folder_candidate *candidate)
{
	struct folder_found *found = search->found;
	const struct folder_files *files = search->folder->files;
	struct folder_source source = {.part = candidate->part};
	struct err_detail detail = {.why = ""};
	const char *path = candidate->path;
	err_t err = files->map(place->fd, path, LIMIT_SYMBOL_FILE_BYTES, &source.mapped);
	if (err == ERR_NOTFOUND) {
		const char *other = spelled(search, place, path);
		if (other != NULL && strcmp(other, path) != 0) {
			path = other;
			err = files->map(place->fd, path, LIMIT_SYMBOL_FILE_BYTES, &source.mapped);
		}
	}
	source.path = arena_printf(&found->arena, "%s/%s", place->name, path);
	if (source.path == NULL)
		source.path = "";
	if (err != OK) {
		bool is_absent = err == ERR_NOTFOUND;
		note(search, source.path, is_absent ? FOLDER_NOT_FOUND : FOLDER_BROKEN,
		     is_absent ? "" : err_text(err));
		return false;
	}
	buf_init(&source.unpacked, LIMIT_SYMBOL_UNPACKED_BYTES);
	enum folder_status status = open_source(search, candidate, &source, &detail);
	note(search, source.path, status, status == FOLDER_FOUND ? "" : detail.why);
	if (status == FOLDER_FOUND)
		found->sources[found->n_sources++] = source;
	else
		source_done(files, &source);
	return status == FOLDER_FOUND;
}

static void
search_part(struct search *search, enum folder_part part)
{
	struct folder *folder = search->folder;
	for (size_t i = 0; i < folder->n_places; i++) {
		struct folder_candidate candidates[FOLDER_CANDIDATES_MAX];
		size_t n = folder_candidates(search->wanted, folder->places[i].has_tiers,
					     &search->found->arena, candidates);
		for (size_t k = 0; k < n; k++)
			if (candidates[k].part == part &&
			    try_candidate(search, &folder->places[i], &candidates[k]))
				return;
	}
}

/* Without a file that fits, the most telling of what was met. */
static enum folder_status
summary(const struct folder_found *found)
{
	enum folder_status status = FOLDER_NOT_FOUND;
	if (found->n_sources > 0)
		return FOLDER_FOUND;
	for (size_t i = 0; i < found->n_attempts; i++) {
		if (found->attempts[i].status == FOLDER_BROKEN)
			return FOLDER_BROKEN;
		if (found->attempts[i].status == FOLDER_WRONG_IDENTITY)
			status = FOLDER_WRONG_IDENTITY;
	}
	return status;
}

void
folder_find(struct folder *folder, const struct identity_wanted *wanted,
	    struct folder_found *ret_found)
{
	struct search search = {.folder = folder, .wanted = wanted, .found = ret_found};
	*ret_found = (struct folder_found){.status = FOLDER_NO_IDENTITY, .files = folder->files};
	arena_init(&ret_found->arena, LIMIT_SYMBOL_FOUND_ARENA_BYTES);
	if (wanted->debug_id.len == 0 && wanted->code_id.len == 0 && wanted->build_id.len == 0)
		return;
	ret_found->attempts =
		arena_array(&ret_found->arena, folder->n_places * FOLDER_CANDIDATES_MAX,
			    sizeof(*ret_found->attempts));
	if (ret_found->attempts != NULL)
		for (unsigned part = 0; part < FOLDER_PART_N; part++)
			search_part(&search, (enum folder_part)part);
	ret_found->status = summary(ret_found);
}

void
folder_found_done(struct folder_found *found)
{
	for (size_t i = 0; i < found->n_sources; i++)
		source_done(found->files, &found->sources[i]);
	arena_done(&found->arena);
	*found = (struct folder_found){0};
}

/* The attempts of one status, with commas between them. */
static void
format_attempts(const struct folder_found *found, enum folder_status status, struct buf *out)
{
	const char *before = ": ";
	for (size_t i = 0; i < found->n_attempts; i++) {
		const struct folder_attempt *attempt = &found->attempts[i];
		if (attempt->status != status)
			continue;
		buf_printf(out, "%s%s", before, attempt->path);
		if (attempt->why[0] != '\0')
			buf_printf(out, " (%s)", attempt->why);
		before = ", ";
	}
}

void
folder_found_format(const struct folder_found *found, struct buf *out)
{
	buf_append_str(out, folder_status_text(found->status));
	for (size_t i = 0; i < found->n_sources; i++)
		buf_printf(out, "%s%s (%s%s)", i == 0 ? ": " : ", ", found->sources[i].path,
			   found->sources[i].format,
			   found->sources[i].is_proven ? "" : ", without an identity");
	if (found->status != FOLDER_FOUND)
		format_attempts(found, found->status, out);
}

static err_t
identify_breakpad(struct slice file, struct identity *ret_identity, struct err_detail *detail)
{
	static const struct {
		const char *name;
		enum arch arch;
	} arches[] = {{"x86", ARCH_X86},
		      {"x86_64", ARCH_AMD64},
		      {"arm", ARCH_ARM},
		      {"arm64", ARCH_ARM64}};
	struct breakpad_module module;
	struct identity identity = {0};
	breakpad_read_module(file, &module);
	if (module.debug_id.len == 0)
		return err_set(detail, ERR_NOTFOUND, "no MODULE line");
	identity_set_id(identity.debug_id, module.debug_id);
	identity_set_id(identity.code_id, module.code_id);
	identity.debug_name = module.name;
	identity.code_name = module.code_name;
	for (size_t i = 0; i < sizeof(arches) / sizeof(arches[0]); i++)
		if (slice_equal_str(module.arch, arches[i].name))
			identity.arch = arches[i].arch;
	*ret_identity = identity;
	return OK;
}

const struct folder_format folder_format_breakpad = {
	.name = "breakpad",
	.detect = breakpad_detect,
	.identify = identify_breakpad,
	.open = breakpad_open,
};
