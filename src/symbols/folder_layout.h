/* folder_layout.h - where in a folder of symbols the files of a module may lie
 *
 * The layout is that of Microsoft's symbol servers, NAME/ID/NAME, with the files of Breakpad
 * beside the PDBs ("app.pdb/ID/app.sym"), ELF files by build id, and, at last, any file that lies
 * in the folder itself.  Names come from dumps: one that could lead elsewhere is left out.  Pure.
 */
#pragma once

#include "base/arena.h"
#include "symbols/identity.h"

enum folder_part {
	FOLDER_NAMES, /* names, lines: a .sym, a PDB, an ELF file with DWARF */
	FOLDER_IMAGE, /* the module itself: exports and unwind data */
	FOLDER_PART_N
};

enum {
	FOLDER_CANDIDATES_MAX = 24
};

struct folder_candidate {
	const char *path; /* "name/id/name", relative, of safe parts */
	enum folder_part part;
	bool is_packed; /* a cabinet: "app.pd_" */
	bool is_loose;  /* in the folder itself: its identity must be proven */
};

/* Could NAME be one part of a path, and nothing else? */
bool folder_is_safe_name(struct slice name);
/* Writes at most FOLDER_CANDIDATES_MAX and returns how many; best first.  HAS_TIERS: as the
 * symbol server's index2.txt says, each path has the first two letters of its name before it. */
size_t folder_candidates(const struct identity_wanted *wanted, bool has_tiers, struct arena *arena,
			 struct folder_candidate candidates[FOLDER_CANDIDATES_MAX]);
/* Where a file belongs that says this of itself; NULL: it says too little.  FORMAT is the name of
 * its format: a "breakpad" file lies beside the PDB, an "elf" file by its build id. */
const char *folder_place(const struct identity *identity, const char *format, struct arena *arena);
