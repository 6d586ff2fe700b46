#include "report/os.h"

enum {
	MAX_FIELDS = 9,
	SUITE_HEX_DIGITS = 8
};

/* GetProductInfo; sorted by number. */
struct sku {
	uint16_t number;
	bool is_server;
	const char *name;
};

static const struct sku skus[] = {
	{1, false, "Ultimate"},
	{2, false, "Home Basic"},
	{3, false, "Home Premium"},
	{4, false, "Enterprise"},
	{5, false, "Home Basic N"},
	{6, false, "Business"},
	{7, true, "Standard"},
	{8, true, "Datacenter"},
	{9, true, "Small Business"},
	{10, true, "Enterprise"},
	{11, false, "Starter"},
	{12, true, "Datacenter (core)"},
	{13, true, "Standard (core)"},
	{14, true, "Enterprise (core)"},
	{15, true, "Enterprise for Itanium"},
	{16, false, "Business N"},
	{17, true, "Web"},
	{18, true, "HPC"},
	{19, true, "Home Server"},
	{20, true, "Storage Express"},
	{21, true, "Storage Standard"},
	{22, true, "Storage Workgroup"},
	{23, true, "Storage Enterprise"},
	{24, true, "for Small Business"},
	{25, true, "Small Business Premium"},
	{26, false, "Home Premium N"},
	{27, false, "Enterprise N"},
	{28, false, "Ultimate N"},
	{29, true, "Web (core)"},
	{30, true, "Essential Business, management"},
	{31, true, "Essential Business, security"},
	{32, true, "Essential Business, messaging"},
	{33, true, "Foundation"},
	{36, true, "Standard without Hyper-V"},
	{37, true, "Datacenter without Hyper-V"},
	{38, true, "Enterprise without Hyper-V"},
	{39, true, "Datacenter without Hyper-V (core)"},
	{40, true, "Standard without Hyper-V (core)"},
	{41, true, "Enterprise without Hyper-V (core)"},
	{42, true, "Hyper-V Server"},
	{47, false, "Starter N"},
	{48, false, "Professional"},
	{49, false, "Professional N"},
	{50, true, "Essentials"},
	{63, true, "Small Business Premium (core)"},
	{65, false, "Embedded"},
	{72, false, "Enterprise Evaluation"},
	{76, true, "MultiPoint Standard"},
	{77, true, "MultiPoint Premium"},
	{79, true, "Standard Evaluation"},
	{80, true, "Datacenter Evaluation"},
	{84, false, "Enterprise N Evaluation"},
	{87, false, "Thin PC"},
	{89, false, "Embedded Industry"},
	{95, true, "Storage Workgroup Evaluation"},
	{96, true, "Storage Standard Evaluation"},
	{98, false, "Core N"},
	{99, false, "Core China"},
	{100, false, "Core Single Language"},
	{101, false, "Core"},
	{103, false, "Professional with Media Center"},
	{104, false, "Mobile"},
	{109, true, "Nano"},
	{119, false, "Team"},
	{121, false, "Education"},
	{122, false, "Education N"},
	{123, false, "IoT Core"},
	{125, false, "Enterprise LTSC"},
	{126, false, "Enterprise N LTSC"},
	{129, false, "Enterprise LTSC Evaluation"},
	{130, false, "Enterprise N LTSC Evaluation"},
	{133, false, "Mobile Enterprise"},
	{143, true, "Datacenter Nano"},
	{144, true, "Standard Nano"},
	{145, true, "Datacenter, annual channel (core)"},
	{146, true, "Standard, annual channel (core)"},
	{161, false, "Pro for Workstations"},
	{162, false, "Pro N for Workstations"},
	{164, false, "Pro Education"},
	{165, false, "Pro Education N"},
	{175, false, "Enterprise multi-session"},
	{178, false, "S"},
	{179, false, "S N"},
	{188, false, "IoT Enterprise"},
	{191, false, "IoT Enterprise LTSC"},
	{202, false, "SE N"},
	{203, false, "SE"},
	{406, true, "Azure Stack HCI"},
	{407, true, "Datacenter Azure Edition"},
	{408, true, "Datacenter Azure Edition (core)"},
};

/* From this build on, until the next row.  A release is named for its own build only: what
 * lies between is a preview. */
struct os_release {
	uint32_t version; /* major << 8 | minor */
	uint32_t build;
	const char *client;
	const char *server;
	const char *release; /* NULL: told by the service pack */
};

