#include "symbols/pdb_types.h"

#include "base/limits.h"
#include "base/reader.h"

enum {
	TYPES_STREAM = 2,
	IDS_STREAM = 4,
	HEADER_BYTES = 56,
	VERSION_7 = 19990903,
	VERSION_8 = 20040203,
	MARK_BYTES = 8,
	MARK_EVERY = 64,            /* records, in an index of ours */
	RECORDS_BETWEEN_MOST = 8192 /* writers mark each 8 KiB, 2,048 of the least records */
};

enum {
	LF_CLASS = 0x1504,
	LF_STRUCTURE = 0x1505,
	LF_UNION = 0x1506,
	LF_INTERFACE = 0x1519,
	LF_FUNC_ID = 0x1601,
	LF_MFUNC_ID = 0x1602,
	LF_STRING_ID = 0x1605,
	LF_NUMERIC = 0x8000 /* a number of this or more is the kind of what follows */
};

#define MADE_NAME (UINT64_C(1) << 63) /* in a key of pdb_text_keep */

/* A record: bytes behind its kind. */
struct record {
	uint16_t kind;
	uint32_t at; /* in the stream */
	uint32_t end;
};

/* The record at AT; false when it is not whole. */
static bool
read_record(const struct pdb_types *types, uint32_t at, struct record *ret_record)
{
	uint8_t scratch[4];
	struct slice bytes;
	struct reader r;
	uint32_t end = types->records_offset + types->records_bytes;
	if (end - at < sizeof(scratch) ||
	    !msf_peek(types->msf, types->stream, at, sizeof(scratch), scratch, &bytes))
		return false;
	reader_init(&r, bytes);
	uint16_t len = reader_u16(&r);
	ret_record->kind = reader_u16(&r);
	ret_record->at = at + 4;
	if (len < 2 || len > end - at - 2)
		return false;
	ret_record->end = at + 2 + len;
	return true;
}

/* Marks */

static bool
are_usable(const struct pdb_types *types, const struct pdb_type_mark *marks, size_t n)
{
	if (n == 0 || marks[0].index != types->first || marks[0].offset != 0)
		return false;
	for (size_t i = 0; i < n; i++) {
		uint32_t next = i + 1 < n ? marks[i + 1].index : types->end;
		uint32_t next_offset = i + 1 < n ? marks[i + 1].offset : types->records_bytes;
		if (next < marks[i].index || next - marks[i].index > RECORDS_BETWEEN_MOST ||
		    next_offset < marks[i].offset)
			return false;
	}
	return true;
}

/* Those of the file; none when they are of no use. */
static err_t
read_marks(struct pdb_types *types, uint32_t stream, struct pdb_part part, struct arena *arena)
{
	size_t n = part.bytes / MARK_BYTES;
	struct pdb_type_mark *marks;
	if (part.offset > msf_bytes(types->msf, stream) ||
	    part.bytes > msf_bytes(types->msf, stream) - part.offset)
		return OK;
	marks = arena_array(arena, n, sizeof(*marks));
	if (marks == NULL)
		return ERR_LIMIT;
	for (uint32_t i = 0; i < n; i++) {
		uint8_t scratch[MARK_BYTES];
		struct slice bytes = {0};
		struct reader r;
		(void)msf_peek(types->msf, stream, part.offset + i * MARK_BYTES, MARK_BYTES,
			       scratch, &bytes);
		reader_init(&r, bytes);
		marks[i].index = reader_u32(&r);
		marks[i].offset = reader_u32(&r);
	}
	if (are_usable(types, marks, n)) {
		types->marks = marks;
		types->n_marks = n;
	}
	return OK;
}

static err_t
make_marks(struct pdb_types *types, struct arena *arena)
{
	size_t n = ((size_t)types->end - types->first + MARK_EVERY - 1) / MARK_EVERY;
	struct pdb_type_mark *marks = arena_array(arena, n, sizeof(*marks));
	uint32_t at = types->records_offset;
	if (marks == NULL)
		return ERR_LIMIT;
	for (uint32_t index = types->first; index < types->end; index++) {
		struct record record;
		if (!read_record(types, at, &record))
			return ERR_CORRUPT;
		if ((index - types->first) % MARK_EVERY == 0)
			marks[(index - types->first) / MARK_EVERY] =
				(struct pdb_type_mark){index, at - types->records_offset};
		at = record.end;
	}
	types->marks = marks;
	types->n_marks = n;
	return OK;
}

static err_t
open_types(const struct msf *msf, uint32_t stream, struct arena *arena, struct pdb_types *ret_types)
{
	struct pdb_types types = {.msf = msf, .stream = stream};
	uint8_t scratch[HEADER_BYTES];
	struct slice header;
	struct reader r;
	struct pdb_part marks;
	if (!msf_peek(msf, stream, 0, HEADER_BYTES, scratch, &header))
		return ERR_TRUNCATED;
	reader_init(&r, header);
	uint32_t version = reader_u32(&r);
	types.records_offset = reader_u32(&r);
	types.first = reader_u32(&r);
	types.end = reader_u32(&r);
	types.records_bytes = reader_u32(&r);
	uint16_t hash_stream = reader_u16(&r);
	(void)reader_bytes(&r, 2 + 8 + 8); /* of the hash of names */
	marks.offset = reader_u32(&r);
	marks.bytes = reader_u32(&r);
	if (version != VERSION_7 && version != VERSION_8)
		return ERR_UNSUPPORTED;
	if (types.records_offset < HEADER_BYTES || types.records_offset > msf_bytes(msf, stream) ||
	    types.records_bytes > msf_bytes(msf, stream) - types.records_offset)
		return ERR_TRUNCATED;
	/* The least record has four bytes. */
	if (types.end < types.first || (types.end - types.first) > types.records_bytes / 4)
		return ERR_CORRUPT;
	err_t err = read_marks(&types, hash_stream, marks, arena);
	if (err == OK && types.marks == NULL)
		err = make_marks(&types, arena);
	if (err == OK)
		*ret_types = types;
	return err;
}

