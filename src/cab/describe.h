/* describe.h - a cabinet as JSON: what is in it, and what is wrong with it
 *
 *   files      members that are whole, in the cabinet's order: name, bytes, sha256; then
 *              safe_name, folder, modified, attributes, flags
 *   error      null, or in words the first thing because of which something is missing
 *   failed     members that are not whole: name, bytes, got_bytes, error, reason, offset ...
 *   warnings   stable names of what is strange, of the cabinet and of all members
 *   cabinet    bytes, claimed_bytes, set, neighbors, flags, folders with their compression
 *
 * `files` and `error` are what `werctl cabinet FILE --json` promises; the rest may grow.  Times are
 * the sender's own, so without a zone.  Everything is read and hashed once, nothing is held.
 * Pure, as read.h.
 */
#pragma once

#include "cab/read.h"
#include "ext/json.h"

/* The object for bytes of any kind.  LIMITS NULL: the default.  The caller frees it. */
struct json *cab_describe(struct slice cabinet, const struct cab_limits *limits);
/* The same for the parts of a set. */
struct json *
cab_describe_set(const struct slice *parts, size_t n_parts, const struct cab_limits *limits);

/* Extracts and hashes everything of CAB and puts the keys above into OBJECT. */
void cab_put_json(struct json *object, struct cab *cab);
