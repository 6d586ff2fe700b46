/* identity.h - which build a file or a module is of
 *
 * A debug id is what Breakpad and symbol servers write: the 32 hex digits of a GUID and the age in
 * hex, of an ELF file its build id in the shape of a GUID and "0".  A code id is the time stamp of
 * a PE image as 8 hex digits and its size in hex, or an ELF file's build id in hex.  Letters in
 * either case are the same.
 */
#pragma once

#include "base/slice.h"
#include "symbols/registers.h"

enum {
	IDENTITY_ID_BYTES = 136 /* a build id of 64 bytes in hex; the usual one has 20 */
};

/* What a file says of itself.  Texts in slices point into the file. */
struct identity {
	char debug_id[IDENTITY_ID_BYTES]; /* "": it does not say, as below */
	char code_id[IDENTITY_ID_BYTES];
	struct slice debug_name; /* "app.pdb"; absent: it does not say */
	struct slice code_name;  /* "app.exe" */
	enum arch arch;
};

/* What is known of a module, whose files are looked for: what a dump says, and hostile.  Names
 * may have folders before them.  Absent: not known. */
struct identity_wanted {
	struct slice debug_name;
	struct slice debug_id;
	struct slice code_name;
	struct slice code_id;
	struct slice build_id; /* raw bytes of an ELF build id */
};

enum identity_verdict {
	IDENTITY_EQUAL,
	IDENTITY_UNKNOWN, /* there is no id that both have */
	IDENTITY_DIFFERENT
};

/* A file of names belongs to the module whose debug id it has; only without one its code id
 * counts.  Of an image no id that both have may differ: programs are linked anew with one PDB. */
enum identity_verdict
identity_compare(const struct identity_wanted *wanted, const struct identity *found, bool is_image);
/* Cuts TEXT to what fits; what is no letter or digit makes it empty. */
void identity_set_id(char id[IDENTITY_ID_BYTES], struct slice text);
/* The last part of a path with / or \. */
struct slice identity_base_name(struct slice path);
