#include "store/derived_writer.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/time.h"
#include "report/event.h"
#include "store/id.h"

/* A report as the tables see it. */
struct taken {
	const struct facts_report *fact;
	struct report report; /* all absent when its body could not be read */
	uint64_t machine, user, application, detail, system;
};

/* ---- its values ---- */

static void
append_line(struct slice value, struct buf *out)
{
	if (value.len == 0 || out->len >= DERIVED_TEXT_BYTES)
		return;
	if (out->len > 0)
		buf_append_byte(out, '\n');
	buf_append(out, value);
}

/* The values that make no bucket.  Names of parameters and files are not among them: they are the
 * same in every report of a type, or different in every report. */
static struct slice
format_others(struct derived_writer *w, const struct report *report)
{
	const struct event_type *type = event_find(report->event_type);
	buf_reset(&w->others);
	for (size_t i = 0; type != NULL && type->is_kernel && i < report->n_params; i++)
		append_line(report->params[i].value, &w->others);
	for (size_t i = 0; i < report->n_extra_params; i++)
		append_line(report->extra_params[i].value, &w->others);
	for (size_t i = 0; i < report->n_secondary; i++)
		append_line(report->secondary[i].value, &w->others);
	return w->others.len == 0 ? (struct slice){0} : buf_slice(&w->others);
}

static struct slice
format_number(bool is_there, int64_t number, char text[24])
{
	int len = snprintf(text, 24, "%" PRId64, number);
	return is_there ? slice_of(text, (size_t)len) : (struct slice){0};
}

static err_t
intern_detail(struct derived_writer *w, struct taken *t)
{
	const struct report *r = &t->report;
	char number[24];
	const struct slice values[] = {
		r->event_type,          format_number(r->has_report_type, r->report_type, number),
		r->friendly_event_name, r->event_description,
		format_others(w, r),
	};
	return intern_id(&w->intern, DIM_DETAIL, values, 5, t->fact->id, &t->detail, NULL);
}

static err_t
intern_system(struct derived_writer *w, struct taken *t)
{
	const struct report *r = &t->report;
	char number[24];
	const struct slice values[] = {r->os, format_number(r->has_lcid, r->lcid, number), r->oem};
	err_t err = intern_id(&w->intern, DIM_SYSTEM, values, 3, t->fact->id, &t->system, NULL);
	return err == OK ? pairs_put_system(&w->pairs, t->system, t->machine) : err;
}

static err_t
intern_all(struct derived_writer *w, struct taken *t, const struct report_label *label)
{
	const struct report *r = &t->report;
	const struct slice application[] = {label->app, r->app_name, r->app_path, r->app_company};
	bool is_new_machine = false;
	bool is_new_user = false;
	uint64_t id = t->fact->id;
	err_t err = intern_id(&w->intern, DIM_MACHINE, &r->machine, 1, id, &t->machine,
			      &is_new_machine);
	if (err == OK)
		err = intern_id(&w->intern, DIM_USER, &r->user, 1, id, &t->user, &is_new_user);
	if (err == OK)
		err = intern_id(&w->intern, DIM_APPLICATION, application, 4, id, &t->application,
				NULL);
	if (err == OK)
		err = intern_detail(w, t);
	if (err == OK)
		err = intern_system(w, t);
	w->state.machines += is_new_machine;
	w->state.users += is_new_user;
	return err;
}

/* ---- its bucket ---- */

static void
bind_label(struct sql_statement *s, const struct facts_bucket *bucket)
{
	const struct label *label = &bucket->label;
	for (size_t i = 0; i < LIMIT_PARAMS; i++)
		sql_bind_text(s, i < label->n_params ? label->params[i] : (struct slice){0});
}

