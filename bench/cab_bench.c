/* cab_bench.c - how fast cabinets are opened, extracted and written, and in how much memory
 *
 *	cab_bench read CABINET		opens, extracts to nothing, into a file, and hashes
 *	cab_bench write CABINET FILE...	writes one
 *
 * Not part of the build: compile it with -Isrc against the libraries of a release build.  The
 * cabinet is mapped, so resident memory is told without what files are mapped to.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/time.h"
#include "cab/describe.h"
#include "cab/write.h"

enum {
	MEMBERS_MAX = 64
};

struct counting {
	uint64_t bytes;
	int fd; /* -1: to nothing */
};

static void
check(err_t err, const char *what)
{
	if (err == OK)
		return;
	(void)fprintf(stderr, "%s: %s\n", what, err_text(err));
	exit(EXIT_FAILURE);
}

/* Of this process, files aside, in MiB. */
static double
memory_mib(const char *key)
{
	char line[256];
	double kib = 0;
	FILE *status = fopen("/proc/self/status", "re");
	while (status != NULL && fgets(line, sizeof(line), status) != NULL) {
		if (strncmp(line, key, strlen(key)) == 0)
			kib = strtod(line + strlen(key), NULL);
	}
	if (status != NULL)
		(void)fclose(status);
	return kib / 1024;
}

static err_t
count(void *context, const struct cab_member *member, struct slice piece)
{
	struct counting *counting = context;
	(void)member;
	counting->bytes += piece.len;
	return counting->fd < 0 ? OK : fs_write_all(counting->fd, piece);
}

static void
end(void *context, const struct cab_member *member, uint64_t bytes, const struct cab_fault *fault)
{
	(void)context;
	(void)bytes;
	if (fault != NULL)
		(void)printf("%.*s: %s\n", SLICE_ARGS(member->name),
			     cab_reason_name(fault->reason));
}

/* Of the processor: what else runs on the machine does not count. */
static int64_t
processor_us(void)
{
	struct rusage usage;
	(void)getrusage(RUSAGE_SELF, &usage);
	return (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * TIME_SECOND_US +
	       usage.ru_utime.tv_usec + usage.ru_stime.tv_usec;
}

static void
say(const char *what, int64_t start_us, uint64_t bytes)
{
	double ms = (double)(processor_us() - start_us) / 1000;
	(void)printf("%-20s %9.2f ms of CPU, %7.1f MB/s, memory beside files %.1f MiB\n", what, ms,
		     (double)bytes / 1000 / ms, memory_mib("RssAnon:"));
}

static void
extract(struct slice in, int fd, const char *what)
{
	int64_t start = processor_us();
	struct counting counting = {.fd = fd};
	struct cab_sink sink = {&counting, NULL, count, end};
	struct cab_fault fault;
	struct cab *cab;
	check(cab_open(in, NULL, &cab, &fault), "open");
	if (fd < 0)
		say("open", start, in.len);
	(void)!cab_extract_all(cab, &sink, &fault);
	say(what, start, counting.bytes);
	cab_close(cab);
}

static void
read_cabinet(const char *path)
{
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) != 0)
		check(ERR_IO, path);
	void *start = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE | MAP_POPULATE, fd, 0);
	if (start == MAP_FAILED)
		check(ERR_IO, path);
	struct slice in = slice_of(start, (size_t)st.st_size);
	extract(in, -1, "extract to nothing");
	FILE *file = tmpfile();
	if (file == NULL)
		check(ERR_IO, "tmpfile");
	extract(in, fileno(file), "extract into a file");
	int64_t begin = processor_us();
	json_free(cab_describe(in, NULL));
	say("describe, SHA-256", begin, in.len);
}

static void
write_cabinet(const char *path, char **files, size_t n)
{
	struct cab_write_member members[MEMBERS_MAX] = {0};
	struct err_detail detail = {.why = ""};
	uint64_t bytes = 0;
	int64_t start = processor_us();
	int out = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	for (size_t i = 0; i < n && i < MEMBERS_MAX; i++) {
		const char *name = strrchr(files[i], '/');
		members[i].name = slice_str(name == NULL ? files[i] : name + 1);
		members[i].fd = open(files[i], O_RDONLY | O_CLOEXEC);
	}
	err_t err = cab_write_fd(members, n, NULL, out, &bytes, &detail);
	if (err != OK)
		(void)fprintf(stderr, "%s\n", detail.why);
	check(err, path);
	say("write", start, bytes);
}

int
main(int argc, char **argv)
{
	if (argc == 3 && strcmp(argv[1], "read") == 0) {
		read_cabinet(argv[2]);
	} else if (argc > 3 && argc < 4 + MEMBERS_MAX && strcmp(argv[1], "write") == 0) {
		write_cabinet(argv[2], argv + 3, (size_t)argc - 3);
	} else {
		(void)fprintf(stderr, "usage: cab_bench read CABINET | write CABINET FILE...\n");
		return EXIT_FAILURE;
	}
	return EXIT_SUCCESS;
}
