/* Reads anything as werd.yaml.  What is refused names its line; what is taken is whole. */
#include "config/config.h"

#include <stdlib.h>

#include "base/limits.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check(const struct config *config)
{
	const struct config_ingest *ingest = &config->ingest;
	if (config->data == NULL || config->log_level == NULL || config->node > 255 ||
	    ingest->max_report_bytes > LIMIT_REPORT_BYTES || ingest->max_queue == 0)
		abort();
	if (ingest->is_on && ingest->listen.n_addresses == 0 && ingest->tls_listen.n_addresses == 0)
		abort();
	if (ingest->is_on && ingest->tls_listen.n_addresses > 0 &&
	    (ingest->tls_certificate == NULL || ingest->tls_key == NULL))
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena arena;
	struct config config;
	struct err_detail detail;
	arena_init(&arena, LIMIT_YAML_ARENA_BYTES);
	if (config_parse(slice_of(data, size), "/w.yaml", &arena, &config, &detail) == OK)
		check(&config);
	else if (strncmp(detail.why, "/w.yaml:", 8) != 0)
		abort();
	arena_done(&arena);
	return 0;
}
