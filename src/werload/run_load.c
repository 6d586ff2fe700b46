/* The load: one thread, one loop
 *
 *	new report --+
 *	             +--> POST --200--> acknowledged --asked--> PUT --2xx--> acknowledged
 *	put off   ---+      |                                    |
 *	    ^               +-- 503, 429, 5xx, no answer --------+
 *	    +---- after Retry-After, or a pause that doubles ----+
 *
 * With a pace, a report is due at a moment whether or not there is a free connection, and its
 * latency counts from then: a collector that stalls cannot hide it by slowing its clients down.
 * Nothing counts as acknowledged without its 200.  When all is made, patience begins; what is put
 * off or open at its end is lost.
 */
#include "werload/run.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/time.h"
#include "cer/reply.h"
#include "ext/crypto.h"
#include "net/http_client.h"
#include "werload/draw.h"
#include "werload/evidence.h"
#include "werload/waiting.h"

enum {
	BODY_BYTES = 256 * 1024,
	REPLY_ARENA_BYTES = 256 * 1024,
	TARGET_BYTES = 512,
	URL_BYTES = 512
};
#define TURN_US (TIME_SECOND_US / 4)
#define PAUSE_FIRST_US (TIME_SECOND_US / 2)
#define PAUSE_MAX_US (30 * TIME_SECOND_US)

static const char *const headers[] = {"Connection: Keep-Alive"};

struct load;

/* One place for a request: as many as there may be connections. */
struct exchange {
	struct load *load;
	struct exchange *next; /* of the free ones */
	struct waiting_item item;
	struct buf body;
	uint8_t sha256[32];
};

struct load {
	const struct run_options *options;
	const struct shape *shape;
	const struct fleet *fleet;
	struct ledger *ledger;
	struct run_stats *stats;
	struct http_client *client;
	char url[URL_BYTES];
	int64_t started_us; /* monotonic */
	uint64_t next;      /* sequence of the next new report */
	bool is_ended;      /* no new ones */
	bool is_stopped;    /* by a person: patience has ended */
	struct waiting waiting;
	struct exchange *exchanges, *free;
	size_t n_open;
	struct arena arena;
	struct draw jitter;
	int signals; /* a descriptor that tells of SIGINT and SIGTERM */
	bool has_terminal;
	int64_t progress_us;
	int64_t acknowledged_us; /* when something was, last */
};

static void answered_report(const struct http_client_result *result, void *context);
static void answered_upload(const struct http_client_result *result, void *context);

static int64_t
now_us(const struct load *load)
{
	return time_monotonic_us() - load->started_us;
}

static err_t
make_report(struct load *load, uint64_t sequence, struct report *ret_report, uint32_t *ret_machine)
{
	struct shape_slot slot;
	shape_at(load->shape, sequence, &slot);
	arena_reset(&load->arena);
	return fleet_report(load->fleet, &slot.request, &load->arena, ret_report, ret_machine);
}

/* Fills the body; a cabinet in memory is bounded by the check of the options. */
static err_t
make_body(struct exchange *exchange)
{
	struct load *load = exchange->load;
	struct report report;
	uint32_t machine;
	err_t err = make_report(load, exchange->item.sequence, &report, &machine);
	if (err != OK)
		return err;
	buf_reset(&exchange->body);
	if (exchange->item.target == NULL) {
		fleet_body(load->fleet, &report, machine, &exchange->body);
	} else {
		struct evidence evidence;
		err = evidence_init(&evidence, &report,
				    load->options->fleet.seed ^ exchange->item.sequence,
				    load->options->cab_bytes);
		if (err != OK)
			return err;
		struct slice piece;
		while (!slice_is_absent(piece = cabinet_next(&evidence.cabinet)))
			buf_append(&exchange->body, piece);
		evidence_done(&evidence);
	}
	crypto_sha256(buf_slice(&exchange->body), exchange->sha256);
	return buf_error(&exchange->body);
}

static err_t
send_exchange(struct exchange *exchange)
{
	struct load *load = exchange->load;
	bool is_upload = exchange->item.target != NULL;
	err_t err = make_body(exchange);
	if (err != OK)
		return err;
	struct http_client_request request = {
		.method = is_upload ? "PUT" : "POST",
		.url = load->url,
		.target = exchange->item.target,
		.body = buf_slice(&exchange->body),
		.headers = headers,
		.n_headers = 1,
		.done = is_upload ? answered_upload : answered_report,
		.context = exchange,
	};
	exchange->item.attempts++;
	load->stats->sent += !is_upload;
	load->stats->retried += exchange->item.attempts > 1;
	return http_client_send(load->client, &request);
}

