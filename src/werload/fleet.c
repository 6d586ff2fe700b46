#include "werload/fleet.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "base/time.h"
#include "cer/level1.h"
#include "werload/draft.h"

enum {
	NAMES_BYTES = 256 * 1024, /* of the invented programs */
	COMMON_RANKS = 10,
	SECONDARY = 8,
	FILES = 8,
	EVENTS_MAX = 64
};

/* Of a hundred reports this many are of a bug that nobody else has, or hardly anybody. */
static const unsigned rare_percent[FLEET_MIX_N] = {
	[FLEET_MIX_FLEET] = 4, /* many event types make a long tail by themselves */
	[FLEET_MIX_SEED] = 15,
};

struct fleet {
	struct fleet_options options;
	struct arena names;
	struct catalog catalog;
	struct draw_ranks ranks;
	uint16_t weights[EVENTS_MAX]; /* of the mix */
};

err_t
fleet_new(const struct fleet_options *options, struct fleet **ret_fleet)
{
	bool is_wrong = options->machines == 0 || options->machines > MACHINE_MAX ||
			options->no_bom_percent > 100 || options->other_percent > 100;
	if (is_wrong || options->mix >= FLEET_MIX_N || draft_n_events > EVENTS_MAX)
		return ERR_USAGE;
	struct fleet *fleet = calloc(1, sizeof(*fleet));
	if (fleet == NULL)
		return ERR_NOMEM;
	fleet->options = *options;
	arena_init(&fleet->names, NAMES_BYTES);
	if (!catalog_init(&fleet->catalog, &fleet->names)) {
		fleet_free(fleet);
		return ERR_LIMIT;
	}
	draw_ranks_init(&fleet->ranks);
	for (size_t i = 0; i < draft_n_events; i++)
		fleet->weights[i] = options->mix == FLEET_MIX_SEED ? draft_events[i].seed_weight
								   : draft_events[i].fleet_weight;
	*ret_fleet = fleet;
	return OK;
}

void
fleet_free(struct fleet *fleet)
{
	if (fleet == NULL)
		return;
	arena_done(&fleet->names);
	free(fleet);
}

/* The more used programs of a kind have more bugs that are met. */
static uint32_t
draw_app(const struct catalog *catalog, struct draw *bug, enum draft_apps apps, bool is_common)
{
	enum app_kind kind;
	switch (apps) {
	case APPS_CLR:
		kind = APP_CLR;
		break;
	case APPS_STORE:
		kind = APP_STORE;
		break;
	case APPS_SERVER:
		kind = APP_SERVER;
		break;
	case APPS_OFFICE:
		kind = APP_OFFICE;
		break;
	default: {
		static const uint16_t weights[APP_KIND_N] = {
			[APP_NATIVE] = 50, [APP_OFFICE] = 22, [APP_WINDOWS] = 18,
			[APP_CLR] = 6,     [APP_SERVER] = 4,
		};
		kind = (enum app_kind)draw_weighted(bug, weights, sizeof(weights[0]), APP_KIND_N);
	}
	}
	uint32_t count = catalog->n_by_kind[kind];
	return catalog->by_kind[kind][draw_low(bug, is_common ? (count + 3) / 4 : count)];
}

/* 32-bit programs lie scattered in the catalog: take the next one. */
static uint32_t
next_32_bit(const struct catalog *catalog, uint32_t app)
{
	for (uint32_t i = 0; i < APP_COUNT; i++) {
		uint32_t at = (app + i) % APP_COUNT;
		if (catalog->apps[at].bits == 32 && catalog->apps[at].kind != APP_STORE)
			return at;
	}
	return app;
}

static int64_t
draw_age_us(struct draw *chance, enum fleet_age age)
{
	uint32_t percent = draw_below(chance, 100);
	if (age == FLEET_AGE_FRESH || (age == FLEET_AGE_USUAL && percent < 70))
		return TIME_SECOND_US + draw_below(chance, 90 * 1000000);
	if (percent < 95)
		return TIME_MINUTE_US * (2 + draw_below(chance, 12 * 60));
	return TIME_MINUTE_US * (12 * 60 + draw_below(chance, 6 * 24 * 60));
}

static void
draw_bug(const struct fleet *fleet, const struct fleet_request *request, struct draft *draft,
	 size_t *ret_event)
{
	size_t event = 0; /* the first row is APPCRASH: what storms and loops are made of */
	uint64_t rank;
	if (request->one_bug != FLEET_ANY) {
		rank = UINT32_MAX - (uint64_t)request->one_bug;
	} else {
		event = draw_weighted(&draft->chance, fleet->weights, sizeof(fleet->weights[0]),
				      draft_n_events);
		rank = draw_percent(&draft->chance, rare_percent[fleet->options.mix])
			       ? DRAW_RANKS + (draw_u32(&draft->chance) >> 2)
			       : draw_rank(&draft->chance, &fleet->ranks);
	}
	draft->is_common = rank < COMMON_RANKS;
	draft->bug_number = (uint64_t)event << 32 | rank;
	draft->bug = draw_start(fleet->options.seed, DRAW_BUG, draft->bug_number);
	*ret_event = event;
}

static void
draw_program(const struct fleet *fleet, const struct draft_event *event, struct draft *draft)
{
	if (event->apps == APPS_NONE)
		return;
	draft->app_number = draw_app(&fleet->catalog, &draft->bug, event->apps, draft->is_common);
	if (event->apps == APPS_DESKTOP_32)
		draft->app_number = next_32_bit(&fleet->catalog, draft->app_number);
	draft->app = &fleet->catalog.apps[draft->app_number];
}

