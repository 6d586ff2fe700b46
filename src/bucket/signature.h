/* signature.h - the class bucket: which crashes are the same bug by what the dump says
 *
 * One frame is blamed, with the help of frame_lists.h; its name, with up to two frames that led
 * to it, the family of the cause and the kind of event make a short text, and the text makes the
 * key.  The text begins with its version: when rules change so that keys change, the version
 * changes, and old and new keys live side by side until everything is computed again.
 * docs/bucketing.md says which rule is for what.  The result explains itself.  Pure: the same
 * crash and lists give the same result, bit for bit.
 *
 * The text, a line each, absent lines left out:
 *
 *	class-1
 *	kind crash|hang|kernel|EVENT TYPE
 *	bugcheck 0xd1
 *	cause null
 *	pc outside                        the program counter was in no module
 *	condensed unloaded_module         all such are one bucket: only module lines follow
 *	process app.exe                   nothing better is known
 *	message app.c: f: x != NULL       of an assertion; it stands for the function
 *	tag TEXT                          from a list, for one program
 *	module app.exe
 *	cycle app.exe!f                   an endless recursion, each function in it
 *	frame app.exe!f                   the last one is to blame
 */
#pragma once

#include "base/arena.h"
#include "bucket/crash.h"
#include "bucket/frame_lists.h"
#include "bucket/medoid.h"

enum {
	SIGNATURE_KEY_BYTES = 16,
	SIGNATURE_FRAMES_MAX = 3, /* in the text */
	SIGNATURE_CYCLE_MAX = 16  /* functions of an endless recursion */
};
#define SIGNATURE_VERSION "class-1"

enum signature_flag {
	SIGNATURE_PC_OUTSIDE = 1 << 0,
	SIGNATURE_CONDENSED = 1 << 1,
	SIGNATURE_CYCLE = 1 << 2,
	SIGNATURE_SCANNED = 1 << 3,     /* the blamed frame was found by a scan alone */
	SIGNATURE_NO_CULPRIT = 1 << 4,  /* nothing but what is never to blame, or no stack */
	SIGNATURE_NO_IDENTITY = 1 << 5, /* an offset counts in a module whose build is not known */
	SIGNATURE_CUT = 1 << 6          /* more frames than LIMIT_CRASH_FRAMES */
};

enum signature_verdict {
	SIGNATURE_BEYOND, /* not reached: the answer was found before */
	SIGNATURE_CULPRIT,
	SIGNATURE_LED_TO_IT, /* in the text, before the culprit */
	SIGNATURE_IN_CYCLE,
	SIGNATURE_ABOVE,       /* above where the stack begins */
	SIGNATURE_SKIPPED,     /* a list says so */
	SIGNATURE_REPEATED,    /* the same as the frame before */
	SIGNATURE_NAMELESS,    /* in no module, and without a name */
	SIGNATURE_LESS_LIKELY, /* could be blamed, but another one is better */
	SIGNATURE_VERDICT_N
};

/* What was thought of one frame. */
struct signature_step {
	enum signature_verdict verdict;
	const struct frame_rule *rule; /* the line that decided; NULL: none */
	struct slice text;             /* as it is compared; absent: nameless */
	enum crash_trust trust;
};

struct signature {
	struct slice text; /* what is hashed */
	uint8_t key[SIGNATURE_KEY_BYTES];
	struct slice title;                  /* one line for people */
	struct slice cause;                  /* family; absent: none known */
	const struct frame_rule *cause_rule; /* NULL: the kind as it came, or another reason */
	uint32_t flags;                      /* enum signature_flag */
	int culprit;                         /* index of the blamed frame; -1: none */
	struct signature_step *steps;        /* of each frame that was looked at, innermost first */
	size_t n_steps;
	struct medoid stack; /* for near-duplicate search */
};

/* Slices lie in ARENA, rules in LISTS.  ERR_LIMIT: the arena's cap. */
err_t signature_make(const struct frame_lists *lists, const struct bucket_crash *crash,
		     struct arena *arena, struct signature *ret_signature) ERR_CHECK;
/* The first 16 bytes of SHA-256 over the text: nobody can make two texts meet. */
void signature_key(struct slice text, uint8_t ret_key[SIGNATURE_KEY_BYTES]);
/* Appends lines for people: the key, the text, each frame with its verdict and the line of the
 * list that decided. */
void signature_explain(const struct signature *signature, struct buf *out);
const char *signature_verdict_name(enum signature_verdict verdict);
