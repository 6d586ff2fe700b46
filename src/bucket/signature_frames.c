/* Frames in the form in which they are compared: names, lists that know them, one text each. */
#include "base/limits.h"
#include "base/text.h"
#include "bucket/normalize.h"
#include "bucket/signature_internal.h"

#include <inttypes.h>

enum {
	/* An export's name is believed this far behind it: few functions are longer, while tables
	 * of exports have gaps of megabytes. */
	PUBLIC_REACH_BYTES = 0x2000,
	TEXT_BYTES_MAX = 4 * LIMIT_NORMALIZED_BYTES
};

static bool
is_there(struct slice s)
{
	return s.data != NULL && s.len > 0;
}

/* Copies what BUF has into ARENA and empties it; absent when it is empty. */
static err_t
keep(struct arena *arena, struct buf *buf, struct slice *ret_kept)
{
	struct slice kept = {0};
	if (buf->len > 0) {
		kept = slice_dup(arena, buf_slice(buf));
		if (slice_is_absent(kept))
			return ERR_LIMIT;
	}
	buf_reset(buf);
	*ret_kept = kept;
	return OK;
}

static err_t
keep_module(const struct frame_lists *lists, struct slice process, struct slice name,
	    struct arena *arena, struct buf *buf, struct slice *ret_module)
{
	if (is_there(name))
		normalize_module(name, buf);
	err_t err = keep(arena, buf, ret_module);
	if (err != OK || !is_there(*ret_module))
		return err;
	const struct frame_rule *rule =
		frame_lists_find_text(lists, FRAME_MODULE_ALIAS, process, *ret_module);
	if (rule != NULL)
		*ret_module = rule->value;
	return OK;
}

/* The part of a name that is read: hostile symbols can give each frame a name of any length. */
static struct slice
spend(struct slice name, size_t *budget)
{
	if (name.len > *budget)
		name = slice_sub(name, 0, LIMIT_CRASH_NAME_BYTES_THEN);
	*budget -= name.len < *budget ? name.len : *budget;
	return name;
}

static err_t
keep_function(const struct bucket_frame *frame, struct arena *arena, struct buf *buf,
	      size_t *budget, struct slice *ret_function)
{
	bool is_far = frame->is_public && frame->function_offset > PUBLIC_REACH_BYTES;
	if (is_there(frame->function) && !is_far)
		normalize_function(spend(frame->function, budget), buf);
	return keep(arena, buf, ret_function);
}

/* An offset says something within one build alone, and a debug id without its age or a name is
 * not one build: the id goes in whole. */
static void
append_offset(const struct bucket_frame *in, struct buf *buf)
{
	buf_append_byte(buf, '@');
	if (is_there(in->module_id)) {
		struct buf id;
		buf_init(&id, SIZE_MAX); /* an id is 33 or 40 digits; longer ones are cut */
		text_fold(slice_sub(in->module_id, 0, LIMIT_NORMALIZED_BYTES), &id);
		normalize_append(buf_slice(&id), buf);
		buf_done(&id);
	} else {
		buf_append_byte(buf, '?');
	}
	buf_printf(buf, "+0x%" PRIx64, in->module_offset);
}

static void
append_text(const struct bucket_frame *in, struct signature_frame *frame, struct buf *buf)
{
	if (is_there(frame->module))
		buf_append(buf, frame->module);
	if (is_there(frame->function)) {
		frame->kind = FRAME_FUNCTION;
		if (is_there(frame->module))
			buf_append_byte(buf, '!');
		buf_append(buf, frame->function);
	} else if (is_there(in->file) && in->line > 0) {
		frame->kind = FRAME_SOURCE;
		if (is_there(frame->module))
			buf_append_byte(buf, '!');
		normalize_source(in->file, buf);
		buf_printf(buf, "#%" PRIu32, in->line);
	} else if (is_there(frame->module)) {
		frame->kind = FRAME_OFFSET;
		append_offset(in, buf);
	}
}

static err_t
make_frame(const struct frame_lists *lists, const struct bucket_crash *crash,
	   const struct bucket_frame *in, struct arena *arena, struct buf *buf, size_t *budget,
	   struct signature_frame *frame)
{
	struct slice unloaded;
	err_t err = keep_module(lists, crash->process, in->module, arena, buf, &frame->module);
	if (err == OK)
		err = keep_module(lists, crash->process, in->unloaded, arena, buf, &unloaded);
	if (err == OK)
		err = keep_function(in, arena, buf, budget, &frame->function);
	/* Frames of scripts are in no module but in a file. */
	if (err == OK && !is_there(frame->module) && is_there(frame->function))
		err = keep_module(lists, crash->process, in->file, arena, buf, &frame->module);
	if (err != OK)
		return err;
	frame->is_scan = in->trust >= CRASH_TRUST_SCAN;
	frame->is_public = in->is_public;
	frame->has_identity = is_there(in->module_id);
	if (!is_there(frame->module) && !is_there(frame->function) && is_there(unloaded)) {
		frame->kind = FRAME_UNLOADED;
		frame->module = unloaded;
		frame->text = unloaded;
	}
	frame_lists_find(lists, crash->process, frame->module, frame->function, &frame->matches);
	const struct frame_rule *alias = frame->matches.rules[FRAME_ALIAS];
	if (alias != NULL) {
		frame->function = alias->value;
		frame_lists_find(lists, crash->process, frame->module, frame->function,
				 &frame->matches);
	}
	if (frame->kind == FRAME_UNLOADED)
		return OK;
	append_text(in, frame, buf);
	return keep(arena, buf, &frame->text);
}

err_t
signature_frames(const struct frame_lists *lists, const struct bucket_crash *crash,
		 struct arena *arena, struct signature_frame **ret_frames, size_t *ret_n)
{
	size_t n = crash->n_frames < LIMIT_CRASH_FRAMES ? crash->n_frames : LIMIT_CRASH_FRAMES;
	struct signature_frame *frames = arena_array(arena, n + 1, sizeof(*frames));
	struct buf buf;
	size_t budget = LIMIT_CRASH_NAMES_BYTES;
	err_t err = frames == NULL ? ERR_LIMIT : OK;
	buf_init(&buf, TEXT_BYTES_MAX);
	for (size_t i = 0; i < n && err == OK; i++)
		err = make_frame(lists, crash, &crash->frames[i], arena, &buf, &budget, &frames[i]);
	buf_done(&buf);
	if (err != OK)
		return err;
	/* What was inlined into a frame was found as that frame was. */
	for (size_t i = n; i-- > 0;) {
		if (crash->frames[i].trust == CRASH_TRUST_INLINE)
			frames[i].is_scan = i + 1 < n && frames[i + 1].is_scan;
	}
	*ret_frames = frames;
	*ret_n = n;
	return OK;
}
