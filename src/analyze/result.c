#include "analyze/result.h"

#include <string.h>

#include "base/text.h"
#include "bucket/signature.h"
#include "jail/examine.h"

enum {
	SUMMARY_BYTES_MAX = 1000,
	CLASS_TEXT_BYTES_MAX = 64 * 1024,
	STACK_BYTES_MAX = 64 * 1024
};

static struct slice
text_of(const struct json *object, const char *key, size_t max_bytes)
{
	struct slice text = json_text(json_find(object, key));
	return text.len > max_bytes ? (struct slice){0} : text;
}

static enum analysis_rating
read_rating(const struct json *document)
{
	static const char *const names[RATING_N] = {
		[RATING_NONE] = "NONE", [RATING_INTERESTING] = "INTERESTING",
		[RATING_LOW] = "LOW",   [RATING_MEDIUM] = "MEDIUM",
		[RATING_HIGH] = "HIGH",
	};
	const struct json *dump = json_at(json_find(document, "dumps"), 0);
	struct slice rating = text_of(json_find(dump, "exploitability"), "rating", 20);
	for (unsigned i = RATING_NONE; i < RATING_N; i++)
		if (slice_equal_str(rating, names[i]))
			return (enum analysis_rating)i;
	return RATING_ABSENT;
}

static struct slice
copy_bytes_of_hex(struct arena *arena, struct slice hex)
{
	struct buf bytes;
	struct slice copy = {0};
	buf_init(&bytes, STACK_BYTES_MAX);
	if (hex.len > 0 && text_from_hex(hex, &bytes) && buf_error(&bytes) == OK)
		copy = slice_dup(arena, buf_slice(&bytes));
	buf_done(&bytes);
	return copy;
}

/* The key is made again from the text: an answer cannot put a report into a bucket whose text it
 * does not have. */
static bool
read_class(const struct json *document, struct arena *arena, struct class_key *ret_key)
{
	const struct json *class = json_find(document, "class");
	struct slice text = text_of(class, "text", CLASS_TEXT_BYTES_MAX);
	int64_t version;
	if (text.len == 0 || !json_to_i64(json_find(class, "version"), &version) || version < 1 ||
	    version > INT32_MAX)
		return false;
	*ret_key = (struct class_key){
		.version = (uint32_t)version,
		.title = slice_dup(arena, text_of(class, "title", SUMMARY_BYTES_MAX)),
		.text = slice_dup(arena, text),
		.medoid = copy_bytes_of_hex(arena,
					    text_of(class, "stack", (size_t)2 * STACK_BYTES_MAX)),
	};
	if (slice_is_absent(ret_key->title))
		ret_key->title = SLICE_LITERAL("");
	signature_key(text, ret_key->key);
	return true;
}

void
result_fail(uint64_t report, const char *why, struct arena *arena, struct analysis *ret_analysis)
{
	struct slice summary = slice_dup(arena, slice_str(why));
	*ret_analysis = (struct analysis){
		.report = report,
		.state = ANALYSIS_FAILED,
		.version = EXAMINE_VERSION,
		.summary = slice_is_absent(summary) ? SLICE_LITERAL("failed") : summary,
		.document = SLICE_LITERAL("{}"),
	};
}

static void
fail_by_end(const struct jail_result *result, uint64_t report, const char *note,
	    struct arena *arena, struct analysis *ret_analysis)
{
	struct buf why;
	buf_init(&why, SUMMARY_BYTES_MAX);
	buf_append_str(&why, "the process that read it was ");
	jail_explain(result, &why);
	buf_append_str(&why, note);
	buf_append_byte(&why, '\0');
	result_fail(report, why.len > 0 ? (const char *)why.data : "failed", arena, ret_analysis);
	buf_done(&why);
}

void
result_take(const struct jail_result *result, uint64_t report, struct arena *arena,
	    struct analysis *ret_analysis)
{
	struct json *document = NULL;
	struct err_detail detail;
	int64_t format = 0;
	if (result->end != JAIL_ANSWERED) {
		fail_by_end(result, report, "", arena, ret_analysis);
		return;
	}
	if (json_parse(result->answer, &document, &detail) != OK ||
	    !json_to_i64(json_find(document, "format"), &format) || format != EXAMINE_FORMAT) {
		fail_by_end(result, report, ", but not in the form of an answer", arena,
			    ret_analysis);
		json_free(document);
		return;
	}
	struct analysis analysis = {
		.report = report,
		.state = ANALYSIS_DONE,
		.version = EXAMINE_VERSION,
		.rating = read_rating(document),
		.summary = slice_dup(arena, text_of(document, "summary", SUMMARY_BYTES_MAX)),
		.document = result->answer,
	};
	analysis.has_class = read_class(document, arena, &analysis.class_key);
	if (slice_is_absent(analysis.summary))
		analysis.summary = SLICE_LITERAL("");
	json_free(document);
	*ret_analysis = analysis;
}
