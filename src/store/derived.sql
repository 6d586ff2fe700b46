-- The schema of derived.db.  docs/store.md tells the reasons; this is the law.  Whoever changes it adds
-- one to the version in derived_schema.c: werd analyze then makes the file anew from the facts.
--
-- Ids of absent values are 0, which no table has; the views give NULL.  NOCASE folds ASCII letters, as
-- all comparing of texts in openwer does.

CREATE TABLE machine(
	id INTEGER PRIMARY KEY,
	name TEXT NOT NULL UNIQUE COLLATE NOCASE, -- first spelling
	first_report INTEGER NOT NULL);
CREATE TABLE user(
	id INTEGER PRIMARY KEY,
	name TEXT NOT NULL UNIQUE COLLATE NOCASE,
	first_report INTEGER NOT NULL);
CREATE TABLE application(
	id INTEGER PRIMARY KEY,
	image TEXT COLLATE NOCASE, -- such as GPFMe.exe
	name TEXT COLLATE NOCASE,  -- the product's, attribute appname
	path TEXT COLLATE NOCASE,
	company TEXT COLLATE NOCASE,
	first_report INTEGER NOT NULL);
CREATE INDEX application_image ON application(image, name, path, company);
CREATE INDEX application_name ON application(name);
CREATE INDEX application_path ON application(path);
CREATE TABLE detail( -- what no other table has of a report's texts
	id INTEGER PRIMARY KEY,
	key BLOB NOT NULL UNIQUE, -- SHA-256 of the folded texts, 16 bytes of it
	event_type TEXT, -- as sent
	report_type INTEGER,
	friendly_event_name TEXT,
	event_description TEXT,
	others TEXT, -- values that make no bucket, a line each
	first_report INTEGER NOT NULL);
CREATE TABLE system(
	id INTEGER PRIMARY KEY,
	os TEXT COLLATE NOCASE,
	lcid INTEGER,
	oem TEXT COLLATE NOCASE,
	first_report INTEGER NOT NULL);
CREATE INDEX system_os ON system(os, lcid, oem);
CREATE TABLE part( -- what buckets are found by
	id INTEGER PRIMARY KEY,
	kind INTEGER NOT NULL, -- 0 event type, 1 module, 2 code
	value TEXT NOT NULL COLLATE NOCASE,
	buckets INTEGER NOT NULL,
	reports INTEGER NOT NULL,
	last_report INTEGER NOT NULL,
	UNIQUE(kind, value));

-- A bucket's numbers change with each report, its texts never do: kept apart, because a changed row
-- costs the whole page.
CREATE TABLE bucket(
	id INTEGER PRIMARY KEY,
	event INTEGER NOT NULL, module INTEGER NOT NULL, code INTEGER NOT NULL,
	hits INTEGER NOT NULL,
	machines INTEGER NOT NULL, users INTEGER NOT NULL,
	cabs_asked INTEGER NOT NULL, cabs INTEGER NOT NULL,
	last_report INTEGER NOT NULL);
CREATE INDEX bucket_event ON bucket(event);
CREATE INDEX bucket_module ON bucket(module);
CREATE INDEX bucket_code ON bucket(code);
-- The long tail stays out of these two.
CREATE INDEX bucket_hits ON bucket(hits) WHERE hits >= 32;
CREATE INDEX bucket_machines ON bucket(machines) WHERE machines >= 32;
CREATE TABLE bucket_label(
	id INTEGER PRIMARY KEY,
	hashed BLOB NOT NULL, legacy INTEGER NOT NULL,
	is_hashed_verified INTEGER NOT NULL,
	first_seen_us INTEGER NOT NULL,
	app_image TEXT, app_name TEXT, -- of its first report
	event_type TEXT NOT NULL, -- canonical
	p1 TEXT, p2 TEXT, p3 TEXT, p4 TEXT, p5 TEXT,
	p6 TEXT, p7 TEXT, p8 TEXT, p9 TEXT, p10 TEXT);
CREATE INDEX bucket_label_legacy ON bucket_label(legacy); -- finds hashed too

CREATE TABLE segment( -- of the report table: as many reports as the code says
	id INTEGER PRIMARY KEY,
	first_report INTEGER NOT NULL);
