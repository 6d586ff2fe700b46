/* Header, folders and members are read front to back with one cursor each.  Blocks are walked
 * folder by folder in the order in which they lie, each no further than where the next folder
 * begins, so that a byte is looked at once however many folders claim it.
 */
#include "cab/tables.h"

#include <endian.h>
#include <stdlib.h>

#include "base/reader.h"

enum {
	NAME_BYTES_MAX = 256, /* the zero behind it included, [MS-CAB] 2.1 */
	VERSION_MAJOR = 1,
	VERSION_MINOR = 3,
	KNOWN_FLAGS = CAB_WITH_PREVIOUS | CAB_WITH_NEXT | CAB_WITH_RESERVE,
	METHOD_MASK = 0x0f,
	QUANTUM_WINDOW_LEAST = 10,
	LZX_WINDOW_LEAST = 15,
	WINDOW_MOST = 21
};

static err_t
refuse(enum cab_reason reason, uint32_t part, uint64_t offset, struct cab_fault *reterr)
{
	*reterr = (struct cab_fault){reason, part, offset};
	return cab_fault_err(*reterr);
}

/* ---- header ---- */

/* A text with a zero behind it.  A fault sticks in the cursor: ERR_CORRUPT for a bad name. */
static struct slice
take_text(struct reader *r, bool may_be_empty)
{
	struct slice rest = slice_sub(r->in, r->at, NAME_BYTES_MAX);
	const uint8_t *zero = rest.len == 0 ? NULL : memchr(rest.data, 0, rest.len);
	if (r->error != OK)
		return (struct slice){0};
	if (zero == NULL) {
		reader_fail(r, rest.len < NAME_BYTES_MAX ? ERR_TRUNCATED : ERR_CORRUPT);
		return (struct slice){0};
	}
	if (zero == rest.data && !may_be_empty) {
		reader_fail(r, ERR_CORRUPT);
		return (struct slice){0};
	}
	struct slice text = reader_bytes(r, (size_t)(zero - rest.data));
	(void)reader_u8(r);
	return text;
}

static err_t
refuse_read(const struct reader *r, uint32_t part, struct cab_fault *reterr)
{
	enum cab_reason reason = r->error == ERR_CORRUPT ? CAB_BAD_NAME : CAB_TRUNCATED;
	return refuse(reason, part, r->error_offset, reterr);
}

static void
take_header(struct reader *r, struct cab_tables *t, uint16_t *ret_flags)
{
	(void)reader_u32(r); /* the magic */
	uint32_t reserved = reader_u32(r);
	t->claimed_bytes = reader_u32(r);
	reserved |= reader_u32(r);
	t->members_offset = reader_u32(r);
	reserved |= reader_u32(r);
	uint8_t minor = reader_u8(r);
	uint8_t major = reader_u8(r);
	t->n_folders = reader_u16(r);
	t->n_members = reader_u16(r);
	*ret_flags = reader_u16(r);
	t->set_id = reader_u16(r);
	t->set_index = reader_u16(r);
	if (reserved != 0 || (*ret_flags & ~KNOWN_FLAGS) != 0)
		t->flags |= CAB_ODD_FIELDS;
	if (major != VERSION_MAJOR || minor != VERSION_MINOR)
		t->flags |= CAB_ODD_VERSION;
}

static void
take_options(struct reader *r, struct cab_tables *t, uint16_t flags)
{
	if ((flags & CAB_WITH_RESERVE) != 0) {
		t->flags |= CAB_HAS_RESERVE;
		t->header_reserve = reader_u16(r);
		t->folder_reserve = reader_u8(r);
		t->block_reserve = reader_u8(r);
		(void)reader_bytes(r, t->header_reserve);
	}
	if ((flags & CAB_WITH_PREVIOUS) != 0) {
		t->flags |= CAB_HAS_PREVIOUS;
		t->previous_name = take_text(r, false);
		t->previous_disk = take_text(r, true);
	}
	if ((flags & CAB_WITH_NEXT) != 0) {
		t->flags |= CAB_HAS_NEXT;
		t->next_name = take_text(r, false);
		t->next_disk = take_text(r, true);
	}
}

/* A header that could be one: the magic, version 1.3, folders and members. */
static bool
looks_like_header(struct slice in, size_t at)
{
	struct reader r;
	reader_init(&r, slice_sub(in, at, CAB_HEADER_BYTES));
	bool is_one = reader_u32(&r) == CAB_MAGIC;
	(void)reader_bytes(&r, 20);
	is_one &= reader_u8(&r) == VERSION_MINOR;
	is_one &= reader_u8(&r) == VERSION_MAJOR;
	is_one &= reader_u16(&r) != 0;
	is_one &= reader_u16(&r) != 0;
	return is_one && r.error == OK;
}

