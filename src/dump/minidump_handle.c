/* Handles and the process's token. */
#include "dump/minidump_reader.h"

#include <inttypes.h>

#include "base/text.h"

/* ---- HandleData ---- */

/* MINIDUMP_HANDLE_OBJECT_INFORMATION_TYPE.  What is inside them is not public. */
static const char *const info_names[] = {
	"none",
	"ThreadInformation1",
	"MutantInformation1",
	"MutantInformation2",
	"ProcessInformation1",
	"ProcessInformation2",
	"EventInformation1",
	"SectionInformation1",
	"SemaphoreInformation1",
};

/* A chain of records: offset of the next, type, bytes.  It may loop, so its length is bounded. */
static struct slice
describe_info(struct minidump *m, uint32_t rva)
{
	enum {
		CHAIN_MOST = 8, /* Windows writes two at most */
		SHOWN_BYTES = 32
	};
	buf_reset(&m->scratch);
	for (size_t i = 0; rva != 0 && i < CHAIN_MOST; i++) {
		struct reader r;
		reader_init(&r, minidump_from(m, rva, SIZE_MAX));
		rva = reader_u32(&r);
		uint32_t type = reader_u32(&r);
		uint32_t bytes = reader_u32(&r);
		struct slice info = reader_bytes(&r, bytes);
		if (r.error != OK) {
			minidump_fault(m, r.error);
			break;
		}
		if (m->scratch.len > 0)
			buf_append_str(&m->scratch, "; ");
		if (type < sizeof(info_names) / sizeof(info_names[0]))
			buf_append_str(&m->scratch, info_names[type]);
		else
			buf_printf(&m->scratch, "type %u", type);
		buf_append_str(&m->scratch, " ");
		text_hex(slice_sub(info, 0, SHOWN_BYTES), &m->scratch);
	}
	return m->scratch.len == 0 ? (struct slice){0} : minidump_keep(m);
}

err_t
minidump_read_handles(struct minidump *m, struct slice stream)
{
	enum {
		LONG = 40
	};
	static const struct minidump_shape shape = {
		.least_header = 12,
		.least = MINIDUMP_HANDLE_BYTES,
		.most = LIMIT_MINIDUMP_HANDLES,
	};
	struct minidump_table table;
	struct dump *dump = m->dump;
	err_t err = minidump_sized_list(m, stream, shape, &table);
	if (err != OK)
		return err;
	dump->handles.items = arena_array(m->arena, table.n, sizeof(struct dump_handle));
	if (dump->handles.items == NULL)
		return ERR_LIMIT;
	for (size_t i = 0; i < table.n; i++) {
		struct reader r = minidump_entry(&table, i);
		struct minidump_handle record = minidump_read_handle(&r, table.each >= LONG);
		struct dump_handle *handle = &dump->handles.items[dump->handles.n++];
		handle->handle = record.handle;
		handle->attributes = record.attributes;
		handle->access = record.access;
		handle->handle_count = record.handle_count;
		handle->pointer_count = record.pointer_count;
		handle->type = minidump_string(m, record.type_rva);
		handle->name = minidump_string(m, record.name_rva);
		handle->info = describe_info(m, record.info_rva);
	}
	return OK;
}

/* The trace that Application Verifier keeps: who opened and closed.  Counted only. */
err_t
minidump_read_handle_operations(struct minidump *m, struct slice stream)
{
	static const struct minidump_shape shape = {
		.least_header = 12,
		.least = 288, /* AVRF_HANDLE_OPERATION with its 32 return addresses */
		.most = UINT32_MAX,
	};
	struct minidump_table table;
	err_t err = minidump_sized_list(m, stream, shape, &table);
	if (err == OK)
		minidump_fact_number(m, "handle_operations", table.n);
	return err;
}

/* ---- Token ----
 *
 * minidumpapiset.h declares the frame: sizes of the list, its header and a token's header, then a
 * token: size, id (of the process), handle.  The rest of its header is not declared; in what
 * Windows 7 and later write it is pairs of offset (from the token's start) and size, in the order
 * below, each block the self-relative form of GetTokenInformation.  A block that is not of the
 * shape it should have is left alone. */

enum token_block {
	BLOCK_TYPE,
	BLOCK_USER,
	BLOCK_GROUPS,
	BLOCK_PRIMARY_GROUP,
	BLOCK_PRIVILEGES,
	BLOCK_STATISTICS,
	BLOCK_N
};