CREATE TABLE report(
	id INTEGER PRIMARY KEY,
	segment INTEGER NOT NULL, bucket INTEGER NOT NULL, machine INTEGER NOT NULL,
	user INTEGER NOT NULL, application INTEGER NOT NULL, detail INTEGER NOT NULL,
	system INTEGER NOT NULL,
	event_time_us INTEGER); -- NULL: not sent, or no time
CREATE INDEX report_bucket ON report(segment, bucket);
CREATE INDEX report_machine ON report(segment, machine);
CREATE INDEX report_user ON report(segment, user);
CREATE INDEX report_application ON report(segment, application);
CREATE INDEX report_detail ON report(segment, detail);
CREATE TABLE upload(
	report INTEGER PRIMARY KEY,
	bucket INTEGER NOT NULL, received_us INTEGER NOT NULL, sha256 BLOB NOT NULL,
	bytes INTEGER NOT NULL, is_cabinet INTEGER NOT NULL);

CREATE TABLE machine_count(
	id INTEGER PRIMARY KEY, reports INTEGER NOT NULL, last_report INTEGER NOT NULL);
CREATE TABLE user_count(
	id INTEGER PRIMARY KEY, reports INTEGER NOT NULL, last_report INTEGER NOT NULL);
CREATE TABLE application_count(
	id INTEGER PRIMARY KEY, reports INTEGER NOT NULL, last_report INTEGER NOT NULL);
CREATE TABLE machine_bucket(
	owner INTEGER NOT NULL, first INTEGER NOT NULL, members BLOB NOT NULL,
	PRIMARY KEY(owner, first)) WITHOUT ROWID;
CREATE TABLE user_bucket(
	owner INTEGER NOT NULL, first INTEGER NOT NULL, members BLOB NOT NULL,
	PRIMARY KEY(owner, first)) WITHOUT ROWID;
CREATE TABLE application_bucket(
	owner INTEGER NOT NULL, first INTEGER NOT NULL, members BLOB NOT NULL,
	PRIMARY KEY(owner, first)) WITHOUT ROWID;
CREATE TABLE machine_system(
	system INTEGER NOT NULL, machine INTEGER NOT NULL,
	PRIMARY KEY(system, machine)) WITHOUT ROWID;
CREATE TABLE day_count(
	day INTEGER NOT NULL, event INTEGER NOT NULL, reports INTEGER NOT NULL,
	PRIMARY KEY(day, event)) WITHOUT ROWID;

CREATE TABLE state(
	id INTEGER PRIMARY KEY CHECK(id = 1),
	facts BLOB,               -- which store this was made from
	position INTEGER NOT NULL, -- highest report that is in
	upload_sequence INTEGER NOT NULL,
	as_of_us INTEGER NOT NULL,
	reports INTEGER NOT NULL, unreadable INTEGER NOT NULL,
	buckets INTEGER NOT NULL, machines INTEGER NOT NULL, users INTEGER NOT NULL,
	cabs INTEGER NOT NULL, cab_bytes INTEGER NOT NULL);
INSERT INTO state VALUES(1, NULL, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);

CREATE VIRTUAL TABLE text_index USING fts5(
	text, content = '', columnsize = 0, detail = none, tokenize = 'trigram');

-- What came of an upload in the jail.
CREATE TABLE analysis(
	report INTEGER PRIMARY KEY,
	state INTEGER NOT NULL,   -- 1 done, 2 failed
	version INTEGER NOT NULL, -- of the analyser that did it
	class INTEGER NOT NULL,   -- class_bucket; 0: none
	rating INTEGER NOT NULL,  -- exploitability: 0 not rated, 1 none ... 5 high
	summary TEXT NOT NULL,
	document BLOB NOT NULL);  -- JSON, packed by zstd
CREATE INDEX analysis_class ON analysis(class, report);
CREATE TABLE pending( -- uploads without a result
	priority INTEGER NOT NULL, -- 0: the first of its label bucket
	report INTEGER NOT NULL,
	PRIMARY KEY(priority, report)) WITHOUT ROWID;
CREATE TABLE analyzed_bucket( -- label buckets of which one upload was taken first
	id INTEGER PRIMARY KEY);
-- Reports that are the same bug, as far as the machine can tell.
CREATE TABLE class_bucket(
	id INTEGER PRIMARY KEY,    -- from the key
	key BLOB NOT NULL UNIQUE,  -- 16 bytes: the hash of `text`
	version INTEGER NOT NULL,  -- of the rules that made it
	title TEXT NOT NULL,
	text TEXT NOT NULL,        -- what was hashed
	hits INTEGER NOT NULL,     -- analysed reports
	first_report INTEGER NOT NULL, last_report INTEGER NOT NULL,
	medoid_report INTEGER NOT NULL, -- whose stack stands for it
	medoid BLOB);              -- bucket/similarity.h; NULL: no stack
