#include "store/derived_internal.h"

#include "store/id.h"

/* docs/store.md tells the reasons; this is the law.  Whoever changes it adds one to the version:
 * werd analyze then makes the file anew from the facts.
 *
 * Ids of absent values are 0, which no table has; the views give NULL.  NOCASE folds ASCII
 * letters, as all comparing of texts in openwer does.
 */
_Static_assert(ID_COUNTER_BITS + ID_NODE_BITS == 21, "the views shift ids by 21 bits");

#define INTERNED                                                                                   \
	"CREATE TABLE machine(\n"                                                                  \
	"	id INTEGER PRIMARY KEY,\n"                                                               \
	"	name TEXT NOT NULL UNIQUE COLLATE NOCASE, -- first spelling\n"                           \
	"	first_report INTEGER NOT NULL);\n"                                                       \
	"CREATE TABLE user(\n"                                                                     \
	"	id INTEGER PRIMARY KEY,\n"                                                               \
	"	name TEXT NOT NULL UNIQUE COLLATE NOCASE,\n"                                             \
	"	first_report INTEGER NOT NULL);\n"                                                       \
	"CREATE TABLE application(\n"                                                              \
	"	id INTEGER PRIMARY KEY,\n"                                                               \
	"	image TEXT COLLATE NOCASE, -- such as GPFMe.exe\n"                                       \
	"	name TEXT COLLATE NOCASE,  -- the product's, attribute appname\n"                        \
	"	path TEXT COLLATE NOCASE,\n"                                                             \
	"	company TEXT COLLATE NOCASE,\n"                                                          \
	"	first_report INTEGER NOT NULL);\n"                                                       \
	"CREATE INDEX application_image ON application(image, name, path, company);\n"             \
	"CREATE INDEX application_name ON application(name);\n"                                    \
	"CREATE INDEX application_path ON application(path);\n"                                    \
	"CREATE TABLE detail(\n" /* what no other table has of a report's texts */                 \
	"	id INTEGER PRIMARY KEY,\n"                                                               \
	"	key BLOB NOT NULL UNIQUE, -- SHA-256 of the folded texts, 16 bytes of it\n"              \
	"	event_type TEXT, -- as sent\n"                                                           \
	"	report_type INTEGER,\n"                                                                  \
	"	friendly_event_name TEXT,\n"                                                             \
	"	event_description TEXT,\n"                                                               \
	"	others TEXT, -- values that make no bucket, a line each\n"                               \
	"	first_report INTEGER NOT NULL);\n"                                                       \
	"CREATE TABLE system(\n"                                                                   \
	"	id INTEGER PRIMARY KEY,\n"                                                               \
	"	os TEXT COLLATE NOCASE,\n"                                                               \
	"	lcid INTEGER,\n"                                                                         \
	"	oem TEXT COLLATE NOCASE,\n"                                                              \
	"	first_report INTEGER NOT NULL);\n"                                                       \
	"CREATE INDEX system_os ON system(os, lcid, oem);\n"                                       \
	"CREATE TABLE part(\n" /* what buckets are found by */                                     \
	"	id INTEGER PRIMARY KEY,\n"                                                               \
	"	kind INTEGER NOT NULL, -- 0 event type, 1 module, 2 code\n"                              \
	"	value TEXT NOT NULL COLLATE NOCASE,\n"                                                   \
	"	buckets INTEGER NOT NULL,\n"                                                             \
	"	reports INTEGER NOT NULL,\n"                                                             \
	"	last_report INTEGER NOT NULL,\n"                                                         \
	"	UNIQUE(kind, value));\n"

/* A bucket's numbers change with each report, its texts never do: kept apart, because a changed
 * row costs the whole page. */
