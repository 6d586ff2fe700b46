/* dictionary.h - what level-1 bodies have in common, trained by tools/make-dictionary
 *
 * A dictionary that rows were packed with is kept for ever, under its number; new rows take the
 * newest.  Adding one: src/store/level1-N.dict, a line in meson.build and in dictionary.c.
 */
#pragma once

#include "base/slice.h"

enum {
	DICTIONARY_NONE = 0,
	DICTIONARY_NEWEST = 1
};

/* Absent: there is no dictionary of that number. */
struct slice dictionary_find(unsigned number);
