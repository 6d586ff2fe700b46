#include "werload/follower.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

enum {
	NAP_US = 100000
};

struct follower {
	pthread_t thread;
	struct facts *facts;
	struct derived *derived;
	_Atomic bool is_complete; /* no more facts will come */
	_Atomic bool is_canceled;
	_Atomic bool has_ended;
	_Atomic uint64_t done;
	err_t err;
	struct err_detail detail;
};

static void
note_progress(void *context, uint64_t done, uint64_t total)
{
	struct follower *f = context;
	(void)total;
	atomic_store(&f->done, done);
}

static void *
follow(void *argument)
{
	struct follower *f = argument;
	bool was_complete = false;
	/* What was complete before a catch-up is in it. */
	while (f->err == OK && !was_complete && !atomic_load(&f->is_canceled)) {
		was_complete = atomic_load(&f->is_complete);
		f->err = derived_catch_up(f->derived, f->facts, note_progress, f, &f->detail);
		if (!was_complete)
			(void)usleep(NAP_US);
	}
	atomic_store(&f->has_ended, true);
	return NULL;
}

static void
follower_free(struct follower *f)
{
	derived_close(f->derived);
	facts_close(f->facts);
	free(f);
}

err_t
follower_start(const char *data, struct follower **ret_follower, struct err_detail *detail)
{
	struct follower *f = calloc(1, sizeof(*f));
	if (f == NULL)
		abort();
	err_t err = facts_open(data, FACTS_READ, &f->facts, detail);
	if (err == OK)
		err = derived_open(data, DERIVED_WRITE, &f->derived, detail);
	if (err == OK && pthread_create(&f->thread, NULL, follow, f) != 0)
		err = err_set(detail, ERR_NOMEM, "cannot start a thread");
	if (err != OK) {
		follower_free(f);
		return err;
	}
	*ret_follower = f;
	return OK;
}

uint64_t
follower_done(struct follower *f)
{
	return atomic_load(&f->done);
}

err_t
follower_finish(struct follower *f, derived_progress_fn progress, void *context, uint64_t total,
		struct err_detail *detail)
{
	atomic_store(&f->is_complete, true);
	while (!atomic_load(&f->has_ended)) {
		progress(context, follower_done(f), total);
		(void)usleep(NAP_US);
	}
	(void)pthread_join(f->thread, NULL);
	err_t err = f->err;
	if (err != OK)
		*detail = f->detail;
	follower_free(f);
	return err;
}

void
follower_cancel(struct follower *f)
{
	if (f == NULL)
		return;
	atomic_store(&f->is_canceled, true);
	(void)pthread_join(f->thread, NULL);
	follower_free(f);
}
