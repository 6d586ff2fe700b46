/* catalog.h - the programs of the fleet: some well known by name, the rest invented
 *
 * 400 applications, each with its modules and with releases that follow one another at the
 * application's own pace.  A machine takes a release up some time after it came out, so that an
 * old version gives way to a new one over days or weeks, as in a real fleet.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "werload/draw.h"

enum app_kind {
	APP_NATIVE,
	APP_OFFICE,  /* shares its suite's version and modules */
	APP_WINDOWS, /* part of Windows: its version is the system's */
	APP_CLR,     /* .NET */
	APP_SERVER,  /* runs on servers alone */
	APP_STORE,   /* a package from the store */
	APP_KIND_N
};

enum {
	APP_COUNT = 400,
	APP_MODULES = 3,
	APP_VERSION_BYTES = 24
};

struct app {
	const char *image; /* "chrome.exe" */
	const char *product;
	const char *company;
	const char *folder;               /* without a last backslash; %s stands for the user */
	const char *modules[APP_MODULES]; /* its own, NULL past the last */
	enum app_kind kind;
	unsigned bits; /* 32 or 64 */
	/* Packages only. */
	const char *package;      /* "Microsoft.WindowsCalculator" */
	const char *publisher_id; /* "8wekyb3d8bbwe" */
	const char *entry;        /* behind "praid:" */
};

struct catalog {
	struct app apps[APP_COUNT];
	uint16_t by_kind[APP_KIND_N][APP_COUNT]; /* the more used first */
	uint32_t n_by_kind[APP_KIND_N];
};

/* Names live in ARENA.  False: its cap is reached. */
bool catalog_init(struct catalog *catalog, struct arena *arena);

/* One version of one application. */
struct release {
	uint32_t number; /* from 0, in order of time */
	char version[APP_VERSION_BYTES];
	uint32_t stamp; /* PE TimeDateStamp: shortly before it came out */
};
/* What MACHINE runs of application APP (its index) at that time. */
void catalog_release(const struct catalog *catalog, uint64_t seed, uint32_t app, uint32_t machine,
		     int64_t time_us, struct release *ret_release);

/* The tables behind it (catalog_table.c). */
extern const struct app catalog_known[];
extern const size_t catalog_n_known;
extern const char *const catalog_brands[];
extern const size_t catalog_n_brands;
extern const char *const catalog_things[];
extern const size_t catalog_n_things;
