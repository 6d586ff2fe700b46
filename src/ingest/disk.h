/* disk.h - is there room?  Cabinets are refused first, reports last */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

struct disk {
	_Atomic bool has_room_for_cabs;
	_Atomic bool has_room_for_reports;
	_Atomic uint64_t free_bytes;
};

/* Looks again; reserves in bytes.  True when an answer changed: worth a line in the log. */
bool
disk_look(struct disk *disk, const char *data, uint64_t reserve_cab_bytes, uint64_t reserve_bytes);
