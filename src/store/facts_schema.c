#include "store/facts_internal.h"

/* docs/store.md tells the reasons; this is the law.
 *
 * The body is the fact: whatever level 1 said is read from it again, and every count and index
 * over it is derived.  So a stored report is one row of one table that only grows at its end.
 */
static const char schema[] =
	"CREATE TABLE meta(\n"
	"	name TEXT PRIMARY KEY,\n"
	"	value ANY NOT NULL  -- upload_key: signs upload paths; next_bucket_id: the first\n"
	"	                    -- that is not reserved; clean: 1 while nobody has it open "
	"for\n"
	"	                    -- writing; created_us\n"
	") STRICT, WITHOUT ROWID;\n"

	"CREATE TABLE report(\n"
	"	id INTEGER PRIMARY KEY,  -- made by ingest, in order of time: src/store/id.h\n"
	"	bucket INTEGER NOT NULL, -- bucket.id, as it was told to the machine\n"
	"	source BLOB NOT NULL,    -- peer, how it came, who was authenticated, and whether\n"
	"	                         -- reply and ask have a row: src/store/facts_source.c\n"
	"	body BLOB NOT NULL       -- level 1 byte for byte, packed: src/store/pack.c\n"
	") STRICT;\n"

	"CREATE TABLE bucket(\n"
	"	id INTEGER PRIMARY KEY,   -- the number on the wire, from 1000 to 2^31-1\n"
	"	key BLOB NOT NULL UNIQUE, -- 16 bytes: src/bucket/label.h\n"
	"	event_type TEXT NOT NULL, -- canonical spelling\n"
	"	p1 TEXT, p2 TEXT, p3 TEXT, p4 TEXT, p5 TEXT, -- the values that make the bucket;\n"
	"	p6 TEXT, p7 TEXT, p8 TEXT, p9 TEXT, p10 TEXT, -- NULL past the last\n"
	"	first_seen_us INTEGER NOT NULL -- when its first report came\n"
	") STRICT;\n"

	"CREATE TABLE reply(\n"
	"	report INTEGER PRIMARY KEY, -- report.id; no row: the plain reply, which says\n"
	"	                            -- bucket and table and can be made again\n"
	"	text BLOB NOT NULL          -- the bytes of the answer, code page 1252\n"
	") STRICT;\n"

	"CREATE TABLE ask(\n"
	"	report INTEGER PRIMARY KEY,   -- report.id; a row: its cabinet was asked for\n"
	"	bucket_hits INTEGER NOT NULL, -- of its bucket at that time, as ingest counted\n"
	"	max_bytes INTEGER NOT NULL,   -- larger ones were to be refused\n"
	"	expires_us INTEGER NOT NULL   -- later ones were to be refused\n"
	") STRICT;\n"

	"CREATE TABLE upload(\n"
	"	sequence INTEGER PRIMARY KEY AUTOINCREMENT, -- order of commits, never used again\n"
	"	report INTEGER NOT NULL UNIQUE, -- report.id; one upload each\n"
	"	sha256 BLOB NOT NULL,           -- name of the blob: src/store/blob_dir.h\n"
	"	bytes INTEGER NOT NULL,         -- its size\n"
	"	received_us INTEGER NOT NULL,   -- when it was whole\n"
	"	is_cabinet INTEGER NOT NULL,    -- 0: kept, but it does not begin with MSCF\n"
	"	peer BLOB NOT NULL              -- who sent it: src/store/facts_source.c\n"
	") STRICT;\n"
	/* Asked before a blob is unlinked. */
	"CREATE INDEX upload_sha256 ON upload(sha256);\n"

	"CREATE TABLE quarantine(\n"
	"	id INTEGER PRIMARY KEY,        -- ascending; only the newest are kept\n"
	"	received_us INTEGER NOT NULL,\n"
	"	peer BLOB NOT NULL,            -- as upload.peer\n"
	"	stage TEXT NOT NULL,           -- level1, upload or http\n"
	"	reason TEXT NOT NULL,          -- the name of its counter\n"
	"	detail TEXT,                   -- for people\n"
	"	at_offset INTEGER NOT NULL,    -- where in the body it went wrong\n"
	"	total_bytes INTEGER NOT NULL,  -- of the body, more than is kept perhaps\n"
	"	bytes BLOB NOT NULL            -- its beginning\n"
	") STRICT;\n"

	"CREATE TABLE counter(\n"
	"	name TEXT PRIMARY KEY,\n"
	"	value INTEGER NOT NULL -- since the store was made\n"
	") STRICT, WITHOUT ROWID;\n";

