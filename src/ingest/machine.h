/* machine.h - a number for a machine's name, to count by; case folds, the domain counts */
#pragma once

#include "base/slice.h"

uint64_t machine_hash(struct slice name);
