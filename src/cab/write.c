/* Members are judged by the reader's own rules (names.h), mapped when they are files, and handed to
 * libgcab, which keeps no copy of what they hold.
 */
#include "cab/write.h"

#include <libgcab.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "base/text.h"
#include "base/time.h"
#include "cab/names.h"
#include "cab/tables.h"
#include "cab/write_stream.h"

enum {
	ARENA_BYTES_MAX = LIMIT_CAB_ARENA_BYTES
};

/* The DOS form of a date ends in 2107, [MS-CAB] 2.4. */
#define FIRST_SECOND INT64_C(315532800) /* 1980-01-01T00:00:00Z */
#define LAST_SECOND INT64_C(4354819198) /* 2107-12-31T23:59:58Z */

#define BAD_NAME_FLAGS                                                                             \
	(CAB_MEMBER_TRAVERSAL | CAB_MEMBER_ABSOLUTE | CAB_MEMBER_DRIVE | CAB_MEMBER_STREAM |       \
	 CAB_MEMBER_DEVICE | CAB_MEMBER_CONTROL | CAB_MEMBER_DIRECTION | CAB_MEMBER_FORBIDDEN |    \
	 CAB_MEMBER_TRAILING | CAB_MEMBER_MIXED_SLASHES | CAB_MEMBER_DUPLICATE)

struct mapping {
	void *start;
	size_t len;
};

/* ---- names ---- */

static err_t
refuse_name(struct slice name, const char *why, struct err_detail *detail)
{
	return err_set(detail, ERR_USAGE, "member \"%.*s\": %s",
		       SLICE_ARGS(slice_sub(name, 0, 100)), why);
}

static const char *
first_flag(uint32_t flags)
{
	for (unsigned bit = 0; bit < CAB_MEMBER_FLAG_N; bit++) {
		if ((flags & BAD_NAME_FLAGS & 1U << bit) != 0)
			return cab_member_flag_name(bit);
	}
	return NULL;
}

static err_t
judge_names(const struct cab_write_member *members, struct cab_member *judged, size_t n,
	    struct arena *arena, struct err_detail *detail)
{
	for (uint32_t i = 0; i < n; i++) {
		struct slice name = members[i].name;
		if (name.len == 0 || name.len > 255 || memchr(name.data, 0, name.len) != NULL ||
		    !text_is_utf8(name))
			return refuse_name(name, "no UTF-8 of 1 to 255 bytes", detail);
		judged[i] = (struct cab_member){.raw_name = name, .index = i};
		judged[i].attributes = CAB_ATTRIBUTE_UTF8;
		if (!cab_name_member(&judged[i], arena))
			return err_set(detail, ERR_LIMIT, "the names take too much memory");
	}
	if (!cab_name_tell_apart(judged, n, arena))
		return err_set(detail, ERR_LIMIT, "the names take too much memory");
	for (size_t i = 0; i < n; i++) {
		const char *flag = first_flag(judged[i].flags);
		if (flag != NULL)
			return refuse_name(members[i].name, flag, detail);
	}
	return OK;
}

static err_t
check_names(const struct cab_write_member *members, size_t n, struct err_detail *detail)
{
	struct arena arena;
	if (n == 0)
		return err_set(detail, ERR_USAGE, "a cabinet has at least one member");
	if (n > LIMIT_CAB_MEMBERS)
		return err_set(detail, ERR_LIMIT, "more than %d members", LIMIT_CAB_MEMBERS);
	arena_init(&arena, ARENA_BYTES_MAX);
	struct cab_member *judged = arena_array(&arena, n, sizeof(*judged));
	err_t err = judged == NULL ? ERR_LIMIT : judge_names(members, judged, n, &arena, detail);
	arena_done(&arena);
	return err;
}

/* ---- content ---- */

static void
unmap(gpointer data)
{
	struct mapping *mapping = data;
	(void)munmap(mapping->start, mapping->len);
	g_free(mapping);
}

static err_t
map_file(int fd, GBytes **ret_bytes, struct err_detail *detail)
{
	struct stat st;
	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
		return err_set(detail, ERR_USAGE, "a member's descriptor is no regular file");
	if (st.st_size == 0) {
		*ret_bytes = g_bytes_new_static("", 0);
		return OK;
	}
	if ((uint64_t)st.st_size > LIMIT_CAB_MEMBER_BYTES)
		return err_set(detail, ERR_LIMIT, "a member of 2 GiB or more");
	void *start = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (start == MAP_FAILED)
		return err_set(detail, ERR_IO, "a member cannot be mapped");
	(void)madvise(start, (size_t)st.st_size, MADV_SEQUENTIAL);
	struct mapping *mapping = g_new(struct mapping, 1);
	*mapping = (struct mapping){start, (size_t)st.st_size};
	*ret_bytes = g_bytes_new_with_free_func(start, mapping->len, unmap, mapping);
	return OK;
}