CREATE INDEX class_bucket_hits ON class_bucket(hits);

-- The views: werctl-views(5) promises their names and columns.

CREATE VIEW v_report AS SELECT
	r.id AS id,
	strftime('%Y-%m-%dT%H:%M:%f000Z', (r.id >> 21) / 1000.0, 'unixepoch') AS received,
	(r.id >> 21) * 1000 AS received_us,
	d.event_type AS event_type, d.report_type AS report_type,
	strftime('%Y-%m-%dT%H:%M:%S', (r.event_time_us - (r.event_time_us % 1000000 + 1000000) % 1000000) / 1000000, 'unixepoch')
		|| printf('.%06dZ', (r.event_time_us % 1000000 + 1000000) % 1000000) AS event_time,
	r.event_time_us AS event_time_us,
	d.friendly_event_name AS friendly_event_name,
	d.event_description AS event_description,
	a.image AS app_image, a.name AS app_name,
	a.path AS app_path, a.company AS app_company,
	m.name AS machine,
	u.name AS user,
	y.os AS os,
	y.lcid AS lcid,
	y.oem AS oem,
	r.bucket AS bucket,
	(SELECT value FROM bucket b JOIN part p ON p.id = b.module WHERE b.id = r.bucket)
	AS module,
	(SELECT value FROM bucket b JOIN part p ON p.id = b.code WHERE b.id = r.bucket)
	AS code, c.report IS NOT NULL AS has_cab, c.bytes AS cab_bytes
FROM segment s JOIN report r ON r.segment = s.id
	LEFT JOIN machine m ON m.id = r.machine LEFT JOIN user u ON u.id = r.user
	LEFT JOIN application a ON a.id = r.application LEFT JOIN detail d ON d.id = r.detail
	LEFT JOIN system y ON y.id = r.system LEFT JOIN upload c ON c.report = r.id;

CREATE VIEW v_bucket AS SELECT
	b.id AS id, lower(hex(l.hashed)) AS hashed,
	l.legacy AS legacy,
	l.is_hashed_verified AS hashed_verified,
	e.value AS event_type,
	l.app_image AS app_image,
	l.app_name AS app_name, m.value AS module, c.value AS code,
	p1, p2, p3, p4, p5, p6, p7, p8, p9, p10, b.hits AS hits, b.machines AS machines,
	b.users AS users, b.cabs_asked AS cabs_asked, b.cabs AS cabs,
	strftime('%Y-%m-%dT%H:%M:%S', (l.first_seen_us - (l.first_seen_us % 1000000 + 1000000) % 1000000) / 1000000, 'unixepoch')
		|| printf('.%06dZ', (l.first_seen_us % 1000000 + 1000000) % 1000000) AS first_seen,
	l.first_seen_us AS first_seen_us,
	strftime('%Y-%m-%dT%H:%M:%f000Z', (b.last_report >> 21) / 1000.0, 'unixepoch') AS last_seen,
	(b.last_report >> 21) * 1000 AS last_seen_us, b.last_report AS last_report
FROM bucket b JOIN bucket_label l ON l.id = b.id LEFT JOIN part e ON e.id = b.event
	LEFT JOIN part m ON m.id = b.module LEFT JOIN part c ON c.id = b.code;

CREATE VIEW v_machine AS SELECT
	x.name AS machine,
	y.os AS os,
	y.lcid AS lcid,
	y.oem AS oem,
	n.reports AS reports,
	strftime('%Y-%m-%dT%H:%M:%f000Z', (x.first_report >> 21) / 1000.0, 'unixepoch') AS first_seen,
	strftime('%Y-%m-%dT%H:%M:%f000Z', (n.last_report >> 21) / 1000.0, 'unixepoch') AS last_seen, n.last_report AS last_report
FROM machine x JOIN machine_count n ON n.id = x.id
	LEFT JOIN report r ON r.id = n.last_report LEFT JOIN system y ON y.id = r.system;

