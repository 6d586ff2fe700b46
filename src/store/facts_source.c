#include "store/facts_internal.h"

#include "base/reader.h"

/* report.source:
 *
 *	byte 0		bits 0-1 peer: 0 none, 1 IPv4, 2 IPv6; the bits below say what follows
 *	number		enum facts_source_flag
 *	4 or 16 bytes	the peer's address, and 2 bytes its port
 *	number, bytes	length of auth_name, auth_name
 *	number, bytes	length of origin, origin
 *	number		BucketTable of the plain reply, when it is not 5
 *
 * A number is a LEB128: seven bits a byte, low ones first, high bit set on all but the last.
 * An ordinary report takes 8 bytes.
 */
enum {
	PEER_MASK = 3,
	PEER_NONE = 0,
	PEER_V4 = 1,
	PEER_V6 = 2,
	HAS_AUTH_NAME = 1 << 2,
	HAS_ORIGIN = 1 << 3,
	HAS_REPLY = 1 << 4,
	IS_ASKED = 1 << 5,
	HAS_BUCKET_TABLE = 1 << 6,
	UNKNOWN_BITS = 1 << 7,
	V4_AT = 12,
	NUMBER_MAX_BYTES = 10
};
static const uint8_t v4_prefix[V4_AT] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

static void
append_number(struct buf *out, uint64_t value)
{
	for (; value >= 0x80; value >>= 7)
		buf_append_byte(out, (uint8_t)(value | 0x80));
	buf_append_byte(out, (uint8_t)value);
}

static uint64_t
take_number(struct reader *r)
{
	uint64_t value = 0;
	for (unsigned i = 0; i < NUMBER_MAX_BYTES; i++) {
		uint8_t byte = reader_u8(r);
		value |= (uint64_t)(byte & 0x7f) << (7 * i);
		if (byte < 0x80)
			return value;
	}
	reader_fail(r, ERR_CORRUPT);
	return 0;
}

static void
append_text(struct buf *out, struct slice text)
{
	append_number(out, text.len);
	buf_append(out, text);
}

static struct slice
take_text(struct reader *r)
{
	uint64_t len = take_number(r);
	if (len > reader_left(r)) {
		reader_fail(r, ERR_CORRUPT);
		return (struct slice){0};
	}
	return reader_bytes(r, (size_t)len);
}

static unsigned
peer_kind(const struct address *peer)
{
	if (address_is_none(peer))
		return PEER_NONE;
	return memcmp(peer->ip, v4_prefix, V4_AT) == 0 ? PEER_V4 : PEER_V6;
}

void
facts_format_peer(const struct address *peer, struct buf *out)
{
	unsigned kind = peer_kind(peer);
	if (kind == PEER_NONE)
		return;
	size_t from = kind == PEER_V4 ? V4_AT : 0;
	buf_append(out, slice_of(peer->ip + from, sizeof(peer->ip) - from));
	buf_append_byte(out, (uint8_t)peer->port);
	buf_append_byte(out, (uint8_t)(peer->port >> 8));
}

static struct address
take_peer(struct reader *r, unsigned kind)
{
	struct address peer = {0};
	if (kind == PEER_NONE)
		return peer;
	size_t at = kind == PEER_V4 ? V4_AT : 0;
	struct slice ip = reader_bytes(r, sizeof(peer.ip) - at);
	if (kind == PEER_V4)
		memcpy(peer.ip, v4_prefix, V4_AT);
	if (ip.len == sizeof(peer.ip) - at)
		memcpy(peer.ip + at, ip.data, ip.len);
	peer.port = reader_u16(r);
	return peer;
}

err_t
facts_parse_peer(struct slice in, struct address *ret_peer)
{
	struct reader r;
	reader_init(&r, in);
	struct address peer = take_peer(&r, in.len == 0  ? PEER_NONE
					    : in.len > 6 ? PEER_V6
							 : PEER_V4);
	if (r.error != OK || reader_left(&r) != 0)
		return ERR_CORRUPT;
	*ret_peer = peer;
	return OK;
}

void
facts_format_source(const struct facts_row_source *row, struct buf *out)
{
	const struct facts_source *source = &row->source;
	bool has_table = !row->has_reply && row->bucket_table != FACTS_PLAIN_BUCKET_TABLE;
	unsigned form = peer_kind(&source->peer);
	form |= slice_is_absent(source->auth_name) ? 0 : HAS_AUTH_NAME;
	form |= slice_is_absent(source->origin) ? 0 : HAS_ORIGIN;
	form |= row->has_reply ? HAS_REPLY : 0;
	form |= row->is_asked ? IS_ASKED : 0;
	form |= has_table ? HAS_BUCKET_TABLE : 0;
	buf_append_byte(out, (uint8_t)form);
	append_number(out, source->flags);
	facts_format_peer(&source->peer, out);
	if ((form & HAS_AUTH_NAME) != 0)
		append_text(out, source->auth_name);
	if ((form & HAS_ORIGIN) != 0)
		append_text(out, source->origin);
	if (has_table)
		append_number(out, row->bucket_table);
}

err_t
facts_parse_source(struct slice in, struct facts_row_source *ret_row)
{
	struct facts_row_source row = {.bucket_table = FACTS_PLAIN_BUCKET_TABLE};
	struct reader r;
	reader_init(&r, in);
	unsigned form = reader_u8(&r);
	if ((form & UNKNOWN_BITS) != 0 || (form & PEER_MASK) > PEER_V6)
		return ERR_CORRUPT;
	row.source.flags = (uint32_t)take_number(&r);
	row.source.peer = take_peer(&r, form & PEER_MASK);
	if ((form & HAS_AUTH_NAME) != 0)
		row.source.auth_name = take_text(&r);
	if ((form & HAS_ORIGIN) != 0)
		row.source.origin = take_text(&r);
	if ((form & HAS_BUCKET_TABLE) != 0)
		row.bucket_table = take_number(&r);
	row.has_reply = (form & HAS_REPLY) != 0;
	row.is_asked = (form & IS_ASKED) != 0;
	if (r.error != OK || reader_left(&r) != 0)
		return ERR_CORRUPT;
	*ret_row = row;
	return OK;
}