#define BUCKETS                                                                                    \
	"CREATE TABLE bucket(\n"                                                                   \
	"	id INTEGER PRIMARY KEY,\n"                                                               \
	"	event INTEGER NOT NULL, module INTEGER NOT NULL, code INTEGER NOT NULL,\n"               \
	"	hits INTEGER NOT NULL,\n"                                                                \
	"	machines INTEGER NOT NULL, users INTEGER NOT NULL,\n"                                    \
	"	cabs_asked INTEGER NOT NULL, cabs INTEGER NOT NULL,\n"                                   \
	"	last_report INTEGER NOT NULL);\n"                                                        \
	"CREATE INDEX bucket_event ON bucket(event);\n"                                            \
	"CREATE INDEX bucket_module ON bucket(module);\n"                                          \
	"CREATE INDEX bucket_code ON bucket(code);\n" /* The long tail stays out of these two. */  \
	"CREATE INDEX bucket_hits ON bucket(hits) WHERE hits >= 32;\n"                             \
	"CREATE INDEX bucket_machines ON bucket(machines) WHERE machines >= 32;\n"                 \
	"CREATE TABLE bucket_label(\n"                                                             \
	"	id INTEGER PRIMARY KEY,\n"                                                               \
	"	hashed BLOB NOT NULL, legacy INTEGER NOT NULL,\n"                                        \
	"	is_hashed_verified INTEGER NOT NULL,\n"                                                  \
	"	first_seen_us INTEGER NOT NULL,\n"                                                       \
	"	app_image TEXT, app_name TEXT, -- of its first report\n"                                 \
	"	event_type TEXT NOT NULL, -- canonical\n"                                                \
	"	p1 TEXT, p2 TEXT, p3 TEXT, p4 TEXT, p5 TEXT,\n"                                          \
	"	p6 TEXT, p7 TEXT, p8 TEXT, p9 TEXT, p10 TEXT);\n"                                        \
	"CREATE INDEX bucket_label_legacy ON bucket_label(legacy);\n" /* finds hashed too */

#define REPORTS                                                                                    \
	"CREATE TABLE segment(\n" /* of the report table: as many reports as the code says */      \
	"	id INTEGER PRIMARY KEY,\n"                                                               \
	"	first_report INTEGER NOT NULL);\n"                                                       \
	"CREATE TABLE report(\n"                                                                   \
	"	id INTEGER PRIMARY KEY,\n"                                                               \
	"	segment INTEGER NOT NULL, bucket INTEGER NOT NULL, machine INTEGER NOT NULL,\n"          \
	"	user INTEGER NOT NULL, application INTEGER NOT NULL, detail INTEGER NOT NULL,\n"         \
	"	system INTEGER NOT NULL,\n"                                                              \
	"	event_time_us INTEGER); -- NULL: not sent, or no time\n"                                 \
	"CREATE INDEX report_bucket ON report(segment, bucket);\n"                                 \
	"CREATE INDEX report_machine ON report(segment, machine);\n"                               \
	"CREATE INDEX report_user ON report(segment, user);\n"                                     \
	"CREATE INDEX report_application ON report(segment, application);\n"                       \
	"CREATE INDEX report_detail ON report(segment, detail);\n"                                 \
	"CREATE TABLE upload(\n"                                                                   \
	"	report INTEGER PRIMARY KEY,\n"                                                           \
	"	bucket INTEGER NOT NULL, received_us INTEGER NOT NULL, sha256 BLOB NOT NULL,\n"          \
	"	bytes INTEGER NOT NULL, is_cabinet INTEGER NOT NULL);\n"

#define COUNT_TABLE(name)                                                                          \
	"CREATE TABLE " name "(\n"                                                                 \
	"	id INTEGER PRIMARY KEY, reports INTEGER NOT NULL, last_report INTEGER NOT "              \
	"NULL);\n"
#define PAIR_TABLE(name)                                                                           \
	"CREATE TABLE " name "(\n"                                                                 \
	"	owner INTEGER NOT NULL, first INTEGER NOT NULL, members BLOB NOT NULL,\n"                \
	"	PRIMARY KEY(owner, first)) WITHOUT ROWID;\n"
#define COUNTS                                                                                     \
	COUNT_TABLE("machine_count")                                                               \
	COUNT_TABLE("user_count")                                                                  \
	COUNT_TABLE("application_count")                                                           \
	PAIR_TABLE("machine_bucket")                                                               \
	PAIR_TABLE("user_bucket")                                                                  \
	PAIR_TABLE("application_bucket")                                                           \
	"CREATE TABLE machine_system(\n"                                                           \
	"	system INTEGER NOT NULL, machine INTEGER NOT NULL,\n"                                    \
	"	PRIMARY KEY(system, machine)) WITHOUT ROWID;\n"                                          \
	"CREATE TABLE day_count(\n"                                                                \
	"	day INTEGER NOT NULL, event INTEGER NOT NULL, reports INTEGER NOT NULL,\n"               \
	"	PRIMARY KEY(day, event)) WITHOUT ROWID;\n"                                               \
	"CREATE TABLE state(\n"                                                                    \
	"	id INTEGER PRIMARY KEY CHECK(id = 1),\n"                                                 \
	"	facts BLOB,               -- which store this was made from\n"                           \
	"	position INTEGER NOT NULL, -- highest report that is in\n"                               \
	"	upload_sequence INTEGER NOT NULL,\n"                                                     \
	"	as_of_us INTEGER NOT NULL,\n"                                                            \
	"	reports INTEGER NOT NULL, unreadable INTEGER NOT NULL,\n"                                \
	"	buckets INTEGER NOT NULL, machines INTEGER NOT NULL, users INTEGER NOT NULL,\n"          \
	"	cabs INTEGER NOT NULL, cab_bytes INTEGER NOT NULL);\n"                                   \
	"INSERT INTO state VALUES(1, NULL, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);\n"                       \
	"CREATE VIRTUAL TABLE text_index USING fts5(\n"                                            \
	"	text, content = '', columnsize = 0, detail = none, tokenize = 'trigram');\n"

