#include <stdio.h>

#include "base/log.h"
#include "werd/werd.h"

enum {
	CONFIG_ARENA_BYTES = 16 * 1024 * 1024
};

int
werd_check(const struct werd_options *options)
{
	struct config config;
	struct err_detail detail = {0};
	struct arena arena;
	arena_init(&arena, CONFIG_ARENA_BYTES);
	err_t err = config_load(options->config_path, &arena, &config, &detail);
	if (err == OK)
		err = config_check(&config, &detail);
	int status = err == OK ? 0 : werd_fail(err, &detail);
	if (err == OK)
		(void)printf("%s: good\n", options->config_path);
	arena_done(&arena);
	return status;
}
