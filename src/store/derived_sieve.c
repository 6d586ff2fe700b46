#include "store/derived_sieve.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/text.h"
#include "report/event.h"
#include "store/id.h"

enum {
	/* A filter over applications that names more than these (a common company's, say) finds
	 * its reports among the newest anyway. */
	APPLICATIONS_MAX = 4096,
	COUNTED_MAX = 16384, /* members whose reports are added up */
	OWNERS_MAX = 16384   /* whose buckets are looked up one by one */
};

static const char *const texts[SIEVE_STATEMENT_N] = {
	[SIEVE_PARTS] = "SELECT event, module, code FROM bucket WHERE id = ?",
#define BUCKETS_BY(part) "SELECT id, event, module, code FROM bucket WHERE " part " = ?"
	[SIEVE_BUCKETS_BY_EVENT] = BUCKETS_BY("event"),
	[SIEVE_BUCKETS_BY_MODULE] = BUCKETS_BY("module"),
	[SIEVE_BUCKETS_BY_CODE] = BUCKETS_BY("code"),
#define MEMBERS_OF(owner) "SELECT first, members FROM " owner "_bucket WHERE owner = ?"
	[SIEVE_MEMBERS_OF_MACHINE] = MEMBERS_OF("machine"),
	[SIEVE_MEMBERS_OF_USER] = MEMBERS_OF("user"),
	[SIEVE_MEMBERS_OF_APPLICATION] = MEMBERS_OF("application"),
};

/* ---- sets ---- */

void
id_set_add(struct id_set *set, uint64_t id)
{
	uint64_t value;
	if (id == 0 || table_find(&set->members, id, &value))
		return;
	table_put(&set->members, id, 1);
	id_list_add(&set->list, id);
}

bool
id_set_has(const struct id_set *set, uint64_t id)
{
	uint64_t value;
	return id != 0 && table_find(&set->members, id, &value);
}

void
id_set_done(struct id_set *set)
{
	id_list_done(&set->list);
	table_done(&set->members);
	*set = (struct id_set){0};
}

/* ---- from texts to ids ---- */

/* Columns: id, then the texts of which one has to match. */
struct source {
	const char *exact; /* parameters: text, and the kind of a part */
	const char *all;   /* parameter: the kind of a part */
	const char *range; /* parameters: first text, and the first one behind; may be NULL */
	const char *count; /* reports and last report of an id */
	int n_texts;
};
#define SOURCE(name)                                                                               \
	{                                                                                          \
		"SELECT id FROM " name " WHERE name = ?1", "SELECT id, name FROM " name,           \
			"SELECT id, name FROM " name " WHERE name >= ?1 AND name < ?2",            \
			"SELECT reports, last_report FROM " name "_count WHERE id = ?", 1          \
	}
static const struct source sources[DIM_COUNTED_N] = {
	[DIM_MACHINE] = SOURCE("machine"),
	[DIM_USER] = SOURCE("user"),
	[DIM_APPLICATION] = {"SELECT id FROM application WHERE image = ?1 UNION"
			     " SELECT id FROM application WHERE name = ?1 UNION"
			     " SELECT id FROM application WHERE path = ?1",
			     "SELECT id, image, name, path FROM application",
#define RANGE(column)                                                                              \
	"SELECT id, image, name, path FROM application WHERE " column " >= ?1 AND " column " < ?2"
			     RANGE("image") " UNION ALL " RANGE("name") " UNION ALL " RANGE("path"),
			     "SELECT reports, last_report FROM application_count WHERE id = ?", 3},
};
static const struct source part_source = {
	"SELECT id FROM part WHERE value = ?1 AND kind = ?2",
	"SELECT id, value FROM part WHERE kind = ?1",
	NULL,
	"SELECT reports, last_report FROM part WHERE id = ?",
	1,
};
static const struct source bucket_source = {
	"SELECT id FROM bucket WHERE id = ?1",
	NULL,
	NULL,
	"SELECT hits, last_report FROM bucket WHERE id = ?",
	0,
};

static bool
matches_any(const struct sql_statement *s, struct slice pattern, int n_texts)
{
	for (int i = 0; i < n_texts; i++)
		if (text_matches(pattern, sql_text(s, 1 + i)))
			return true;
	return false;
}

