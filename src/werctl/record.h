/* record.h - a stored report together with all that is read out of it */
#pragma once

#include "bucket/label.h"
#include "report/event.h"
#include "store/derived_analysis.h"
#include "werctl/werctl.h"

struct record {
	struct facts_report stored;
	bool is_readable;          /* the body was there and could be parsed */
	struct report report;      /* zero when it is not readable */
	struct report_label label; /* the same */
	bool is_waiting;           /* its upload was not analysed yet */
	bool has_analysis;
	struct analysis analysis; /* its document after record_load_analysis alone */
};

/* From the store.  ERR_NOTFOUND: no such report.  Texts live in ARENA. */
err_t record_load(struct werctl *w, uint64_t id, struct arena *arena,
		  struct record *ret_record) ERR_CHECK;
/* What the jail found, with the whole document.  Without it record_load gives the rest. */
err_t record_load_analysis(struct werctl *w, struct record *record, struct arena *arena) ERR_CHECK;
/* From STORED, which must outlive the record. */
void record_read(struct werctl *w, const struct facts_report *stored, struct arena *arena,
		 struct record *ret_record);
/* From a level-1 body that is not stored: id 0.  The detail says why it was refused. */
err_t record_parse(struct werctl *w, struct slice body, struct arena *arena,
		   struct record *ret_record) ERR_CHECK;
/* The file PATH ("-": standard input), parsed; its bytes live in ARENA. */
err_t record_load_file(struct werctl *w, const char *path, struct arena *arena,
		       struct record *ret_record) ERR_CHECK;
/* An id when OPERAND is digits alone, else a file. */
err_t record_load_operand(struct werctl *w, const char *operand, struct arena *arena,
			  struct record *ret_record) ERR_CHECK;

/* "claimed", "matched" or "authenticated". */
const char *record_identity(const struct record *record);
char record_identity_mark(const struct record *record); /* '?', '~' or '+' */
/* Appends the reply as UTF-8.  False: there is none, for it was imported. */
bool record_reply(const struct record *record, struct buf *out);
/* The spelling that the event table has, or the sent one. */
struct slice record_event_type(const struct record *record);
/* Name of parameter POSITION: as sent, else the event table's English one, else absent. */
struct slice record_param_name(const struct record *record, size_t position);
enum code_kind record_code_kind(const struct record *record);
/* What the value of parameter POSITION says: a code's name, a stamp's date. */
void record_describe_param(const struct record *record, size_t position, int64_t now_us,
			   struct buf *out);

/* One object: the fields of `reports --json`, werctl(1). */
struct json *record_to_json(const struct record *record);
/* For people: a block of named groups.  ALL: the stacks of all threads too. */
void record_show(const struct record *record, int64_t now_us, bool all, struct output *out);