/* A few machines crash more than their share. */
static uint32_t
draw_machine(const struct fleet *fleet, const struct fleet_request *request, struct draft *draft)
{
	uint32_t count = fleet->options.machines;
	if (request->machine != FLEET_ANY)
		return (uint32_t)request->machine % count;
	uint32_t number = draw_percent(&draft->chance, 60) ? draw_below(&draft->chance, count)
							   : draw_low(&draft->chance, count);
	bool is_for_server = draft->app != NULL && draft->app->kind == APP_SERVER;
	bool is_for_client = draft->app != NULL && draft->app->kind == APP_STORE;
	return is_for_server || is_for_client ? machine_of_kind(number, is_for_server, count)
					      : number;
}

static void
set_release(struct draft *draft)
{
	struct release *release = &draft->release;
	if (draft->app == NULL)
		return;
	if (draft->app->kind != APP_WINDOWS) {
		catalog_release(draft->catalog, draft->seed, draft->app_number,
				draft->machine.number, draft->time_us, release);
		draft->version = draft_text(draft, "%s", release->version);
		return;
	}
	draft->version = machine_file_version(&draft->machine, draft->time_us, draft->arena);
	release->number = draft->machine.windows->build / 100 * 64 +
			  machine_patch(&draft->machine, draft->time_us);
	struct draw stamp = draw_start(draft->seed, DRAW_APP,
				       (uint64_t)draft->app_number << 40 | release->number);
	release->stamp = draw_u32(&stamp);
}

/* The program's folder, with the user's name where %s stands. */
static const char *
app_path(struct draft *draft)
{
	const struct app *app = draft->app;
	if (app->kind == APP_STORE)
		return draft_text(draft, "%s\\%s_%s_x64__%s\\%s", app->folder, app->package,
				  draft->version, app->publisher_id, app->image);
	const char *place = strstr(app->folder, "%s");
	if (place == NULL)
		return draft_text(draft, "%s\\%s", app->folder, app->image);
	return draft_text(draft, "%.*s%.*s%s\\%s", (int)(place - app->folder), app->folder,
			  SLICE_ARGS(draft->machine.login), place + 2, app->image);
}

/* What every report says, before its maker adds the signature. */
static void
fill_common(const struct draft_event *event, struct draft *draft)
{
	struct report *report = draft->report;
	const struct machine *machine = &draft->machine;
	bool is_other = event->other_name != NULL && machine->peculiar % 10 == 3;
	report->machine = machine->name;
	report->os = machine->os;
	report->oem = slice_str(machine->oem);
	report->user = machine->user;
	report->has_lcid = true;
	report->lcid = machine->lcid;
	report->event_type = slice_str(is_other ? event->other_name : event->name);
	report->friendly_event_name = report->event_type;
	report->has_report_type = true;
	report->report_type = event->report_type;
	report->has_event_time = true;
	report->event_filetime = time_to_filetime(draft->time_us) + draw_below(&draft->chance, 10);
	if (draft->app != NULL)
		draft_application(draft, draft->app->product, app_path(draft), draft->app->company);
}

err_t
fleet_report(const struct fleet *fleet, const struct fleet_request *request, struct arena *arena,
	     struct report *ret_report, uint32_t *ret_machine)
{
	struct report report = {0};
	struct draft draft = {
		.seed = fleet->options.seed,
		.chance = draw_start(fleet->options.seed, DRAW_REPORT, request->sequence),
		.catalog = &fleet->catalog,
		.arena = arena,
		.report = &report,
		.max_secondary = SECONDARY,
		.max_files = FILES,
	};
	report.secondary = arena_array(arena, SECONDARY, sizeof(*report.secondary));
	report.files = arena_array(arena, FILES, sizeof(*report.files));
	if (report.secondary == NULL || report.files == NULL)
		return ERR_LIMIT;
	size_t number;
	draw_bug(fleet, request, &draft, &number);
	const struct draft_event *event = &draft_events[number];
	draw_program(fleet, event, &draft);
	machine_make(fleet->options.seed, draw_machine(fleet, request, &draft), arena,
		     &draft.machine);
	draft.time_us = request->time_us - draw_age_us(&draft.chance, request->age);
	set_release(&draft);
	fill_common(event, &draft);
	event->make(&draft);
	if (arena->used_bytes + 4096 > arena->cap_bytes)
		return ERR_LIMIT; /* some text may have been left out */
	*ret_report = report;
	if (ret_machine != NULL)
		*ret_machine = draft.machine.number;
	return OK;
}

void
fleet_body(const struct fleet *fleet, const struct report *report, uint32_t machine,
	   struct buf *out)
{
	struct draw draw = draw_start(fleet->options.seed, DRAW_ENCODING, machine);
	enum text_encoding encoding = TEXT_UTF16LE;
	if (draw_percent(&draw, fleet->options.other_percent))
		encoding = draw_percent(&draw, 50) ? TEXT_UTF16BE : TEXT_UTF8;
	size_t before = out->len;
	level1_format(report, encoding, out);
	bool has_mark = encoding != TEXT_UTF8 && out->len >= before + 2;
	if (has_mark && draw_percent(&draw, fleet->options.no_bom_percent)) {
		memmove(out->data + before, out->data + before + 2, out->len - before - 2);
		out->len -= 2;
	}
}

void
fleet_peer(uint32_t machine, uint8_t ret_ip[16])
{
	static const uint8_t prefix[12] = {[10] = 0xff, [11] = 0xff};
	memcpy(ret_ip, prefix, sizeof(prefix));
	ret_ip[12] = 10;
	ret_ip[13] = (uint8_t)(machine >> 16);
	ret_ip[14] = (uint8_t)(machine >> 8);
	ret_ip[15] = (uint8_t)machine;
}