/* Where a cabinet seems to begin behind the start; 0: nowhere. */
static size_t
find_header(struct slice in)
{
	for (size_t at = 1; at + CAB_HEADER_BYTES <= in.len && at < LIMIT_CAB_SEARCH_BYTES; at++) {
		const uint8_t *found = memchr(in.data + at, 'M', in.len - at);
		if (found == NULL)
			break;
		at = (size_t)(found - in.data);
		if (looks_like_header(in, at))
			return at;
	}
	return 0;
}

bool
cab_is_cabinet(struct slice in)
{
	return slice_starts_with(in, SLICE_LITERAL("MSCF"));
}

static err_t
parse_header(struct slice in, uint32_t part, struct cab_tables *ret_tables,
	     struct cab_fault *reterr)
{
	struct cab_tables t = {.in = in, .part = part};
	struct reader r;
	uint16_t flags;
	if (!cab_is_cabinet(in))
		return refuse(CAB_NOT_A_CABINET, part, 0, reterr);
	if (in.len > CAB_BYTES_MAX)
		return refuse(CAB_TOO_LARGE, part, 0, reterr);
	reader_init(&r, in);
	take_header(&r, &t, &flags);
	take_options(&r, &t, flags);
	t.folders_offset = r.at;
	if (r.error != OK)
		return refuse_read(&r, part, reterr);
	if (t.n_folders == 0)
		return refuse(CAB_NO_FOLDERS, part, 26, reterr);
	if (t.n_members == 0)
		return refuse(CAB_NO_MEMBERS, part, 28, reterr);
	size_t folders_bytes = (size_t)t.n_folders * (CAB_FOLDER_BYTES + t.folder_reserve);
	if (folders_bytes > reader_left(&r))
		return refuse(CAB_TRUNCATED, part, in.len, reterr);
	if (t.members_offset != r.at + folders_bytes)
		return refuse(CAB_TABLES_APART, part, 16, reterr);
	/* The shortest member: a name of one byte. */
	if ((size_t)t.n_members * (CAB_MEMBER_BYTES + 2) > in.len - t.members_offset)
		return refuse(CAB_TRUNCATED, part, in.len, reterr);
	*ret_tables = t;
	return OK;
}

err_t
cab_tables_header(struct slice in, uint32_t part, struct cab_tables *ret_tables,
		  struct cab_fault *reterr)
{
	err_t err = parse_header(in, part, ret_tables, reterr);
	/* What only begins with the magic is no cabinet either, when one stands behind it. */
	if (err == OK || reterr->reason == CAB_TOO_LARGE || looks_like_header(in, 0))
		return err;
	size_t at = find_header(in);
	return at == 0 ? err : refuse(CAB_NOT_AT_START, part, at, reterr);
}

/* ---- folders and members ---- */

static bool
is_known_compression(uint16_t compression)
{
	unsigned window = compression >> 8 & 0x1f;
	switch (compression & METHOD_MASK) {
	case CAB_STORED:
	case CAB_MSZIP:
		return true;
	case CAB_QUANTUM:
		return window >= QUANTUM_WINDOW_LEAST && window <= WINDOW_MOST;
	case CAB_LZX:
		return window >= LZX_WINDOW_LEAST && window <= WINDOW_MOST;
	default:
		return false;
	}
}

err_t
cab_tables_folders(const struct cab_tables *t, struct cab_segment *ret_segments,
		   struct cab_fault *reterr)
{
	struct reader r;
	reader_init(&r, t->in);
	(void)reader_bytes(&r, t->folders_offset);
	for (size_t i = 0; i < t->n_folders; i++) {
		struct cab_segment *s = &ret_segments[i];
		size_t at = r.at;
		*s = (struct cab_segment){.part = t->part};
		s->offset = reader_u32(&r);
		s->claimed_blocks = reader_u16(&r);
		s->compression = reader_u16(&r);
		(void)reader_bytes(&r, t->folder_reserve);
		if (!is_known_compression(s->compression))
			s->fault = (struct cab_fault){CAB_BAD_COMPRESSION, t->part, at + 6};
	}
	return r.error == OK ? OK : refuse_read(&r, t->part, reterr);
}

