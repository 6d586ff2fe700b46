/* os.h - the `os` attribute: major.minor.build.platform. ... in 7, 8 or 9 fields
 *
 * 8 fields (corporate clients): major.minor.build.platform.spMajor.spMinor.suite.sku, decimal.
 * 9 (old consumer URLs): major.minor.build.platform.suite as 8 hex digits.spMajor.spMinor.sku.ubr
 * 7 (what the XSD of [MS-CER2] describes): the same without sku and ubr.
 */
#pragma once

#include "base/buf.h"
#include "base/slice.h"

struct os_version {
	uint32_t major, minor, build, platform;
	uint32_t sp_major, sp_minor;
	uint32_t suite_mask;
	bool has_sku, has_revision;
	uint32_t sku;      /* GetProductInfo */
	uint32_t revision; /* UBR */
};

bool os_parse(struct slice text, struct os_version *ret_os);
/* Appends "Windows 7 SP1 Professional (6.1.7601)". */
void os_describe(const struct os_version *os, struct buf *out);