static void
release(struct exchange *exchange)
{
	struct load *load = exchange->load;
	free(exchange->item.target);
	exchange->item = (struct waiting_item){0};
	exchange->next = load->free;
	load->free = exchange;
	load->n_open--;
}

static bool
is_worth_repeating(const struct http_client_result *result)
{
	if (result->err != OK)
		return result->err != ERR_DENIED && result->err != ERR_USAGE;
	return result->status >= 500 || result->status == 429 || result->status == 408;
}

/* As the collector says, or longer each time; a little more by chance, so that they do not all
 * come back at once. */
static void
put_off(struct exchange *exchange, const struct http_client_result *result)
{
	struct load *load = exchange->load;
	uint32_t doublings = exchange->item.attempts < 7 ? exchange->item.attempts - 1 : 6;
	int64_t pause_us = PAUSE_FIRST_US << doublings;
	if (result->err == OK && result->retry_after_s > 0)
		pause_us = result->retry_after_s * TIME_SECOND_US;
	if (pause_us > PAUSE_MAX_US)
		pause_us = PAUSE_MAX_US;
	pause_us += draw_below(&load->jitter, (uint32_t)(pause_us / 4));
	exchange->item.due_us = now_us(load) + pause_us;
	waiting_put(&load->waiting, &exchange->item);
	exchange->item.target = NULL;
	release(exchange);
}

static void
count_answer(struct load *load, const struct http_client_result *result)
{
	if (result->err != OK)
		load->stats->errors[result->err]++;
	else if (result->status >= 0 && result->status < RUN_STATUSES)
		load->stats->statuses[result->status]++;
}

/* The collector's own path tells the report's id: "/cab/" and 16 hex digits of it. */
static uint64_t
report_of_target(struct slice target)
{
	uint64_t id = 0;
	struct slice digits = slice_sub(target, sizeof("/cab/") - 1, 16);
	if (!slice_starts_with(target, SLICE_LITERAL("/cab/")) || digits.len != 16 ||
	    !slice_hex_to_u64(digits, &id))
		return 0;
	return id;
}

static void
begin_upload(struct exchange *exchange, struct slice target)
{
	struct load *load = exchange->load;
	struct waiting_item *item = &exchange->item;
	load->stats->uploads_asked++;
	item->target = strndup((const char *)target.data, target.len);
	if (item->target == NULL)
		abort();
	item->attempts = 0;
	item->first_us = now_us(load);
	if (send_exchange(exchange) != OK) {
		load->stats->uploads_lost++;
		release(exchange);
	}
}

/* Writes down what was promised, and goes on with the cabinet when one is asked for. */
static void
acknowledge_report(struct exchange *exchange, struct slice body)
{
	struct load *load = exchange->load;
	struct run_stats *stats = load->stats;
	struct reply reply = {0};
	arena_reset(&load->arena);
	if (reply_parse(body, &load->arena, &reply) != OK)
		reply = (struct reply){0};
	bool is_asked = reply.idata && reply.dump_file.len > 0;
	exchange->item.report = report_of_target(reply.dump_file);
	struct ledger_entry entry = {
		.sequence = exchange->item.sequence,
		.report = exchange->item.report,
		.number = reply.has_bucket && reply.bucket > 0 ? (uint64_t)reply.bucket : 0,
	};
	memcpy(entry.sha256, exchange->sha256, sizeof(entry.sha256));
	ledger_put(load->ledger, &entry);
	load->acknowledged_us = now_us(load);
	stats->acknowledged++;
	stats->without_bucket += !reply.has_bucket;
	stats->body_bytes += exchange->body.len;
	histogram_add(&stats->latency, now_us(load) - exchange->item.first_us);
	if (is_asked && load->options->has_cabs && reply.dump_file.len < TARGET_BYTES)
		begin_upload(exchange, reply.dump_file);
	else
		release(exchange);
}

static void
answered_report(const struct http_client_result *result, void *context)
{
	struct exchange *exchange = context;
	count_answer(exchange->load, result);
	if (result->err == OK && result->status == 200) {
		acknowledge_report(exchange, result->body);
	} else if (is_worth_repeating(result)) {
		put_off(exchange, result);
	} else {
		exchange->load->stats->refused++;
		release(exchange);
	}
}

