#include "werload/machine.h"

#include "base/time.h"

struct site {
	uint16_t weight;
	const char *code;
	const char *domain; /* of accounts */
	const char *dns;
	uint8_t scheme; /* of machine names, enum name_scheme */
};

enum name_scheme {
	NAME_NUMBERED,  /* WS-0001 */
	NAME_DEFAULT,   /* LAPTOP-7F3K2Q1, as setup proposes */
	NAME_SITE,      /* MUC-PC01234 */
	NAME_QUALIFIED, /* ws00042.muc.corp.example */
	NAME_SERIAL     /* 5CG0419XKD */
};

static const struct site sites[] = {
	{30, "MUC", "CORP", "muc.corp.example", NAME_SITE},
	{20, "HAM", "CORP", "ham.corp.example", NAME_QUALIFIED},
	{12, "LYS", "CORP", "lys.corp.example", NAME_SITE},
	{15, "LON", "EMEA", "lon.emea.example", NAME_SERIAL},
	{10, "MAD", "EMEA", "mad.emea.example", NAME_NUMBERED},
	{8, "WAW", "EMEA", "waw.emea.example", NAME_QUALIFIED},
	{25, "BOS", "AMER", "bos.amer.example", NAME_DEFAULT},
	{10, "GRU", "AMER", "gru.amer.example", NAME_SITE},
	{8, "TYO", "APAC", "tyo.apac.example", NAME_SERIAL},
	{6, "SHA", "APAC", "sha.apac.example", NAME_NUMBERED},
	{16, "LAB", "WORKGROUP", "lab.example", NAME_DEFAULT},
};

static const char *const oems[] = {
	"Dell Inc.",
	"LENOVO",
	"HP",
	"Hewlett-Packard",
	"FUJITSU",
	"Microsoft Corporation",
	"ASUSTeK COMPUTER INC.",
	"Acer",
	"Panasonic Corporation",
	"Dell Inc.",
	"LENOVO",
	"HP",
};
static const char *const server_oems[] = {
	"VMware, Inc.", "Dell Inc.", "HPE", "Microsoft Corporation", "QEMU", "Supermicro",
};

/* People who do not exist. */
static const char *const given_names[] = {
	"anna", "ben",  "carla", "daan", "elif",  "felix", "greta", "hana", "ivo",  "jana",
	"kofi", "lena", "marek", "nora", "oskar", "petra", "quinn", "rosa", "sami", "tilda",
	"umar", "vera", "wanda", "xavi", "yuki",  "zoe",   "andré", "josé", "müge", "søren",
};
static const char *const family_names[] = {
	"averlin",   "brandow",  "castrell",  "dormund",    "eskelby",    "farnow",
	"gillenard", "hestrom",  "imbrand",   "jastrow",    "kellund",    "lombrecht",
	"marvane",   "nydell",   "ostrander", "pellworm",   "quistgard",  "ravensk",
	"sollberg",  "tarnowic", "ulmstedt",  "vandrell",   "westerling", "yarrowin",
	"zembrod",   "beltrame", "corviano",  "desmoulier", "fukuhara",   "königsried",
};

static const struct windows builds[] = {
	{25, "6.1.7601.2.1.0", "6.1.7601", 24499, 7601, false},
	{10, "6.3.9600.2.0.0", "6.3.9600", 19538, 9600, false},
	{40, "10.0.17763.2.0.0", "10.0.17763", 5329, 17763, false},
	{45, "10.0.19044.2.0.0", "10.0.19041", 3930, 19044, false},
	{260, "10.0.19045.2.0.0", "10.0.19041", 3930, 19045, false},
	{25, "10.0.22000.2.0.0", "10.0.22000", 2713, 22000, false},
	{50, "10.0.22621.2.0.0", "10.0.22621", 3007, 22621, false},
	{180, "10.0.22631.2.0.0", "10.0.22621", 3007, 22631, false},
	{250, "10.0.26100.2.0.0", "10.0.26100", 1200, 26100, false},
	{115, "10.0.26200.2.0.0", "10.0.26100", 1200, 26200, false},
};
static const struct windows server_builds[] = {
	{10, "6.3.9600.2.0.0", "6.3.9600", 19538, 9600, true},
	{25, "10.0.14393.2.0.0", "10.0.14393", 6614, 14393, true},
	{60, "10.0.17763.2.0.0", "10.0.17763", 5329, 17763, true},
	{80, "10.0.20348.2.0.0", "10.0.20348", 2227, 20348, true},
	{40, "10.0.26100.2.0.0", "10.0.26100", 1200, 26100, true},
};

/* Suite mask and product SKU, as GetProductInfo has them. */
struct edition {
	uint16_t weight;
	uint16_t suite, product;
};
static const struct edition editions[] = {
	{48, 256, 4}, {38, 256, 48}, {8, 768, 101}, {3, 256, 121}, {3, 256, 161},
};
static const struct edition server_editions[] = {
	{70, 272, 7},
	{30, 400, 8},
};

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))
#define PICK(draw, table) (table)[draw_below(draw, (uint32_t)COUNT(table))]
#define PICK_WEIGHTED(draw, table)                                                                 \
	&(table)[draw_weighted(draw, &(table)[0].weight, sizeof((table)[0]), COUNT(table))]

bool
machine_is_server(uint32_t number)
{
	return number % MACHINE_SERVER_EVERY == MACHINE_SERVER_EVERY - 1;
}

