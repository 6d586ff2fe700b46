#include "werctl/explain.h"

#include <stdio.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/time.h"
#include "collection/answer.h"
#include "ingest/buckets.h"
#include "store/id.h"

/* ---- counts ---- */

static err_t
find_new_bucket(struct explain *e, struct derived *derived)
{
	uint8_t hashed[LABEL_HASHED_BYTES];
	struct label label;
	label_of(&e->record->report, &e->w->arena, &label);
	label_hashed(&label, hashed);
	err_t err = derived_find_bucket_hashed(derived, hashed, &e->bucket);
	return err == ERR_NOTFOUND ? OK : err;
}

static bool
is_same_machine(struct explain *e, uint64_t report)
{
	struct arena arena;
	struct record record;
	arena_init(&arena, LIMIT_REPORT_ARENA_BYTES + 2 * LIMIT_REPORT_BYTES);
	bool is_same = record_load(e->w, report, &arena, &record) == OK &&
		       slice_equal_nocase(record.report.machine, e->record->report.machine);
	arena_done(&arena);
	return is_same;
}

/* What ingest keeps in memory, made again from the store. */
static err_t
count_asked(void *context, const struct facts_asked *asked)
{
	struct explain *e = context;
	int64_t asked_us = id_time_us(asked->report);
	bool is_awaited = !asked->has_cab && asked_us + ASK_AWAITED_US > e->w->now_us;
	bool is_today = asked_us >= e->w->now_us - e->w->now_us % TIME_DAY_US;
	if (asked->bucket == e->bucket) {
		e->counts.kept += asked->has_cab;
		e->counts.awaited += is_awaited;
		if (asked->bucket_hits > e->counts.last_asked_hits)
			e->counts.last_asked_hits = asked->bucket_hits;
	}
	if (e->plan.cab_bytes_per_machine_day != UINT64_MAX && is_today &&
	    (asked->has_cab || is_awaited) && is_same_machine(e, asked->report))
		e->counts.machine_day_bytes +=
			asked->has_cab ? asked->cab_bytes : e->config->ingest.max_cab_bytes;
	return OK;
}

static err_t
count(struct explain *e, struct derived *derived)
{
	struct facts *facts;
	struct derived_bucket bucket = {0};
	err_t err = werctl_facts(e->w, &facts);
	if (err == OK && e->bucket != 0)
		err = derived_find_bucket(derived, e->bucket, &e->w->arena, &bucket);
	if (err == ERR_NOTFOUND)
		err = OK;
	e->counts.hits = bucket.hits + 1;
	return err == OK ? facts_each_asked(facts, 0, count_asked, e) : err;
}

/* Without a store yet every report is the first of its bucket. */
static bool
has_store(struct explain *e)
{
	const char *facts =
		e->config == NULL ? NULL : fs_join(&e->w->arena, e->config->data, "facts/facts.db");
	return facts != NULL && access(facts, R_OK) == 0;
}

/* ---- the rules ---- */

static err_t
load_rules(struct explain *e)
{
	struct buf text;
	struct err_detail why;
	e->collection_path = e->config == NULL ? NULL : e->config->collection;
	if (e->collection_path == NULL) {
		e->collection = collection_default();
		return OK;
	}
	err_t err = fs_read_file(e->collection_path, LIMIT_YAML_BYTES, &text, &e->w->detail);
	if (err != OK)
		return err;
	err = collection_parse(buf_slice(&text), &e->collection, &why);
	buf_done(&text);
	if (err != OK)
		return err_set(&e->w->detail, err, "%s: %.180s", e->collection_path, why.why);
	return OK;
}

static void
make_plan(struct explain *e)
{
	const struct collection_input input = {
		.report = &e->record->report,
		.label = &e->record->label,
		.peer = e->record->stored.source.peer,
		.bucket = e->bucket,
		.now_us = e->w->now_us,
	};
	collection_plan(e->collection, &input, &e->plan);
}

static void
look_at_disk(struct explain *e)
{
	uint64_t free_bytes;
	e->has_room = e->config == NULL || fs_free_bytes(e->config->data, &free_bytes) != OK ||
		      free_bytes >= e->config->ingest.disk_reserve_cab_bytes;
}

static err_t
make_reply(struct explain *e)
{
	static const uint8_t no_key[UPLOAD_KEY_BYTES];
	const struct upload_ticket ticket = {.report_id = 1};
	struct record record = {0};
	struct buf bytes;
	const struct answer answer = {
		.plan = &e->plan,
		.bucket = e->bucket,
		.bucket_table = e->config == NULL ? 5 : e->config->ingest.bucket_table,
		.ticket = e->is_cab_asked ? &ticket : NULL,
		.upload_key = no_key,
	};
	buf_init(&bytes, LIMIT_REPLY_BYTES);
	err_t err = answer_format(&answer, &bytes);
	record.stored.reply = buf_slice(&bytes);
	if (err == OK)
		(void)record_reply(&record, &e->reply);
	buf_done(&bytes);
	return err;
}

