/* pdb_frame_data.h - how x86 functions of a PDB laid out their frames
 *
 * Two streams tell: the old one has sizes alone (FPO_DATA, 16 bytes a record), the new one sizes
 * and a program in postfix notation (FrameData, 32 bytes).  The new one is asked first.  Records
 * for parts of a prologue lie inside that of their function.  Addresses are source addresses.
 */
#pragma once

#include "symbols/frame_data.h"
#include "symbols/pdb_ranges.h"
#include "symbols/pdb_text.h"

struct pdb_frames {
	uint32_t frame_data; /* streams; MSF_NO_STREAM: none */
	uint32_t fpo;
	struct pdb_ranges by_frame_data; /* the values are numbers of records */
	struct pdb_ranges by_fpo;
};

/* The indexes lie in ARENA.  ERR_LIMIT. */
err_t pdb_frames_open(const struct msf *msf, uint32_t frame_data, uint32_t fpo, struct arena *arena,
		      struct pdb_frames *ret_frames) ERR_CHECK;

/* ERR_NOTFOUND: no record, or one that says only that ebp is the frame pointer. */
err_t pdb_frames_find(const struct pdb_frames *frames, struct pdb_texts *texts, uint32_t address,
		      struct frame_data *ret_data) ERR_CHECK;
