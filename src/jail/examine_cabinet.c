#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/fs.h"
#include "cab/describe.h"
#include "jail/examine_internal.h"
#include "report/file_content.h"

/* What the members unpack to lies one behind the other in the scratch file, which is mapped when
 * all is there: nothing of it is held in memory. */
struct unpacking {
	int fd;
	uint64_t at;      /* end of what was written */
	uint64_t *starts; /* one for each member; UINT64_MAX: not there */
	uint64_t *lens;
	err_t err; /* of the scratch file */
};

static bool
begin_member(void *context, const struct cab_member *member)
{
	struct unpacking *u = context;
	jail_note("unpacking a member", member->entry_offset);
	if (u->err != OK)
		return false;
	u->starts[member->index] = u->at;
	return true;
}

static err_t
write_piece(void *context, const struct cab_member *member, struct slice piece)
{
	struct unpacking *u = context;
	(void)member;
	err_t err = fs_write_all(u->fd, piece);
	if (err == OK)
		u->at += piece.len;
	else
		u->err = err;
	return err;
}

static void
end_member(void *context, const struct cab_member *member, uint64_t bytes,
	   const struct cab_fault *fault)
{
	struct unpacking *u = context;
	(void)fault;
	u->lens[member->index] = bytes;
}

/* ---- what is in them ---- */

struct listing {
	struct examiner *examiner;
	struct examined *examined;
	struct json *contents;
	struct json *dumps;
	size_t n_dumps;
};

static void
list_member(struct listing *listing, const struct cab_member *member, struct slice bytes)
{
	enum file_kind kind = wer_file_detect(member->name, bytes);
	if (!examine_is_dump(kind)) {
		json_add(listing->contents,
			 examine_content(listing->examiner, member->name, bytes));
		return;
	}
	if (listing->n_dumps++ >= EXAMINE_DUMPS_MAX)
		return;
	struct json *dump = json_new_object();
	json_put_text(dump, "name", member->name);
	examine_dump(listing->examiner, listing->examined, bytes, kind, dump);
	json_add(listing->dumps, dump);
}

static void
list_members(struct listing *listing, const struct cab_info *info, const struct unpacking *u,
	     struct slice all)
{
	for (size_t i = 0; i < info->n_members; i++)
		if (u->starts[i] != UINT64_MAX)
			list_member(listing, &info->members[i],
				    slice_sub(all, (size_t)u->starts[i], (size_t)u->lens[i]));
}

static struct slice
map_scratch(const struct unpacking *u)
{
	if (u->at == 0)
		return SLICE_LITERAL("");
	void *mapped = mmap(NULL, (size_t)u->at, PROT_READ, MAP_PRIVATE, u->fd, 0);
	return mapped == MAP_FAILED ? SLICE_LITERAL("") : slice_of(mapped, (size_t)u->at);
}

static void
unpack_and_list(struct cab *cab, int scratch_fd, struct listing *listing)
{
	const struct cab_info *info = cab_info(cab);
	struct unpacking u = {.fd = scratch_fd};
	struct cab_fault fault;
	const struct cab_sink sink = {
		.context = &u, .begin = begin_member, .write = write_piece, .end = end_member};
	u.starts = arena_array(&listing->examined->arena, info->n_members, sizeof(*u.starts));
	u.lens = arena_array(&listing->examined->arena, info->n_members, sizeof(*u.lens));
	if (scratch_fd < 0 || u.starts == NULL || u.lens == NULL)
		return;
	for (size_t i = 0; i < info->n_members; i++)
		u.starts[i] = UINT64_MAX;
	/* What is wrong with a member stands in the cabinet's own object. */
	(void)!cab_extract_all(cab, &sink, &fault);
	listing->examined->err = u.err;
	struct slice all = map_scratch(&u);
	list_members(listing, info, &u, all);
	if (all.len > 0)
		(void)munmap((void *)(uintptr_t)all.data, all.len);
}

void
examine_cabinet(struct examiner *examiner, struct examined *examined, struct slice file,
		int scratch_fd, struct json *object)
{
	struct listing listing = {.examiner = examiner,
				  .examined = examined,
				  .contents = json_new_list(),
				  .dumps = json_new_list()};
	struct cab *cab = NULL;
	struct cab_fault fault;
	jail_note("the cabinet's tables", 0);
	json_put(object, "cabinet", cab_describe(file, NULL));
	if (cab_open(file, NULL, &cab, &fault) == OK)
		unpack_and_list(cab, scratch_fd, &listing);
	cab_close(cab);
	if (listing.n_dumps > EXAMINE_DUMPS_MAX)
		json_put_count(object, "dumps_left_out", listing.n_dumps - EXAMINE_DUMPS_MAX);
	json_put(object, "contents", listing.contents);
	json_put(object, "dumps", listing.dumps);
}