/* Its folder, and what that tells of the folder, [MS-CAB] 2.3 iFolder. */
static void
place_member(const struct cab_tables *t, struct cab_segment *segments, struct cab_member *m)
{
	size_t last = t->n_folders - 1U;
	uint16_t index = m->folder_index;
	bool spans = index >= CAB_FROM_PREVIOUS;
	m->folder = index == CAB_TO_NEXT ? (uint32_t)last : spans ? 0 : index;
	if (m->folder > last || (index == CAB_FROM_PREVIOUS_TO_NEXT && last != 0)) {
		m->folder = CAB_NO_FOLDER;
		m->fault =
			(struct cab_fault){CAB_BAD_FOLDER_INDEX, t->part, m->entry_offset + 8ULL};
		return;
	}
	if (!spans)
		return;
	if (index != CAB_TO_NEXT)
		segments[0].is_from_previous = true;
	if (index != CAB_FROM_PREVIOUS)
		segments[last].is_to_next = true;
}

static void
take_member(const struct cab_tables *t, struct reader *r, struct cab_member *m)
{
	*m = (struct cab_member){.part = t->part, .entry_offset = (uint32_t)r->at};
	m->bytes = reader_u32(r);
	m->folder_offset = reader_u32(r);
	m->folder_index = reader_u16(r);
	m->dos_date = reader_u16(r);
	m->dos_time = reader_u16(r);
	m->attributes = reader_u16(r);
	m->raw_name = take_text(r, true);
	if (m->raw_name.len == 0)
		m->fault = (struct cab_fault){CAB_BAD_NAME, t->part, m->entry_offset + 16ULL};
}

err_t
cab_tables_members(struct cab_tables *t, struct cab_segment *segments,
		   struct cab_member *ret_members, struct cab_fault *reterr)
{
	struct reader r;
	reader_init(&r, t->in);
	(void)reader_bytes(&r, t->members_offset);
	for (size_t i = 0; i < t->n_members && r.error == OK; i++) {
		take_member(t, &r, &ret_members[i]);
		place_member(t, segments, &ret_members[i]);
	}
	t->members_end = r.at;
	return r.error == OK ? OK : refuse_read(&r, t->part, reterr);
}

/* ---- data ---- */

struct block {
	uint32_t checksum;
	uint16_t packed;
	uint16_t unpacked;
	uint64_t end;
};

/* [MS-CAB] 3.1: words joined by exclusive or, a rest of 1 to 3 bytes the other way round. */
static uint32_t
checksum_of(struct slice bytes)
{
	uint64_t wide = 0;
	size_t i = 0;
	for (; bytes.len - i >= 8; i += 8) {
		uint64_t eight;
		memcpy(&eight, bytes.data + i, 8);
		wide ^= le64toh(eight);
	}
	uint32_t sum = (uint32_t)wide ^ (uint32_t)(wide >> 32);
	if (bytes.len - i >= 4) {
		uint32_t four;
		memcpy(&four, bytes.data + i, 4);
		sum ^= le32toh(four);
		i += 4;
	}
	for (size_t rest = bytes.len - i; rest > 0; rest--)
		sum ^= (uint32_t)bytes.data[i++] << (8 * (rest - 1));
	return sum;
}

/* The block at AT as far as its lengths go; zeros behind the end. */
static struct block
block_at(const struct cab_tables *t, uint64_t at)
{
	struct reader r;
	reader_init(&r, slice_sub(t->in, at, CAB_BLOCK_BYTES));
	struct block block = {.checksum = reader_u32(&r)};
	block.packed = reader_u16(&r);
	block.unpacked = reader_u16(&r);
	block.end = at + CAB_BLOCK_BYTES + t->block_reserve + block.packed;
	return block;
}

static bool
has_checksum(const struct cab_tables *t, const struct block *block)
{
	if (block->checksum == 0)
		return true;
	struct slice data = slice_sub(t->in, block->end - block->packed, block->packed);
	uint32_t lengths = block->packed | (uint32_t)block->unpacked << 16;
	return (checksum_of(data) ^ lengths) == block->checksum;
}

/* The lengths of block number I of a segment.  One that unpacks to nothing is the first piece of
 * a block that goes on in the next cabinet, so the last here. */
static bool
has_sane_lengths(const struct cab_segment *s, size_t i, const struct block *block)
{
	bool is_piece = block->unpacked == 0;
	bool is_last = i + 1U == s->claimed_blocks;
	bool has_first_piece = i == 0 && s->is_from_previous;
	if (block->packed == 0 || block->packed > CAB_BLOCK_PACKED_MAX ||
	    block->unpacked > CAB_PIECE_BYTES)
		return false;
	if (is_piece)
		return is_last && s->is_to_next;
	return (s->compression & METHOD_MASK) != CAB_STORED || block->packed == block->unpacked ||
	       has_first_piece;
}

