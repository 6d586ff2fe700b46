/* replay_main.c - runs one fuzz target over the files of its corpus, with any compiler
 *
 * Also over every prefix of each small file: a truncated input is the commonest broken one.
 * An empty or missing corpus is a failure: a replay that replays nothing proves nothing.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/fs.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
	PREFIX_BYTES = 2048
};

static void
run(struct slice in)
{
	/* An exact copy, so that a read past its end is seen by the sanitizer. */
	uint8_t *copy = malloc(in.len == 0 ? 1 : in.len);
	if (copy == NULL)
		abort();
	if (in.len > 0)
		memcpy(copy, in.data, in.len);
	(void)LLVMFuzzerTestOneInput(copy, in.len);
	free(copy);
}

static size_t
replay(const char *folder, const char *name)
{
	struct err_detail detail = {0};
	struct buf buf;
	char path[4096];
	if (name[0] == '.')
		return 0;
	(void)snprintf(path, sizeof(path), "%s/%s", folder, name);
	if (fs_read_file(path, 16 * 1024 * 1024, &buf, &detail) != OK) {
		(void)fprintf(stderr, "%s\n", detail.why);
		exit(1);
	}
	struct slice in = buf_slice(&buf);
	run(in);
	for (size_t len = 0; in.len <= PREFIX_BYTES && len < in.len; len++)
		run(slice_sub(in, 0, len));
	buf_done(&buf);
	return 1;
}

int
main(int argc, char **argv)
{
	size_t count = 0;
	DIR *dir = argc > 1 ? opendir(argv[1]) : NULL;
	if (dir == NULL) {
		(void)fprintf(stderr, "usage: %s CORPUS\n", argv[0]);
		return 1;
	}
	for (struct dirent *entry; (entry = readdir(dir)) != NULL;)
		count += replay(argv[1], entry->d_name);
	(void)closedir(dir);
	(void)printf("replayed %zu files\n", count);
	return count == 0;
}
