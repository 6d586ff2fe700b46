/* family.h - the label family: which label buckets are one program's one fault in all its versions
 *
 * The label (label.h) without what changes from build to build and from machine to machine:
 * versions, time stamps and offsets are left out; names of programs and modules are normalized; a
 * package keeps its name and publisher.  What is left is type, program, module, code, and for
 * hangs their signature.  For an unknown event type what looks like a version or a time stamp is
 * left out.  Families are for looking at buckets together; nothing is merged by them.
 */
#pragma once

#include "base/buf.h"
#include "report/report.h"

enum {
	FAMILY_KEY_BYTES = 16
};
#define FAMILY_VERSION "family-1"

/* Appends the text that is hashed, a line for the version, the type and each parameter. */
void family_text(const struct report *report, struct buf *out);
/* The first 16 bytes of SHA-256 over the text. */
void family_key(struct slice text, uint8_t ret_key[FAMILY_KEY_BYTES]);