static const struct os_release releases[] = {
	{0x500, 2195, "2000", "2000 Server", NULL},
	{0x501, 2600, "XP", "XP", NULL},
	{0x502, 3790, "XP Professional x64", "Server 2003", NULL},
	{0x600, 6000, "Vista", "Server 2008", NULL},
	{0x601, 7600, "7", "Server 2008 R2", NULL},
	{0x602, 9200, "8", "Server 2012", NULL},
	{0x603, 9600, "8.1", "Server 2012 R2", NULL},
	{0xa00, 10240, "10", "Server", "1507"},
	{0xa00, 10586, "10", "Server", "1511"},
	{0xa00, 14393, "10", "Server 2016", "1607"},
	{0xa00, 15063, "10", "Server", "1703"},
	{0xa00, 16299, "10", "Server", "1709"},
	{0xa00, 17134, "10", "Server", "1803"},
	{0xa00, 17763, "10", "Server 2019", "1809"},
	{0xa00, 18362, "10", "Server", "1903"},
	{0xa00, 18363, "10", "Server", "1909"},
	{0xa00, 19041, "10", "Server", "2004"},
	{0xa00, 19042, "10", "Server", "20H2"},
	{0xa00, 19043, "10", "Server", "21H1"},
	{0xa00, 19044, "10", "Server", "21H2"},
	{0xa00, 19045, "10", "Server", "22H2"},
	{0xa00, 20348, "10", "Server 2022", "21H2"},
	{0xa00, 22000, "11", "Server", "21H2"},
	{0xa00, 22621, "11", "Server", "22H2"},
	{0xa00, 22631, "11", "Server", "23H2"},
	{0xa00, 25398, "11", "Server", "23H2"},
	{0xa00, 26100, "11", "Server 2025", "24H2"},
	{0xa00, 26200, "11", "Server", "25H2"},
};

static bool
parse_field(struct slice field, bool is_suite, uint32_t *ret_value)
{
	uint64_t value;
	bool is_prefixed = field.len > 1 && (field.data[1] | 0x20) == 'x';
	if (is_suite ? field.len != SUITE_HEX_DIGITS || is_prefixed ||
			       !slice_hex_to_u64(field, &value)
		     : !slice_to_u64(field, &value))
		return false;
	if (value > UINT32_MAX)
		return false;
	*ret_value = (uint32_t)value;
	return true;
}

/* Decimal fields, parted by dots; the one at SUITE_AT is eight hex digits. */
static bool
parse_fields(struct slice text, size_t count, size_t suite_at, uint32_t *ret_fields)
{
	for (size_t i = 0; i < count; i++) {
		struct slice field = text;
		(void)slice_cut(text, '.', &field, &text);
		if (!parse_field(field, i == suite_at, &ret_fields[i]))
			return false;
	}
	return true;
}

bool
os_parse(struct slice text, struct os_version *ret_os)
{
	uint32_t f[MAX_FIELDS] = {0};
	size_t count = 1; /* without a dot it is one field */
	for (size_t i = 0; i < text.len; i++)
		count += text.data[i] == '.';
	if (count < 7 || count > MAX_FIELDS ||
	    !parse_fields(text, count, count == 8 ? MAX_FIELDS : 4, f))
		return false;
	struct os_version os = {.major = f[0], .minor = f[1], .build = f[2], .platform = f[3]};
	os.suite_mask = count == 8 ? f[6] : f[4];
	os.sp_major = count == 8 ? f[4] : f[5];
	os.sp_minor = count == 8 ? f[5] : f[6];
	os.has_sku = count >= 8;
	os.sku = f[7];
	os.has_revision = count == 9;
	os.revision = f[8];
	*ret_os = os;
	return true;
}

static const struct sku *
find_sku(const struct os_version *os)
{
	for (size_t i = 0; os->has_sku && i < sizeof(skus) / sizeof(skus[0]); i++)
		if (skus[i].number == os->sku)
			return &skus[i];
	return NULL;
}

static const struct os_release *
find_release(const struct os_version *os)
{
	const struct os_release *found = NULL;
	for (size_t i = 0; i < sizeof(releases) / sizeof(releases[0]); i++)
		if (os->major < 0x100 && os->minor < 0x100 &&
		    releases[i].version == (os->major << 8 | os->minor) &&
		    (found == NULL || releases[i].build <= os->build))
			found = &releases[i];
	return found;
}

void
os_describe(const struct os_version *os, struct buf *out)
{
	const struct sku *sku = find_sku(os);
	const struct os_release *release = find_release(os);
	bool is_server = sku != NULL && sku->is_server;
	buf_append_str(out, "Windows");
	if (release != NULL)
		buf_printf(out, " %s", is_server ? release->server : release->client);
	/* "Server 2016" says it all; "Server" alone does not. */
	if (release != NULL && release->release != NULL && release->build == os->build &&
	    !(is_server && strchr(release->server, ' ') != NULL))
		buf_printf(out, " %s", release->release);
	if (os->sp_major != 0)
		buf_printf(out, " SP%u", os->sp_major);
	if (sku != NULL)
		buf_printf(out, " %s", sku->name);
	else if (os->has_sku && os->sku != 0)
		buf_printf(out, " SKU %u", os->sku);
	buf_printf(out, " (%u.%u.%u", os->major, os->minor, os->build);
	if (os->has_revision)
		buf_printf(out, ".%u", os->revision);
	buf_append_byte(out, ')');
}