/* The reports of all members, and when the last of them came; of very many it is not worth it. */
static err_t
count_members(struct sieve *sieve, struct id_set *set, const char *text)
{
	struct sql_statement s = {0};
	uint64_t last = 0;
	set->is_counted = set->list.count <= COUNTED_MAX;
	if (!set->is_counted)
		return OK;
	err_t err = sql_prepare(sieve->sql, text, &s, NULL);
	set->reports = 0;
	for (size_t i = 0; i < set->list.count && err == OK; i++) {
		sql_bind_u64(&s, set->list.ids[i]);
		err = sql_step(&s);
		if (err == OK) {
			set->reports += sql_u64(&s, 0);
			last = sql_u64(&s, 1) > last ? sql_u64(&s, 1) : last;
		}
		sql_reset(&s);
		err = err == ERR_NOTFOUND ? OK : err;
	}
	sql_finalize(&s);
	if (last + 1 < sieve->high)
		sieve->high = last + 1;
	return err;
}

/* A pattern that begins with plain text is looked for between that text and the first one behind
 * all that begin with it.  False: it does not. */
static bool
bind_range(struct sql_statement *s, struct slice pattern, struct buf *behind)
{
	size_t len = 0;
	while (len < pattern.len && pattern.data[len] != '*' && pattern.data[len] != '?')
		len++;
	if (len == 0 || pattern.data[len - 1] >= 0x7f)
		return false;
	text_fold(slice_sub(pattern, 0, len), behind);
	sql_bind_text(s, slice_sub(pattern, 0, len));
	behind->data[len - 1]++;
	sql_bind_text(s, buf_slice(behind));
	return true;
}

/* PART is PART_N for all but parts; BEHIND has to live as long as the statement. */
static err_t
prepare_source(struct sieve *sieve, const struct source *source, struct slice text, enum part part,
	       struct buf *behind, struct sql_statement *ret_statement)
{
	struct sql_statement s = {0};
	bool is_pattern = text_has_wildcard(text);
	err_t err = OK;
	if (is_pattern && source->range != NULL) {
		err = sql_prepare(sieve->sql, source->range, &s, NULL);
		if (err != OK || bind_range(&s, text, behind)) {
			*ret_statement = s;
			return err;
		}
		sql_finalize(&s);
	}
	err = sql_prepare(sieve->sql, is_pattern ? source->all : source->exact, &s, NULL);
	if (err != OK)
		return err;
	if (!is_pattern)
		sql_bind_text(&s, text);
	if (part != PART_N)
		sql_bind_i64(&s, part);
	*ret_statement = s;
	return OK;
}

static err_t
read_set(struct sieve *sieve, const struct source *source, struct slice text, enum part part,
	 struct id_set *set)
{
	struct sql_statement s = {0};
	struct buf behind;
	bool is_pattern = text_has_wildcard(text);
	buf_init(&behind, SIZE_MAX);
	err_t err = prepare_source(sieve, source, text, part, &behind, &s);
	while (err == OK && (err = sql_step(&s)) == OK)
		if (!is_pattern || matches_any(&s, text, source->n_texts))
			id_set_add(set, sql_u64(&s, 0));
	sql_finalize(&s);
	buf_done(&behind);
	set->is_on = true;
	if (set->list.count == 0)
		sieve->is_empty = true;
	return err == ERR_NOTFOUND ? count_members(sieve, set, source->count) : err;
}

static err_t
resolve_dimension(struct sieve *sieve, enum dimension dimension, struct slice text)
{
	if (slice_is_absent(text) || sieve->is_empty)
		return OK;
	return read_set(sieve, &sources[dimension], text, PART_N, &sieve->dimensions[dimension]);
}

static err_t
resolve_part(struct sieve *sieve, enum part part, struct slice text)
{
	if (slice_is_absent(text) || sieve->is_empty)
		return OK;
	return read_set(sieve, &part_source, text, part, &sieve->parts[part]);
}

