/* sysdata.h - sysdata.xml of a kernel report: drivers and devices
 *
 * Its form is not published.  What can be said without it: an element DRIVER describes a driver, an
 * element DEVICE a device, by attributes or leaves whose names are kept as they came.  A file
 * without such an element is kept as a text.
 */
#pragma once

#include "report/text_file.h"
#include "report/xml_records.h"

struct sysdata_list {
	const struct xml_record **items;
	size_t n;
};

struct sysdata {
	bool is_known; /* false: TEXT is all there is */
	struct text_file text;
	struct sysdata_list drivers;
	struct sysdata_list devices;
	struct sysdata_list other;
	size_t n_broken; /* places that are no well-formed XML */
};

/* ERR_LIMIT: too large, or ARENA, in which everything lives, is full. */
err_t sysdata_parse(struct slice in, struct arena *arena, struct sysdata *ret_sysdata) ERR_CHECK;
void sysdata_put_json(const struct sysdata *sysdata, struct json *object);
