#include <stdlib.h>

#include "base/log.h"
#include "base/time.h"
#include "ingest/io_internal.h"

static err_t
refuse_upload(struct io *io, const struct http_request *request, const char *name, err_t err)
{
	return refuse(io, &request->peer, err,
		      &(struct refusal){.name = name,
					.stage = "upload",
					.detail = "",
					.total_bytes = request->content_length});
}

err_t
upload_head(struct io *io, struct http_request *request, const struct upload_ticket *ticket)
{
	if (ticket->expires_us < time_now_us())
		return refuse_upload(io, request, "upload_path_expired", ERR_STALE);
	if (request->has_content_length && request->content_length > ticket->max_bytes)
		return refuse_upload(io, request, "upload_too_large", ERR_LIMIT);
	if (!atomic_load(&io->o.disk->has_room_for_cabs))
		return refuse_upload(io, request, "disk_reserve_cabinets", ERR_FULL);
	struct exchange *x = io_take_exchange(io, request, EXCHANGE_UPLOAD);
	x->ticket = *ticket;
	err_t err = blob_create(io->o.blobs, &x->blob);
	return err == OK ? OK : refuse_upload(io, request, "upload_write", err);
}

err_t
upload_body(struct exchange *x, struct slice bytes)
{
	if (x->received_bytes > x->ticket.max_bytes)
		return refuse_upload(x->io, x->request, "upload_too_large", ERR_LIMIT);
	err_t err = blob_write(x->blob, bytes);
	return err == OK ? OK : refuse_upload(x->io, x->request, "upload_write", err);
}

/* On a worker thread: this waits for the disk. */
static void
finish_blob(uv_work_t *work)
{
	struct exchange *x = work->data;
	struct slice head = blob_head(x->blob);
	x->is_cabinet = slice_starts_with(head, SLICE_LITERAL("MSCF")); /* [MS-CAB] 2.1 */
	x->blob_bytes = blob_written_bytes(x->blob);
	x->result = blob_finish(x->blob, x->sha256, &x->detail);
	x->blob = NULL;
}

static void
on_blob_finished(uv_work_t *work, int status)
{
	struct exchange *x = work->data;
	(void)status;
	if (x->result == OK) {
		io_hand_over(x->io, x);
		return;
	}
	(void)refuse_upload(x->io, x->request, "upload_write", x->result);
	if (x->result != ERR_FULL)
		committer_fail(x->io->committer, x->result, x->detail.why);
	http_respond_error(x->request, x->result == ERR_FULL ? ERR_FULL : ERR_BUSY);
	io_release(x);
}

/* An empty PUT is how some clients begin an authentication: it ends nothing. */
void
upload_complete(struct exchange *x)
{
	if (x->received_bytes == 0) {
		err_t err = refuse_upload(x->io, x->request, "upload_empty", ERR_TRUNCATED);
		http_respond_error(x->request, err);
		io_release(x);
		return;
	}
	x->work.data = x;
	if (uv_queue_work(&x->io->loop, &x->work, finish_blob, on_blob_finished) != 0)
		abort(); /* only for a NULL callback */
}

void
upload_answer(struct exchange *x)
{
	if (x->result == OK)
		http_respond(x->request, 200, NULL, SLICE_LITERAL(""), NULL, false);
	else
		http_respond_error(x->request, x->result);
}