static err_t
resolve_bucket(struct sieve *sieve)
{
	char text[24];
	if (sieve->bucket == 0 || sieve->is_empty)
		return OK;
	int len = snprintf(text, sizeof(text), "%" PRIu64, sieve->bucket);
	return read_set(sieve, &bucket_source, slice_of(text, (size_t)len), PART_N,
			&sieve->buckets);
}

static err_t
resolve(struct sieve *sieve, const struct report_filter *filter)
{
	struct slice event =
		text_has_wildcard(filter->event) ? filter->event : event_canonical(filter->event);
	err_t err = resolve_part(sieve, PART_EVENT, event);
	if (err == OK)
		err = resolve_part(sieve, PART_MODULE, filter->module);
	if (err == OK)
		err = resolve_part(sieve, PART_CODE, derived_short_code(filter->code));
	if (err == OK)
		err = resolve_dimension(sieve, DIM_MACHINE, filter->machine);
	if (err == OK)
		err = resolve_dimension(sieve, DIM_USER, filter->user);
	if (err == OK)
		err = resolve_dimension(sieve, DIM_APPLICATION, filter->app);
	if (err == OK)
		err = resolve_bucket(sieve);
	return err;
}

err_t
sieve_init(struct sieve *sieve, struct derived *derived, const struct report_filter *filter)
{
	*sieve = (struct sieve){
		.sql = &derived->sql,
		.low = filter->since_us > 0 ? id_first_at(filter->since_us) : 0,
		.high = filter->until_us > 0 ? id_first_at(filter->until_us) : INT64_MAX,
		.bucket = filter->bucket,
	};
	err_t err = sql_prepare_all(sieve->sql, texts, SIEVE_STATEMENT_N, sieve->statements, NULL);
	if (err == OK)
		err = text_search_init(&sieve->text, sieve->sql, filter->text);
	if (err == OK)
		err = sql_begin(sieve->sql);
	if (err == OK)
		err = resolve(sieve, filter);
	sql_rollback(sieve->sql);
	if (err == OK && sieve->low >= sieve->high)
		sieve->is_empty = true;
	return err;
}

void
sieve_done(struct sieve *sieve)
{
	for (size_t i = 0; i < DIM_COUNTED_N; i++)
		id_set_done(&sieve->dimensions[i]);
	for (size_t i = 0; i < PART_N; i++)
		id_set_done(&sieve->parts[i]);
	id_set_done(&sieve->buckets);
	table_done(&sieve->known_buckets);
	text_search_done(&sieve->text);
	sql_finalize_all(sieve->statements, SIEVE_STATEMENT_N);
	*sieve = (struct sieve){0};
}

/* ---- buckets that can match ---- */

static bool
parts_pass(const struct sieve *sieve, const struct sql_statement *s, int column)
{
	for (size_t i = 0; i < PART_N; i++)
		if (sieve->parts[i].is_on &&
		    !id_set_has(&sieve->parts[i], sql_u64(s, column + (int)i)))
			return false;
	return true;
}

static bool
has_parts(const struct sieve *sieve)
{
	for (size_t i = 0; i < PART_N; i++)
		if (sieve->parts[i].is_on)
			return true;
	return false;
}

/* Keeps those of SET that are in WITH too; takes WITH. */
static void
intersect(struct id_set *set, struct id_set *with)
{
	if (!set->is_on) {
		*set = *with;
		set->is_on = true;
		return;
	}
	struct id_set both = {.is_on = true};
	for (size_t i = 0; i < set->list.count; i++)
		if (id_set_has(with, set->list.ids[i]))
			id_set_add(&both, set->list.ids[i]);
	id_set_done(set);
	id_set_done(with);
	*set = both;
}

static void
add_row(const struct sql_statement *s, struct id_set *set)
{
	struct slice members = sql_blob(s, 1);
	uint64_t member = sql_u64(s, 0);
	size_t at = 0;
	while (derived_next_member(members, &at, &member))
		id_set_add(set, member);
}

static err_t
add_members(struct sql_statement *s, uint64_t owner, struct id_set *set)
{
	err_t err;
	sql_bind_u64(s, owner);
	while ((err = sql_step(s)) == OK)
		add_row(s, set);
	return err == ERR_NOTFOUND ? OK : err;
}

