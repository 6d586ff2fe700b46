/* What language runtimes and system libraries say in an exception's parameters, or in memory to
 * which these point.  That memory is in small dumps only by luck: what is missing is not said. */
#include <inttypes.h>
#include <stdio.h>

#include "dump/exception_parts.h"
#include "report/code.h"

enum {
	TEXT_BYTES = 256
};

struct view {
	const struct dump *dump;
	struct memory memory;
	unsigned pointer_bytes;
};

static struct view
view_of(const struct dump *dump)
{
	return (struct view){dump, dump_memory_of(dump), arch_pointer_bytes(dump->arch)};
}

static bool
read_pointer(const struct view *v, uint64_t address, uint64_t *ret_value)
{
	return memory_pointer(&v->memory, v->pointer_bytes, address, ret_value) && *ret_value != 0;
}

/* A C string of printable characters, cut at TEXT_BYTES; false when there is none. */
static bool
read_text(const struct view *v, uint64_t address, char text[TEXT_BYTES])
{
	size_t len = 0;
	for (; len < TEXT_BYTES - 1; len++) {
		uint8_t byte;
		if (!memory_bytes(&v->memory, address + len, &byte, 1))
			return false;
		if (byte == 0)
			break;
		if (byte < ' ' || byte > '~')
			return false;
		text[len] = (char)byte;
	}
	text[len] = 0;
	return len > 0;
}

static void
put_hresult(uint64_t code, struct buf *text)
{
	char hex[20];
	(void)snprintf(hex, sizeof(hex), "%x", (uint32_t)code);
	buf_printf(text, "0x%08x ", (uint32_t)code);
	code_describe(CODE_HRESULT, slice_str(hex), text);
}

/* ---- C++ of Visual Studio (and of compilers that follow its ABI) ----
 *
 * Parameters: magic number, object, ThrowInfo, and on 64-bit systems the base of the image to
 * which all that follows is relative.  ThrowInfo names an array of CatchableTypes, the first of
 * which is the thrown type; its TypeDescriptor ends with the decorated name. */

enum {
	THROW_INFO_TYPES = 12, /* offset of pCatchableTypeArray */
	TYPES_FIRST = 4,       /* of the first CatchableType in that array */
	TYPE_DESCRIPTOR = 4    /* of pType in CatchableType */
};

static bool
is_cpp_magic(uint64_t magic)
{
	return magic >= 0x19930520 && magic <= 0x19930522;
}

/* The 4 bytes at ADDRESS: a pointer, or relative to BASE. */
static bool
follow(const struct view *v, uint64_t address, uint64_t base, uint64_t *ret_address)
{
	uint32_t value;
	if (!memory_u32(&v->memory, address, &value) || value == 0)
		return false;
	*ret_address = base + value;
	return true;
}

static bool
read_type_name(const struct view *v, uint64_t throw_info, uint64_t base, char name[TEXT_BYTES])
{
	uint64_t types;
	uint64_t type;
	uint64_t descriptor;
	return follow(v, throw_info + THROW_INFO_TYPES, base, &types) &&
	       follow(v, types + TYPES_FIRST, base, &type) &&
	       follow(v, type + TYPE_DESCRIPTOR, base, &descriptor) &&
	       read_text(v, descriptor + (uint64_t)2 * v->pointer_bytes, name);
}

/* ".?AVbad_alloc@std@@" is std::bad_alloc.  Templates and other kinds are shown as they are. */
static void
put_type_name(const char *decorated, struct buf *text)
{
	enum {
		PREFIX = 4, /* .?AV class, .?AU structure */
		PARTS_MOST = 16
	};
	struct slice parts[PARTS_MOST];
	struct slice rest = slice_str(decorated);
	size_t n = 0;
	if (!slice_starts_with(rest, SLICE_LITERAL(".?A")) ||
	    !slice_ends_with(rest, SLICE_LITERAL("@@")) ||
	    memchr(rest.data + PREFIX - 1, '?', rest.len - PREFIX + 1) != NULL) {
		buf_append_str(text, decorated);
		return;
	}
	rest = slice_sub(rest, PREFIX, rest.len - PREFIX - 1);
	while (n < PARTS_MOST && slice_cut(rest, '@', &parts[n], &rest))
		n++;
	for (; n > 0; n--) {
		buf_append(text, parts[n - 1]);
		buf_append_str(text, n > 1 ? "::" : "");
	}
}

void
exception_put_cpp(const struct dump *dump, struct buf *text)
{
	const struct dump_exception *e = &dump->exception;
	struct view v = view_of(dump);
	char name[TEXT_BYTES];
	buf_append_str(text, "a C++ exception that nobody caught");
	if (e->n_parameters < 3 || !is_cpp_magic(e->parameters[0]))
		return;
	if (e->parameters[2] == 0) {
		buf_append_str(text, ", thrown again by `throw;`");
		return;
	}
	uint64_t base = v.pointer_bytes == 8 && e->n_parameters > 3 ? e->parameters[3] : 0;
	if (read_type_name(&v, e->parameters[2], base, name)) {
		buf_append_str(text, ", of type ");
		put_type_name(name, text);
		return;
	}
	buf_append_str(text, ", its type described at ");
	address_describe_code(dump, e->parameters[2], text);
}

