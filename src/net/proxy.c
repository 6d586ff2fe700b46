/* proxy.c - the header with which a trusted proxy names the real peer
 *
 * The PROXY protocol of HAProxy, version 2, section 2.2:
 *
 *   12 bytes signature | version 2 and command | family and transport | length, big-endian
 *   source and destination address, then TLVs, which are skipped
 *
 * Version 1, the text form, is refused: one form is enough, and this one has a length.
 */
#include "net/address.h"

#include "base/limits.h"
#include "base/reader.h"

enum {
	PROXY_LOCAL = 0x20,
	PROXY_PROXY = 0x21,
	FAMILY_TCP4 = 0x11,
	FAMILY_TCP6 = 0x21
};

static const uint8_t SIGNATURE[12] = {'\r', '\n', '\r', '\n', 0,   '\r',
				      '\n', 'Q',  'U',  'I',  'T', '\n'};

static bool
could_be_signature(struct slice in)
{
	size_t common = in.len < sizeof(SIGNATURE) ? in.len : sizeof(SIGNATURE);
	return common == 0 || memcmp(in.data, SIGNATURE, common) == 0;
}

/* Source address and port, behind both addresses; the destination is not asked. */
static err_t
parse_addresses(struct reader *r, size_t ip_bytes, struct address *ret_peer)
{
	static const uint8_t v4_prefix[12] = {[10] = 0xff, [11] = 0xff};
	struct address peer = {0};
	struct slice source = reader_bytes(r, ip_bytes);
	(void)reader_bytes(r, ip_bytes);
	peer.port = reader_u16_be(r);
	(void)reader_u16_be(r);
	if (r->error != OK)
		return ERR_PROTO;
	if (ip_bytes == 4)
		memcpy(peer.ip, v4_prefix, sizeof(v4_prefix));
	memcpy(peer.ip + 16 - ip_bytes, source.data, ip_bytes);
	*ret_peer = peer;
	return OK;
}

err_t
proxy_parse(struct slice in, struct address *ret_peer, size_t *ret_used)
{
	struct reader r;
	if (!could_be_signature(in))
		return ERR_PROTO;
	reader_init(&r, in);
	(void)reader_bytes(&r, sizeof(SIGNATURE));
	uint8_t command = reader_u8(&r);
	uint8_t family = reader_u8(&r);
	size_t length = reader_u16_be(&r);
	if (r.error != OK)
		return ERR_TRUNCATED;
	if ((command != PROXY_LOCAL && command != PROXY_PROXY) || length > LIMIT_PROXY_HEADER_BYTES)
		return ERR_PROTO;
	size_t used = r.at + length;
	struct reader addresses;
	reader_init(&addresses, reader_bytes(&r, length));
	if (r.error != OK)
		return ERR_TRUNCATED;
	err_t err = OK;
	if (command == PROXY_PROXY && (family == FAMILY_TCP4 || family == FAMILY_TCP6))
		err = parse_addresses(&addresses, family == FAMILY_TCP4 ? 4 : 16, ret_peer);
	if (err == OK)
		*ret_used = used;
	return err;
}
