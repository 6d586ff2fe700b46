/* The readers of files that have no fuzzer of their own; the first byte chooses.
 *
 * What each checks besides memory: its answer is a whole JSON document, and keeps the promises of
 * its header.
 */
#include "report/file_content.h"

#include <stdlib.h>

#include "base/limits.h"
#include "report/evidence.h"
#include "report/report_folder.h"
#include "report/wer_identity.h"
#include "report/xml_scan.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct xml_parser *parser;

static void
need(bool is_true)
{
	if (!is_true)
		abort();
}

/* Takes OBJECT. */
static void
need_whole(struct json *object)
{
	struct buf line;
	struct json *read;
	buf_init(&line, SIZE_MAX / 2);
	json_format_line(object, false, &line);
	need(json_parse(buf_slice(&line), &read, NULL) == OK);
	json_free(read);
	json_free(object);
	buf_done(&line);
}

#define NEED_WHOLE(put, thing)                                                                     \
	do {                                                                                       \
		struct json *object_ = json_new_object();                                          \
		put(thing, object_);                                                               \
		need_whole(object_);                                                               \
	} while (false)

static void
read_appcompat(struct slice in, struct arena *arena)
{
	struct appcompat appcompat;
	if (appcompat_parse(in, arena, &appcompat) != OK)
		return;
	need(!appcompat.is_known || appcompat.n_exes > 0);
	for (size_t i = 0; i < appcompat.n_exes; i++)
		for (size_t k = 0; k < appcompat.exes[i].n_files; k++)
			need(slice_is_absent(appcompat.exes[i].files[k].sha1) ||
			     appcompat.exes[i].files[k].sha1.len == 40);
	NEED_WHOLE(appcompat_put_json, &appcompat);
}

static void
read_processes(struct slice in, struct arena *arena)
{
	struct process_list list;
	size_t depth = 0;
	size_t n = 0;
	uint32_t at = PROCESS_NONE;
	if (process_list_parse(in, arena, &list) != OK)
		return;
	while ((at = process_list_next(&list, at, &depth)) != PROCESS_NONE) {
		need(at < list.n_processes && depth <= n);
		need((list.processes[at].parent == PROCESS_NONE) == (depth == 0));
		n++;
	}
	need(n == list.n_processes);
	NEED_WHOLE(process_list_put_json, &list);
}

static void
read_sysdata(struct slice in, struct arena *arena)
{
	struct sysdata sysdata;
	if (sysdata_parse(in, arena, &sysdata) == OK)
		NEED_WHOLE(sysdata_put_json, &sysdata);
}

static void
read_modules(struct slice in, struct arena *arena)
{
	struct loaded_modules modules;
	if (loaded_modules_parse(in, arena, &modules) != OK)
		return;
	for (size_t i = 0; i < modules.records.n; i++)
		need(modules.records.items[i].parent == SIZE_MAX ||
		     modules.records.items[i].parent < modules.records.n);
	NEED_WHOLE(loaded_modules_put_json, &modules);
}

static void
read_plain(struct slice in, struct arena *arena)
{
	struct plain_text plain;
	if (plain_text_parse(in, arena, &plain) != OK)
		return;
	need(plain.n_pairs <= plain.n_lines && plain.n_blank <= plain.n_lines);
	NEED_WHOLE(plain_text_put_json, &plain);
}

static void
read_registry(struct slice in, struct arena *arena)
{
	struct registry_result result;
	if (registry_result_parse(in, arena, &result) != OK)
		return;
	for (size_t i = 0; i < result.n_keys; i++) {
		need(registry_is_same_key(result.keys[i].path, result.keys[i].path));
		need(registry_is_below(result.keys[i].path, result.keys[0].path) ==
		     registry_is_below(result.keys[i].path, result.keys[0].path));
	}
	NEED_WHOLE(registry_result_put_json, &result);
}

