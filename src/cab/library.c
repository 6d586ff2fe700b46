/* What libmspack sees of a part is this file:
 *
 *   our header and tables | the cabinet as it came
 *   0                     | n_made
 *
 * Folders lie at n_made + their offset.  Members are made up too, of no bytes: one to please
 * libmspack, and one at each end that is joined, by which cabd_append joins folders.  What is
 * unpacked is asked for by members of our own, which lie where we like.
 *
 * libmspack starts a folder again when it is asked for something before its position, and goes
 * on otherwise.  After an error it would go on wrongly in stored folders, so it is opened anew.
 */
#include "cab/library.h"

#include <mspack.h>
#include <stdlib.h>

#include "base/buf.h"

enum {
	MADE_BYTES_MAX =
		CAB_HEADER_BYTES + 4 + UINT16_MAX * CAB_FOLDER_BYTES + 3 * (CAB_MEMBER_BYTES + 2)
};

struct library_part {
	struct buf made;
	struct slice in;
	char name[2]; /* its number + 1, which is its "file name" */
};

/* What libmspack's system calls get; a file is open on a part, or on the one that takes. */
struct library_file {
	struct mspack_file base;
	struct cab_library *library;
	const struct library_part *part; /* NULL: takes what is unpacked */
	uint64_t at;
};

struct cab_library {
	struct mspack_system system; /* first: libmspack hands it back */
	struct mscab_decompressor *decompressor;
	struct mscabd_cabinet *cabinet;
	struct library_part *parts;
	size_t n_parts;
	struct mscabd_folder **folders;
	size_t n_folders;
	bool has_failed; /* must be opened anew before it unpacks again */

	/* The folder that is being unpacked, and where its next byte goes. */
	size_t folder;
	uint32_t position;
	uint32_t from;
	cab_library_take *take;
	void *context;
	bool was_stopped;
};

/* ---- libmspack's system ---- */

static struct mspack_file *
system_open(struct mspack_system *system, const char *name, int mode)
{
	struct cab_library *library = (struct cab_library *)system;
	bool is_part = name[0] != 0;
	if (is_part != (mode == MSPACK_SYS_OPEN_READ))
		return NULL;
	struct library_file *file = system->alloc(system, sizeof(*file));
	if (file == NULL)
		return NULL;
	*file = (struct library_file){.library = library};
	if (is_part)
		file->part = &library->parts[name[0] - 1];
	return &file->base;
}

/* libmspack calls this with a copy of our system too, from which no way leads back: so the one
 * allocation is bounded here, and their sum by the tables that it is shown. */
static void *
system_alloc(struct mspack_system *system, size_t bytes)
{
	(void)system;
	if (bytes > LIMIT_CAB_LIBRARY_BYTES)
		return NULL;
	void *memory = calloc(1, bytes);
	if (memory == NULL)
		abort();
	return memory;
}

static void
system_free(void *memory)
{
	free(memory);
}

static void
system_close(struct mspack_file *file)
{
	system_free(file);
}

static size_t
read_from(struct slice in, uint64_t at, uint8_t *buffer, size_t count)
{
	struct slice piece = at > in.len ? (struct slice){0} : slice_sub(in, at, count);
	if (piece.len > 0)
		memcpy(buffer, piece.data, piece.len);
	return piece.len;
}

/* libmspack reads without a file after it ran out of parts. */
static int
system_read(struct mspack_file *base, void *buffer, int bytes)
{
	struct library_file *file = (struct library_file *)base;
	if (file == NULL || file->part == NULL || bytes < 0)
		return -1;
	const struct library_part *part = file->part;
	size_t count = (size_t)bytes;
	size_t done = read_from(buf_slice(&part->made), file->at, buffer, count);
	if (done < count)
		done += read_from(part->in, file->at + done - part->made.len,
				  (uint8_t *)buffer + done, count - done);
	file->at += done;
	return (int)done;
}

/* Hands on what lies behind library->from, in small pieces. */
static bool
hand_on(struct cab_library *library, struct slice bytes)
{
	uint64_t skip = library->from > library->position ? library->from - library->position : 0;
	for (size_t at = skip; at < bytes.len; at += CAB_PIECE_BYTES) {
		if (!library->take(library->context, slice_sub(bytes, at, CAB_PIECE_BYTES)))
			return false;
	}
	return true;
}

