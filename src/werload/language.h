/* language.h - what Windows calls things in other languages
 *
 * Parameter names and friendly event names travel localized; a collector must never look for one.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

enum language_name {
	NAME_APP,
	NAME_APP_VERSION,
	NAME_APP_STAMP,
	NAME_MODULE,
	NAME_MODULE_VERSION,
	NAME_MODULE_STAMP,
	NAME_CODE,
	NAME_OFFSET,
	NAME_DATA,
	NAME_HANG_SIGNATURE,
	NAME_HANG_TYPE,
	NAME_WAIT_APP,
	NAME_WAIT_VERSION,
	NAME_PACKAGE,
	NAME_PROBLEM_SIGNATURE, /* followed by its number in two digits */
	FRIENDLY_CRASH,
	FRIENDLY_HANG,
	FRIENDLY_BLUESCREEN,
	FRIENDLY_HARDWARE,
	ABOUT_HANG, /* event description */
	ABOUT_HARDWARE,
	LANGUAGE_NAME_N
};

struct language {
	const char *tag;
	const char *names[LANGUAGE_NAME_N]; /* UTF-8 */
};

/* A place where people speak it. */
struct locale {
	uint16_t weight;
	uint16_t lcid;
	uint8_t language; /* index into languages */
};

extern const struct language languages[];
extern const size_t n_languages;
extern const struct locale locales[];
extern const size_t n_locales;
