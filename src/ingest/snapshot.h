/* snapshot.h - the settings that one report is handled by, counted by reference
 *
 * A reload compiles a new one and swaps it; exchanges under way keep the one they began with.
 */
#pragma once

#include "collection/collection.h"
#include "config/config.h"

struct snapshot {
	_Atomic unsigned references;
	struct arena arena; /* owns what config points to */
	struct config config;
	struct collection *collection;
	struct tls_context *tls; /* NULL: no TLS listeners */
};

/* Reads the configuration, the collection rules and the certificate.  DETAIL: file, line, reason.
 */
err_t snapshot_load(const char *config_path, struct snapshot **ret_snapshot,
		    struct err_detail *detail) ERR_CHECK;
struct snapshot *snapshot_ref(struct snapshot *snapshot);
void snapshot_unref(struct snapshot *snapshot); /* accepts NULL */
