/* examine.h - what is in a file that a machine sent: members, dumps, stacks, whose bug it is
 *
 * The work of a jailed child: bytes in, one JSON document out.  Takes cabinets, minidumps, kernel
 * dumps, ELF cores, the files that WER writes, and anything else, which is only named.  Never
 * refuses: what is wrong with the input is in the document.
 *
 * The document of a dump (EXAMINE_DUMP) is the object of `werctl dump --json`, that of a cabinet
 * (EXAMINE_CABINET) the object of `werctl cabinet --json`.  Of EXAMINE_FILE:
 *
 *	format      1: the form of this document
 *	kind        what it is, report/file_kind.h; about: the same for people
 *	bytes, sha256
 *	cabinet     null, or the object of a cabinet
 *	contents    [{name, bytes, kind, about, error, content}] of each member that is no dump;
 *	            contents_left_out: how many there were, when the document would be too long
 *	dumps       [{name, error, ...the object of a dump}], EXAMINE_DUMPS_MAX at most
 *	summary     one line for people
 *	class       null, or {version, key, title, text, explanation [...], stack (hex)}
 */
#pragma once

#include "jail/jail.h"

enum examine_task {
	EXAMINE_FILE,
	EXAMINE_DUMP,
	EXAMINE_CABINET
};

enum {
	EXAMINE_FORMAT = 1,
	EXAMINE_DUMPS_MAX = 4,
	/* Counts up whenever the same bytes may give another document. */
	EXAMINE_VERSION = 1
};

struct examiner;

/* Before the nursery is forked: what is ready then is ready in each child.  FOLDERS: symbols, in
 * the order in which they are asked; they must outlive it. */
struct examiner *examiner_new(const char *const *folders, size_t n_folders);
void examiner_free(struct examiner *examiner); /* accepts NULL */

/* A jail_work_fn; CONTEXT is the examiner, the input's argument the name of the file. */
err_t examine(void *context, const struct jail_input *input, struct buf *answer) ERR_CHECK;
