/* folder_fixture.h - symbol folders for tests: files in a scratch folder, and small formats of our
 * own that stand for those which other modules read
 */
#pragma once

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/fs.h"
#include "scratch.h"
#include "symbols/breakpad.h"
#include "symbols/folder_store.h"

struct folder_fixture {
	char path[SCRATCH_PATH_BYTES];
	int fd;
	struct folder *folder;
};

/* A toy file: "PDB debug_id name", "PE code_id debug_id name" or "ELF build_id debug_id"; an id
 * that is "-" is none, and "broken" instead of all this cannot be read. */
static inline err_t
toy_identify(struct slice file, struct identity *ret_identity, struct err_detail *detail)
{
	struct slice words[4] = {{0}};
	struct slice rest = slice_trim(file);
	size_t n = 0;
	while (n < 3 && slice_cut(rest, ' ', &words[n], &rest))
		n++;
	words[n++] = rest;
	if (n < 2 || slice_equal_str(words[1], "broken"))
		return err_set(detail, ERR_CORRUPT, "the toy is broken");
	struct identity identity = {0};
	bool is_pdb = slice_equal_str(words[0], "PDB");
	identity_set_id(is_pdb ? identity.debug_id : identity.code_id, words[1]);
	if (!is_pdb)
		identity_set_id(identity.debug_id, words[2]);
	if (is_pdb)
		identity.debug_name = words[2];
	else if (slice_equal_str(words[0], "PE"))
		identity.code_name = words[3];
	if (identity.debug_id[0] == '\0' && identity.code_id[0] == '\0')
		return err_set(detail, ERR_NOTFOUND, "the toy has no identity");
	*ret_identity = identity;
	return OK;
}

static inline err_t
toy_open(struct slice file, struct symbols **ret_symbols, struct err_detail *detail)
{
	if (slice_ends_with(slice_trim(file), SLICE_LITERAL("unreadable")))
		return err_set(detail, ERR_CORRUPT, "the toy does not open");
	return breakpad_open(SLICE_LITERAL("PUBLIC 1000 0 toy\n"), ret_symbols, detail);
}

static inline bool
toy_is_pdb(struct slice file)
{
	return slice_starts_with(file, SLICE_LITERAL("PDB "));
}

static inline bool
toy_is_pe(struct slice file)
{
	return slice_starts_with(file, SLICE_LITERAL("PE "));
}

static inline bool
toy_is_elf(struct slice file)
{
	return slice_starts_with(file, SLICE_LITERAL("ELF "));
}

static inline err_t
toy_unpack(struct slice packed, struct buf *out, struct err_detail *detail)
{
	if (!slice_starts_with(packed, SLICE_LITERAL("CAB ")))
		return err_set(detail, ERR_CORRUPT, "no cabinet");
	buf_append(out, slice_sub(packed, 4, packed.len));
	return buf_error(out);
}

static inline const struct folder_options *
toy_options(void)
{
	static const struct folder_format pdb = {"pdb", toy_is_pdb, toy_identify, toy_open};
	static const struct folder_format pe = {"pe", toy_is_pe, toy_identify, toy_open};
	static const struct folder_format elf = {"elf", toy_is_elf, toy_identify, toy_open};
	static const struct folder_format *const formats[] = {&folder_format_breakpad, &pdb, &pe,
							      &elf};
	static const struct folder_options options = {
		.formats = formats, .n_formats = 4, .unpack = toy_unpack};
	return &options;
}

static inline void
fixture_open(struct folder_fixture *fixture)
{
	const char *name = "S";
	scratch_make(fixture->path);
	fixture->fd = open(fixture->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fixture->fd < 0 ||
	    folder_open(&fixture->fd, &name, 1, toy_options(), &fixture->folder, NULL) != OK)
		abort();
}

static inline void
fixture_close(struct folder_fixture *fixture)
{
	folder_close(fixture->folder);
	(void)close(fixture->fd);
	scratch_remove(fixture->path);
}

/* Writes a file below the scratch folder, with the folders that it needs. */
static inline void
fixture_put(const struct folder_fixture *fixture, const char *name, const char *text)
{
	char path[1024];
	struct err_detail detail = {.why = ""};
	(void)snprintf(path, sizeof(path), "%s/%s", fixture->path, name);
	char *slash = strrchr(path, '/');
	*slash = '\0';
	err_t err = fs_make_folders(path, 0755, &detail);
	*slash = '/';
	if (err != OK || fs_replace_file(path, slice_str(text), 0644, &detail) != OK)
		abort();
}
