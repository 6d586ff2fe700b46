/* kernel_header.c - DUMP_HEADER64 and DUMP_HEADER32, and how their fields are read */
#include "dump/context_layout.h"
#include "dump/kernel_internal.h"

/* What the kernel fills with before it writes: "PAGE". */
static const uint32_t FILLER_32 = 0x45474150U;
static const uint64_t FILLER_64 = UINT64_C(0x4547415045474150);

enum {
	COMMENT_BYTES = 128,
	RECORD_BYTES_32 = 0x50
};

static uint64_t
number_at(struct slice in, uint64_t offset, unsigned bytes)
{
	struct reader r;
	uint64_t value = 0;
	if (offset > in.len)
		return 0;
	reader_init(&r, slice_sub(in, (size_t)offset, bytes));
	if (bytes == 2)
		value = reader_u16(&r);
	else
		value = bytes == 4 ? reader_u32(&r) : reader_u64(&r);
	return r.error == OK ? value : 0;
}

uint16_t
kernel_u16(struct slice in, uint64_t offset)
{
	return (uint16_t)number_at(in, offset, 2);
}

uint32_t
kernel_u32(struct slice in, uint64_t offset)
{
	return (uint32_t)number_at(in, offset, 4);
}

uint64_t
kernel_u64(struct slice in, uint64_t offset)
{
	return number_at(in, offset, 8);
}

struct slice
kernel_piece(struct slice in, uint64_t offset, uint64_t bytes)
{
	if (offset > in.len || bytes > in.len - offset)
		return (struct slice){0};
	return slice_sub(in, (size_t)offset, (size_t)bytes);
}

struct slice
kernel_ascii(struct slice field)
{
	size_t len = 0;
	while (len < field.len && field.data[len] >= 0x20 && field.data[len] < 0x7f)
		len++;
	if (len == 0 || len == field.len || field.data[len] != 0)
		return (struct slice){0};
	return slice_sub(field, 0, len);
}

/* 0 where the kernel wrote nothing. */
static uint32_t
field_32(struct slice file, uint64_t offset)
{
	uint32_t value = kernel_u32(file, offset);
	return value == FILLER_32 ? 0 : value;
}

static uint64_t
field_64(struct slice file, uint64_t offset)
{
	uint64_t value = kernel_u64(file, offset);
	return value == FILLER_64 ? 0 : value;
}

/* Up to its NUL; absent when it was not written. */
static struct slice
comment_at(struct slice file, size_t offset)
{
	struct slice text = slice_sub(file, offset, COMMENT_BYTES);
	if (kernel_u32(text, 0) == FILLER_32)
		return (struct slice){0};
	return kernel_ascii(text);
}

static struct slice
context_at(struct slice file, size_t offset, enum arch arch)
{
	size_t bytes = context_layout_bytes(arch);
	if (bytes == 0 || kernel_u32(file, offset) == FILLER_32 ||
	    kernel_u32(file, offset + 0x30) == FILLER_32)
		return (struct slice){0};
	return slice_sub(file, offset, bytes);
}

static uint32_t
parameter_count(uint32_t claimed)
{
	return claimed > DUMP_PARAMETERS_MAX ? DUMP_PARAMETERS_MAX : claimed;
}

struct kernel_record
kernel_record_parse_64(struct slice raw)
{
	struct kernel_record record = {
		.code = kernel_u32(raw, 0x00),
		.flags = kernel_u32(raw, 0x04),
		.next = kernel_u64(raw, 0x08),
		.address = kernel_u64(raw, 0x10),
		.n_parameters = parameter_count(kernel_u32(raw, 0x18)),
	};
	record.is_there = record.code != 0 && record.code != FILLER_32;
	for (uint32_t i = 0; i < record.n_parameters; i++)
		record.parameters[i] = kernel_u64(raw, 0x20 + 8 * (uint64_t)i);
	return record;
}

static struct kernel_record
record_parse_32(struct slice raw)
{
	struct kernel_record record = {
		.code = kernel_u32(raw, 0x00),
		.flags = kernel_u32(raw, 0x04),
		.next = kernel_u32(raw, 0x08),
		.address = kernel_u32(raw, 0x0c),
		.n_parameters = parameter_count(kernel_u32(raw, 0x10)),
	};
	record.is_there = record.code != 0 && record.code != FILLER_32;
	for (uint32_t i = 0; i < record.n_parameters; i++)
		record.parameters[i] = kernel_u32(raw, 0x14 + 4 * (uint64_t)i);
	return record;
}

