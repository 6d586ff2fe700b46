#include "werctl/progress.h"

#include <stdio.h>
#include <unistd.h>

#include "base/time.h"

enum {
	PROGRESS_CELLS = 30
};
static const int64_t PROGRESS_EVERY_US = TIME_SECOND_US / 10;

void
progress_begin(struct progress *progress, const char *what, bool is_quiet)
{
	*progress = (struct progress){
		.what = what,
		.is_on = !is_quiet && isatty(STDERR_FILENO) == 1,
		.began_us = time_monotonic_us(),
	};
}

static void
show_bar(uint64_t done, uint64_t total)
{
	double share = done >= total ? 1 : (double)done / (double)total;
	int filled = (int)(share * PROGRESS_CELLS);
	(void)fputs(" [", stderr);
	for (int i = 0; i < PROGRESS_CELLS; i++)
		(void)fputc(i < filled ? '#' : '.', stderr);
	(void)fprintf(stderr, "] %3d %%", (int)(share * 100));
}

void
progress_show(struct progress *progress, uint64_t done, uint64_t total)
{
	int64_t now_us = time_monotonic_us();
	if (!progress->is_on || now_us - progress->shown_us < PROGRESS_EVERY_US)
		return;
	progress->shown_us = now_us;
	double seconds = (double)(now_us - progress->began_us) / TIME_SECOND_US;
	(void)fprintf(stderr, "\r\033[K%s", progress->what);
	if (total > 0)
		show_bar(done, total);
	(void)fprintf(stderr, " %llu", (unsigned long long)done);
	if (total > 0)
		(void)fprintf(stderr, " of %llu", (unsigned long long)total);
	if (seconds > 1)
		(void)fprintf(stderr, ", %.0f/s", (double)done / seconds);
	(void)fflush(stderr);
}

void
progress_end(struct progress *progress)
{
	if (progress->is_on && progress->shown_us != 0)
		(void)fputs("\r\033[K", stderr);
	progress->is_on = false;
}
