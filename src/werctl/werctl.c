#include "werctl/werctl.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/fs.h"
#include "werctl/cell.h"

enum {
	WERCTL_ARENA_BYTES = 64 * 1024 * 1024,
	WERCTL_LINE_BYTES = 2048
};

void
werctl_init(struct werctl *w, int64_t now_us)
{
	*w = (struct werctl){.now_us = now_us};
	arena_init(&w->arena, WERCTL_ARENA_BYTES);
	output_init(&w->out, STDOUT_FILENO, false);
}

void
werctl_done(struct werctl *w)
{
	level1_parser_free(w->parser);
	derived_close(w->derived);
	facts_close(w->facts);
	output_done(&w->out);
	arena_done(&w->arena);
}

static const char *
config_path(const struct werctl *w, bool *ret_is_named)
{
	const char *path = w->options.text[OPTION_CONFIG];
	if (path == NULL)
		path = getenv("OPENWER_CONFIG");
	*ret_is_named = path != NULL && path[0] != '\0';
	return *ret_is_named ? path : CONFIG_DEFAULT_PATH;
}

err_t
werctl_config(struct werctl *w, const struct config **ret_config)
{
	bool is_named;
	const char *path = config_path(w, &is_named);
	if (w->config.data == NULL) {
		err_t err = config_load(path, &w->arena, &w->config, &w->detail);
		if (err == ERR_NOTFOUND && !is_named)
			return err_set(&w->detail, err,
				       "%s is not there; name the configuration with -c FILE",
				       path);
		if (err != OK)
			return err;
	}
	*ret_config = &w->config;
	return OK;
}

err_t
werctl_config_if_any(struct werctl *w, const struct config **ret_config)
{
	bool is_named;
	const char *path = config_path(w, &is_named);
	if (!is_named && access(path, F_OK) != 0) {
		*ret_config = NULL;
		return OK;
	}
	return werctl_config(w, ret_config);
}

/* Opening a store waits for an owner that is just making it.  That nobody made one, or that this
 * user may not look, can be said at once. */
static err_t
check_folder(struct werctl *w, const char *part)
{
	const char *folder = fs_join(&w->arena, w->config.data, part);
	if (folder == NULL || access(folder, R_OK | X_OK) == 0)
		return OK;
	if (errno == ENOENT)
		return err_set(&w->detail, ERR_NOTFOUND,
			       "%s is not there: neither werd nor an import has made it yet",
			       folder);
	return err_set(&w->detail, err_from_errno(errno),
		       "%s: %s; run werctl as its owner or in its group", folder, strerror(errno));
}

err_t
werctl_facts(struct werctl *w, struct facts **ret_facts)
{
	const struct config *config;
	if (w->facts == NULL) {
		err_t err = werctl_config(w, &config);
		if (err == OK)
			err = check_folder(w, "facts");
		if (err == OK)
			err = facts_open(config->data, FACTS_READ, &w->facts, &w->detail);
		if (err != OK)
			return err;
	}
	*ret_facts = w->facts;
	return OK;
}

err_t
werctl_derived(struct werctl *w, struct derived **ret_derived)
{
	const struct config *config;
	if (w->derived == NULL) {
		err_t err = werctl_config(w, &config);
		if (err == OK)
			err = check_folder(w, "derived");
		if (err == OK)
			err = derived_open(config->data, DERIVED_READ, &w->derived, &w->detail);
		if (err != OK)
			return err;
	}
	*ret_derived = w->derived;
	return OK;
}

struct level1_parser *
werctl_parser(struct werctl *w)
{
	if (w->parser == NULL)
		w->parser = level1_parser_new();
	return w->parser;
}

/* One line on stderr, fit for a terminal: paths and reasons may hold what others chose. */
static void
say(const char *before, const char *format, va_list args)
{
	char text[WERCTL_LINE_BYTES];
	struct buf line;
	(void)vsnprintf(text, sizeof(text), format, args);
	buf_init(&line, SIZE_MAX / 2);
	cell_text(slice_str(text), &line);
	(void)fprintf(stderr, "%s%.*s\n", before, SLICE_ARGS(buf_slice(&line)));
	buf_done(&line);
}

void
werctl_note(const struct werctl *w, const char *format, ...)
{
	va_list args;
	if (w->out.is_json)
		return;
	va_start(args, format);
	say("", format, args);
	va_end(args);
}

void
werctl_complain(const char *format, ...)
{
	va_list args;
	va_start(args, format);
	say("werctl: ", format, args);
	va_end(args);
}

const char *
werctl_operand(const struct werctl *w, unsigned n)
{
	return n < w->operands.count ? w->operands.at[n] : NULL;
}
