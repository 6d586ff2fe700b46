/* loaded_modules.h - LoadedModules.xml, the answer to `ModuleInfo=1`
 *
 * Nobody has published its form, so it is never `known`: the text is kept, and the elements that
 * describe something are listed with attributes and leaves as they came, see xml_records.h.
 */
#pragma once

#include "report/text_file.h"
#include "report/xml_records.h"

struct loaded_modules {
	struct text_file text;
	struct xml_records records;
};

/* ERR_LIMIT: too large, or ARENA, in which everything lives, is full. */
err_t loaded_modules_parse(struct slice in, struct arena *arena,
			   struct loaded_modules *ret_modules) ERR_CHECK;
void loaded_modules_put_json(const struct loaded_modules *modules, struct json *object);
