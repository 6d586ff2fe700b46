#include "jail/examine.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cab/describe.h"
#include "ext/crypto.h"
#include "jail/examine_internal.h"
#include "report/file_content.h"

enum {
	ARENA_BYTES = 384 * 1024 * 1024, /* a dump's lists and stacks; the sandbox bounds all */
	SUMMARY_BYTES = 1024
};

struct examiner *
examiner_new(const char *const *folders, size_t n_folders)
{
	struct examiner *examiner = calloc(1, sizeof(*examiner));
	if (examiner == NULL)
		abort();
	examiner->folders = folders;
	examiner->n_folders = n_folders;
	examiner->xml = xml_parser_new();
	examiner->lists = frame_lists_new();
	/* The library looks its digests up at the first use, which is not to be in the jail. */
	crypto_sha256(SLICE_LITERAL(""), (uint8_t[CRYPTO_SHA256_BYTES]){0});
	return examiner;
}

void
examiner_free(struct examiner *examiner)
{
	if (examiner == NULL)
		return;
	frame_lists_free(examiner->lists);
	xml_parser_free(examiner->xml);
	free(examiner);
}

bool
examine_is_dump(enum file_kind kind)
{
	return kind == FILE_MINIDUMP || kind == FILE_HEAP_DUMP || kind == FILE_KERNEL_DUMP ||
	       kind == FILE_ELF_CORE;
}

static void
put_kind(struct json *object, enum file_kind kind)
{
	json_put_str(object, "kind", file_kind_id(kind));
	json_put_str(object, "about", file_kind_name(kind));
}

static void
put_sha256(struct json *object, struct slice bytes)
{
	uint8_t sha256[CRYPTO_SHA256_BYTES];
	crypto_sha256(bytes, sha256);
	json_put_hex(object, "sha256", slice_of(sha256, sizeof(sha256)));
}

struct json *
examine_content(struct examiner *examiner, struct slice name, struct slice bytes)
{
	struct arena arena;
	struct file_content content;
	struct json *object = json_new_object();
	jail_note("content of a member", 0);
	arena_init(&arena, LIMIT_TEXT_FILE_ARENA_BYTES);
	json_put_text(object, "name", name);
	json_put_count(object, "bytes", bytes.len);
	file_content_parse(examiner->xml, name, bytes, &arena, &content);
	file_content_put_json(&content, object);
	arena_done(&arena);
	return object;
}

static void
put_dumps(struct examiner *examiner, struct examined *examined, struct slice name,
	  struct slice file, enum file_kind kind, struct json *object)
{
	struct json *dumps = json_new_list();
	struct json *dump = json_new_object();
	json_put_text(dump, "name", name);
	examine_dump(examiner, examined, file, kind, dump);
	json_add(dumps, dump);
	json_put_null(object, "cabinet");
	json_put(object, "contents", json_new_list());
	json_put(object, "dumps", dumps);
}

static void
put_one_content(struct examiner *examiner, struct slice name, struct slice file,
		struct json *object)
{
	struct json *contents = json_new_list();
	json_add(contents, examine_content(examiner, name, file));
	json_put_null(object, "cabinet");
	json_put(object, "contents", contents);
	json_put(object, "dumps", json_new_list());
}

/* The class of an upload is that of its first dump that has one. */
static void
put_class_of_first(struct json *object)
{
	const struct json *dumps = json_find(object, "dumps");
	for (size_t i = 0; i < json_count(dumps); i++) {
		const struct json *class = json_find(json_at(dumps, i), "class");
		if (json_kind(class) != JSON_KIND_OBJECT)
			continue;
		json_put(object, "class", json_duplicate(class));
		return;
	}
	json_put_null(object, "class");
}

static void
put_file(struct examiner *examiner, struct examined *examined, const struct jail_input *input,
	 struct slice file, struct json *object)
{
	enum file_kind kind = wer_file_detect(input->argument, file);
	json_put_count(object, "format", EXAMINE_FORMAT);
	put_kind(object, kind);
	json_put_count(object, "bytes", file.len);
	put_sha256(object, file);
	if (kind == FILE_CABINET)
		examine_cabinet(examiner, examined, file, input->scratch_fd, object);
	else if (examine_is_dump(kind))
		put_dumps(examiner, examined, input->argument, file, kind, object);
	else
		put_one_content(examiner, input->argument, file, object);
	if (examined->summary.len == 0)
		buf_append_str(&examined->summary, file_kind_name(kind));
	json_put_text(object, "summary", buf_slice(&examined->summary));
	put_class_of_first(object);
}

static err_t
make_document(struct examiner *examiner, const struct jail_input *input, struct slice file,
	      struct json **ret_document)
{
	struct examined examined = {.has_dump = false};
	struct json *object = json_new_object();
	arena_init(&examined.arena, ARENA_BYTES);
	buf_init(&examined.summary, SUMMARY_BYTES);
	if (input->task == EXAMINE_DUMP)
		examine_dump(examiner, &examined, file, wer_file_detect(input->argument, file),
			     object);
	else
		put_file(examiner, &examined, input, file, object);
	buf_done(&examined.summary);
	arena_done(&examined.arena);
	*ret_document = object;
	return examined.err;
}

/* Input is mapped, not read: a heap dump may have a gigabyte, of which few pages are looked at. */
static err_t
map_input(int fd, struct slice *ret_file)
{
	struct stat status;
	if (fstat(fd, &status) != 0)
		return err_from_errno(errno);
	if (status.st_size == 0) {
		*ret_file = SLICE_LITERAL("");
		return OK;
	}
	void *mapped = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (mapped == MAP_FAILED)
		return err_from_errno(errno);
	*ret_file = slice_of(mapped, (size_t)status.st_size);
	return OK;
}

/* What was read of the members besides the dumps is the first to go when all is too long. */
static void
format_without_contents(struct json *document, struct buf *answer)
{
	json_put_count(document, "contents_left_out", json_count(json_find(document, "contents")));
	json_put(document, "contents", json_new_list());
	buf_reset(answer);
	json_format_line(document, true, answer);
}

err_t
examine(void *context, const struct jail_input *input, struct buf *answer)
{
	struct slice file;
	struct json *document;
	err_t err = map_input(input->fd, &file);
	if (err != OK)
		return err;
	jail_note("the file's kind", 0);
	if (input->task == EXAMINE_CABINET)
		document = cab_describe(file, NULL);
	else
		err = make_document(context, input, file, &document);
	jail_note("the answer", 0);
	if (err == OK)
		json_format_line(document, true, answer);
	if (buf_error(answer) == ERR_LIMIT)
		format_without_contents(document, answer);
	json_free(document);
	return err == OK ? buf_error(answer) : err;
}
