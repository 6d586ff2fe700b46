#include <string.h>

#include "base/log.h"
#include "base/time.h"
#include "ingest/io_internal.h"
#include "ingest/machine.h"

/* Answers before the body is read, so that an overloaded collector spends little on what it
 * cannot keep. */
static err_t
may_begin(struct io *io, const struct http_request *request)
{
	const struct config_ingest *ingest = &io->snapshot->config.ingest;
	struct refusal refusal = {.stage = "level1", .detail = ""};
	err_t err = OK;
	if (request->has_content_length && request->content_length > ingest->max_report_bytes) {
		refusal.name = "report_too_large";
		refusal.total_bytes = request->content_length;
		err = ERR_LIMIT;
	} else if (!atomic_load(&io->o.disk->has_room_for_reports)) {
		refusal.name = "disk_reserve_reports";
		err = ERR_FULL;
	} else if (committer_waiting(io->committer) >= ingest->max_queue) {
		refusal.name = "queue_full";
		err = ERR_BUSY;
	} else if (!peers_may_report(io->o.peers, &request->peer, ingest->peer_reports_per_minute,
				     time_now_us())) {
		refusal.name = "peer_rate";
		err = ERR_RATE;
	}
	return err == OK ? OK : refuse(io, &request->peer, err, &refusal);
}

/* False: this peer has too many requests under way. */
static bool
enter(struct io *io, struct exchange *x)
{
	uint64_t most = x->snapshot->config.ingest.peer_connections;
	if (most == 0)
		return true;
	x->has_entered = peers_enter(io->o.peers, &x->source.peer, most);
	return x->has_entered;
}

err_t
level1_head(struct io *io, struct http_request *request)
{
	err_t err = may_begin(io, request);
	if (err != OK)
		return err;
	struct exchange *x = io_take_exchange(io, request, EXCHANGE_LEVEL1);
	if (!enter(io, x))
		return refuse(io, &request->peer, ERR_RATE,
			      &(struct refusal){
				      .name = "peer_connections", .stage = "level1", .detail = ""});
	return OK;
}

err_t
level1_body(struct exchange *x, struct slice bytes)
{
	uint64_t most = x->snapshot->config.ingest.max_report_bytes;
	if (x->received_bytes <= most) {
		buf_append(&x->body, bytes);
		if (buf_error(&x->body) == OK)
			return OK;
	}
	return refuse(x->io, &x->source.peer, ERR_LIMIT,
		      &(struct refusal){.name = "report_too_large",
					.stage = "level1",
					.detail = "",
					.offset = most,
					.total_bytes = x->received_bytes,
					.bytes = buf_slice(&x->body)});
}

static void
refuse_body(struct exchange *x, const struct level1_error *error, err_t err)
{
	struct slice body = buf_slice(&x->body);
	(void)refuse(x->io, &x->source.peer, err,
		     &(struct refusal){.name = level1_reason_name(error->reason),
				       .stage = "level1",
				       .detail = error->detail.why,
				       .offset = error->detail.offset,
				       .total_bytes = body.len,
				       .bytes = body});
	http_respond_error(x->request, err);
	io_release(x);
}

/* What is known of where it came from, beyond the address. */
static void
fill_source(struct exchange *x)
{
	if (x->io->o.resolver != NULL &&
	    resolver_ask(x->io->o.resolver, &x->source.peer, x->report.machine,
			 time_monotonic_us()) == RESOLVER_MATCHED)
		x->source.flags |= SOURCE_MACHINE_MATCHED;
}

static void
make_key(struct exchange *x)
{
	struct buf text;
	buf_init(&text, LIMIT_REPORT_ARENA_BYTES);
	label_of(&x->report, &x->arena, &x->label);
	label_key_text(&x->label, &text);
	label_key(buf_slice(&text), x->key);
	buf_done(&text);
}

static void
make_plan(struct exchange *x)
{
	struct report_label label;
	report_label(&x->report, &label);
	struct collection_input input = {
		.report = &x->report,
		.label = &label,
		.peer = x->source.peer,
		.bucket = buckets_find_id(x->io->o.buckets, x->key),
		.now_us = time_now_us(),
	};
	collection_plan(x->snapshot->collection, &input, &x->plan);
}

void
level1_complete(struct exchange *x)
{
	struct level1_error error = {0};
	struct slice body = buf_slice(&x->body);
	err_t err = level1_parse(x->io->parser, body, &x->arena, &x->report, &error);
	if (err != OK) {
		refuse_body(x, &error, err);
		return;
	}
	make_key(x);
	make_plan(x);
	fill_source(x);
	x->machine = machine_hash(x->report.machine);
	buf_reset(&x->packed);
	pack_body(x->io->pack, body, &x->packed);
	io_hand_over(x->io, x);
}

void
level1_answer(struct exchange *x)
{
	if (x->result != OK) {
		http_respond_error(x->request, x->result);
		return;
	}
	http_respond(x->request, 200, "text/plain; charset=windows-1252", buf_slice(&x->reply),
		     NULL, false);
}
