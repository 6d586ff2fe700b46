#include "bucket/signature.h"

#include <inttypes.h>

#include "base/limits.h"
#include "base/text.h"
#include "bucket/normalize.h"
#include "bucket/signature_internal.h"
#include "ext/crypto.h"
#include "report/event.h"

enum {
	TEXT_BYTES_MAX = 64 * 1024, /* 30 lines of at most LIMIT_NORMALIZED_BYTES and a prefix */
	TAGS_MAX = 3,
	TAG_REACH = 32,
	/* A minidump stores the code of these with bit 28 set: 0x1000007e is 0x7e. */
	BUGCHECK_MINIDUMP_BIT = 0x10000000,
	VERSION_PARTS = 4
};

/* What is known while a signature is made. */
struct making {
	const struct frame_lists *lists;
	const struct bucket_crash *crash;
	struct arena *arena;
	struct blame blame;
	struct signature signature;
	struct buf text;
	struct buf title;
	unsigned n_titles;
};

static bool
is_one_of(struct slice family, const char *const *names, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (slice_equal_str(family, names[i]))
			return true;
	}
	return false;
}
#define IS_ONE_OF(family, ...)                                                                     \
	is_one_of(family, (const char *const[]){__VA_ARGS__},                                      \
		  sizeof((const char *const[]){__VA_ARGS__}) / sizeof(const char *))

/* The processor found it: the program counter is at the fault, not in what ends the program. */
static bool
is_fault(struct slice family)
{
	return IS_ONE_OF(family, "access_violation", "null", "execute", "illegal_instruction",
			 "divide_by_zero", "floating_point", "stack_overflow", "in_page_error");
}

static void
line(struct making *m, const char *name, struct slice value)
{
	buf_append_str(&m->text, name);
	buf_append_byte(&m->text, ' ');
	normalize_append(value, &m->text);
	buf_append_byte(&m->text, '\n');
}

static void
title(struct making *m, struct slice value)
{
	if (m->n_titles++ > SIGNATURE_FRAMES_MAX)
		return; /* a long cycle */
	if (m->title.len > 0)
		buf_append_str(&m->title, " | ");
	buf_append(&m->title, value);
}

static err_t
keep(struct making *m, struct buf *buf, struct slice *ret_kept)
{
	*ret_kept = slice_dup(m->arena, buf_slice(buf));
	return slice_is_absent(*ret_kept) && buf->len > 0 ? ERR_LIMIT : OK;
}

/* The kind as it came, when no line names its family. */
static err_t
fold_exception(struct making *m, struct slice *ret_family)
{
	struct buf folded;
	struct buf normal;
	buf_init(&folded, SIZE_MAX); /* what is looked at has its limit */
	buf_init(&normal, SIZE_MAX);
	text_fold(slice_sub(m->crash->exception, 0, LIMIT_NORMALIZED_BYTES), &folded);
	normalize_append(buf_slice(&folded), &normal);
	err_t err = keep(m, &normal, ret_family);
	buf_done(&folded);
	buf_done(&normal);
	return err;
}

/* The message of a program that ended itself says more than the signal with which it did. */
static void
find_message(struct making *m)
{
	struct buf message;
	buf_init(&message, SIZE_MAX); /* cut by normalize_message */
	normalize_message(m->crash->abort_message, &message);
	const struct frame_rule *rule = frame_lists_find_text(
		m->lists, FRAME_MESSAGE, m->crash->process, buf_slice(&message));
	if (rule != NULL) {
		m->signature.cause_rule = rule;
		m->signature.cause = rule->value;
	}
	buf_done(&message);
}

static err_t
find_cause(struct making *m)
{
	struct signature *s = &m->signature;
	if (m->crash->exception.len > 0) {
		err_t err = fold_exception(m, &s->cause);
		if (err != OK)
			return err;
		s->cause_rule =
			frame_lists_find_text(m->lists, FRAME_CAUSE, m->crash->process, s->cause);
		if (s->cause_rule != NULL)
			s->cause = s->cause_rule->value;
	}
	if (m->crash->abort_message.len > 0 && !is_fault(s->cause))
		find_message(m);
	return OK;
}

