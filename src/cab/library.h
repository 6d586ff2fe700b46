/* library.h - libmspack, fed with memory and held to its share of it
 *
 * libmspack reads no table that others made: for each part it is shown a small cabinet of our
 * own in front of the real bytes, whose folders have only blocks that were found whole.
 * It opens no file.  Its memory follows from what it is shown, one folder's state at a time: 200
 * KiB and the window of LZX or Quantum.
 */
#pragma once

#include "cab/tables.h"

/* What libmspack is to see of one cabinet. */
struct cab_library_part {
	const struct cab_tables *tables;
	const struct cab_segment *segments; /* tables->n_folders of them */
	bool joins_previous; /* the first segment goes on with the last of the part before */
	bool joins_next;
};

struct cab_library;

/* PARTS are borrowed.  CAB_MEMORY, or CAB_BAD_DATA when
 * libmspack refuses what we made. */
enum cab_reason cab_library_open(const struct cab_library_part *parts, size_t n_parts,
				 struct cab_library **ret_library);
void cab_library_close(struct cab_library *library); /* accepts NULL */

/* How far FOLDER is unpacked: what lies before that needs a new start, at 0.  Folders are numbered
 * over all parts; segments that are joined count once. */
uint32_t cab_library_position(const struct cab_library *library, size_t folder);

/* Takes 1 to CAB_PIECE_BYTES bytes; false stops the work. */
typedef bool cab_library_take(void *context, struct slice piece);

/* Unpacks FOLDER from its position, or from its start when that is behind FROM, up to TO (behind
 * both), and hands what lies at FROM and behind on to TAKE.  CAB_SINK when TAKE stopped it;
 * CAB_BAD_DATA, CAB_MEMORY.  *ret_reached: how far it came, always. */
enum cab_reason
cab_library_unpack(struct cab_library *library, size_t folder, uint32_t from, uint32_t to,
		   cab_library_take *take, void *context, uint32_t *ret_reached);