err_t
pdb_inlinee_names_open(struct pdb_texts *texts, struct arena *arena,
		       struct pdb_inlinee_names *ret_names)
{
	struct pdb_inlinee_names names = {.texts = texts};
	err_t err = open_types(texts->msf, TYPES_STREAM, arena, &names.types);
	if (err == OK)
		err = open_types(texts->msf, IDS_STREAM, arena, &names.ids);
	if (err == OK)
		*ret_names = names;
	return err;
}

/* Look-up */

static err_t
find_record(const struct pdb_types *types, uint32_t index, struct record *ret_record)
{
	size_t low = 0;
	size_t high = types->n_marks;
	if (index < types->first || index >= types->end)
		return ERR_CORRUPT;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (types->marks[middle].index <= index)
			low = middle + 1;
		else
			high = middle;
	}
	const struct pdb_type_mark *mark = &types->marks[low - 1];
	uint32_t at = types->records_offset + mark->offset;
	for (uint32_t i = mark->index;; i++) {
		if (!read_record(types, at, ret_record))
			return ERR_CORRUPT;
		if (i == index)
			return OK;
		at = ret_record->end;
	}
}

/* A 32-bit number at OFFSET of the record; 0 when it is shorter. */
static uint32_t
number_at(const struct pdb_types *types, const struct record *record, uint32_t offset)
{
	uint8_t scratch[sizeof(uint32_t)];
	struct slice bytes;
	struct reader r;
	if (record->end - record->at < offset + sizeof(scratch) ||
	    !msf_peek(types->msf, types->stream, record->at + offset, sizeof(scratch), scratch,
		      &bytes))
		return 0;
	reader_init(&r, bytes);
	return reader_u32(&r);
}

static err_t
text_at(const struct pdb_inlinee_names *names, const struct pdb_types *types,
	const struct record *record, uint32_t offset, struct slice *ret_text)
{
	if (offset > record->end - record->at)
		return ERR_CORRUPT;
	return pdb_text(names->texts, types->stream, record->at + offset, record->end, ret_text);
}

/* How many bytes a number takes that says its own size. */
static uint32_t
numeric_bytes(uint16_t kind)
{
	static const uint8_t bytes[] = {1, 2, 2, 4, 4, 4, 8, 10, 16, 8, 8};
	if (kind < LF_NUMERIC)
		return 2;
	size_t index = (size_t)kind - LF_NUMERIC;
	return 2U + (index < sizeof(bytes) ? bytes[index] : 0);
}

/* What stands before "::"; empty when a function has no scope or one of a kind without name. */
static err_t
class_name(const struct pdb_inlinee_names *names, uint32_t index, struct slice *ret_name)
{
	struct record record;
	uint32_t size_offset;
	err_t err = find_record(&names->types, index, &record);
	if (err != OK)
		return err;
	switch (record.kind) {
	case LF_CLASS:
	case LF_STRUCTURE:
	case LF_INTERFACE:
		size_offset = 16; /* count, properties, fields, base, shape */
		break;
	case LF_UNION:
		size_offset = 8; /* count, properties, fields */
		break;
	default:
		*ret_name = slice_of("", 0);
		return OK;
	}
	uint16_t kind = (uint16_t)number_at(&names->types, &record, size_offset);
	return text_at(names, &names->types, &record, size_offset + numeric_bytes(kind), ret_name);
}

static err_t
scope_name(const struct pdb_inlinee_names *names, uint32_t id, struct slice *ret_name)
{
	struct record record;
	*ret_name = slice_of("", 0);
	if (id == 0)
		return OK;
	err_t err = find_record(&names->ids, id, &record);
	if (err != OK || record.kind != LF_STRING_ID)
		return err;
	return text_at(names, &names->ids, &record, 4, ret_name);
}

err_t
pdb_inlinee_name(const struct pdb_inlinee_names *names, uint32_t id, struct slice *ret_name)
{
	struct record record;
	struct slice scope;
	struct slice name;
	if (pdb_text_find(names->texts, MADE_NAME | id, ret_name))
		return OK;
	err_t err = find_record(&names->ids, id, &record);
	if (err != OK)
		return err;
	if (record.kind != LF_FUNC_ID && record.kind != LF_MFUNC_ID)
		return ERR_CORRUPT;
	uint32_t parent = number_at(&names->ids, &record, 0);
	err = record.kind == LF_FUNC_ID ? scope_name(names, parent, &scope)
					: class_name(names, parent, &scope);
	if (err == OK)
		err = text_at(names, &names->ids, &record, 8, &name);
	if (err != OK)
		return err;
	if (scope.len == 0) {
		*ret_name = name;
		return OK;
	}
	return pdb_text_join(names->texts, MADE_NAME | id, scope, name, ret_name);
}