static err_t
put_label(struct derived_writer *w, const struct taken *t, const struct facts_bucket *bucket,
	  struct slice image)
{
	struct sql_statement *s = &w->statements[FOLLOW_LABEL];
	uint8_t hashed[LABEL_HASHED_BYTES];
	label_hashed(&bucket->label, hashed);
	sql_bind_u64(s, bucket->id);
	sql_bind_blob(s, slice_of(hashed, sizeof(hashed)));
	sql_bind_u64(s, label_legacy(hashed));
	sql_bind_i64(s, label_is_hashed_verified(&bucket->label));
	sql_bind_i64(s, bucket->first_seen_us);
	sql_bind_text(s, image);
	sql_bind_text(s, t->report.app_name);
	sql_bind_text(s, bucket->label.event_type);
	bind_label(s, bucket);
	intern_add_text(&w->intern, DIM_BUCKET, bucket->id);
	return sql_run(s);
}

/* The first report of a bucket.  Its row in facts is there before the report; when it is damaged,
 * the report itself still says what the bucket is. */
static err_t
add_bucket(struct derived_writer *w, const struct taken *t, const struct report_label *parts,
	   struct bucket_row **ret_row)
{
	struct facts_bucket bucket;
	struct bucket_row row = {.id = t->fact->bucket};
	err_t err = facts_find_bucket(w->facts, row.id, &w->arena, &bucket);
	if (err == ERR_NOTFOUND || err == ERR_CORRUPT) {
		bucket = (struct facts_bucket){.id = row.id,
					       .first_seen_us = id_time_us(t->fact->id)};
		label_of(&t->report, &w->arena, &bucket.label);
		err = OK;
	}
	if (err == OK && slice_is_absent(bucket.label.event_type))
		bucket.label.event_type = SLICE_LITERAL("");
	if (err == OK)
		err = intern_part(&w->intern, PART_EVENT, bucket.label.event_type,
				  &row.parts[PART_EVENT]);
	if (err == OK)
		err = intern_part(&w->intern, PART_MODULE, parts->module, &row.parts[PART_MODULE]);
	if (err == OK)
		err = intern_part(&w->intern, PART_CODE, derived_short_code(parts->code),
				  &row.parts[PART_CODE]);
	if (err == OK)
		err = put_label(w, t, &bucket, parts->app);
	if (err != OK)
		return err;
	w->state.buckets++;
	*ret_row = tallies_add_bucket(&w->tallies, &row);
	return OK;
}

static err_t
count_pairs(struct derived_writer *w, const struct taken *t, struct bucket_row *row)
{
	bool is_new_machine = false;
	bool is_new_user = false;
	bool is_new_application = false; /* known of a bucket, not counted */
	err_t err = pairs_put(&w->pairs, PAIR_MACHINE, t->machine, row->id, &is_new_machine);
	if (err == OK)
		err = pairs_put(&w->pairs, PAIR_USER, t->user, row->id, &is_new_user);
	if (err == OK)
		err = pairs_put(&w->pairs, PAIR_APPLICATION, t->application, row->id,
				&is_new_application);
	row->machines += is_new_machine;
	row->users += is_new_user;
	return err;
}

static err_t
count_bucket(struct derived_writer *w, const struct taken *t, const struct report_label *parts)
{
	struct bucket_row *row = NULL;
	uint64_t day = (uint64_t)(id_time_us(t->fact->id) / TIME_DAY_US);
	err_t err = tallies_find_bucket(&w->tallies, t->fact->bucket, &row);
	if (err == ERR_NOTFOUND)
		err = add_bucket(w, t, parts, &row);
	if (err != OK)
		return err;
	row->hits++;
	row->cabs_asked += t->fact->is_cab_asked;
	if (t->fact->id > row->last_report)
		row->last_report = t->fact->id;
	for (size_t i = 0; i < PART_N; i++)
		tally_add(&w->tallies.parts, row->parts[i], t->fact->id);
	tally_add(&w->tallies.days, day << 32 | (row->parts[PART_EVENT] & UINT32_MAX), t->fact->id);
	return count_pairs(w, t, row);
}

/* ---- its row ---- */