static void
answered_upload(const struct http_client_result *result, void *context)
{
	struct exchange *exchange = context;
	struct load *load = exchange->load;
	struct run_stats *stats = load->stats;
	count_answer(load, result);
	if (result->err == OK && result->status >= 200 && result->status < 300) {
		struct ledger_entry entry = {
			.is_upload = true,
			.sequence = exchange->item.sequence,
			.report = exchange->item.report,
			.number = exchange->body.len,
		};
		memcpy(entry.sha256, exchange->sha256, sizeof(entry.sha256));
		ledger_put(load->ledger, &entry);
		stats->uploads_acknowledged++;
		stats->upload_bytes += exchange->body.len;
		histogram_add(&stats->upload_latency, now_us(load) - exchange->item.first_us);
		release(exchange);
	} else if (is_worth_repeating(result)) {
		put_off(exchange, result);
	} else {
		stats->uploads_refused++;
		release(exchange);
	}
}

/* Is a new report due?  *ret_due_us: when the next one is, INT64_MAX when there is none. */
static bool
is_new_due(struct load *load, int64_t now, int64_t *ret_due_us)
{
	const struct run_options *options = load->options;
	const struct shape *shape = load->shape;
	*ret_due_us = INT64_MAX;
	bool is_time_up =
		shape->duration_us == 0 && options->duration_us > 0 && now >= options->duration_us;
	if (is_time_up || (shape->reports > 0 && load->next >= shape->reports))
		load->is_ended = true;
	/* Without a pace there are as many machines as connections, and one that waits makes no new
	 * reports. */
	size_t most = shape->duration_us > 0 ? WAITING_MAX : options->connections;
	if (load->is_ended || load->waiting.count >= most)
		return false;
	struct shape_slot slot;
	shape_at(shape, load->next, &slot);
	*ret_due_us = slot.due_us;
	return slot.due_us <= now;
}

/* Starts what is due while there are free places.  *ret_next_us: when the next will be due. */
static err_t
start_due(struct load *load, int64_t *ret_next_us)
{
	int64_t now = now_us(load);
	*ret_next_us = INT64_MAX;
	while (load->free != NULL && !load->is_stopped) {
		const struct waiting_item *first = waiting_first(&load->waiting);
		int64_t new_due_us;
		bool is_new = is_new_due(load, now, &new_due_us);
		struct exchange *exchange = load->free;
		if (first != NULL && first->due_us <= now) {
			exchange->item = waiting_take(&load->waiting);
		} else if (is_new) {
			/* Without a pace nothing is due before there is a place for it. */
			int64_t due_us = load->shape->duration_us > 0 ? new_due_us : now_us(load);
			exchange->item =
				(struct waiting_item){.sequence = load->next++, .first_us = due_us};
			load->stats->last_due_us = due_us;
			load->stats->made++;
		} else {
			*ret_next_us = new_due_us;
			if (first != NULL && first->due_us < *ret_next_us)
				*ret_next_us = first->due_us;
			return OK;
		}
		load->free = exchange->next;
		load->n_open++;
		err_t err = send_exchange(exchange);
		if (err != OK)
			return err;
	}
	return OK;
}

static void
show_progress(struct load *load)
{
	int64_t now = now_us(load);
	load->stats->elapsed_us = now;
	if (!load->has_terminal || now < load->progress_us)
		return;
	load->progress_us = now + TIME_SECOND_US / 2;
	run_print_progress(load->stats, load->waiting.count, load->n_open);
}

/* The first signal ends the making of new reports, the second everything. */
static void
look_for_signal(struct load *load)
{
	struct signalfd_siginfo info;
	if (load->signals < 0 || read(load->signals, &info, sizeof(info)) != sizeof(info))
		return;
	load->is_stopped = load->is_ended;
	load->is_ended = true;
}

/* When everything must be over, counted from the start.  A load that has neither pace nor duration
 * is over when for so long nothing was acknowledged. */
static int64_t
last_moment_us(const struct load *load)
{
	int64_t end_us = load->shape->duration_us;
	if (end_us == 0)
		end_us = load->options->duration_us;
	if (end_us == 0)
		end_us = load->acknowledged_us;
	return end_us + load->options->patience_us;
}

