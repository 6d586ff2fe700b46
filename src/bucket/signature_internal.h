/* signature_internal.h - between the files of signature.h alone */
#pragma once

#include "bucket/signature.h"

enum frame_kind {
	FRAME_NOWHERE,  /* in no module, without a name */
	FRAME_FUNCTION, /* module!function */
	FRAME_SOURCE,   /* module!file#line */
	FRAME_OFFSET,   /* module@build+0x12 */
	FRAME_UNLOADED  /* the module that was there */
};

/* A frame as it is compared. */
struct signature_frame {
	enum frame_kind kind;
	struct slice module;   /* normalized; absent: none */
	struct slice function; /* normalized; absent: none, or too far away to be believed */
	struct slice text;     /* absent: FRAME_NOWHERE */
	bool is_scan;
	bool is_public;
	bool has_identity;
	struct frame_matches matches;
};

/* What is decided about a stack. */
struct blame {
	const struct signature_frame *frames;
	size_t n_frames;
	struct signature_step *steps; /* as many */
	bool is_hang;
	bool is_kernel;
	bool is_trap_counted; /* a trap or signal on the stack is where the crash is */
	bool is_end_counted;  /* so is a function that ends the program */
	size_t start;         /* here the stack begins */
	const struct frame_rule *start_rule; /* why; NULL: it is the whole stack */
	int culprit;                         /* -1: none */
	int led[SIGNATURE_FRAMES_MAX - 1];
	size_t n_led;
	bool is_desperate; /* the culprit is one that is never to blame */
	size_t cycle_at;   /* the first frame of the first round */
	size_t cycle_len;  /* 0: no endless recursion */
};

/* The comparable frames of CRASH, in ARENA.  ERR_LIMIT: its cap. */
err_t
signature_frames(const struct frame_lists *lists, const struct bucket_crash *crash,
		 struct arena *arena, struct signature_frame **ret_frames, size_t *ret_n) ERR_CHECK;
/* Fills the lower half of BLAME and its steps. */
void signature_blame(struct blame *blame);
/* Finds the cycle of an endless recursion and its canonical beginning. */
void signature_find_cycle(struct blame *blame);
/* The first frame that is more than the way in which the program ended; NULL: none. */
const struct signature_frame *signature_first_told(const struct blame *blame);
/* The frames for near-duplicate search. */
void signature_stack(const struct blame *blame, struct medoid *ret_stack);