static err_t
content_of(const struct cab_write_member *member, GBytes **ret_bytes, struct err_detail *detail)
{
	if (slice_is_absent(member->bytes))
		return map_file(member->fd, ret_bytes, detail);
	if (member->bytes.len > LIMIT_CAB_MEMBER_BYTES)
		return err_set(detail, ERR_LIMIT, "a member of 2 GiB or more");
	*ret_bytes = g_bytes_new_static(member->bytes.data, member->bytes.len);
	return OK;
}

/* ---- libgcab ---- */

static GDateTime *
date_of(int64_t time_us)
{
	int64_t seconds = time_us / TIME_SECOND_US;
	if (seconds < FIRST_SECOND)
		seconds = FIRST_SECOND;
	if (seconds > LAST_SECOND)
		seconds = LAST_SECOND;
	return g_date_time_new_from_unix_utc(seconds);
}

static err_t
refuse_gcab(GError *error, struct err_detail *detail)
{
	err_t err = err_set(detail, ERR_INTERNAL, "libgcab: %s",
			    error == NULL ? "unknown" : error->message);
	g_clear_error(&error);
	return err;
}

static err_t
add_member(GCabFolder *folder, const struct cab_write_member *member, GBytes *bytes,
	   struct err_detail *detail)
{
	GError *error = NULL;
	unsigned attributes = member->attributes & ~(unsigned)CAB_ATTRIBUTE_UTF8;
	char *name = g_strndup((const char *)member->name.data, member->name.len);
	GCabFile *file = gcab_file_new_with_bytes(name, bytes);
	GDateTime *date = date_of(member->time_us);
	if (!text_is_ascii(member->name))
		attributes |= CAB_ATTRIBUTE_UTF8;
	gcab_file_set_date_time(file, date);
	gcab_file_set_attributes(file, attributes);
	err_t err = gcab_folder_add_file(folder, file, FALSE, NULL, &error)
			    ? OK
			    : refuse_gcab(error, detail);
	g_date_time_unref(date);
	g_object_unref(file);
	g_free(name);
	return err;
}

/* All members as one folder, which is all that libgcab writes. */
static err_t
fill(GCabFolder *folder, const struct cab_write_member *members, size_t n,
     struct err_detail *detail)
{
	uint64_t all_bytes = 0;
	err_t err = OK;
	for (size_t i = 0; i < n && err == OK; i++) {
		GBytes *bytes = NULL;
		err = content_of(&members[i], &bytes, detail);
		if (err != OK)
			break;
		all_bytes += g_bytes_get_size(bytes);
		if (all_bytes > LIMIT_CAB_MEMBER_BYTES)
			err = err_set(detail, ERR_LIMIT, "members of 2 GiB or more together");
		else
			err = add_member(folder, &members[i], bytes, detail);
		g_bytes_unref(bytes);
	}
	return err;
}

static err_t
write_cabinet(const struct cab_write_member *members, size_t n, bool is_stored,
	      GOutputStream *stream, struct err_detail *detail)
{
	GCabCabinet *cabinet = gcab_cabinet_new();
	GCabFolder *folder =
		gcab_folder_new(is_stored ? GCAB_COMPRESSION_NONE : GCAB_COMPRESSION_MSZIP);
	GError *error = NULL;
	err_t err = fill(folder, members, n, detail);
	if (err == OK && (!gcab_cabinet_add_folder(cabinet, folder, &error) ||
			  !gcab_cabinet_write_simple(cabinet, stream, NULL, NULL, NULL, &error))) {
		err = refuse_gcab(error, detail);
		if (cab_write_stream_err(stream) != OK)
			err = err_set(detail, cab_write_stream_err(stream), "the cabinet: %s",
				      err_text(cab_write_stream_err(stream)));
	}
	g_object_unref(folder);
	g_object_unref(cabinet);
	return err;
}

static err_t
write_to(const struct cab_write_member *members, size_t n, const struct cab_write_options *options,
	 struct buf *buf, int fd, uint64_t *ret_bytes, struct err_detail *detail)
{
	bool is_stored = options != NULL && options->is_stored;
	uint64_t max_bytes = options == NULL ? 0 : options->max_bytes;
	err_t err = check_names(members, n, detail);
	if (err != OK)
		return err;
	if (max_bytes == 0 || max_bytes > CAB_BYTES_MAX)
		max_bytes = CAB_BYTES_MAX;
	GOutputStream *stream = cab_write_stream_new(buf, fd, max_bytes);
	err = write_cabinet(members, n, is_stored, stream, detail);
	if (err == OK)
		*ret_bytes = cab_write_stream_bytes(stream);
	g_object_unref(stream);
	return err;
}

err_t
cab_write_buf(const struct cab_write_member *members, size_t n_members,
	      const struct cab_write_options *options, struct buf *out, struct err_detail *detail)
{
	uint64_t bytes;
	size_t before = out->len;
	err_t err = write_to(members, n_members, options, out, -1, &bytes, detail);
	if (err != OK) {
		out->len = before;
		out->error = OK;
	}
	return err;
}

err_t
cab_write_fd(const struct cab_write_member *members, size_t n_members,
	     const struct cab_write_options *options, int fd, uint64_t *ret_bytes,
	     struct err_detail *detail)
{
	return write_to(members, n_members, options, NULL, fd, ret_bytes, detail);
}
