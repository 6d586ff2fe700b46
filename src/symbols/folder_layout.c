#include "symbols/folder_layout.h"

#include "base/buf.h"
#include "base/text.h"

enum {
	NAME_BYTES_MAX = 200,   /* file systems allow 255; ".sym" and the like come to it */
	BUILD_ID_BYTES_MIN = 2, /* one for the folder, one for the file */
	BUILD_ID_BYTES_MAX = 64
};

/* Where candidates are collected. */
struct list {
	struct arena *arena;
	struct folder_candidate *candidates;
	size_t n;
	bool has_tiers;
};

bool
folder_is_safe_name(struct slice name)
{
	if (name.len == 0 || name.len > NAME_BYTES_MAX || slice_equal_str(name, ".") ||
	    slice_equal_str(name, ".."))
		return false;
	for (size_t i = 0; i < name.len; i++)
		if (name.data[i] < 0x20 || name.data[i] == 0x7f || name.data[i] == '/' ||
		    name.data[i] == '\\')
			return false;
	return true;
}

static bool
is_safe_id(struct slice id)
{
	return id.len < IDENTITY_ID_BYTES && folder_is_safe_name(id) && id.data[0] != '.';
}

/* "app.pdb" has "app.sym"; other names keep their ending. */
static const char *
symbol_name(struct slice name, struct arena *arena)
{
	struct slice ending = slice_sub(name, name.len < 4 ? 0 : name.len - 4, 4);
	if (slice_equal_nocase(ending, SLICE_LITERAL(".pdb")))
		name.len -= 4;
	return arena_printf(arena, "%.*s.sym", SLICE_ARGS(name));
}

static void
add(struct list *list, enum folder_part part, bool is_packed, bool is_loose, const char *path)
{
	if (path == NULL || list->n >= FOLDER_CANDIDATES_MAX)
		return;
	list->candidates[list->n++] = (struct folder_candidate){path, part, is_packed, is_loose};
}

/* NAME/ID/FILE, in both layouts when the folder says that it has tiers. */
static void
add_stored(struct list *list, enum folder_part part, bool is_packed, struct slice name,
	   struct slice id, const char *file)
{
	if (file == NULL)
		return;
	add(list, part, is_packed, false,
	    arena_printf(list->arena, "%.*s/%.*s/%s", SLICE_ARGS(name), SLICE_ARGS(id), file));
	if (list->has_tiers && name.len >= 2)
		add(list, part, is_packed, false,
		    arena_printf(list->arena, "%.*s/%.*s/%.*s/%s", 2, (const char *)name.data,
				 SLICE_ARGS(name), SLICE_ARGS(id), file));
}

static const char *
packed_name(struct slice name, struct arena *arena)
{
	return arena_printf(arena, "%.*s_", (int)name.len - 1, (const char *)name.data);
}

static void
add_by_debug_id(struct list *list, struct slice name, struct slice id)
{
	if (!folder_is_safe_name(name) || !is_safe_id(id))
		return;
	add_stored(list, FOLDER_NAMES, false, name, id, symbol_name(name, list->arena));
	add_stored(list, FOLDER_NAMES, false, name, id, arena_str(list->arena, name));
	add_stored(list, FOLDER_NAMES, true, name, id, packed_name(name, list->arena));
}

static void
add_by_code_id(struct list *list, struct slice name, struct slice id)
{
	if (!folder_is_safe_name(name) || !is_safe_id(id))
		return;
	add_stored(list, FOLDER_IMAGE, false, name, id, arena_str(list->arena, name));
	add_stored(list, FOLDER_IMAGE, true, name, id, packed_name(name, list->arena));
}