enum {
	SID_PARTS_MOST = 15,
	SID_AUTHORITY_INTEGRITY = 16,
	GROUP_INTEGRITY = 0x20, /* SE_GROUP_INTEGRITY */
	GROUP_DENY_ONLY = 0x10, /* SE_GROUP_USE_FOR_DENY_ONLY */
	PRIVILEGE_ENABLED = 2,  /* SE_PRIVILEGE_ENABLED */
	GROUPS_MOST = 1024,     /* a token has 1,015 at most */
	PRIVILEGES_MOST = 64    /* Windows knows 35 */
};

/* Appends "S-1-5-18".  False when there is none at AT. */
static bool
append_sid(struct slice block, size_t at, struct buf *out, uint64_t *ret_authority,
	   uint32_t *ret_last)
{
	struct reader r;
	uint64_t authority = 0;
	reader_init(&r, slice_sub(block, at, SIZE_MAX));
	uint8_t revision = reader_u8(&r);
	uint8_t parts = reader_u8(&r);
	for (size_t i = 0; i < 6; i++)
		authority = authority << 8 | reader_u8(&r);
	if (revision != 1 || parts > SID_PARTS_MOST || reader_left(&r) < (size_t)parts * 4)
		return false;
	*ret_last = 0;
	*ret_authority = authority;
	buf_printf(out, "S-1-%" PRIu64, authority);
	for (size_t i = 0; i < parts; i++) {
		*ret_last = reader_u32(&r);
		buf_printf(out, "-%u", *ret_last);
	}
	return true;
}

static void
take_user(struct minidump *m, struct slice block)
{
	uint64_t authority;
	uint32_t last;
	struct reader r;
	reader_init(&r, block);
	uint32_t at = reader_u32(&r);
	buf_reset(&m->scratch);
	if (append_sid(block, at, &m->scratch, &authority, &last))
		m->dump->user = minidump_keep(m);
}

/* Groups are "S-1-5-32-544 S-1-1-0 ..."; the integrity level is one of them. */
static void
take_groups(struct minidump *m, struct slice block)
{
	struct reader r;
	reader_init(&r, block);
	uint32_t n = reader_u32(&r);
	buf_reset(&m->scratch);
	for (uint32_t i = 0; i < n && i < GROUPS_MOST && reader_left(&r) >= 8; i++) {
		uint64_t authority;
		uint32_t last;
		uint32_t at = reader_u32(&r);
		uint32_t attributes = reader_u32(&r);
		size_t before = m->scratch.len;
		if (before > 0)
			buf_append_str(&m->scratch, " ");
		if (!append_sid(block, at, &m->scratch, &authority, &last)) {
			m->scratch.len = before;
			continue;
		}
		if ((attributes & GROUP_DENY_ONLY) != 0)
			buf_append_str(&m->scratch, "(deny)");
		if (authority == SID_AUTHORITY_INTEGRITY && (attributes & GROUP_INTEGRITY) != 0)
			m->dump->integrity = slice_str(minidump_integrity_name(last));
	}
	minidump_fact(m, "token.groups", minidump_keep(m));
}

/* By LUID, from 2 on: SE_CREATE_TOKEN_PRIVILEGE ... */
static const char *const privileges[] = {
	[2] = "SeCreateTokenPrivilege",
	[3] = "SeAssignPrimaryTokenPrivilege",
	[4] = "SeLockMemoryPrivilege",
	[5] = "SeIncreaseQuotaPrivilege",
	[6] = "SeMachineAccountPrivilege",
	[7] = "SeTcbPrivilege",
	[8] = "SeSecurityPrivilege",
	[9] = "SeTakeOwnershipPrivilege",
	[10] = "SeLoadDriverPrivilege",
	[11] = "SeSystemProfilePrivilege",
	[12] = "SeSystemtimePrivilege",
	[13] = "SeProfileSingleProcessPrivilege",
	[14] = "SeIncreaseBasePriorityPrivilege",
	[15] = "SeCreatePagefilePrivilege",
	[16] = "SeCreatePermanentPrivilege",
	[17] = "SeBackupPrivilege",
	[18] = "SeRestorePrivilege",
	[19] = "SeShutdownPrivilege",
	[20] = "SeDebugPrivilege",
	[21] = "SeAuditPrivilege",
	[22] = "SeSystemEnvironmentPrivilege",
	[23] = "SeChangeNotifyPrivilege",
	[24] = "SeRemoteShutdownPrivilege",
	[25] = "SeUndockPrivilege",
	[26] = "SeSyncAgentPrivilege",
	[27] = "SeEnableDelegationPrivilege",
	[28] = "SeManageVolumePrivilege",
	[29] = "SeImpersonatePrivilege",
	[30] = "SeCreateGlobalPrivilege",
	[31] = "SeTrustedCredManAccessPrivilege",
	[32] = "SeRelabelPrivilege",
	[33] = "SeIncreaseWorkingSetPrivilege",
	[34] = "SeTimeZonePrivilege",
	[35] = "SeCreateSymbolicLinkPrivilege",
	[36] = "SeDelegateSessionUserImpersonatePrivilege",
};