static int
system_write(struct mspack_file *base, void *buffer, int bytes)
{
	struct library_file *file = (struct library_file *)base;
	if (file == NULL || file->part != NULL || bytes < 0)
		return -1;
	struct cab_library *library = file->library;
	if (!hand_on(library, slice_of(buffer, (size_t)bytes))) {
		library->was_stopped = true;
		return -1;
	}
	library->position += (uint32_t)bytes;
	return bytes;
}

/* Reading tables and blocks it never seeks from the end. */
static int
system_seek(struct mspack_file *base, off_t offset, int mode)
{
	struct library_file *file = (struct library_file *)base;
	if (file == NULL || mode == MSPACK_SYS_SEEK_END)
		return -1;
	int64_t origin = mode == MSPACK_SYS_SEEK_CUR ? (int64_t)file->at : 0;
	if (offset < -origin)
		return -1;
	file->at = (uint64_t)(origin + offset);
	return 0;
}

static off_t
system_tell(struct mspack_file *base)
{
	return base == NULL ? 0 : (off_t)((struct library_file *)base)->at;
}

static void
system_message(struct mspack_file *file, const char *format, ...)
{
	(void)file;
	(void)format;
}

static void
system_copy(void *from, void *to, size_t bytes)
{
	memcpy(to, from, bytes);
}

/* ---- what it is shown ---- */

static void
put_u16(struct buf *out, unsigned value)
{
	buf_append_byte(out, (uint8_t)(value & 0xff));
	buf_append_byte(out, (uint8_t)(value >> 8 & 0xff));
}

static void
put_u32(struct buf *out, uint32_t value)
{
	put_u16(out, value & 0xffff);
	put_u16(out, value >> 16);
}

static void
put_member(struct buf *out, unsigned folder)
{
	buf_append_zero(out, 8); /* no bytes, at the folder's start */
	put_u16(out, folder);
	buf_append_zero(out, 6);
	buf_append(out, SLICE_LITERAL("m\0"));
}

/* A cabinet, [MS-CAB] 2.1-2.4, whose reserve says how much precedes each block's data. */
static void
make_tables(const struct cab_library_part *part, struct buf *out)
{
	const struct cab_tables *t = part->tables;
	unsigned n_members = 1U + part->joins_previous + part->joins_next;
	size_t bytes = CAB_HEADER_BYTES + 4 + (size_t)t->n_folders * CAB_FOLDER_BYTES +
		       n_members * (CAB_MEMBER_BYTES + 2U);
	put_u32(out, CAB_MAGIC);
	buf_append_zero(out, 20);
	put_u16(out, 0x0103);
	put_u16(out, t->n_folders);
	put_u16(out, n_members);
	put_u16(out, CAB_WITH_RESERVE);
	put_u16(out, t->set_id);
	put_u16(out, t->set_index);
	put_u32(out, (uint32_t)t->block_reserve << 24);
	for (size_t i = 0; i < t->n_folders; i++) {
		const struct cab_segment *s = &part->segments[i];
		bool goes_on = part->joins_next && i + 1U == t->n_folders;
		put_u32(out, s->offset + (uint32_t)bytes);
		put_u16(out, s->blocks - (s->ends_split && !goes_on));
		put_u16(out, s->compression);
	}
	put_member(out, 0);
	if (part->joins_previous)
		put_member(out, CAB_FROM_PREVIOUS);
	if (part->joins_next)
		put_member(out, CAB_TO_NEXT);
}

/* ---- open, close ---- */

static void
close_decompressor(struct cab_library *library)
{
	if (library->cabinet != NULL)
		library->decompressor->close(library->decompressor, library->cabinet);
	library->cabinet = NULL;
	mspack_destroy_cab_decompressor(library->decompressor);
	library->decompressor = NULL;
}

static bool
append_part(struct cab_library *library, struct mscabd_cabinet **last, size_t i)
{
	struct mscab_decompressor *d = library->decompressor;
	struct mscabd_cabinet *next = d->open(d, library->parts[i].name);
	if (next == NULL)
		return false;
	if (*last == NULL) {
		library->cabinet = next;
	} else if (d->append(d, *last, next) != MSPACK_ERR_OK) {
		d->close(d, next);
		return false;
	}
	*last = next;
	return true;
}

static bool
list_folders(struct cab_library *library)
{
	size_t n = 0;
	for (struct mscabd_folder *f = library->cabinet->folders; f != NULL; f = f->next) {
		if (n == library->n_folders)
			return false;
		library->folders[n++] = f;
	}
	return n == library->n_folders;
}

