/* names.h - what members of cabinets are called: read, judged, made safe
 *
 * A stored name is bytes without a zero, 1 to 255 of them, in UTF-8 when so marked, else in a
 * code page that nobody tells.  Every name becomes readable; none is refused.
 */
#pragma once

#include "base/arena.h"
#include "cab/read.h"

/* Fills name, safe_name, encoding and the flags that the name gives, from raw_name and
 * attributes.  False: the arena's cap. */
bool cab_name_member(struct cab_member *member, struct arena *arena) ERR_CHECK;
/* Text of the tables that is no member's name, as UTF-8.  Absent stays absent, and is the arena's
 * cap. */
struct slice cab_name_text(struct slice raw, struct arena *arena);
/* Flags names that come again and makes every safe_name unlike all others.  False: the cap. */
bool cab_name_tell_apart(struct cab_member *members, size_t count, struct arena *arena) ERR_CHECK;