/* "SeShutdownPrivilege SeChangeNotifyPrivilege+": + is enabled. */
static void
take_privileges(struct minidump *m, struct slice block)
{
	struct reader r;
	reader_init(&r, block);
	uint32_t n = reader_u32(&r);
	buf_reset(&m->scratch);
	for (uint32_t i = 0; i < n && i < PRIVILEGES_MOST && reader_left(&r) >= 12; i++) {
		uint64_t luid = reader_u64(&r);
		uint32_t attributes = reader_u32(&r);
		if (i > 0)
			buf_append_str(&m->scratch, " ");
		if (luid < sizeof(privileges) / sizeof(privileges[0]) && privileges[luid] != NULL)
			buf_append_str(&m->scratch, privileges[luid]);
		else
			buf_printf(&m->scratch, "%" PRIu64, luid);
		if ((attributes & PRIVILEGE_ENABLED) != 0)
			buf_append_str(&m->scratch, "+");
	}
	minidump_fact(m, "token.privileges", minidump_keep(m));
}

/* TOKEN_STATISTICS */
static void
take_statistics(struct minidump *m, struct slice block)
{
	struct reader r;
	reader_init(&r, block);
	(void)reader_u64(&r); /* token id */
	uint64_t session = reader_u64(&r);
	(void)reader_u64(&r); /* expires */
	uint32_t type = reader_u32(&r);
	if (r.error != OK)
		return;
	minidump_fact_hex(m, "token.logon_session", session);
	minidump_fact(m, "token.type", slice_str(type == 1 ? "primary" : "impersonation"));
}

static void
take_token(struct minidump *m, struct slice token, uint32_t header_bytes)
{
	enum {
		PAIRS = 16 /* behind size, id and handle */
	};
	struct slice blocks[BLOCK_N] = {0};
	struct reader r;
	reader_init(&r, slice_sub(token, 0, header_bytes));
	(void)reader_bytes(&r, PAIRS);
	for (size_t i = 0; i < BLOCK_N && reader_left(&r) >= 8; i++) {
		uint32_t at = reader_u32(&r);
		uint32_t bytes = reader_u32(&r);
		blocks[i] = slice_sub(token, at, bytes);
	}
	take_user(m, blocks[BLOCK_USER]);
	take_groups(m, blocks[BLOCK_GROUPS]);
	take_privileges(m, blocks[BLOCK_PRIVILEGES]);
	take_statistics(m, blocks[BLOCK_STATISTICS]);
}

/* The first token is the process's own; threads' would follow. */
err_t
minidump_read_token(struct minidump *m, struct slice stream)
{
	struct reader r;
	reader_init(&r, stream);
	uint32_t list_bytes = reader_u32(&r);
	uint32_t n = reader_u32(&r);
	uint32_t list_header = reader_u32(&r);
	uint32_t token_header = reader_u32(&r);
	if (r.error != OK)
		return r.error;
	if (list_bytes > stream.len || list_header > list_bytes)
		return ERR_CORRUPT;
	minidump_fact_number(m, "token.tokens", n);
	reader_init(&r, slice_sub(stream, list_header, SIZE_MAX));
	uint32_t bytes = reader_u32(&r);
	if (n == 0)
		return OK;
	if (r.error != OK || bytes > r.in.len || token_header > bytes)
		return ERR_CORRUPT;
	take_token(m, slice_sub(r.in, 0, bytes), token_header);
	return OK;
}