/* A heap that fails on what it finds was corrupt before, whatever it dies of. */
static void
find_corrupt_heap(struct making *m)
{
	const struct signature_frame *told = signature_first_told(&m->blame);
	struct signature *s = &m->signature;
	if (m->crash->is_hang || told == NULL || told->matches.rules[FRAME_HEAP] == NULL)
		return;
	if (s->cause.len > 0 &&
	    !IS_ONE_OF(s->cause, "access_violation", "null", "abort", "breakpoint"))
		return;
	s->cause = SLICE_LITERAL("heap_corruption");
	s->cause_rule = told->matches.rules[FRAME_HEAP];
}

static void
write_kind(struct making *m)
{
	static const char *const known[] = {
		[REPORT_CRASH] = "crash",
		[REPORT_HANG] = "hang",
		[REPORT_KERNEL] = "kernel",
	};
	const struct event_type *type = event_find(m->crash->event_type);
	struct buf folded;
	buf_init(&folded, LIMIT_EVENT_TYPE_BYTES);
	if (m->crash->has_bugcheck)
		line(m, "kind", SLICE_LITERAL("kernel"));
	else if (m->crash->is_hang)
		line(m, "kind", SLICE_LITERAL("hang"));
	else if (m->crash->event_type.len == 0)
		line(m, "kind", SLICE_LITERAL("crash"));
	else if (type != NULL && type->report_type >= REPORT_CRASH &&
		 type->report_type <= REPORT_KERNEL)
		line(m, "kind", slice_str(known[type->report_type]));
	else {
		text_fold(
			slice_sub(event_canonical(m->crash->event_type), 0, LIMIT_EVENT_TYPE_BYTES),
			&folded);
		line(m, "kind", buf_slice(&folded));
	}
	buf_done(&folded);
	if (m->crash->has_bugcheck)
		buf_printf(&m->text, "bugcheck 0x%" PRIx32 "\n",
			   m->crash->bugcheck_code & ~(uint32_t)BUGCHECK_MINIDUMP_BIT);
}

static void
write_condensed(struct making *m, const char *why, struct slice module)
{
	m->signature.flags |= SIGNATURE_CONDENSED;
	line(m, "condensed", slice_str(why));
	title(m, slice_str(why));
	if (module.len > 0) {
		line(m, "module", module);
		title(m, module);
	}
}

/* Four numbers; what is missing or none is 0. */
static void
parse_version(struct slice text, uint64_t ret_parts[VERSION_PARTS])
{
	for (size_t i = 0; i < VERSION_PARTS; i++) {
		struct slice part = text;
		struct slice rest = {0};
		(void)slice_cut(text, '.', &part, &rest);
		if (!slice_to_u64(slice_trim(part), &ret_parts[i]))
			ret_parts[i] = 0;
		text = rest;
	}
}

static bool
is_older(struct slice version, struct slice limit)
{
	uint64_t a[VERSION_PARTS];
	uint64_t b[VERSION_PARTS];
	parse_version(version, a);
	parse_version(limit, b);
	for (size_t i = 0; i < VERSION_PARTS; i++) {
		if (a[i] != b[i])
			return a[i] < b[i];
	}
	return false;
}

static bool
is_old_image(struct making *m)
{
	if (m->blame.culprit < 0)
		return false;
	struct slice version = m->crash->frames[m->blame.culprit].module_version;
	const struct frame_rule *rule =
		frame_lists_find_text(m->lists, FRAME_OLD_IMAGE, m->crash->process,
				      m->blame.frames[m->blame.culprit].module);
	if (rule == NULL || version.len == 0 || !is_older(version, rule->value))
		return false;
	m->blame.steps[m->blame.culprit].rule = rule;
	return true;
}

