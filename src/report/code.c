#include "report/code.h"

#include "base/time.h"
#include "report/code_table.h"

/* Fields of an HRESULT. */
enum {
	FACILITY_WIN32 = 7,
	FACILITY_MASK = 0xfff
};

static const uint32_t HRESULT_FAILED = 0x80000000U;
static const uint32_t HRESULT_FROM_NTSTATUS = 0x10000000U;
static const uint32_t BUGCHECK_SMALL_DUMP = 0x10000000U;

static const struct code_entry *
find_in(const struct code_table *table, uint32_t code)
{
	size_t from = 0;
	size_t to = table->count;
	while (from < to) {
		size_t middle = from + (to - from) / 2;
		if (table->entries[middle].code == code)
			return &table->entries[middle];
		if (table->entries[middle].code < code)
			from = middle + 1;
		else
			to = middle;
	}
	return NULL;
}

static uint32_t
facility_of(uint32_t hresult)
{
	return hresult >> 16 & FACILITY_MASK;
}

static const struct code_entry *
find_hresult(uint32_t code)
{
	const struct code_entry *entry = find_in(&code_hresult, code);
	if (entry == NULL && (code & HRESULT_FAILED) != 0 && facility_of(code) == FACILITY_WIN32)
		entry = find_in(&code_win32, code & 0xffff);
	if (entry == NULL && (code & HRESULT_FROM_NTSTATUS) != 0)
		entry = find_in(&code_ntstatus, code & ~HRESULT_FROM_NTSTATUS);
	return entry;
}

/* COM and .NET raise HRESULTs as exceptions, whose codes then stand where statuses stand. */
static const struct code_entry *
find_ntstatus(uint32_t code)
{
	const struct code_entry *entry = find_in(&code_ntstatus, code);
	return entry != NULL || (code & HRESULT_FAILED) == 0 ? entry : find_hresult(code);
}

static const struct code_entry *
find_bugcheck(uint32_t code)
{
	const struct code_entry *entry = find_in(&code_bugcheck, code);
	if (entry == NULL && (code & BUGCHECK_SMALL_DUMP) != 0)
		entry = find_in(&code_bugcheck, code & ~BUGCHECK_SMALL_DUMP);
	return entry;
}

/* A 32-bit code that a 64-bit program kept has 32 copies of its sign before it. */
static bool
to_u32(uint64_t code, uint32_t *ret_code)
{
	if (code > UINT32_MAX && code >> 31 != UINT64_C(0x1ffffffff))
		return false;
	*ret_code = (uint32_t)code;
	return true;
}

static const struct code_entry *
find_code(enum code_kind kind, uint64_t wide)
{
	uint32_t code;
	if (!to_u32(wide, &code))
		return NULL;
	switch (kind) {
	case CODE_NTSTATUS:
		return find_ntstatus(code);
	case CODE_HRESULT:
		return find_hresult(code);
	case CODE_BUGCHECK:
	case CODE_LIVE_DUMP:
		return find_bugcheck(code);
	case CODE_DEVICE_PROBLEM:
		return find_in(&code_device, code);
	case CODE_NONE:
		break;
	}
	return NULL;
}

const char *
code_name(enum code_kind kind, uint64_t code)
{
	const struct code_entry *entry = find_code(kind, code);
	return entry == NULL ? NULL : entry->name;
}

static void
describe_unknown_hresult(uint64_t wide, struct buf *out)
{
	uint32_t code;
	if (!to_u32(wide, &code))
		return;
	const struct code_entry *facility = find_in(&code_facility, facility_of(code));
	if (facility != NULL)
		buf_printf(out, "facility %s (%u), code 0x%x", facility->name, facility_of(code),
			   code & 0xffff);
	else
		buf_printf(out, "facility %u, code 0x%x", facility_of(code), code & 0xffff);
}

void
code_describe(enum code_kind kind, struct slice text, struct buf *out)
{
	uint64_t code;
	if (!slice_hex_to_u64(slice_trim(text), &code))
		return;
	const struct code_entry *entry = find_code(kind, code);
	if (entry == NULL && kind == CODE_HRESULT)
		describe_unknown_hresult(code, out);
	if (entry == NULL)
		return;
	buf_append_str(out, entry->name);
	if (entry->about != NULL)
		buf_printf(out, " (%s)", entry->about);
}

bool
code_describe_stamp(struct slice stamp, int64_t now_us, struct buf *out)
{
	enum {
		WITHOUT_FRACTION = 19 /* "2024-03-01T10:00:00" */
	};
	static const int64_t year_1990_us = INT64_C(631152000) * TIME_SECOND_US;
	char text[TIME_TEXT_BYTES];
	uint64_t seconds;
	if (!slice_hex_to_u64(slice_trim(stamp), &seconds) || seconds > UINT32_MAX)
		return false;
	int64_t time_us = (int64_t)seconds * TIME_SECOND_US;
	buf_printf(out, "%.*sZ", WITHOUT_FRACTION, time_format(time_us, text));
	if (time_us < year_1990_us || time_us > now_us)
		buf_append_str(out, " (implausible)");
	return true;
}
