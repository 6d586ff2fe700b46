/* pdb_records.h - symbol records, one behind the other: length, kind, content */
#pragma once

#include "base/reader.h"

enum pdb_record_kind {
	S_END = 0x0006,
	S_THUNK32 = 0x1102,
	S_LPROC32 = 0x110f,
	S_GPROC32 = 0x1110,
	S_PUB32 = 0x110e,
	S_BLOCK32 = 0x1103,
	S_WITH32 = 0x1104,
	S_LMANPROC = 0x112b,
	S_GMANPROC = 0x112a,
	S_SEPCODE = 0x1132,
	S_LPROC32_ID = 0x1146,
	S_GPROC32_ID = 0x1147,
	S_INLINESITE = 0x114d,
	S_INLINESITE_END = 0x114e,
	S_PROC_ID_END = 0x114f,
	S_LPROC32_DPC = 0x1155,
	S_LPROC32_DPC_ID = 0x1156,
	S_INLINESITE2 = 0x115d
};

enum {
	PDB_RECORD_HEAD_BYTES = 4
};

struct pdb_record {
	uint16_t kind;
	uint32_t at;          /* of its length, in what R reads */
	struct slice content; /* behind the kind */
};

/* The record at R; false at the end, and when it is not whole (then R has an error). */
static inline bool
pdb_record_next(struct reader *r, struct pdb_record *ret_record)
{
	if (reader_left(r) == 0)
		return false;
	ret_record->at = (uint32_t)r->at;
	uint16_t len = reader_u16(r);
	ret_record->kind = reader_u16(r);
	if (len < 2)
		reader_fail(r, ERR_CORRUPT);
	ret_record->content = reader_bytes(r, len < 2 ? 0 : len - 2U);
	return r->error == OK;
}