/* ---- .NET ---- */

/* HRESULTs that .NET shares with COM, and what its exceptions of that number are called. */
static const struct {
	uint32_t code;
	const char *name;
} clr_types[] = {
	{0x80004001, "NotImplementedException"},     {0x80004002, "InvalidCastException"},
	{0x80004003, "NullReferenceException"},      {0x80020012, "DivideByZeroException"},
	{0x80070002, "FileNotFoundException"},       {0x80070003, "DirectoryNotFoundException"},
	{0x80070005, "UnauthorizedAccessException"}, {0x8007000b, "BadImageFormatException"},
	{0x8007000e, "OutOfMemoryException"},        {0x80070057, "ArgumentException"},
	{0x800703e9, "StackOverflowException"},
};

void
exception_put_clr(const struct dump *dump, struct buf *text)
{
	const struct dump_exception *e = &dump->exception;
	buf_append_str(text, "a .NET exception that nobody caught");
	if (e->n_parameters == 0)
		return;
	uint32_t code = (uint32_t)e->parameters[0];
	buf_append_str(text, ": ");
	for (size_t i = 0; i < sizeof(clr_types) / sizeof(clr_types[0]); i++)
		if (clr_types[i].code == code)
			buf_printf(text, "%s, ", clr_types[i].name);
	put_hresult(code, text);
}

/* ---- delay load: a DLL that was to be loaded at its first use ---- */

static const struct {
	unsigned dll, by_name, procedure; /* offsets in DelayLoadInfo */
} delay_load[2] = {
	{0x0c, 0x10, 0x14}, /* 32-bit */
	{0x18, 0x20, 0x28},
};

void
exception_put_delay_load(const struct dump *dump, struct buf *text)
{
	const struct dump_exception *e = &dump->exception;
	struct view v = view_of(dump);
	unsigned wide = v.pointer_bytes == 8;
	uint64_t info = e->parameters[0];
	uint64_t dll;
	uint64_t procedure;
	uint32_t is_by_name;
	char name[TEXT_BYTES];
	buf_append_str(text, (e->code & 1) != 0
				     ? "a DLL lacks a function that was to be loaded at its "
				       "first use"
				     : "a DLL that was to be loaded at its first use is missing");
	if (e->n_parameters < 1 || !read_pointer(&v, info + delay_load[wide].dll, &dll) ||
	    !read_text(&v, dll, name))
		return;
	buf_printf(text, ": %s", name);
	if (!memory_u32(&v.memory, info + delay_load[wide].by_name, &is_by_name) ||
	    !read_pointer(&v, info + delay_load[wide].procedure, &procedure))
		return;
	if (is_by_name == 0)
		buf_printf(text, ", number %" PRIu64, procedure & 0xffff);
	else if (read_text(&v, procedure, name))
		buf_printf(text, ", %s", name);
}

/* ---- Windows Runtime: errors that were stowed away; parameters: array and count ---- */

void
exception_put_stowed(const struct dump *dump, struct buf *text)
{
	enum {
		RESULT = 8 /* offset of ResultCode in STOWED_EXCEPTION_INFORMATION */
	};
	const struct dump_exception *e = &dump->exception;
	struct view v = view_of(dump);
	uint64_t stowed;
	uint32_t result;
	buf_append_str(text, "a Windows Runtime error that was kept until the program ended");
	if (e->n_parameters < 2 || e->parameters[1] == 0 ||
	    !read_pointer(&v, e->parameters[0], &stowed) ||
	    !memory_u32(&v.memory, stowed + RESULT, &result))
		return;
	buf_append_str(text, ": ");
	put_hresult(result, text);
}

/* ---- heap: HEAP_FAILURE_INFORMATION of ntdll ---- */

static const char *const heap_failures[] = {
	"internal",
	"unknown",
	"generic",
	"a block's header was overwritten",
	"headers of several blocks were overwritten",
	"a large block's header was overwritten",
	"written past the end of a block",
	"written before the start of a block",
	"a block that is not in use was freed: freed twice",
	"an address that is no block was freed",
	"invalid kind of allocation",
	"memory was used after it was freed",
	"a block was freed in another heap",
	"the list of free blocks is corrupt",
	"a list of blocks is corrupt",
	"bitmap of small blocks does not fit",
	"bitmap of small blocks is corrupt",
	"a small block was freed twice",
	"a group of blocks is corrupt",
	"no heap",
	"over the heap's limit",
	"over the limit of committed memory",
	"invalid query",
};

void
exception_put_heap(const struct dump *dump, struct buf *text)
{
	enum {
		FAILURE_TYPE = 8
	};
	const struct dump_exception *e = &dump->exception;
	struct view v = view_of(dump);
	uint32_t type;
	buf_append_str(text,
		       "the heap found itself corrupt: memory was overwritten, freed twice or "
		       "used after it was freed, at some time before");
	if (e->n_parameters >= 1 && memory_u32(&v.memory, e->parameters[0] + FAILURE_TYPE, &type) &&
	    type < sizeof(heap_failures) / sizeof(heap_failures[0]))
		buf_printf(text, " (%s)", heap_failures[type]);
}