/* Causes for which it does not matter where they strike.  False: this is none of them. */
static bool
write_if_condensed(struct making *m)
{
	const struct bucket_crash *crash = m->crash;
	const struct blame *blame = &m->blame;
	struct slice none = {0};
	struct slice first = blame->n_frames > 0 ? blame->frames[0].module : none;
	const struct frame_rule *rule =
		frame_lists_find_text(m->lists, FRAME_CONDENSE, crash->process, m->signature.cause);
	bool is_unloaded = blame->start < blame->n_frames &&
			   blame->frames[blame->start].kind == FRAME_UNLOADED;
	if (crash->is_one_bit_corrupt) {
		write_condensed(m, "one_bit_corrupt", none);
	} else if (crash->is_image_corrupt) {
		write_condensed(m, "image_corrupt", first);
	} else if (crash->is_pc_misaligned) {
		write_condensed(m, "pc_misaligned", first);
	} else if (rule != NULL && m->signature.cause.len > 0) {
		m->signature.cause_rule = rule;
		m->signature.flags |= SIGNATURE_CONDENSED;
		line(m, "condensed", m->signature.cause);
		title(m, m->signature.cause);
	} else if (is_unloaded) {
		write_condensed(m, "unloaded_module", blame->frames[blame->start].module);
	} else if (is_old_image(m)) {
		write_condensed(m, "old_image", blame->frames[blame->culprit].module);
	} else {
		return false;
	}
	return true;
}

static void
write_tags(struct making *m)
{
	struct slice tags[TAGS_MAX];
	size_t n = 0;
	for (size_t i = m->blame.start; i < m->blame.n_frames && i < m->blame.start + TAG_REACH;
	     i++) {
		const struct frame_rule *rule = m->blame.frames[i].matches.rules[FRAME_TAG];
		bool is_new = rule != NULL && n < TAGS_MAX;
		for (size_t j = 0; is_new && j < n; j++)
			is_new = !slice_equal(tags[j], rule->value);
		if (!is_new)
			continue;
		tags[n++] = rule->value;
		line(m, "tag", rule->value);
	}
}

/* An assertion's message names it better than any frame, in every build. */
static bool
write_if_assertion(struct making *m)
{
	struct buf message;
	if (!slice_equal_str(m->signature.cause, "assert") || m->crash->abort_message.len == 0)
		return false;
	buf_init(&message, SIZE_MAX); /* cut by normalize_message */
	normalize_message(m->crash->abort_message, &message);
	line(m, "message", buf_slice(&message));
	title(m, buf_slice(&message));
	buf_done(&message);
	if (m->blame.culprit >= 0 && m->blame.frames[m->blame.culprit].module.len > 0)
		line(m, "module", m->blame.frames[m->blame.culprit].module);
	return true;
}

static void
write_frame(struct making *m, const char *name, int index)
{
	const struct signature_frame *frame = &m->blame.frames[index];
	struct slice text = frame->text;
	/* Of the system's own frames an offset would tell builds apart, not bugs. */
	bool is_mentioned = index != m->blame.culprit && m->blame.cycle_len == 0;
	if (is_mentioned && frame->kind == FRAME_OFFSET)
		text = frame->module;
	else if (frame->kind == FRAME_OFFSET && !frame->has_identity)
		m->signature.flags |= SIGNATURE_NO_IDENTITY;
	buf_append_str(&m->text, name);
	buf_append_byte(&m->text, ' ');
	buf_append(&m->text, text);
	buf_append_byte(&m->text, '\n');
	title(m, text);
}

static void
write_frames(struct making *m)
{
	const struct blame *blame = &m->blame;
	if (blame->cycle_len > 0) {
		for (size_t i = 0; i < blame->cycle_len; i++)
			write_frame(m, "cycle", (int)(blame->cycle_at + i));
		return;
	}
	for (size_t i = 0; i < blame->n_led; i++)
		write_frame(m, "frame", blame->led[i]);
	if (blame->culprit >= 0)
		write_frame(m, "frame", blame->culprit);
}

static void
write_process(struct making *m)
{
	struct buf process;
	m->signature.flags |= SIGNATURE_NO_CULPRIT;
	buf_init(&process, LIMIT_NORMALIZED_BYTES);
	normalize_module(m->crash->process, &process);
	if (process.len > 0) {
		line(m, "process", buf_slice(&process));
		title(m, buf_slice(&process));
	}
	buf_done(&process);
}