CREATE VIEW v_user AS SELECT
	x.name AS user,
	n.reports AS reports,
	strftime('%Y-%m-%dT%H:%M:%f000Z', (x.first_report >> 21) / 1000.0, 'unixepoch') AS first_seen,
	strftime('%Y-%m-%dT%H:%M:%f000Z', (n.last_report >> 21) / 1000.0, 'unixepoch') AS last_seen, n.last_report AS last_report
FROM user x JOIN user_count n ON n.id = x.id;

CREATE VIEW v_application AS SELECT
	x.image AS app_image,
	x.name AS app_name, x.path AS app_path,
	x.company AS app_company,
	n.reports AS reports,
	strftime('%Y-%m-%dT%H:%M:%f000Z', (x.first_report >> 21) / 1000.0, 'unixepoch') AS first_seen,
	strftime('%Y-%m-%dT%H:%M:%f000Z', (n.last_report >> 21) / 1000.0, 'unixepoch') AS last_seen, n.last_report AS last_report
FROM application x JOIN application_count n ON n.id = x.id;

CREATE VIEW v_day AS SELECT
	date(n.day * 86400, 'unixepoch') AS day,
	p.value AS event_type, n.reports AS reports
FROM day_count n LEFT JOIN part p ON p.id = n.event;

CREATE VIEW v_upload AS SELECT
	report, bucket,
	strftime('%Y-%m-%dT%H:%M:%S', (received_us - (received_us % 1000000 + 1000000) % 1000000) / 1000000, 'unixepoch')
		|| printf('.%06dZ', (received_us % 1000000 + 1000000) % 1000000) AS received,
	received_us, lower(hex(sha256)) AS sha256, bytes, is_cabinet FROM upload;

CREATE VIEW v_state AS SELECT
	strftime('%Y-%m-%dT%H:%M:%S', (as_of_us - (as_of_us % 1000000 + 1000000) % 1000000) / 1000000, 'unixepoch')
		|| printf('.%06dZ', (as_of_us % 1000000 + 1000000) % 1000000) AS as_of,
	as_of_us,
	reports, unreadable, buckets, machines, users, cabs, cab_bytes FROM state;

CREATE VIEW v_analysis AS SELECT
	a.report AS report, CASE a.state WHEN 1 THEN 'done' ELSE 'failed' END AS state,
	a.version AS version, printf('%016x', nullif(a.class, 0)) AS class_bucket,
	CASE a.rating WHEN 5 THEN 'HIGH' WHEN 4 THEN 'MEDIUM' WHEN 3 THEN 'LOW'
		WHEN 2 THEN 'INTERESTING' WHEN 1 THEN 'NONE' END AS exploitability,
	a.summary AS summary
FROM analysis a;

CREATE VIEW v_class_bucket AS SELECT
	printf('%016x', c.id) AS id, lower(hex(c.key)) AS key, c.version AS version,
	c.title AS title, c.text AS text, c.hits AS hits,
	strftime('%Y-%m-%dT%H:%M:%f000Z', (c.first_report >> 21) / 1000.0, 'unixepoch') AS first_seen,
	strftime('%Y-%m-%dT%H:%M:%f000Z', (c.last_report >> 21) / 1000.0, 'unixepoch') AS last_seen,
	c.last_report AS last_report
FROM class_bucket c;

-- The engine plans queries over the views by numbers that are those of 10 million reports.  Fixed ones:
-- without them it would read every report for one machine, and with measured ones it could plan badly
-- once and stay so.
ANALYZE sqlite_schema;
INSERT INTO sqlite_stat1 VALUES('segment', NULL, '150'),
	('report', 'report_bucket', '10000000 65536 40'),
	('report', 'report_machine', '10000000 65536 2'),
	('report', 'report_user', '10000000 65536 2'),
	('report', 'report_application', '10000000 65536 20'),
	('report', 'report_detail', '10000000 65536 20'),
	('machine', 'sqlite_autoindex_machine_1', '100000 1'),
	('user', 'sqlite_autoindex_user_1', '100000 1'),
	('application', 'application_image', '50000 50 40 2 1'),
	('application', 'application_name', '50000 20'),
	('application', 'application_path', '50000 2'),
	('bucket', 'bucket_event', '1000000 50000'),
	('bucket', 'bucket_module', '1000000 1000'),
	('bucket', 'bucket_code', '1000000 1000'),
	('analysis', 'analysis_class', '1000000 100 1'),
	('part', 'sqlite_autoindex_part_1', '20000 7000 1');