/* Of many owners: the whole table, in its order. */
static err_t
add_members_of_many(struct sieve *sieve, const char *text, const struct id_set *owners,
		    struct id_set *set)
{
	struct sql_statement s = {0};
	err_t err = sql_prepare(sieve->sql, text, &s, NULL);
	if (err != OK)
		return err;
	while ((err = sql_step(&s)) == OK)
		if (id_set_has(owners, sql_u64(&s, 2)))
			add_row(&s, set);
	sql_finalize(&s);
	return err == ERR_NOTFOUND ? OK : err;
}

/* The buckets that the members of a dimension's set have reported. */
static err_t
list_by_owners(struct sieve *sieve, enum pair_set pair_set)
{
	static const char *const all[PAIR_N] = {
		[PAIR_MACHINE] = "SELECT first, members, owner FROM machine_bucket",
		[PAIR_USER] = "SELECT first, members, owner FROM user_bucket",
		[PAIR_APPLICATION] = "SELECT first, members, owner FROM application_bucket",
	};
	const struct id_set *owners = &sieve->dimensions[pair_set];
	struct sql_statement *s = &sieve->statements[SIEVE_MEMBERS_OF_MACHINE + pair_set];
	struct id_set set = {0};
	err_t err = OK;
	bool are_many = owners->list.count > OWNERS_MAX;
	if (are_many)
		err = add_members_of_many(sieve, all[pair_set], owners, &set);
	for (size_t i = 0; !are_many && i < owners->list.count && err == OK; i++)
		err = add_members(s, owners->list.ids[i], &set);
	if (err == OK)
		intersect(&sieve->buckets, &set);
	else
		id_set_done(&set);
	return err;
}

static err_t
list_by_part(struct sieve *sieve, enum part part)
{
	const struct id_list *values = &sieve->parts[part].list;
	struct sql_statement *s = &sieve->statements[SIEVE_BUCKETS_BY_EVENT + part];
	struct id_set set = {0};
	err_t err = OK;
	for (size_t i = 0; i < values->count && err == OK; i++) {
		sql_bind_u64(s, values->ids[i]);
		while ((err = sql_step(s)) == OK)
			if (parts_pass(sieve, s, 1))
				id_set_add(&set, sql_u64(s, 0));
		err = err == ERR_NOTFOUND ? OK : err;
	}
	if (err == OK)
		intersect(&sieve->buckets, &set);
	else
		id_set_done(&set);
	return err;
}

/* The part with the fewest buckets; PART_N: none is on, or all have more than MAX. */
static err_t
choose_part(struct sieve *sieve, uint64_t max, enum part *ret_part)
{
	struct sql_statement s = {0};
	uint64_t fewest = max + 1;
	*ret_part = PART_N;
	err_t err = sql_prepare(sieve->sql, "SELECT buckets FROM part WHERE id = ?", &s, NULL);
	for (size_t i = 0; i < PART_N && err == OK; i++) {
		uint64_t buckets = 0;
		const struct id_list *values = &sieve->parts[i].list;
		for (size_t k = 0; k < values->count && err == OK && buckets < fewest; k++) {
			sql_bind_u64(&s, values->ids[k]);
			err = sql_step(&s);
			buckets += err == OK ? sql_u64(&s, 0) : 0;
			sql_reset(&s);
		}
		if (sieve->parts[i].is_on && buckets < fewest) {
			fewest = buckets;
			*ret_part = (enum part)i;
		}
	}
	sql_finalize(&s);
	return err;
}

/* Tests the parts of those that were listed by something else. */
static err_t
pass_parts(struct sieve *sieve)
{
	struct id_set passed = {.is_on = true};
	err_t err = OK;
	for (size_t i = 0; i < sieve->buckets.list.count && err == OK; i++) {
		bool passes;
		uint64_t id = sieve->buckets.list.ids[i];
		err = sieve_test_parts(sieve, id, &passes);
		if (err == OK && passes)
			id_set_add(&passed, id);
	}
	id_set_done(&sieve->buckets);
	sieve->buckets = passed;
	return err;
}

