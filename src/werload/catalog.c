#include "werload/catalog.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/time.h"

enum {
	SUITE = APP_COUNT, /* the number under which the office suite's releases are drawn */
	FIRST_RELEASE_S = 1546300800, /* 2019-01-01: before it nothing was released */
	DAY_S = 86400
};

static const char *
lower(struct arena *arena, const char *text)
{
	char *copy = arena_printf(arena, "%s", text);
	for (char *c = copy; c != NULL && *c != '\0'; c++)
		*c = (char)tolower((unsigned char)*c);
	return copy;
}

/* Every brand makes a few things; one in three is .NET, one in eight still 32-bit. */
static bool
invent(struct app *app, size_t number, struct arena *arena)
{
	size_t brand = number % catalog_n_brands, thing = number / catalog_n_brands;
	const char *maker = catalog_brands[brand], *what = catalog_things[thing % catalog_n_things];
	const char *small = lower(arena, maker);
	app->kind = number % 3 == 1 ? APP_CLR : APP_NATIVE;
	app->bits = number % 8 == 5 ? 32 : 64;
	app->image = arena_printf(arena, "%s%s.exe", maker, what);
	app->product = arena_printf(arena, "%s %s", maker, what);
	app->company = arena_printf(arena, "%s Software", maker);
	app->folder = arena_printf(arena, "C:\\Program Files%s\\%s\\%s",
				   app->bits == 32 ? " (x86)" : "", maker, what);
	if (app->kind == APP_CLR) {
		app->modules[0] = arena_printf(arena, "%s.%s.Core.dll", maker, what);
		app->modules[1] = arena_printf(arena, "%s.Common.dll", maker);
	} else {
		app->modules[0] = small == NULL ? NULL : arena_printf(arena, "%score.dll", small);
		app->modules[1] = small == NULL ? NULL : arena_printf(arena, "%sui.dll", small);
		app->modules[2] = app->image;
	}
	return app->image != NULL && app->product != NULL && app->company != NULL &&
	       app->folder != NULL && app->modules[0] != NULL && app->modules[1] != NULL;
}

bool
catalog_init(struct catalog *catalog, struct arena *arena)
{
	*catalog = (struct catalog){0};
	for (size_t i = 0; i < APP_COUNT; i++) {
		struct app *app = &catalog->apps[i];
		if (i < catalog_n_known)
			*app = catalog_known[i];
		else if (!invent(app, i - catalog_n_known, arena))
			return false;
		uint32_t at = catalog->n_by_kind[app->kind]++;
		catalog->by_kind[app->kind][at] = (uint16_t)i;
	}
	return true;
}

/* How old the newest release may be before this machine has it. */
static uint32_t
lag_days(uint64_t seed, uint32_t train, uint32_t machine)
{
	struct draw draw = draw_start(seed, DRAW_RELEASE, ((uint64_t)train << 32) | machine);
	uint32_t percent = draw_below(&draw, 100);
	if (percent < 82)
		return draw_below(&draw, 5);
	if (percent < 97)
		return 5 + draw_below(&draw, 35);
	return 40 + draw_below(&draw, 160);
}

static void
name_release(uint64_t seed, uint32_t train, struct release *release)
{
	struct draw style = draw_start(seed, DRAW_APP, train);
	struct draw draw =
		draw_start(seed, DRAW_APP, ((uint64_t)(train + 1) << 32) | release->number);
	uint32_t n = release->number, first = 1 + draw_below(&style, 24);
	uint32_t build = 100 + draw_below(&draw, 9900), patch = draw_below(&draw, 200);
	char *out = release->version;
	if (train == SUITE)
		(void)snprintf(out, APP_VERSION_BYTES, "16.0.%u.%u", 11328 + n * 97,
			       20000 + patch * 2);
	else if (draw_percent(&style, 30))
		(void)snprintf(out, APP_VERSION_BYTES, "%u.0.%u.%u", 60 + n, 2500 + n * 45, patch);
	else if (draw_percent(&style, 30))
		(void)snprintf(out, APP_VERSION_BYTES, "%u.%u.%u.0", first + n / 12, n % 12, build);
	else
		(void)snprintf(out, APP_VERSION_BYTES, "%u.%u.%u.%u", first + n / 16, n % 16, build,
			       patch);
}

void
catalog_release(const struct catalog *catalog, uint64_t seed, uint32_t app, uint32_t machine,
		int64_t time_us, struct release *ret_release)
{
	uint32_t train = catalog->apps[app].kind == APP_OFFICE ? SUITE : app;
	struct draw pace = draw_start(seed, DRAW_RELEASE, (uint64_t)train << 32 | UINT32_MAX);
	uint32_t interval_days = 42 + draw_below(&pace, 70);
	uint32_t phase_days = draw_below(&pace, interval_days);
	int64_t days = (time_us / TIME_SECOND_US - FIRST_RELEASE_S) / DAY_S;
	days -= phase_days + lag_days(seed, train, machine);
	*ret_release = (struct release){.number = days < 0 ? 0 : (uint32_t)(days / interval_days)};
	struct draw built =
		draw_start(seed, DRAW_APP, ~((uint64_t)train << 32 | ret_release->number));
	int64_t out_s = FIRST_RELEASE_S +
			(int64_t)(ret_release->number * interval_days + phase_days) * DAY_S;
	ret_release->stamp = (uint32_t)out_s - draw_below(&built, 4 * DAY_S);
	name_release(seed, train, ret_release);
}
