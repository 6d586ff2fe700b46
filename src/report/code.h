/* code.h - names for NTSTATUS, HRESULT, bugcheck and device problem codes */
#pragma once

#include "base/buf.h"
#include "report/event.h"

/* Appends a line for people: "STATUS_ACCESS_VIOLATION (access violation)", for an unknown
 * HRESULT "facility WindowsUpdate (36), code 0x4022".  Appends nothing when CODE is no hex
 * number or nothing is known. */
void code_describe(enum code_kind kind, struct slice code, struct buf *out);
/* The symbolic name alone, NULL when unknown: "STATUS_ACCESS_VIOLATION",
 * "DRIVER_POWER_STATE_FAILURE". */
const char *code_name(enum code_kind kind, uint64_t code);
/* A PE TimeDateStamp in hex as "2024-03-01T10:00:00Z"; appends " (implausible)" behind dates
 * before 1990 or after NOW_US (reproducible builds use a hash there).  False: no hex number. */
bool code_describe_stamp(struct slice stamp, int64_t now_us, struct buf *out);