/* The name is what stands before the first NUL. */
static void
read_any(struct slice in, struct arena *arena)
{
	struct file_content content;
	struct slice name = in;
	struct slice bytes = in;
	(void)slice_cut(in, 0, &name, &bytes);
	file_content_parse(parser, name, bytes, arena, &content);
	need(content.kind < FILE_KIND_N && content.form < FILE_KIND_N);
	need(content.error == OK || content.form == FILE_TEXT || content.form == FILE_UNKNOWN);
	NEED_WHOLE(file_content_put_json, &content);
}

/* The folder's name, a NUL, its Report.wer; which is twice in it. */
static void
read_folder(struct slice in, struct arena *arena)
{
	struct report_folder_view view;
	struct slice name = in;
	struct slice bytes = in;
	(void)slice_cut(in, 0, &name, &bytes);
	const struct report_folder_file files[] = {
		{SLICE_LITERAL("minidump.mdmp"), bytes, bytes.len},
		{SLICE_LITERAL("Report.wer"), bytes, bytes.len},
		{name, name, name.len},
	};
	if (report_folder_describe(name, files, 3, arena, &view) != OK)
		return;
	need(view.n_members == 3);
	need(!view.folder.is_known || (view.folder.hash.len >= 20 && view.folder.hash.len <= 40));
	NEED_WHOLE(report_folder_put_json, &view);
}

/* Lists and names of files, one a line; the first byte has what is known of the client. */
static void
read_evidence(struct slice in, struct arena *arena)
{
	struct evidence_file files[16] = {{.kind = FILE_HEAP_DUMP}};
	struct evidence_input input = {.files = files};
	struct evidence evidence;
	struct slice line;
	uint8_t facts = in.len > 0 ? in.data[0] : 0;
	struct slice rest = slice_sub(in, 1, in.len);
	struct slice *lists[] = {&input.request.reg_key, &input.request.reg_tree,
				 &input.request.wql, &input.request.get_file,
				 &input.request.get_file_version};
	input.request.cab = (facts & 1) != 0;
	input.request.has_path = (facts & 2) != 0;
	input.request.memory_dump = input.request.fdoc = input.request.module_info = true;
	input.upload = facts >> 2 & 3;
	input.client.consent = facts >> 4 & 7;
	input.client.sent_cab_before = facts >> 7 == 1 ? EVIDENCE_YES : EVIDENCE_UNKNOWN;
	for (size_t i = 0; i < 5 && text_file_line(&rest, &line); i++)
		*lists[i] = line;
	while (input.n_files < 16 && text_file_line(&rest, &line)) {
		files[input.n_files].name = line;
		files[input.n_files++].size_bytes = line.len;
	}
	if (evidence_match(&input, arena, &evidence) != OK)
		return;
	for (size_t i = 0; i < evidence.n_items; i++) {
		const struct evidence_item *item = &evidence.items[i];
		need((item->state == EVIDENCE_NOT_SENT) == (item->reason != EVIDENCE_NO_REASON));
		need(item->state != EVIDENCE_ANSWERED || input.upload == EVIDENCE_UPLOAD_CAME);
	}
	NEED_WHOLE(evidence_put_json, &evidence);
}

static void
read_identity(struct slice in, struct arena *arena)
{
	struct json *object = json_new_object();
	struct slice text = xml_scan_unescape(in, arena);
	need(text.len <= in.len);
	wer_identity_put_json(in, in, in, object);
	need_whole(object);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static void (*const readers[])(struct slice in, struct arena * arena) = {
		read_appcompat, read_processes, read_sysdata, read_modules,  read_plain,
		read_registry,  read_any,       read_folder,  read_evidence, read_identity,
	};
	struct arena arena;
	if (size == 0)
		return 0;
	if (parser == NULL)
		parser = xml_parser_new();
	arena_init(&arena, LIMIT_TEXT_FILE_ARENA_BYTES);
	readers[data[0] % (sizeof(readers) / sizeof(readers[0]))](slice_of(data + 1, size - 1),
								  &arena);
	arena_done(&arena);
	return 0;
}
