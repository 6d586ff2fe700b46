/* examine_internal.h - the parts of the work of a child */
#pragma once

#include "base/arena.h"
#include "bucket/frame_lists.h"
#include "dump/stackwalk.h"
#include "ext/json.h"
#include "ext/xml.h"
#include "jail/examine.h"
#include "report/file_kind.h"

struct examiner {
	const char *const *folders;
	size_t n_folders;
	struct xml_parser *xml;
	struct frame_lists *lists;
};

/* What a document says besides: filled by its parts. */
struct examined {
	struct arena arena; /* of everything that lives until the document is written */
	struct buf summary; /* of the first dump, else of what there is */
	bool has_dump;
	err_t err; /* of the scratch file: what is there is not all, and no answer */
};

bool examine_is_dump(enum file_kind kind);
/* Puts the keys of a dump into OBJECT; those that cannot be had are null, and `error` says why. */
void examine_dump(struct examiner *examiner, struct examined *examined, struct slice file,
		  enum file_kind kind, struct json *object);
/* Puts `cabinet`, `contents` and `dumps`; SCRATCH_FD takes what the members unpack to. */
void examine_cabinet(struct examiner *examiner, struct examined *examined, struct slice file,
		     int scratch_fd, struct json *object);
/* Symbols of a dump's modules, from the examiner's folders. */
struct examine_symbols;
struct examine_symbols *
examine_symbols_new(const struct examiner *examiner, const struct dump *dump);
void examine_symbols_free(struct examine_symbols *symbols);
/* For struct stackwalk; CONTEXT is a struct examine_symbols. */
const struct symbols_set *examine_symbols_find(void *context, size_t module);
/* Puts `symbols`: [{module, status, text}] of each module that was asked for. */
void examine_symbols_put(const struct examine_symbols *symbols, struct json *dump);

/* Puts `class` of the crash whose stack is STACK. */
void examine_class(struct examiner *examiner, struct examined *examined, const struct dump *dump,
		   const struct stack *stack, struct json *object);
/* {name, bytes, kind, about, error, content} of a file that is no dump. */
struct json *examine_content(struct examiner *examiner, struct slice name, struct slice bytes);