static err_t
list_buckets(struct sieve *sieve, uint64_t max, bool for_buckets)
{
	enum part part = PART_N;
	bool was_on = sieve->buckets.is_on;
	err_t err = was_on ? OK : choose_part(sieve, max, &part);
	if (err == OK && part != PART_N)
		err = list_by_part(sieve, part);
	/* For reports an application alone needs no list: they are found by it. */
	const struct id_set *applications = &sieve->dimensions[DIM_APPLICATION];
	bool by_application =
		for_buckets || (has_parts(sieve) && applications->list.count <= APPLICATIONS_MAX);
	if (err == OK && applications->is_on && by_application)
		err = list_by_owners(sieve, PAIR_APPLICATION);
	if (err == OK && for_buckets && sieve->dimensions[DIM_MACHINE].is_on)
		err = list_by_owners(sieve, PAIR_MACHINE);
	if (err == OK && for_buckets && sieve->dimensions[DIM_USER].is_on)
		err = list_by_owners(sieve, PAIR_USER);
	if (err != OK || !sieve->buckets.is_on)
		return err;
	if (has_parts(sieve) && part == PART_N)
		err = pass_parts(sieve);
	return err == OK ? count_members(sieve, &sieve->buckets, bucket_source.count) : err;
}

err_t
sieve_list_buckets(struct sieve *sieve, uint64_t max, bool for_buckets)
{
	if (sieve->is_empty)
		return OK;
	err_t err = sql_begin(sieve->sql);
	if (err == OK)
		err = list_buckets(sieve, max, for_buckets);
	sql_rollback(sieve->sql);
	if (err == OK && sieve->buckets.is_on && sieve->buckets.list.count == 0)
		sieve->is_empty = true;
	return err;
}

/* ---- testing ---- */

bool
sieve_is_only(const struct sieve *sieve, const struct id_set *set)
{
	for (size_t i = 0; i < DIM_COUNTED_N; i++)
		if (sieve->dimensions[i].is_on && &sieve->dimensions[i] != set)
			return false;
	/* Listed buckets have passed the parts already. */
	for (size_t i = 0; i < PART_N; i++)
		if (sieve->parts[i].is_on && &sieve->parts[i] != set && set != &sieve->buckets)
			return false;
	return !sieve->text.is_on && (!sieve->buckets.is_on || set == &sieve->buckets);
}

err_t
sieve_test_parts(struct sieve *sieve, uint64_t bucket, bool *ret_passes)
{
	struct sql_statement *s = &sieve->statements[SIEVE_PARTS];
	uint64_t known;
	if (table_find(&sieve->known_buckets, bucket, &known)) {
		*ret_passes = known == 2;
		return OK;
	}
	sql_bind_u64(s, bucket);
	err_t err = sql_step(s);
	bool passes = err == OK && parts_pass(sieve, s, 0);
	sql_reset(s);
	if (err != OK && err != ERR_NOTFOUND)
		return err;
	table_put(&sieve->known_buckets, bucket, passes ? 2 : 1);
	*ret_passes = passes;
	return OK;
}

static err_t
test_texts(struct sieve *sieve, const struct sieve_row *row, bool *ret_passes)
{
	err_t err = text_search_test(&sieve->text, DIM_BUCKET, row->bucket, ret_passes);
	for (size_t i = 0; i < DIM_INTERNED_N && err == OK && !*ret_passes; i++)
		err = text_search_test(&sieve->text, (enum dimension)i, row->dimensions[i],
				       ret_passes);
	return err;
}

err_t
sieve_test_row(struct sieve *sieve, const struct sieve_row *row, bool *ret_passes)
{
	err_t err = OK;
	*ret_passes = false;
	for (size_t i = 0; i < DIM_COUNTED_N; i++)
		if (sieve->dimensions[i].is_on &&
		    !id_set_has(&sieve->dimensions[i], row->dimensions[i]))
			return OK;
	*ret_passes = true;
	if (sieve->buckets.is_on)
		*ret_passes = id_set_has(&sieve->buckets, row->bucket);
	else if (has_parts(sieve))
		err = sieve_test_parts(sieve, row->bucket, ret_passes);
	if (err == OK && *ret_passes && sieve->text.is_on)
		err = test_texts(sieve, row, ret_passes);
	return err;
}
