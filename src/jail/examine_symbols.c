/* Symbols of a dump's modules, found when a walk first asks for them. */
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "cab/read.h"
#include "jail/examine_internal.h"
#include "symbols/formats.h"

struct module_symbols {
	bool is_looked_for;
	struct folder_found found;
	struct symbols_set set;
};

struct examine_symbols {
	const struct dump *dump;
	struct folder *folder; /* NULL: no folders */
	int fds[FOLDERS_MAX];
	size_t n_fds;
	struct module_symbols *modules; /* one for each of the dump's */
};

/* ---- packed files: a cabinet with one member ---- */

static bool
want_first(void *context, const struct cab_member *member)
{
	(void)context;
	return member->index == 0;
}

static err_t
append_piece(void *context, const struct cab_member *member, struct slice piece)
{
	struct buf *out = context;
	(void)member;
	buf_append(out, piece);
	return buf_error(out);
}

static void
end_piece(void *context, const struct cab_member *member, uint64_t bytes,
	  const struct cab_fault *fault)
{
	(void)context;
	(void)member;
	(void)bytes;
	(void)fault;
}

static err_t
unpack(struct slice packed, struct buf *out, struct err_detail *detail)
{
	struct cab *cab;
	struct cab_fault fault;
	const struct cab_sink sink = {
		.context = out, .begin = want_first, .write = append_piece, .end = end_piece};
	err_t err = cab_open(packed, NULL, &cab, &fault);
	if (err == OK) {
		err = cab_extract_all(cab, &sink, &fault);
		cab_close(cab);
	}
	return err == OK ? OK : err_set(detail, err, "the cabinet: %s", err_text(err));
}

/* ---- folders ---- */

static void
open_folders(struct examine_symbols *symbols, const struct examiner *examiner)
{
	static const struct folder_options options = {
		.formats = formats_all, .n_formats = FORMATS_N, .unpack = unpack};
	const char *names[FOLDERS_MAX];
	for (size_t i = 0; i < examiner->n_folders && symbols->n_fds < FOLDERS_MAX; i++) {
		int fd = open(examiner->folders[i], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (fd < 0)
			continue;
		names[symbols->n_fds] = examiner->folders[i];
		symbols->fds[symbols->n_fds++] = fd;
	}
	if (symbols->n_fds > 0 && folder_open(symbols->fds, names, symbols->n_fds, &options,
					      &symbols->folder, NULL) != OK)
		symbols->folder = NULL;
}

struct examine_symbols *
examine_symbols_new(const struct examiner *examiner, const struct dump *dump)
{
	struct examine_symbols *symbols = calloc(1, sizeof(*symbols));
	if (symbols == NULL)
		abort();
	symbols->dump = dump;
	symbols->modules = calloc(dump->modules.n + 1, sizeof(*symbols->modules));
	if (symbols->modules == NULL)
		abort();
	open_folders(symbols, examiner);
	return symbols;
}

void
examine_symbols_free(struct examine_symbols *symbols)
{
	for (size_t i = 0; i < symbols->dump->modules.n; i++)
		folder_found_done(&symbols->modules[i].found);
	folder_close(symbols->folder);
	for (size_t i = 0; i < symbols->n_fds; i++)
		(void)close(symbols->fds[i]);
	free(symbols->modules);
	free(symbols);
}

static void
look_for(struct examine_symbols *symbols, size_t module)
{
	struct module_symbols *m = &symbols->modules[module];
	const struct dump_module *d = &symbols->dump->modules.items[module];
	const struct identity_wanted wanted = {
		.debug_name =
			slice_is_absent(d->debug_name) ? dump_base_name(d->name) : d->debug_name,
		.debug_id = d->debug_id,
		.code_name = dump_base_name(d->name),
		.code_id = d->code_id,
		.build_id = d->build_id,
	};
	jail_note("the symbols of a module", module);
	m->is_looked_for = true;
	folder_find(symbols->folder, &wanted, &m->found);
	for (size_t i = 0; i < m->found.n_sources && i < STACKWALK_SOURCES_MAX; i++)
		m->set.sources[m->set.n_sources++] = m->found.sources[i].symbols;
	jail_note("the stack of a thread", 0);
}

const struct symbols_set *
examine_symbols_find(void *context, size_t module)
{
	struct examine_symbols *symbols = context;
	struct module_symbols *m = &symbols->modules[module];
	if (symbols->folder == NULL)
		return NULL;
	if (!m->is_looked_for)
		look_for(symbols, module);
	return &m->set;
}

void
examine_symbols_put(const struct examine_symbols *symbols, struct json *dump)
{
	struct json *list = json_new_list();
	struct buf text;
	buf_init(&text, 4096);
	for (size_t i = 0; i < symbols->dump->modules.n; i++) {
		const struct module_symbols *m = &symbols->modules[i];
		if (!m->is_looked_for)
			continue;
		struct json *entry = json_new_object();
		buf_reset(&text);
		folder_found_format(&m->found, &text);
		json_put_text(entry, "module",
			      dump_base_name(symbols->dump->modules.items[i].name));
		json_put_str(entry, "status", folder_status_text(m->found.status));
		json_put_text(entry, "text", buf_slice(&text));
		json_add(list, entry);
	}
	buf_done(&text);
	json_put(dump, "symbols", list);
}