static enum arch
arch_of_machine(uint32_t machine)
{
	switch (machine) {
	case 0x014c:
		return ARCH_X86;
	case 0x01c4:
		return ARCH_ARM;
	case 0x8664:
		return ARCH_AMD64;
	case 0xaa64:
		return ARCH_ARM64;
	default:
		return ARCH_UNKNOWN;
	}
}

static struct kernel_header
header_64(struct slice file)
{
	struct kernel_header h = {
		.is_64 = true,
		.major = kernel_u32(file, 0x008),
		.minor = kernel_u32(file, 0x00c),
		.directory_table_base = field_64(file, 0x010),
		.pfn_database = field_64(file, 0x018),
		.loaded_modules = field_64(file, 0x020),
		.active_processes = field_64(file, 0x028),
		.machine = kernel_u32(file, 0x030),
		.processors = field_32(file, 0x034),
		.bugcheck = {.code = field_32(file, 0x038)},
		.debugger_data = field_64(file, 0x080),
		.exception = kernel_record_parse_64(slice_sub(file, 0xf00, KERNEL_RECORD_BYTES)),
		.type = field_32(file, 0xf98),
		.required_bytes = field_64(file, 0xfa0),
		.system_time = field_64(file, 0xfa8),
		.comment = comment_at(file, 0xfb0),
		.up_time = field_64(file, 0x1030),
		.fields = field_32(file, 0x1038),
		.secondary_state = field_32(file, 0x103c),
		.product_type = field_32(file, 0x1040),
		.suite_mask = field_32(file, 0x1044),
		.writer_status = field_32(file, 0x1048),
	};
	h.bugcheck.is_there = h.bugcheck.code != 0;
	for (unsigned i = 0; h.bugcheck.is_there && i < 4; i++)
		h.bugcheck.parameters[i] = kernel_u64(file, 0x040 + 8 * (uint64_t)i);
	h.arch = arch_of_machine(h.machine);
	h.context = context_at(file, 0x348, h.arch);
	return h;
}

static struct kernel_header
header_32(struct slice file)
{
	struct kernel_header h = {
		.major = kernel_u32(file, 0x008),
		.minor = kernel_u32(file, 0x00c),
		.directory_table_base = field_32(file, 0x010),
		.pfn_database = field_32(file, 0x014),
		.loaded_modules = field_32(file, 0x018),
		.active_processes = field_32(file, 0x01c),
		.machine = kernel_u32(file, 0x020),
		.processors = field_32(file, 0x024),
		.bugcheck = {.code = field_32(file, 0x028)},
		.debugger_data = field_32(file, 0x060),
		.exception = record_parse_32(slice_sub(file, 0x7d0, RECORD_BYTES_32)),
		.comment = comment_at(file, 0x820),
		.type = field_32(file, 0xf88),
		.fields = field_32(file, 0xf8c),
		.secondary_state = field_32(file, 0xf90),
		.product_type = field_32(file, 0xf94),
		.suite_mask = field_32(file, 0xf98),
		.writer_status = field_32(file, 0xf9c),
		.required_bytes = field_64(file, 0xfa0),
		.up_time = field_64(file, 0xfb8),
		.system_time = field_64(file, 0xfc0),
	};
	h.bugcheck.is_there = h.bugcheck.code != 0;
	for (unsigned i = 0; h.bugcheck.is_there && i < 4; i++)
		h.bugcheck.parameters[i] = kernel_u32(file, 0x02c + 4 * (uint64_t)i);
	h.arch = arch_of_machine(h.machine);
	h.context = context_at(file, 0x320, h.arch);
	return h;
}

static bool
is_64(struct slice file)
{
	return slice_starts_with(file, SLICE_LITERAL("PAGEDU64"));
}

bool
kernel_is_dump(struct slice file)
{
	return is_64(file) || slice_starts_with(file, SLICE_LITERAL("PAGEDUMP"));
}

err_t
kernel_header_parse(struct slice file, struct kernel_header *ret_header, struct err_detail *detail)
{
	if (!kernel_is_dump(file))
		return err_set(detail, ERR_CORRUPT,
			       "no kernel dump: it begins with neither "
			       "PAGEDU64 nor PAGEDUMP");
	size_t bytes = is_64(file) ? KERNEL_HEADER_BYTES_64 : KERNEL_HEADER_BYTES_32;
	if (file.len < bytes) {
		(void)err_set(detail, ERR_TRUNCATED,
			      "the header of a kernel dump has %zu bytes, the file %zu", bytes,
			      file.len);
		if (detail != NULL)
			detail->offset = file.len;
		return ERR_TRUNCATED;
	}
	*ret_header = is_64(file) ? header_64(file) : header_32(file);
	return OK;
}