static enum cab_reason
open_decompressor(struct cab_library *library)
{
	struct mscabd_cabinet *last = NULL;
	library->has_failed = false;
	library->folder = library->n_folders;
	library->position = 0;
	library->decompressor = mspack_create_cab_decompressor(&library->system);
	if (library->decompressor == NULL)
		return CAB_MEMORY;
	(void)library->decompressor->set_param(library->decompressor, MSCABD_PARAM_DECOMPBUF,
					       CAB_PIECE_BYTES);
	for (size_t i = 0; i < library->n_parts; i++) {
		if (!append_part(library, &last, i))
			return CAB_BAD_DATA;
	}
	return list_folders(library) ? CAB_NO_FAULT : CAB_BAD_DATA;
}

static void
show_parts(struct cab_library *library, const struct cab_library_part *parts)
{
	for (size_t i = 0; i < library->n_parts; i++) {
		struct library_part *part = &library->parts[i];
		part->in = parts[i].tables->in;
		part->name[0] = (char)(i + 1);
		buf_init(&part->made, MADE_BYTES_MAX);
		make_tables(&parts[i], &part->made);
		library->n_folders += parts[i].tables->n_folders - parts[i].joins_previous;
	}
}

enum cab_reason
cab_library_open(const struct cab_library_part *parts, size_t n_parts,
		 struct cab_library **ret_library)
{
	struct cab_library *library = calloc(1, sizeof(*library));
	int selftest; /* is off_t as wide there as here? */
	MSPACK_SYS_SELFTEST(selftest);
	if (selftest != MSPACK_ERR_OK)
		abort();
	if (library == NULL || (library->parts = calloc(n_parts, sizeof(*library->parts))) == NULL)
		abort();
	library->n_parts = n_parts;
	library->system = (struct mspack_system){
		.open = system_open,
		.close = system_close,
		.read = system_read,
		.write = system_write,
		.seek = system_seek,
		.tell = system_tell,
		.message = system_message,
		.alloc = system_alloc,
		.free = system_free,
		.copy = system_copy,
	};
	show_parts(library, parts);
	library->folders = calloc(library->n_folders, sizeof(struct mscabd_folder *));
	if (library->folders == NULL)
		abort();
	enum cab_reason reason = open_decompressor(library);
	if (reason != CAB_NO_FAULT) {
		cab_library_close(library);
		return reason;
	}
	*ret_library = library;
	return CAB_NO_FAULT;
}

void
cab_library_close(struct cab_library *library)
{
	if (library == NULL)
		return;
	close_decompressor(library);
	for (size_t i = 0; i < library->n_parts; i++)
		buf_done(&library->parts[i].made);
	free(library->folders);
	free(library->parts);
	free(library);
}

/* ---- unpack ---- */

uint32_t
cab_library_position(const struct cab_library *library, size_t folder)
{
	return library->folder == folder && !library->has_failed ? library->position : 0;
}

static enum cab_reason
reason_of(const struct cab_library *library, int said)
{
	if (library->was_stopped)
		return CAB_SINK;
	return said == MSPACK_ERR_NOMEMORY ? CAB_MEMORY : CAB_BAD_DATA;
}

enum cab_reason
cab_library_unpack(struct cab_library *library, size_t folder, uint32_t from, uint32_t to,
		   cab_library_take *take, void *context, uint32_t *ret_reached)
{
	char name[] = "";
	if (library->has_failed) {
		close_decompressor(library);
		enum cab_reason reason = open_decompressor(library);
		if (reason != CAB_NO_FAULT) {
			library->has_failed = true;
			*ret_reached = 0;
			return reason;
		}
	}
	if (library->folder != folder || library->position > from)
		library->position = 0;
	library->folder = folder;
	library->from = from;
	library->take = take;
	library->context = context;
	library->was_stopped = false;
	struct mscabd_file wanted = {
		.filename = name,
		.folder = library->folders[folder],
		.offset = library->position,
		.length = to - library->position,
	};
	int said = library->decompressor->extract(library->decompressor, &wanted, name);
	*ret_reached = library->position;
	if (said == MSPACK_ERR_OK && library->position == to)
		return CAB_NO_FAULT;
	library->has_failed = true;
	return reason_of(library, said);
}
