/* show.h - documents of jail/examine.h for people
 *
 * A document is hostile: whatever is missing, or of another kind than it should be, is left out.
 */
#pragma once

#include "ext/json.h"
#include "werctl/output.h"

enum {
	SHOW_LABEL_COLUMNS = 18 /* where values begin, names before them */
};

/* The text KEY of OBJECT; absent: none, as with all below. */
struct slice show_text(const struct json *object, const char *key);
int64_t show_number(const struct json *object, const char *key, int64_t otherwise);
void show_group(struct output *out, const char *title);
/* A name and its value, when there is one. */
void show_value(struct output *out, const char *name, struct slice value);
void
show_value_of(struct output *out, const char *name, const struct json *object, const char *key);

/* The object of a dump; ALL: every thread's stack. */
void show_dump(struct output *out, const struct json *dump, bool all);
void show_cabinet(struct output *out, const struct json *cabinet);
/* The whole document of EXAMINE_FILE. */
void show_file(struct output *out, const struct json *document, bool all);
