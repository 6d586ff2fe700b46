#include "bucket/medoid.h"

#include "base/hash.h"
#include "base/reader.h"

enum {
	VERSION = 1
};

bool
medoid_push(struct medoid *medoid, struct slice text, bool is_scanned)
{
	if (medoid->n_frames == MEDOID_FRAMES_MAX)
		return false;
	medoid->scanned |= (uint64_t)is_scanned << medoid->n_frames;
	medoid->frames[medoid->n_frames++] = hash_64(text);
	return true;
}

static void
append_u64(struct buf *out, uint64_t value)
{
	for (int shift = 0; shift < 64; shift += 8)
		buf_append_byte(out, (uint8_t)(value >> shift));
}

void
medoid_format(const struct medoid *medoid, struct buf *out)
{
	if (medoid->n_frames == 0)
		return;
	buf_append_byte(out, VERSION);
	buf_append_byte(out, (uint8_t)medoid->n_frames);
	append_u64(out, medoid->scanned);
	for (size_t i = 0; i < medoid->n_frames; i++)
		append_u64(out, medoid->frames[i]);
}

err_t
medoid_parse(struct slice in, struct medoid *ret_medoid)
{
	struct medoid medoid = {0};
	struct reader r;
	reader_init(&r, in);
	uint8_t version = reader_u8(&r);
	medoid.n_frames = reader_u8(&r);
	medoid.scanned = reader_u64(&r);
	if (r.error == OK && version != VERSION)
		return ERR_UNSUPPORTED;
	if (r.error == OK && (medoid.n_frames == 0 || medoid.n_frames > MEDOID_FRAMES_MAX))
		return ERR_CORRUPT;
	for (size_t i = 0; r.error == OK && i < medoid.n_frames; i++)
		medoid.frames[i] = reader_u64(&r);
	if (r.error != OK)
		return r.error;
	bool has_marks_beyond =
		medoid.n_frames < MEDOID_FRAMES_MAX && medoid.scanned >> medoid.n_frames != 0;
	if (has_marks_beyond || reader_left(&r) > 0)
		return ERR_CORRUPT;
	*ret_medoid = medoid;
	return OK;
}