static void
write_text(struct making *m)
{
	const struct blame *blame = &m->blame;
	bool is_outside = blame->n_frames > 0 && blame->frames[0].kind == FRAME_NOWHERE;
	buf_append_str(&m->text, SIGNATURE_VERSION "\n");
	write_kind(m);
	if (write_if_condensed(m))
		return;
	if (m->signature.cause.len > 0) {
		line(m, "cause", m->signature.cause);
		title(m, m->signature.cause);
	}
	if (is_outside) {
		m->signature.flags |= SIGNATURE_PC_OUTSIDE;
		line(m, "pc", SLICE_LITERAL("outside"));
	}
	if (blame->is_desperate)
		write_process(m);
	write_tags(m);
	if (!write_if_assertion(m))
		write_frames(m);
}

static void
find_blame(struct making *m)
{
	bool is_ended = m->signature.cause.len > 0 && !is_fault(m->signature.cause);
	struct blame *blame = &m->blame;
	blame->is_hang = m->crash->is_hang;
	blame->is_kernel = m->crash->has_bugcheck;
	blame->is_trap_counted =
		m->crash->has_bugcheck || (!m->crash->is_hang && !is_fault(m->signature.cause));
	blame->is_end_counted = is_ended && !m->crash->is_hang;
	for (size_t i = 0; i < blame->n_frames; i++) {
		blame->steps[i].text = blame->frames[i].text;
		blame->steps[i].trust = m->crash->frames[i].trust;
	}
	signature_blame(blame);
	if (slice_equal_str(m->signature.cause, "stack_overflow"))
		signature_find_cycle(blame);
}

static err_t
make(struct making *m)
{
	struct signature *s = &m->signature;
	struct signature_frame *frames;
	err_t err = signature_frames(m->lists, m->crash, m->arena, &frames, &m->blame.n_frames);
	if (err != OK)
		return err;
	m->blame.frames = frames;
	m->blame.steps = arena_array(m->arena, m->blame.n_frames + 1, sizeof(*m->blame.steps));
	if (m->blame.steps == NULL)
		return ERR_LIMIT;
	err = find_cause(m);
	if (err != OK)
		return err;
	find_corrupt_heap(m);
	find_blame(m);
	write_text(m);
	s->culprit = m->blame.culprit;
	s->steps = m->blame.steps;
	s->n_steps = m->blame.n_frames;
	if (m->blame.cycle_len > 0)
		s->flags |= SIGNATURE_CYCLE;
	if (m->crash->n_frames > LIMIT_CRASH_FRAMES)
		s->flags |= SIGNATURE_CUT;
	if (s->culprit >= 0 && m->blame.frames[s->culprit].is_scan)
		s->flags |= SIGNATURE_SCANNED;
	signature_stack(&m->blame, &s->stack);
	signature_key(buf_slice(&m->text), s->key);
	err = keep(m, &m->text, &s->text);
	return err == OK ? keep(m, &m->title, &s->title) : err;
}

err_t
signature_make(const struct frame_lists *lists, const struct bucket_crash *crash,
	       struct arena *arena, struct signature *ret_signature)
{
	struct making m = {.lists = lists, .crash = crash, .arena = arena};
	buf_init(&m.text, TEXT_BYTES_MAX);
	buf_init(&m.title, TEXT_BYTES_MAX);
	err_t err = make(&m);
	if (err == OK && buf_error(&m.text) != OK)
		err = buf_error(&m.text);
	if (err == OK)
		*ret_signature = m.signature;
	buf_done(&m.text);
	buf_done(&m.title);
	return err;
}

void
signature_key(struct slice text, uint8_t ret_key[SIGNATURE_KEY_BYTES])
{
	uint8_t digest[CRYPTO_SHA256_BYTES];
	crypto_sha256(text, digest);
	memcpy(ret_key, digest, SIGNATURE_KEY_BYTES);
}