static err_t
start_segment(struct derived_writer *w, uint64_t first_report)
{
	struct sql_statement *s = &w->statements[FOLLOW_SEGMENT];
	w->segment++;
	w->segment_first = first_report;
	w->segment_reports = 0;
	sql_bind_u64(s, w->segment);
	sql_bind_u64(s, first_report);
	return sql_run(s);
}

/* Segments are ranges of ids.  A report that comes late goes where its id belongs. */
static err_t
choose_segment(struct derived_writer *w, uint64_t id, uint64_t *ret_segment)
{
	struct sql_statement *s = &w->statements[FOLLOW_SEGMENT_OF];
	uint64_t segment = 1; /* also what is older than all */
	err_t err = OK;
	bool is_last = w->segment != 0 && id >= w->segment_first;
	bool is_full = w->segment_reports >= w->segment_max;
	if (w->segment == 0 || (is_last && is_full && id > w->highest))
		err = start_segment(w, id);
	if (err != OK)
		return err;
	if (id >= w->segment_first) {
		w->segment_reports++;
		*ret_segment = w->segment;
		return OK;
	}
	sql_bind_u64(s, id);
	err = sql_step(s);
	if (err == OK)
		segment = sql_u64(s, 0);
	sql_reset(s);
	if (err != OK && err != ERR_NOTFOUND)
		return err;
	*ret_segment = segment;
	return OK;
}

static err_t
put_row(struct derived_writer *w, const struct taken *t)
{
	struct sql_statement *s = &w->statements[FOLLOW_REPORT];
	int64_t event_time_us;
	uint64_t segment;
	err_t err = choose_segment(w, t->fact->id, &segment);
	if (err != OK)
		return err;
	sql_bind_u64(s, t->fact->id);
	sql_bind_u64(s, segment);
	sql_bind_u64(s, t->fact->bucket);
	sql_bind_u64(s, t->machine);
	sql_bind_u64(s, t->user);
	sql_bind_u64(s, t->application);
	sql_bind_u64(s, t->detail);
	sql_bind_u64(s, t->system);
	if (t->report.has_event_time &&
	    time_from_filetime(t->report.event_filetime, &event_time_us))
		sql_bind_i64(s, event_time_us);
	else
		sql_bind_null(s);
	return sql_run(s);
}

err_t
derived_has_report(struct derived_writer *w, uint64_t id, bool *ret_is_in)
{
	struct sql_statement *s = &w->statements[FOLLOW_HAS_REPORT];
	*ret_is_in = false;
	if (id > w->highest)
		return OK;
	sql_bind_u64(s, id);
	err_t err = sql_step(s);
	sql_reset(s);
	*ret_is_in = err == OK;
	return err == ERR_NOTFOUND ? OK : err;
}

err_t
derived_take_in(struct derived_writer *w, const struct facts_report *fact,
		const struct report *readable)
{
	struct taken t = {.fact = fact};
	struct report_label parts;
	bool is_there;
	err_t err = derived_has_report(w, fact->id, &is_there);
	if (err != OK || is_there)
		return err;
	if (!sql_in_transaction(w->sql))
		err = sql_begin(w->sql);
	if (err != OK)
		return err;
	arena_reset(&w->arena);
	if (readable != NULL)
		t.report = *readable;
	else
		w->state.unreadable++;
	report_label(&t.report, &parts);
	err = intern_all(w, &t, &parts);
	if (err == OK)
		err = count_bucket(w, &t, &parts);
	if (err == OK)
		err = put_row(w, &t);
	if (err != OK)
		return err;
	tally_add(&w->tallies.dimensions[DIM_MACHINE], t.machine, fact->id);
	tally_add(&w->tallies.dimensions[DIM_USER], t.user, fact->id);
	tally_add(&w->tallies.dimensions[DIM_APPLICATION], t.application, fact->id);
	if (fact->id > w->highest)
		w->highest = fact->id;
	w->state.reports++;
	w->n_taken++;
	return OK;
}
