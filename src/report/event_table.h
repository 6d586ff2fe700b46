/* event_table.h - the rows behind event.h; for this module alone */
#pragma once

#include "report/event.h"

extern const struct event_type event_table[];
extern const size_t event_table_len;