uint32_t
machine_of_kind(uint32_t number, bool is_server, uint32_t count)
{
	if (machine_is_server(number) == is_server)
		return number;
	uint32_t other = is_server ? number | (MACHINE_SERVER_EVERY - 1) : number - 1;
	return other < count ? other : number;
}

/* Setup's own proposal: seven of these. */
static void
name_by_setup(struct draw *draw, char ret_name[8])
{
	static const char letters[] = "0123456789ABCDEFGHIJKLMNOPQRSTUV";
	for (size_t i = 0; i < 7; i++)
		ret_name[i] = letters[draw_below(draw, sizeof(letters) - 1)];
	ret_name[7] = '\0';
}

static const char *
name_client(const struct site *site, struct draw *draw, uint32_t number, struct arena *arena)
{
	char random[8];
	name_by_setup(draw, random);
	switch (site->scheme) {
	case NAME_NUMBERED:
		return arena_printf(arena, "WS-%04u", number);
	case NAME_DEFAULT:
		return arena_printf(arena, "%s-%s", number % 3 == 0 ? "DESKTOP" : "LAPTOP", random);
	case NAME_SITE:
		return arena_printf(arena, "%s-PC%05u", site->code, number);
	case NAME_QUALIFIED:
		return arena_printf(arena, "ws%05u.%s", number, site->dns);
	default:
		return arena_printf(arena, "5CG%s", random);
	}
}

static const char *
name_server(const struct site *site, struct draw *draw, uint32_t number, struct arena *arena)
{
	static const char *const duties[] = {"SQL", "WEB", "FILE", "HV", "RDS", "EX", "DC", "APP"};
	const char *duty = PICK(draw, duties);
	if (site->scheme == NAME_QUALIFIED)
		return arena_printf(arena, "srv-%u.%s", number, site->dns);
	return arena_printf(arena, "%s-%s%04u", site->code, duty, number);
}

static struct slice
name_login(struct draw *draw, uint32_t number, struct arena *arena)
{
	const char *given = PICK(draw, given_names), *family = PICK(draw, family_names);
	switch (draw_below(draw, 4)) {
	case 0:
		return slice_str(arena_printf(arena, "u%06u", 100000 + number));
	case 1:
		return slice_str(arena_printf(arena, "%c%s", given[0], family));
	default:
		return slice_str(arena_printf(arena, "%s.%s", given, family));
	}
}

static void
name_user(const struct site *site, struct draw *draw, struct arena *arena, struct machine *machine)
{
	bool is_server = machine->windows->is_server;
	if (is_server && draw_percent(draw, 60)) {
		machine->login = SLICE_LITERAL("systemprofile");
		machine->user = SLICE_LITERAL("NT AUTHORITY\\SYSTEM");
		return;
	}
	machine->login =
		is_server ? slice_str(arena_printf(arena, "svc_app%02u", draw_below(draw, 40)))
			  : name_login(draw, machine->number, arena);
	machine->user = slice_str(
		arena_printf(arena, "%s\\%.*s", site->domain, SLICE_ARGS(machine->login)));
}

void
machine_make(uint64_t seed, uint32_t number, struct arena *arena, struct machine *ret_machine)
{
	struct draw draw = draw_start(seed, DRAW_MACHINE, number);
	const struct site *site = PICK_WEIGHTED(&draw, sites);
	const struct locale *locale =
		&locales[draw_weighted(&draw, &locales[0].weight, sizeof(locales[0]), n_locales)];
	bool is_server = machine_is_server(number);
	*ret_machine = (struct machine){
		.number = number,
		.site = (uint32_t)(site - sites),
		.lcid = is_server ? 1033 : locale->lcid,
		.language = &languages[is_server ? 0 : locale->language],
	};
	ret_machine->peculiar = (uint8_t)draw_below(&draw, 100);
	ret_machine->windows =
		is_server ? PICK_WEIGHTED(&draw, server_builds) : PICK_WEIGHTED(&draw, builds);
	const struct edition *edition =
		is_server ? PICK_WEIGHTED(&draw, server_editions) : PICK_WEIGHTED(&draw, editions);
	ret_machine->suite_mask = edition->suite;
	ret_machine->product = edition->product;
	ret_machine->os = slice_str(arena_printf(arena, "%s.%u.%u", ret_machine->windows->os,
						 edition->suite, edition->product));
	if (draw_percent(&draw, 92))
		ret_machine->oem = is_server ? PICK(&draw, server_oems) : PICK(&draw, oems);
	ret_machine->name = slice_str(is_server ? name_server(site, &draw, number, arena)
						: name_client(site, &draw, number, arena));
	name_user(site, &draw, arena, ret_machine);
}

uint32_t
machine_patch(const struct machine *machine, int64_t time_us)
{
	static const int64_t january_2024_s = 1704067200, month_s = 2629746;
	int64_t months = (time_us / TIME_SECOND_US - january_2024_s) / month_s;
	months -= machine->peculiar < 80 ? 0 : machine->peculiar % 4;
	bool is_out_of_support = machine->windows->build < 10000;
	return months < 0 || is_out_of_support ? 0 : (uint32_t)months;
}

const char *
machine_file_version(const struct machine *machine, int64_t time_us, struct arena *arena)
{
	const struct windows *windows = machine->windows;
	uint32_t patch = machine_patch(machine, time_us);
	return arena_printf(arena, "%s.%u", windows->files,
			    windows->first_patch + patch * 131 + patch * 37 % 60);
}