static enum cab_reason
judge_block(const struct cab_tables *t, const struct cab_segment *s, size_t i, uint64_t at,
	    uint64_t limit, const struct block *block)
{
	if (at + CAB_BLOCK_BYTES > limit || block->end > limit)
		return limit < t->in.len ? CAB_FOLDERS_OVERLAP : CAB_TRUNCATED;
	if (!has_sane_lengths(s, i, block))
		return CAB_BAD_BLOCK;
	return has_checksum(t, block) ? CAB_NO_FAULT : CAB_BAD_CHECKSUM;
}

/* Blocks up to LIMIT.  Returns where they end. */
static uint64_t
walk(const struct cab_tables *t, struct cab_segment *s, uint64_t limit)
{
	uint64_t at = s->offset;
	for (size_t i = 0; i < s->claimed_blocks; i++) {
		struct block block = block_at(t, at);
		enum cab_reason reason = judge_block(t, s, i, at, limit, &block);
		if (reason != CAB_NO_FAULT) {
			s->fault = (struct cab_fault){reason, t->part, at};
			break;
		}
		s->blocks++;
		s->packed_bytes += block.packed;
		s->bytes += block.unpacked;
		s->ends_split = block.unpacked == 0;
		at = block.end;
	}
	return at;
}

static int
compare_offsets(const void *a, const void *b)
{
	const struct cab_segment *const *left = a;
	const struct cab_segment *const *right = b;
	if ((*left)->offset != (*right)->offset)
		return (*left)->offset < (*right)->offset ? -1 : 1;
	return *left < *right ? -1 : 1;
}

/* Where the next folder with data begins, or the cabinet ends. */
static uint64_t
limit_behind(const struct cab_tables *t, struct cab_segment *const *sorted, size_t i)
{
	for (size_t k = i + 1; k < t->n_folders; k++) {
		if (sorted[k]->claimed_blocks > 0)
			return sorted[k]->offset < t->in.len ? sorted[k]->offset : t->in.len;
	}
	return t->in.len;
}

static void
judge_end(struct cab_tables *t, uint64_t end)
{
	uint64_t claimed = t->claimed_bytes;
	if (claimed > t->in.len)
		t->flags |= CAB_CUT;
	if (end > claimed)
		t->flags |= CAB_LONGER;
	uint64_t whole = claimed > end ? claimed : end;
	if (whole < t->in.len) {
		t->flags |= CAB_DATA_BEHIND;
		t->bytes_behind = t->in.len - whole;
	}
	uint64_t inside = claimed < t->in.len ? claimed : t->in.len;
	if (inside > end)
		t->gap_bytes += inside - end;
	if (t->gap_bytes > 0)
		t->flags |= CAB_GAPS;
}

bool
cab_tables_data(struct cab_tables *t, struct cab_segment *segments, struct arena *arena)
{
	struct cab_segment **sorted =
		arena_array(arena, t->n_folders, sizeof(struct cab_segment *));
	uint64_t end = t->members_end;
	if (sorted == NULL)
		return false;
	for (size_t i = 0; i < t->n_folders; i++)
		sorted[i] = &segments[i];
	qsort(sorted, t->n_folders, sizeof(struct cab_segment *), compare_offsets);
	for (size_t i = 0; i < t->n_folders; i++) {
		struct cab_segment *s = sorted[i];
		if (s->claimed_blocks == 0 || s->fault.reason != CAB_NO_FAULT)
			continue;
		if (s->offset < t->members_end) {
			s->fault = (struct cab_fault){CAB_DATA_IN_TABLES, t->part, s->offset};
			continue;
		}
		if (s->offset > end && s->offset <= t->in.len)
			t->gap_bytes += s->offset - end;
		uint64_t limit = limit_behind(t, sorted, i);
		end = walk(t, s, limit);
		/* Nobody knows where a broken folder ends: nothing behind it counts as a gap. */
		if (s->fault.reason != CAB_NO_FAULT && end < t->claimed_bytes)
			end = limit < t->claimed_bytes ? limit : t->claimed_bytes;
	}
	judge_end(t, end);
	return true;
}

uint64_t
cab_tables_block_at(const struct cab_tables *t, const struct cab_segment *segment, uint64_t at)
{
	uint64_t offset = segment->offset;
	uint64_t bytes = 0;
	for (uint32_t i = 1; i < segment->blocks; i++) {
		struct block block = block_at(t, offset);
		bytes += block.unpacked;
		if (bytes > at)
			break;
		offset = block.end;
	}
	return offset;
}