const struct sql_file facts_file = {
	.application_id = 0x6f776661, /* "owfa" */
	.version = 1,
	.schema = schema,
	.sync = SQL_SYNC_FULL,
	.page_bytes = 4096,
	/* 8 MiB.  A checkpoint holds up the group behind it: with 1,000 pages it is quicker, but
	 * one in sixty groups of 256 reports then meets one, and it is the slowest 1 % that counts;
	 * with 4,000 it takes twice as long. */
	.checkpoint_pages = 2000,
	.cache_kib = 8192,
};

#define REPORT_COLUMNS                                                                             \
	"SELECT r.id, r.bucket, r.source, r.body, p.text, u.sha256, u.bytes, u.received_us,"       \
	" u.is_cabinet FROM report r LEFT JOIN reply p ON p.report = r.id"                         \
	" LEFT JOIN upload u ON u.report = r.id "
#define BUCKET_COLUMNS                                                                             \
	"SELECT id, key, event_type, first_seen_us, p1, p2, p3, p4, p5, p6, p7, p8, p9, p10"       \
	" FROM bucket "
#define QUARANTINE_COLUMNS                                                                         \
	"SELECT id, received_us, peer, stage, reason, detail, at_offset, total_bytes, bytes"       \
	" FROM quarantine "

const char *const facts_read_texts[READ_STATEMENT_N] = {
	[READ_META] = "SELECT value FROM meta WHERE name = ?",
	[READ_HIGHEST_ID] = "SELECT max(id) FROM report",
	[READ_REPORT] = REPORT_COLUMNS "WHERE r.id = ?",
	[READ_REPORT_BUCKET] = "SELECT bucket FROM report WHERE id = ?",
	[READ_REPORTS_AFTER] = REPORT_COLUMNS "WHERE r.id > ? ORDER BY r.id LIMIT ?",
	[READ_BUCKET] = BUCKET_COLUMNS "WHERE id = ?",
	[READ_BUCKETS_AFTER] = BUCKET_COLUMNS "WHERE id > ? ORDER BY id LIMIT ?",
	[READ_ASKED_AFTER] = "SELECT a.report, r.bucket, a.bucket_hits, a.expires_us, u.bytes"
			     " FROM ask a JOIN report r ON r.id = a.report"
			     " LEFT JOIN upload u ON u.report = a.report"
			     " WHERE a.report > ? ORDER BY a.report LIMIT ?",
	[READ_UPLOADS_AFTER] = "SELECT u.sequence, u.report, r.bucket, u.sha256, u.bytes,"
			       " u.received_us, u.is_cabinet, u.peer"
			       " FROM upload u JOIN report r ON r.id = u.report"
			       " WHERE u.sequence > ? ORDER BY u.sequence LIMIT ?",
	[READ_BLOB_NAMED] = "SELECT 1 FROM upload WHERE sha256 = ? LIMIT 1",
	[READ_QUARANTINED] = QUARANTINE_COLUMNS "WHERE id = ?",
	[READ_QUARANTINED_BEFORE] = QUARANTINE_COLUMNS "WHERE id < ? ORDER BY id DESC LIMIT ?",
	[READ_COUNTERS_AFTER] = "SELECT name, value FROM counter ORDER BY name LIMIT ?2 OFFSET ?1",
};

const char *const facts_write_texts[WRITE_STATEMENT_N] = {
	[WRITE_META] = "INSERT INTO meta VALUES(?, ?)"
		       " ON CONFLICT(name) DO UPDATE SET value = excluded.value",
	[WRITE_BUCKET] = "INSERT INTO bucket VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
	[WRITE_REPORT] = "INSERT INTO report VALUES(?, ?, ?, ?)",
	[WRITE_REPLY] = "INSERT INTO reply VALUES(?, ?)",
	[WRITE_ASK] = "INSERT INTO ask VALUES(?, ?, ?, ?)",
	[WRITE_UPLOAD] = "INSERT INTO upload(report, sha256, bytes, received_us, is_cabinet, peer)"
			 " SELECT id, ?, ?, ?, ?, ? FROM report WHERE id = ?",
	[WRITE_QUARANTINED] = "INSERT INTO quarantine(received_us, peer, stage, reason, detail,"
			      " at_offset, total_bytes, bytes) VALUES(?, ?, ?, ?, ?, ?, ?, ?)",
	[WRITE_QUARANTINE_BOUND] = "DELETE FROM quarantine WHERE id <= ?",
	[WRITE_COUNTER] = "INSERT INTO counter VALUES(?, ?)"
			  " ON CONFLICT(name) DO UPDATE SET value = value + excluded.value",
	[WRITE_RESERVE_BUCKET_IDS] = "UPDATE meta SET value = value + ?1"
				     " WHERE name = 'next_bucket_id' AND value + ?1 <= 2147483648"
				     " RETURNING value - ?1",
};
