/* collection.h - the collection rules: which reply a report gets, and why
 *
 * collection.yaml: `default:` and `rules:`, werd-collection(5).  All rules that match apply in
 * order; for each directive the last one wins.  Compiled once, then read by many threads.  Pure.
 */
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "bucket/label.h"
#include "cer/reply.h"
#include "net/address.h"
#include "report/report.h"

/* The directives that a rule can set; COLLECTION_DIRECTIVES is also their order in `explain`. */
#define COLLECTION_DIRECTIVES(X)                                                                   \
	X(CABS, "cabs")                                                                            \
	X(CABS_THEN, "cabs_then")                                                                  \
	X(CAB_BYTES_PER_MACHINE_DAY, "cab_bytes_per_machine_day")                                  \
	X(MEMORY_DUMP, "memory_dump")                                                              \
	X(MODULE_INFO, "module_info")                                                              \
	X(REG_KEY, "reg_key")                                                                      \
	X(REG_TREE, "reg_tree")                                                                    \
	X(WQL, "wql")                                                                              \
	X(GET_FILE, "get_file")                                                                    \
	X(GET_FILE_VERSION, "get_file_version")                                                    \
	X(FDOC, "fdoc")                                                                            \
	X(RESPONSE, "response")                                                                    \
	X(DUMP_SERVER, "dump_server")                                                              \
	X(RESPONSE_SERVER, "response_server")                                                      \
	X(RESPONSE_URL, "response_url")
#define COLLECTION_ENUM_(code, name) COLLECTION_##code,
enum collection_directive {
	COLLECTION_DIRECTIVES(COLLECTION_ENUM_) COLLECTION_DIRECTIVE_N
};
#undef COLLECTION_ENUM_

struct collection;

/* DETAIL: "line N: reason".  ERR_CONFIG: an unknown key, a directive that cannot be encoded, an
 * empty range, constants that contradict each other, two rules of one name, too many rules, or
 * rules whose reply could pass LIMIT_REPLY_BYTES. */
err_t collection_parse(struct slice yaml, struct collection **ret_collection,
		       struct err_detail *detail) ERR_CHECK;
struct collection *collection_default(void); /* the built-in rules: as an empty file */
struct collection *collection_ref(struct collection *collection); /* any thread */
void collection_unref(struct collection *collection);             /* accepts NULL */
size_t collection_n_rules(const struct collection *collection);
const char *collection_rule_name(const struct collection *collection, int rule); /* -1: "default" */
/* 0: the built-in default. */
unsigned collection_rule_line(const struct collection *collection, int rule);
const char *collection_directive_name(enum collection_directive directive); /* "reg_key" */

/* What the rules say of one report, before the counters of its bucket are asked. */
struct collection_plan {
	struct reply directives; /* all but bucket, iData and DumpFile; borrowed from the rules */
	uint64_t cabs;           /* ask for this many first; 0: never ask */
	bool cabs_then_sample;   /* after them, once more whenever the hits have doubled */
	uint64_t cab_bytes_per_machine_day;     /* UINT64_MAX: no bound */
	int decided_by[COLLECTION_DIRECTIVE_N]; /* rule's index, -1: default */
};

struct collection_input {
	const struct report *report;
	const struct report_label *label;
	struct address peer; /* none: rules that match a peer do not */
	uint64_t bucket;     /* 0: new, rules that match a bucket do not */
	int64_t now_us;      /* for `until` */
};
void collection_plan(const struct collection *collection, const struct collection_input *input,
		     struct collection_plan *ret_plan);

/* Should this report be asked for a cabinet?  Pure: the counters are the caller's.
 * ASKED counts asks whose answer came or may still come. */
struct collection_counts {
	uint64_t hits;              /* of the bucket, this report included */
	uint64_t kept;              /* cabinets of the bucket */
	uint64_t awaited;           /* asked, not yet come, not expired */
	uint64_t last_asked_hits;   /* hits when a cabinet was last asked; 0 never */
	uint64_t machine_day_bytes; /* kept and awaited of this machine today */
};
bool
collection_should_ask(const struct collection_plan *plan, const struct collection_counts *counts);
