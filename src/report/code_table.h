/* code_table.h - the rows behind code.h; for this module alone
 *
 * Names and numbers are facts that Windows' public headers state; the explanations are ours.
 * Each table is sorted by code, each code is in it once; a test proves both.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct code_entry {
	uint32_t code;
	const char *name;
	const char *about; /* NULL: the name says it */
};

struct code_table {
	const struct code_entry *entries;
	size_t count;
};

extern const struct code_table code_ntstatus;
extern const struct code_table code_hresult;
extern const struct code_table code_win32;
extern const struct code_table code_facility;
extern const struct code_table code_bugcheck; /* live kernel dumps too */
extern const struct code_table code_device;
