/* normalize.h - names in the form in which they are compared
 *
 * Two builds, compilers or symbol readers spell one function in many ways; what is left here is
 * what they have in common, and still readable.  Nothing fails: whatever comes, valid UTF-8 of at
 * most LIMIT_NORMALIZED_BYTES without control characters goes out, in time linear in the input.
 * What is longer is cut and ends in '~' and a hash of the whole.  Pure.  docs/bucketing.md has
 * the rules with examples; they are part of the version of a class key.
 */
#pragma once

#include "base/buf.h"
#include "base/slice.h"

/* Appends the name of a function: without return type, arguments, template arguments (<T>),
 * qualifiers, hashes and suffixes of the compiler, versions and processor variants of libc.
 * Appends nothing for a name that says nothing ("??", "<unknown>", "sub_401000"). */
void normalize_function(struct slice function, struct buf *out);

/* Appends the file name of a module: lower case, without folder, ".dll", versions of shared
 * objects, and what an installer or a copy put in. */
void normalize_module(struct slice module, struct buf *out);

/* Appends the path of a source file: without drive, revision, build hashes and home folder; with
 * '/' only, and without ".." */
void normalize_source(struct slice path, struct buf *out);

/* Appends the message with which a program ended itself: numbers and addresses become N, paths
 * their last part. */
void normalize_message(struct slice message, struct buf *out);

/* For the files of this module: appends TEXT that is valid, without control characters, and
 * within the limit. */
void normalize_append(struct slice text, struct buf *out);
