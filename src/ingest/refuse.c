#include "base/log.h"
#include "base/time.h"
#include "ingest/io_internal.h"

enum {
	LOG_LINES_PER_SECOND = 10
};

/* Is there still a line for this second? */
static bool
may_log(struct io *io, int64_t now_us)
{
	if (now_us / TIME_SECOND_US != io->log_second) {
		io->log_second = now_us / TIME_SECOND_US;
		io->log_lines = 0;
	}
	return io->log_lines++ < LOG_LINES_PER_SECOND;
}

err_t
refuse(struct io *io, const struct address *peer, err_t err, const struct refusal *r)
{
	char peer_text[ADDRESS_TEXT_BYTES];
	char detail[LOG_VALUE_BYTES];
	int64_t now_us = time_now_us();
	counters_add(io->o.counters, r->name, 1);
	if (may_log(io, now_us))
		log_event(LOG_WARNING, "ingest.refused",
			  "peer=%s stage=%s reason=%s status=%d offset=%llu bytes=%llu detail=%s",
			  address_format(peer, peer_text), r->stage, r->name, err_http_status(err),
			  (unsigned long long)r->offset, (unsigned long long)r->total_bytes,
			  log_value(slice_str(r->detail), detail));
	if (io->committer != NULL && r->bytes.len > 0)
		committer_quarantine(io->committer, &(struct facts_quarantined){
							    .received_us = now_us,
							    .peer = *peer,
							    .stage = slice_str(r->stage),
							    .reason = slice_str(r->name),
							    .detail = slice_str(r->detail),
							    .offset = r->offset,
							    .total_bytes = r->total_bytes,
							    .bytes = r->bytes,
						    });
	return err;
}

err_t
refuse_unknown(struct io *io, const struct http_request *request)
{
	struct upload_ticket ticket;
	char peer[ADDRESS_TEXT_BYTES];
	char method[LOG_VALUE_BYTES];
	char target[LOG_VALUE_BYTES];
	bool is_ours =
		upload_path_is_stage2(request->target) ||
		upload_path_parse(request->target, io->o.upload_key, &ticket) != ERR_NOTFOUND;
	const char *name = is_ours ? "unknown_method" : "unknown_path";
	counters_add(io->o.counters, name, 1);
	if (may_log(io, time_now_us()))
		log_event(LOG_WARNING, "ingest.unknown_request",
			  "peer=%s reason=%s method=%s target=%s",
			  address_format(&request->peer, peer), name,
			  log_value(request->method, method), log_value(request->target, target));
	return is_ours ? ERR_METHOD : ERR_NOTFOUND;
}
