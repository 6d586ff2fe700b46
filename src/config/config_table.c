#include "config/config_table.h"

#include <stdint.h>
#include <string.h>

#include "config/config.h"

#define AT(field) offsetof(struct config, field)
#define NOWHERE SIZE_MAX

/* Add a key here and to werd.conf(5); a test compares the two.  A section stands before its keys.
 */
const struct config_key config_keys[] = {
	{"", CONFIG_SECTION, NOWHERE, NULL, NULL, NULL, "The file."},
	{"data", CONFIG_PATH, AT(data), NULL, NULL, NULL,
	 "The folder of the store; it is made when it is missing."},
	{"collection", CONFIG_PATH, AT(collection), NULL, NULL, NULL,
	 "The file of collection rules; without it the built-in rules apply."},
	{"node", CONFIG_UNSIGNED, AT(node), "0", "0", "255",
	 "This machine's number among those that share a store."},
	{"log", CONFIG_LOG_LEVEL, AT(log_level), "info", NULL, NULL,
	 "The least important lines to log."},

	{"ingest", CONFIG_SECTION, NOWHERE, NULL, NULL, NULL,
	 "Takes reports; without this key there is no ingest."},
	{"ingest.listen", CONFIG_ADDRESSES, AT(ingest.listen), ":1273", NULL, NULL,
	 "Where HTTP is spoken."},
	{"ingest.tls", CONFIG_SECTION, NOWHERE, NULL, NULL, NULL, "HTTPS."},
	{"ingest.tls.listen", CONFIG_ADDRESSES, AT(ingest.tls_listen), NULL, NULL, NULL,
	 "Where HTTPS is spoken."},
	{"ingest.tls.certificate", CONFIG_PATH, AT(ingest.tls_certificate), NULL, NULL, NULL,
	 "The certificate and those between it and the root, PEM."},
	{"ingest.tls.key", CONFIG_PATH, AT(ingest.tls_key), NULL, NULL, NULL,
	 "The certificate's private key, PEM."},
	{"ingest.tls.least_version", CONFIG_TLS_VERSION, AT(ingest.tls_least), "1.2", NULL, NULL,
	 "The oldest version of TLS that is spoken."},
	{"ingest.allow", CONFIG_RANGES, AT(ingest.allow), NULL, NULL, NULL,
	 "Who may send reports; without it everybody."},
	{"ingest.trusted_proxies", CONFIG_RANGES, AT(ingest.trusted_proxies), NULL, NULL, NULL,
	 "Who names the real peer by the PROXY protocol, version 2."},
	{"ingest.threads", CONFIG_UNSIGNED, AT(ingest.threads), "0", "0", "256",
	 "Threads that read and answer; 0 is one per core."},
	{"ingest.upload_valid", CONFIG_DURATION, AT(ingest.upload_valid_us), "1h", "1s", "30d",
	 "How long the path for a cabinet is good."},
	{"ingest.bucket_table", CONFIG_NUMBER, AT(ingest.bucket_table), "5", "1", "2147483647",
	 "The BucketTable of replies."},
	{"ingest.reverse_dns", CONFIG_BOOL, AT(ingest.reverse_dns), "true", NULL, NULL,
	 "Whether the names of peers are looked up, to tell machines that go by their own name."},

	{"ingest.limits", CONFIG_SECTION, NOWHERE, NULL, NULL, NULL,
	 "What one machine, or all together, may ask of ingest."},
	{"ingest.limits.report_bytes", CONFIG_BYTES, AT(ingest.max_report_bytes), "512 KiB",
	 "1 KiB", "512 KiB", "The largest report."},
	{"ingest.limits.cab_bytes", CONFIG_BYTES, AT(ingest.max_cab_bytes), "512 MiB", "1 KiB",
	 "1 TiB", "The largest cabinet."},
	{"ingest.limits.connections", CONFIG_NUMBER, AT(ingest.max_connections), "10000", "1",
	 "1000000", "Connections at a time."},
	{"ingest.limits.queue", CONFIG_NUMBER, AT(ingest.max_queue), "20000", "1", "1000000",
	 "Reports that may wait for the disk before more are turned away for a while."},
	{"ingest.limits.head_time", CONFIG_DURATION, AT(ingest.head_timeout_us), "20s", "100ms",
	 "1h", "How long a request's header may take, TLS included."},
	{"ingest.limits.body_time", CONFIG_DURATION, AT(ingest.body_timeout_us), "30s", "100ms",
	 "1h", "How long a body may stand still."},
	{"ingest.limits.idle_time", CONFIG_DURATION, AT(ingest.idle_timeout_us), "60s", "100ms",
	 "1h", "How long a connection may wait for its next request."},
	{"ingest.limits.peer_connections", CONFIG_NUMBER, AT(ingest.peer_connections), "0", "0",
	 "1000000", "Connections at a time from one address; 0 is no limit."},
	{"ingest.limits.peer_reports_per_minute", CONFIG_NUMBER, AT(ingest.peer_reports_per_minute),
	 "0", "0", "1000000000", "Reports a minute from one address; 0 is no limit."},

	{"ingest.disk_reserve", CONFIG_SECTION, NOWHERE, NULL, NULL, NULL,
	 "Free space that is left alone."},
	{"ingest.disk_reserve.cabinets", CONFIG_BYTES, AT(ingest.disk_reserve_cab_bytes), "2 GiB",
	 "0", "1024 TiB", "With less free than this, cabinets are refused."},
	{"ingest.disk_reserve.reports", CONFIG_BYTES, AT(ingest.disk_reserve_bytes), "256 MiB", "0",
	 "1024 TiB", "With less free than this, reports are refused too."},

	{"analyze", CONFIG_SECTION, NOWHERE, NULL, NULL, NULL,
	 "Counts and indexes what came; it always runs."},
	{"analyze.poll", CONFIG_DURATION, AT(analyze.poll_us), "250ms", "10ms", "1m",
	 "How often the store is looked at when nothing new was there."},
	{"analyze.jobs", CONFIG_UNSIGNED, AT(analyze.jobs), "1", "1", "64",
	 "Uploads that are read at a time, each by a jailed process of its own."},
	{"analyze.symbols", CONFIG_PATHS, AT(analyze.symbols), NULL, NULL, NULL,
	 "Folders of symbols, in the order in which they are asked."},
	{"analyze.limits", CONFIG_SECTION, NOWHERE, NULL, NULL, NULL,
	 "What the reading of one upload may take."},
	{"analyze.limits.time", CONFIG_DURATION, AT(analyze.time_us), "60s", "1s", "1h",
	 "Time by the clock."},
	{"analyze.limits.processor_time", CONFIG_DURATION, AT(analyze.cpu_us), "30s", "1s", "1h",
	 "Time of a processor."},
	{"analyze.limits.memory", CONFIG_BYTES, AT(analyze.memory_bytes), "512 MiB", "64 MiB",
	 "64 GiB", "Memory; dumps and symbols, which are mapped, do not count."},
	{"analyze.limits.scratch", CONFIG_BYTES, AT(analyze.scratch_bytes), "4 GiB", "1 MiB",
	 "1 TiB", "What a cabinet may unpack to, on the disk of the store."},
	{"analyze.limits.answer", CONFIG_BYTES, AT(analyze.answer_bytes), "16 MiB", "64 KiB",
	 "64 MiB", "The result."},
};
const size_t config_n_keys = sizeof(config_keys) / sizeof(config_keys[0]);

const char *const config_kind_names[CONFIG_KIND_N] = {
	[CONFIG_SECTION] = "mapping",   [CONFIG_PATH] = "path",
	[CONFIG_PATHS] = "paths",       [CONFIG_ADDRESSES] = "addresses",
	[CONFIG_RANGES] = "ranges",     [CONFIG_BYTES] = "bytes",
	[CONFIG_DURATION] = "duration", [CONFIG_NUMBER] = "number",
	[CONFIG_UNSIGNED] = "number",   [CONFIG_BOOL] = "true or false",
	[CONFIG_LOG_LEVEL] = "level",   [CONFIG_TLS_VERSION] = "version",
};

const char *
config_key_leaf(const struct config_key *key)
{
	const char *dot = strrchr(key->name, '.');
	return dot == NULL ? key->name : dot + 1;
}

bool
config_key_is_in(const struct config_key *key, const struct config_key *section)
{
	size_t above = (size_t)(config_key_leaf(key) - key->name);
	size_t len = strlen(section->name);
	if (key->name[0] == '\0')
		return false;
	if (len == 0)
		return above == 0;
	return above == len + 1 && memcmp(key->name, section->name, len) == 0;
}