/* ---- the views: werctl-views(5) promises their names and columns ---- */

#define TIME_OF_ID(id) "strftime('%Y-%m-%dT%H:%M:%f000Z', (" id " >> 21) / 1000.0, 'unixepoch')"
#define US_OF_ID(id) "(" id " >> 21) * 1000"
#define TIME_OF_US(us)                                                                             \
	"strftime('%Y-%m-%dT%H:%M:%S', (" us " - (" us " % 1000000 + 1000000) % 1000000)"          \
	" / 1000000, 'unixepoch') || printf('.%06dZ', (" us " % 1000000 + 1000000) % 1000000)"

#define REPORT_VIEW                                                                                \
	"CREATE VIEW v_report AS SELECT r.id AS id,\n"                                             \
	" " TIME_OF_ID("r.id") " AS received, " US_OF_ID(                                          \
		"r.id") " AS received_us,\n"                                                       \
			" d.event_type AS event_type, d.report_type AS report_type,\n"             \
			" " TIME_OF_US(                                                            \
				"r.event_time_us") " AS event_time, r.event_time_us AS "           \
						   "event_time_us,\n"                              \
						   " d.friendly_event_name AS "                    \
						   "friendly_event_name,\n"                        \
						   " d.event_description AS event_description,\n"  \
						   " a.image AS app_image, a.name AS app_name,\n"  \
						   " a.path AS app_path, a.company AS "            \
						   "app_company,\n"                                \
						   " m.name AS machine, u.name AS user, y.os AS "  \
						   "os,\n"                                         \
						   " y.lcid AS lcid, y.oem AS oem, r.bucket AS "   \
						   "bucket,\n"                                     \
						   " (SELECT value FROM bucket b JOIN part p ON "  \
						   "p.id = b.module WHERE b.id = r.bucket)\n"      \
						   " AS module,\n"                                 \
						   " (SELECT value FROM bucket b JOIN part p ON "  \
						   "p.id = b.code WHERE b.id = r.bucket)\n"        \
						   " AS code, c.report IS NOT NULL AS has_cab, "   \
						   "c.bytes AS cab_bytes\n"                        \
						   "FROM segment s JOIN report r ON r.segment = "  \
						   "s.id\n"                                        \
						   " LEFT JOIN machine m ON m.id = r.machine "     \
						   "LEFT JOIN user u ON u.id = r.user\n"           \
						   " LEFT JOIN application a ON a.id = "           \
						   "r.application LEFT JOIN detail d ON d.id = "   \
						   "r.detail\n"                                    \
						   " LEFT JOIN system y ON y.id = r.system LEFT "  \
						   "JOIN upload c ON c.report = r.id;\n"

#define BUCKET_VIEW                                                                                \
	"CREATE VIEW v_bucket AS SELECT b.id AS id, lower(hex(l.hashed)) AS hashed,\n"             \
	" l.legacy AS legacy, l.is_hashed_verified AS hashed_verified,\n"                          \
	" e.value AS event_type, l.app_image AS app_image,\n"                                      \
	" l.app_name AS app_name, m.value AS module, c.value AS code,\n"                           \
	" p1, p2, p3, p4, p5, p6, p7, p8, p9, p10, b.hits AS hits, b.machines AS machines,\n"      \
	" b.users AS users, b.cabs_asked AS cabs_asked, b.cabs AS cabs,\n"                         \
	" " TIME_OF_US(                                                                            \
		"l.first_seen_us") " AS first_seen, l.first_seen_us AS first_seen_us,\n"           \
				   " " TIME_OF_ID(                                                 \
					   "b.last_report") " AS last_seen,\n"                     \
							    " " US_OF_ID(                          \
								    "b.last_report") " AS "        \
										     "last_seen_"  \
										     "us, "        \
										     "b.last_"     \
										     "report AS "  \
										     "last_"       \
										     "report\n"    \
										     "FROM "       \
										     "bucket b "   \
										     "JOIN "       \
										     "bucket_"     \
										     "label l ON " \
										     "l.id = "     \
										     "b.id LEFT "  \
										     "JOIN part "  \
										     "e ON e.id "  \
										     "= b.event\n" \
										     " LEFT JOIN " \
										     "part m ON "  \
										     "m.id = "     \
										     "b.module "   \
										     "LEFT JOIN "  \
										     "part c ON "  \
										     "c.id = "     \
										     "b.code;\n"

