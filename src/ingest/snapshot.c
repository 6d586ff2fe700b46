#include "ingest/snapshot.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "base/fs.h"
#include "base/limits.h"

enum {
	CONFIG_ARENA_BYTES = 16 * 1024 * 1024 /* many times the largest configuration */
};

static err_t
load_collection(struct snapshot *snapshot, struct err_detail *detail)
{
	const char *path = snapshot->config.collection;
	struct err_detail inner = {0};
	struct buf text;
	if (path == NULL) {
		snapshot->collection = collection_default();
		return OK;
	}
	err_t err = fs_read_file(path, LIMIT_YAML_BYTES, &text, detail);
	if (err != OK)
		return err;
	err = collection_parse(buf_slice(&text), &snapshot->collection, &inner);
	buf_done(&text);
	if (err != OK)
		return err_set(detail, err, "%s: %.200s", path, inner.why);
	return OK;
}

static err_t
load_tls(struct snapshot *snapshot, struct err_detail *detail)
{
	const struct config_ingest *ingest = &snapshot->config.ingest;
	if (ingest->tls_listen.n_addresses == 0)
		return OK;
	return tls_context_load(ingest->tls_certificate, ingest->tls_key, ingest->tls_least,
				&snapshot->tls, detail);
}

err_t
snapshot_load(const char *config_path, struct snapshot **ret_snapshot, struct err_detail *detail)
{
	struct snapshot *snapshot = calloc(1, sizeof(*snapshot));
	if (snapshot == NULL)
		abort();
	atomic_init(&snapshot->references, 1);
	arena_init(&snapshot->arena, CONFIG_ARENA_BYTES);
	err_t err = config_load(config_path, &snapshot->arena, &snapshot->config, detail);
	if (err == OK)
		err = load_collection(snapshot, detail);
	if (err == OK)
		err = load_tls(snapshot, detail);
	if (err != OK) {
		snapshot_unref(snapshot);
		return err;
	}
	*ret_snapshot = snapshot;
	return OK;
}

struct snapshot *
snapshot_ref(struct snapshot *snapshot)
{
	(void)atomic_fetch_add_explicit(&snapshot->references, 1, memory_order_relaxed);
	return snapshot;
}

void
snapshot_unref(struct snapshot *snapshot)
{
	if (snapshot == NULL ||
	    atomic_fetch_sub_explicit(&snapshot->references, 1, memory_order_acq_rel) != 1)
		return;
	collection_unref(snapshot->collection);
	tls_context_unref(snapshot->tls);
	arena_done(&snapshot->arena);
	free(snapshot);
}