static void
add_by_build_id(struct list *list, struct slice name, struct slice build_id)
{
	struct buf hex;
	if (build_id.len < BUILD_ID_BYTES_MIN || build_id.len > BUILD_ID_BYTES_MAX)
		return;
	buf_init(&hex, (size_t)BUILD_ID_BYTES_MAX * 2);
	text_hex(build_id, &hex);
	struct slice id = buf_slice(&hex);
	struct slice rest = slice_sub(id, 2, id.len);
	add(list, FOLDER_NAMES, false, false,
	    arena_printf(list->arena, ".build-id/%.*s/%.*s.debug", 2, (const char *)id.data,
			 SLICE_ARGS(rest)));
	add(list, FOLDER_NAMES, false, false,
	    arena_printf(list->arena, "_.debug/elf-buildid-sym-%.*s/_.debug", SLICE_ARGS(id)));
	if (folder_is_safe_name(name))
		add(list, FOLDER_IMAGE, false, false,
		    arena_printf(list->arena, "%.*s/elf-buildid-%.*s/%.*s", SLICE_ARGS(name),
				 SLICE_ARGS(id), SLICE_ARGS(name)));
	add(list, FOLDER_IMAGE, false, false,
	    arena_printf(list->arena, ".build-id/%.*s/%.*s", 2, (const char *)id.data,
			 SLICE_ARGS(rest)));
	buf_done(&hex);
}

static void
add_loose(struct list *list, struct slice debug_name, struct slice code_name)
{
	if (folder_is_safe_name(debug_name)) {
		add(list, FOLDER_NAMES, false, true, symbol_name(debug_name, list->arena));
		add(list, FOLDER_NAMES, false, true, arena_str(list->arena, debug_name));
	}
	if (folder_is_safe_name(code_name)) {
		add(list, FOLDER_NAMES, false, true,
		    arena_printf(list->arena, "%.*s.debug", SLICE_ARGS(code_name)));
		add(list, FOLDER_IMAGE, false, true, arena_str(list->arena, code_name));
	}
}

size_t
folder_candidates(const struct identity_wanted *wanted, bool has_tiers, struct arena *arena,
		  struct folder_candidate candidates[FOLDER_CANDIDATES_MAX])
{
	struct list list = {.arena = arena, .candidates = candidates, .has_tiers = has_tiers};
	struct slice code_name = identity_base_name(wanted->code_name);
	struct slice debug_name = identity_base_name(wanted->debug_name);
	if (debug_name.len == 0)
		debug_name = code_name;
	add_by_debug_id(&list, debug_name, wanted->debug_id);
	add_by_build_id(&list, code_name, wanted->build_id);
	if (wanted->build_id.len == 0)
		add_by_code_id(&list, code_name, wanted->code_id);
	add_loose(&list, debug_name, code_name);
	return list.n;
}

static const char *
stored_place(struct slice name, const char *id, const char *file, struct arena *arena)
{
	if (!folder_is_safe_name(name) || !is_safe_id(slice_str(id)) || file == NULL)
		return NULL;
	return arena_printf(arena, "%.*s/%s/%s", SLICE_ARGS(name), id, file);
}

static const char *
elf_place(const struct identity *identity, struct arena *arena)
{
	struct slice id = slice_str(identity->code_id);
	const char *ending = slice_is_absent(identity->code_name) ? ".debug" : "";
	if (id.len < 2 * (size_t)BUILD_ID_BYTES_MIN || !is_safe_id(id))
		return NULL;
	return arena_printf(arena, ".build-id/%.2s/%s%s", identity->code_id, identity->code_id + 2,
			    ending);
}

const char *
folder_place(const struct identity *identity, const char *format, struct arena *arena)
{
	struct slice debug_name = identity_base_name(identity->debug_name);
	struct slice code_name = identity_base_name(identity->code_name);
	if (slice_equal_str(slice_str(format), "elf"))
		return elf_place(identity, arena);
	if (slice_equal_str(slice_str(format), "breakpad"))
		return stored_place(debug_name, identity->debug_id, symbol_name(debug_name, arena),
				    arena);
	/* An image has a code name; a PDB has a debug name alone. */
	if (code_name.len > 0)
		return stored_place(code_name, identity->code_id, arena_str(arena, code_name),
				    arena);
	return stored_place(debug_name, identity->debug_id, arena_str(arena, debug_name), arena);
}