#define SEEN_COLUMNS                                                                               \
	" n.reports AS reports, " TIME_OF_ID(                                                      \
		"x.first_report") " AS first_seen,\n"                                              \
				  " " TIME_OF_ID("n.last_report") " AS last_seen, n.last_report "  \
								  "AS last_report\n"

#define OTHER_VIEWS                                                                                \
	"CREATE VIEW v_machine AS SELECT x.name AS machine, y.os AS os,\n"                         \
	" y.lcid AS lcid, y.oem AS oem,\n" SEEN_COLUMNS                                            \
	"FROM machine x JOIN machine_count n ON n.id = x.id\n"                                     \
	" LEFT JOIN report r ON r.id = n.last_report LEFT JOIN system y ON y.id = r.system;\n"     \
	"CREATE VIEW v_user AS SELECT x.name AS user,\n" SEEN_COLUMNS                              \
	"FROM user x JOIN user_count n ON n.id = x.id;\n"                                          \
	"CREATE VIEW v_application AS SELECT x.image AS app_image,\n"                              \
	" x.name AS app_name, x.path AS app_path,\n"                                               \
	" x.company AS app_company,\n" SEEN_COLUMNS                                                \
	"FROM application x JOIN application_count n ON n.id = x.id;\n"                            \
	"CREATE VIEW v_day AS SELECT date(n.day * 86400, 'unixepoch') AS day,\n"                   \
	" p.value AS event_type, n.reports AS reports\n"                                           \
	"FROM day_count n LEFT JOIN part p ON p.id = n.event;\n"                                   \
	"CREATE VIEW v_upload AS SELECT report, bucket, " TIME_OF_US(                              \
		"received_us") " AS"                                                               \
			       " received,\n"                                                      \
			       " received_us, lower(hex(sha256)) AS sha256, bytes, is_cabinet "    \
			       "FROM upload;\n"                                                    \
			       "CREATE VIEW v_state AS SELECT " TIME_OF_US(                        \
				       "as_of_us") " AS as_of, as_of_us,\n"                        \
						   " reports, unreadable, buckets, machines, "     \
						   "users, cabs, cab_bytes FROM state;\n"

/* The engine plans queries over the views by numbers that are those of 10 million reports.  Fixed
 * ones: without them it would read every report for one machine, and with measured ones it could
 * plan badly once and stay so. */
#define STATISTICS                                                                                 \
	"ANALYZE sqlite_schema;\n"                                                                 \
	"INSERT INTO sqlite_stat1 VALUES('segment', NULL, '150'),\n"                               \
	"	('report', 'report_bucket', '10000000 65536 40'),\n"                                     \
	"	('report', 'report_machine', '10000000 65536 2'),\n"                                     \
	"	('report', 'report_user', '10000000 65536 2'),\n"                                        \
	"	('report', 'report_application', '10000000 65536 20'),\n"                                \
	"	('report', 'report_detail', '10000000 65536 20'),\n"                                     \
	"	('machine', 'sqlite_autoindex_machine_1', '100000 1'),\n"                                \
	"	('user', 'sqlite_autoindex_user_1', '100000 1'),\n"                                      \
	"	('application', 'application_image', '50000 50 40 2 1'),\n"                              \
	"	('application', 'application_name', '50000 20'),\n"                                      \
	"	('application', 'application_path', '50000 2'),\n"                                       \
	"	('bucket', 'bucket_event', '1000000 50000'),\n"                                          \
	"	('bucket', 'bucket_module', '1000000 1000'),\n"                                          \
	"	('bucket', 'bucket_code', '1000000 1000'),\n"                                            \
	"	('part', 'sqlite_autoindex_part_1', '20000 7000 1');\n"

/* One text, because it is one law; the limit is that of compilers of 1999. */
#pragma GCC diagnostic ignored "-Woverlength-strings"
static const char schema[] =
	INTERNED BUCKETS REPORTS COUNTS REPORT_VIEW BUCKET_VIEW OTHER_VIEWS STATISTICS;

const struct sql_file derived_file = {
	.application_id = 0x6f776465, /* "owde" */
	.version = 1,
	.schema = schema,
	.sync = SQL_SYNC_NORMAL,
	.page_bytes = 4096,
	.checkpoint_pages = 8000,
	.cache_kib = 64 * 1024,
};
