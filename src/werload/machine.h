/* machine.h - one machine of the fleet: its name, its Windows, who uses it
 *
 * Machine N of a seed is always the same.  Every sixteenth is a server.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "werload/draw.h"
#include "werload/language.h"

enum {
	MACHINE_MAX = 10 * 1000 * 1000,
	MACHINE_SERVER_EVERY = 16
};

/* One build of Windows that the fleet runs. */
struct windows {
	uint16_t weight;
	const char *os;       /* the `os` attribute without product: "10.0.19045.2.0.0" */
	const char *files;    /* how the versions of its own files begin: "10.0.19041" */
	uint32_t first_patch; /* number of the patch level of January 2024 */
	uint32_t build;
	bool is_server;
};

struct machine {
	struct slice name;
	struct slice user;  /* DOMAIN\name */
	struct slice login; /* the name alone, as in C:\Users\ */
	struct slice os;
	const char *oem; /* NULL: does not say */
	int64_t lcid;
	const struct language *language;
	const struct windows *windows;
	uint32_t suite_mask, product;
	uint32_t number;
	uint32_t site;
	uint8_t peculiar; /* 0-99: for shares of the fleet that do something their own way */
};

bool machine_is_server(uint32_t number);
/* The next server (or client) at or behind NUMBER, in a fleet of COUNT; NUMBER when there is none.
 */
uint32_t machine_of_kind(uint32_t number, bool is_server, uint32_t count);
/* Texts live in ARENA, which needs some 300 bytes. */
void machine_make(uint64_t seed, uint32_t number, struct arena *arena, struct machine *ret_machine);
/* "10.0.19041.5007": the version of a system file on that machine at that time. */
const char *
machine_file_version(const struct machine *machine, int64_t time_us, struct arena *arena);
/* The month's patch level, from 0 in January 2024; follows Microsoft's second Tuesday only loosely.
 */
uint32_t machine_patch(const struct machine *machine, int64_t time_us);
