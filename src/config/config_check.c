/* Looks at what the configuration names, as the roles will when they start. */
#include "config/config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/limits.h"
#include "collection/collection.h"
#include "config/config_table.h"

/* The nearest folder above PATH that is there; cuts PATH down to it. */
static void
cut_to_existing(char *path)
{
	while (access(path, F_OK) != 0) {
		char *slash = strrchr(path, '/');
		if (slash == NULL || slash == path) {
			memcpy(path, slash == NULL ? "." : "/", 2);
			return;
		}
		*slash = '\0';
	}
}

static err_t
check_data(const struct config *config, struct err_detail *detail)
{
	struct stat status;
	char *path = strdup(config->data);
	err_t err = OK;
	if (path == NULL)
		abort(); /* no memory */
	cut_to_existing(path);
	if (stat(path, &status) != 0)
		err = err_set(detail, ERR_CONFIG, "data: %s: %s", path, strerror(errno));
	else if (!S_ISDIR(status.st_mode))
		err = err_set(detail, ERR_CONFIG, "data: %s is no folder", path);
	else if (faccessat(AT_FDCWD, path, W_OK | X_OK, AT_EACCESS) != 0)
		err = err_set(detail, ERR_CONFIG, "data: %s is not writable for this user", path);
	free(path);
	return err;
}

static err_t
check_collection(const struct config *config, struct err_detail *detail)
{
	static const char prefix[] = "line ";
	struct collection *collection;
	struct err_detail inner;
	struct buf text = {0};
	if (config->collection == NULL)
		return OK;
	err_t err = fs_read_file(config->collection, LIMIT_YAML_BYTES, &text, detail);
	if (err != OK)
		return ERR_CONFIG;
	err = collection_parse(buf_slice(&text), &collection, &inner);
	buf_done(&text);
	if (err != OK)
		return err_set(detail, ERR_CONFIG, "%s:%s", config_shown_path(config->collection),
			       inner.why + sizeof(prefix) - 1);
	collection_unref(collection);
	return OK;
}

static err_t
check_tls(const struct config_ingest *ingest, struct err_detail *detail)
{
	struct tls_context *context;
	if (!ingest->is_on || ingest->tls_listen.n_addresses == 0)
		return OK;
	err_t err = tls_context_load(ingest->tls_certificate, ingest->tls_key, ingest->tls_least,
				     &context, detail);
	if (err != OK)
		return ERR_CONFIG;
	tls_context_unref(context);
	return OK;
}

err_t
config_check(const struct config *config, struct err_detail *detail)
{
	err_t err = check_data(config, detail);
	if (err == OK)
		err = check_collection(config, detail);
	if (err == OK)
		err = check_tls(&config->ingest, detail);
	return err;
}