static err_t
loop(struct load *load)
{
	for (;;) {
		int64_t next_us, now = now_us(load);
		if (load->is_stopped || now > last_moment_us(load))
			return OK;
		err_t err = start_due(load, &next_us);
		if (err != OK)
			return err;
		bool is_done = load->is_ended && load->n_open == 0 && load->waiting.count == 0;
		if (is_done)
			return OK;
		int64_t wait_us = next_us == INT64_MAX ? TURN_US : next_us - now_us(load);
		wait_us = wait_us < 0 ? 0 : wait_us > TURN_US ? TURN_US : wait_us;
		err = http_client_run_once(load->client, wait_us);
		if (err == OK)
			err = ledger_flush(load->ledger);
		if (err != OK)
			return err;
		look_for_signal(load);
		show_progress(load);
	}
}

static void
count_lost(struct load *load)
{
	struct run_stats *stats = load->stats;
	for (size_t i = 0; i < load->waiting.count; i++) {
		bool is_upload = load->waiting.items[i].target != NULL;
		stats->uploads_lost += is_upload;
		stats->lost += !is_upload;
	}
	/* What is open is still in its place, with a first attempt at least. */
	for (size_t i = 0; i < load->options->connections; i++) {
		const struct waiting_item *item = &load->exchanges[i].item;
		stats->uploads_lost += item->attempts > 0 && item->target != NULL;
		stats->lost += item->attempts > 0 && item->target == NULL;
	}
	bool is_open_end = load->shape->duration_us == 0 && load->options->duration_us > 0;
	if (!is_open_end && load->next < load->shape->reports)
		stats->unsent = load->shape->reports - load->next;
	stats->elapsed_us = now_us(load);
	if (load->has_terminal) {
		run_print_progress(stats, load->waiting.count, load->n_open);
		(void)fputc('\n', stderr);
	}
}

static err_t
open_load(struct load *load, struct err_detail *detail)
{
	const struct run_options *options = load->options;
	struct http_client_options client = {
		.ca_file = options->ca,
		.is_insecure = options->is_insecure,
		.is_new_connection = !options->is_keep_alive,
		.is_full_handshake = !options->is_resuming,
		.connections = options->connections,
		.timeout_us = options->timeout_us,
		.user_agent = "MSDW",
	};
	bool is_v6 = strchr(options->server, ':') != NULL;
	(void)snprintf(load->url, sizeof(load->url), "%s://%s%s%s:%u/stage2.htm",
		       options->is_tls ? "https" : "http", is_v6 ? "[" : "", options->server,
		       is_v6 ? "]" : "", options->port);
	load->exchanges = calloc(options->connections, sizeof(*load->exchanges));
	if (load->exchanges == NULL)
		return ERR_NOMEM;
	size_t body_bytes = options->cab_bytes > BODY_BYTES ? options->cab_bytes : BODY_BYTES;
	for (size_t i = options->connections; i-- > 0;) {
		struct exchange *exchange = &load->exchanges[i];
		exchange->load = load;
		exchange->next = load->free;
		load->free = exchange;
		buf_init(&exchange->body, body_bytes);
	}
	arena_init(&load->arena, REPLY_ARENA_BYTES);
	load->jitter = draw_start((uint64_t)time_now_us(), DRAW_SHAPE, 0);
	load->has_terminal = isatty(STDERR_FILENO) != 0;
	sigset_t set;
	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGINT);
	(void)sigaddset(&set, SIGTERM);
	(void)sigprocmask(SIG_BLOCK, &set, NULL);
	load->signals = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	return http_client_new(&client, &load->client, detail);
}

static void
close_load(struct load *load)
{
	http_client_free(load->client);
	for (size_t i = 0; load->exchanges != NULL && i < load->options->connections; i++) {
		free(load->exchanges[i].item.target);
		buf_done(&load->exchanges[i].body);
	}
	free(load->exchanges);
	waiting_done(&load->waiting);
	arena_done(&load->arena);
	if (load->signals >= 0)
		(void)close(load->signals);
}

err_t
run_load(const struct run_options *options, const struct shape *shape, const struct fleet *fleet,
	 struct ledger *ledger, struct run_stats *stats, struct err_detail *detail)
{
	struct load load = {
		.options = options,
		.shape = shape,
		.fleet = fleet,
		.ledger = ledger,
		.stats = stats,
		.signals = -1,
	};
	err_t err = open_load(&load, detail);
	if (err == OK) {
		load.started_us = time_monotonic_us();
		err = loop(&load);
		count_lost(&load);
	}
	close_load(&load);
	return err;
}
