/* formats.h - all formats of symbol files, as folder.h asks them */
#pragma once

#include "symbols/folder.h"

enum {
	FORMATS_N = 4
};

/* Breakpad, PDB, PE, ELF. */
extern const struct folder_format *const formats_all[FORMATS_N];
