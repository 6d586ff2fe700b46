/* evidence_reason.h - why something was not sent; for evidence.c alone */
#pragma once

#include "report/evidence.h"

/* Fills reason and possible of an item that was not sent.  HAS_MINIDUMP: the cabinet has one. */
void
evidence_explain(const struct evidence_input *input, bool has_minidump, struct evidence_item *item);