err_t
explain_make(struct werctl *w, const struct record *record, struct explain *ret_explain)
{
	struct explain *e = ret_explain;
	struct derived *derived = NULL;
	*e = (struct explain){
		.w = w, .record = record, .bucket = record->stored.bucket, .counts = {.hits = 1}};
	buf_init(&e->reply, (size_t)4 * LIMIT_REPLY_BYTES);
	err_t err = werctl_config_if_any(w, &e->config);
	if (err == OK)
		err = load_rules(e);
	bool is_stored = err == OK && has_store(e);
	if (is_stored)
		err = werctl_derived(w, &derived);
	if (err == OK && is_stored && e->bucket == 0)
		err = find_new_bucket(e, derived);
	if (err != OK)
		return err;
	make_plan(e);
	if (is_stored)
		err = count(e, derived);
	if (err != OK)
		return err;
	look_at_disk(e);
	e->is_cab_asked = e->has_room && collection_should_ask(&e->plan, &e->counts);
	return make_reply(e);
}

void
explain_done(struct explain *e)
{
	collection_unref(e->collection);
	buf_done(&e->reply);
}

/* ---- words ---- */

static void
explain_no_cab(const struct explain *e, struct buf *out)
{
	const struct collection_counts *c = &e->counts;
	if (e->plan.cabs == 0)
		buf_append_str(out, "cabs is 0");
	else if (!e->has_room)
		buf_append_str(out, "less free disk than ingest.disk_reserve.cabinets");
	else if (c->machine_day_bytes >= e->plan.cab_bytes_per_machine_day)
		buf_printf(out, "the machine's budget of this day, %llu bytes, is used up",
			   (unsigned long long)e->plan.cab_bytes_per_machine_day);
	else if (!e->plan.cabs_then_sample)
		buf_append_str(out, "cabs is reached, and cabs_then is never");
	else if (c->awaited > 0)
		buf_append_str(out, "one is awaited already");
	else
		buf_printf(
			out, "the next at %llu hits",
			(unsigned long long)(c->last_asked_hits == 0 ? 2 : c->last_asked_hits * 2));
}

void
explain_cab(const struct explain *e, struct buf *out)
{
	const struct collection_counts *c = &e->counts;
	buf_append_str(out, e->is_cab_asked ? "asked for" : "not asked for: ");
	if (!e->is_cab_asked)
		explain_no_cab(e, out);
	buf_printf(out, " (hit %llu of the bucket; %llu kept and %llu awaited of the first %llu)",
		   (unsigned long long)c->hits, (unsigned long long)c->kept,
		   (unsigned long long)c->awaited, (unsigned long long)e->plan.cabs);
}

enum collection_directive
explain_directive(struct slice key)
{
	static const struct {
		const char *key;
		enum collection_directive directive;
	} keys[] = {
		{"iData", COLLECTION_CABS},
		{"DumpFile", COLLECTION_CABS},
		{"MemoryDump", COLLECTION_MEMORY_DUMP},
		{"ModuleInfo", COLLECTION_MODULE_INFO},
		{"RegKey", COLLECTION_REG_KEY},
		{"RegTree", COLLECTION_REG_TREE},
		{"WQL", COLLECTION_WQL},
		{"GetFile", COLLECTION_GET_FILE},
		{"GetFileVersion", COLLECTION_GET_FILE_VERSION},
		{"fDoc", COLLECTION_FDOC},
		{"Response", COLLECTION_RESPONSE},
		{"DumpServer", COLLECTION_DUMP_SERVER},
		{"ResponseServer", COLLECTION_RESPONSE_SERVER},
		{"ResponseURL", COLLECTION_RESPONSE_URL},
	};
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		if (slice_equal_str(key, keys[i].key))
			return keys[i].directive;
	}
	return COLLECTION_DIRECTIVE_N;
}

void
explain_source(const struct explain *e, enum collection_directive directive, struct buf *out)
{
	int rule = e->plan.decided_by[directive];
	unsigned line = collection_rule_line(e->collection, rule);
	if (rule >= 0)
		buf_printf(out, "rule %s", collection_rule_name(e->collection, rule));
	else
		buf_append_str(out, line == 0 ? "built-in default" : "default");
	if (line != 0 && e->collection_path != NULL)
		buf_printf(out, " (%s:%u)", e->collection_path, line);
}

void
explain_key(const struct explain *e, struct slice key, struct buf *out)
{
	enum collection_directive directive = explain_directive(key);
	if (directive != COLLECTION_DIRECTIVE_N)
		explain_source(e, directive, out);
	else if (slice_equal_str(key, "Bucket"))
		buf_append_str(out, e->bucket == 0 ? "a new bucket, numbered when it comes"
						   : "the bucket's number");
	else
		buf_append_str(out, "ingest.bucket_table of werd.yaml");
}
