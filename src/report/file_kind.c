#include "report/file_kind.h"

#include "base/reader.h"
#include "base/text.h"
#include "report/xml_scan.h"

enum {
	MINIDUMP_FLAGS_AT = 24,
	FULL_MEMORY = 0x2,                 /* MiniDumpWithFullMemory */
	PRIVATE_READ_WRITE_MEMORY = 0x200, /* MiniDumpWithPrivateReadWriteMemory */
	ELF_CLASS_BYTES = 16,              /* of e_ident; e_type follows */
	ELF_BIG_ENDIAN = 2,
	ELF_BIG_ENDIAN_AT = 5,
	ELF_TYPE_CORE = 4
};

static const struct {
	const char *id;
	const char *name;
} kinds[FILE_KIND_N] = {
#define FILE_KIND_ROW_(code, id, name) [code] = {id, name},
	FILE_KINDS(FILE_KIND_ROW_)
#undef FILE_KIND_ROW_
};

const char *
file_kind_id(enum file_kind kind)
{
	return kinds[kind].id;
}

const char *
file_kind_name(enum file_kind kind)
{
	return kinds[kind].name;
}

struct slice
file_base_name(struct slice path)
{
	size_t at = path.len;
	while (at > 0 && path.data[at - 1] != '/' && path.data[at - 1] != '\\')
		at--;
	return slice_sub(path, at, path.len);
}

bool
file_is_named(struct slice name, const char *file)
{
	struct slice base = file_base_name(name);
	struct slice wanted = slice_str(file);
	if (base.len < wanted.len ||
	    !slice_equal_nocase(slice_sub(base, base.len - wanted.len, wanted.len), wanted))
		return false;
	if (base.len == wanted.len)
		return true;
	/* "WERE035.tmp.", "WER.<guid>.tmp." */
	struct slice prefix = slice_sub(base, 0, base.len - wanted.len);
	return prefix.len > 8 && slice_equal_nocase(slice_sub(prefix, 0, 3), slice_str("WER")) &&
	       slice_equal_nocase(slice_sub(prefix, prefix.len - 5, 5), slice_str(".tmp."));
}

static enum file_kind
kind_of_minidump(struct slice bytes)
{
	struct reader reader;
	reader_init(&reader, bytes);
	(void)reader_bytes(&reader, MINIDUMP_FLAGS_AT);
	uint64_t flags = reader_u64(&reader);
	bool has_heap = (flags & (FULL_MEMORY | PRIVATE_READ_WRITE_MEMORY)) != 0;
	return has_heap ? FILE_HEAP_DUMP : FILE_MINIDUMP;
}

static enum file_kind
kind_of_elf(struct slice bytes)
{
	struct reader reader;
	reader_init(&reader, bytes);
	struct slice ident = reader_bytes(&reader, ELF_CLASS_BYTES);
	bool is_big = ident.len > 0 && ident.data[ELF_BIG_ENDIAN_AT] == ELF_BIG_ENDIAN;
	uint16_t type = is_big ? reader_u16_be(&reader) : reader_u16(&reader);
	return type == ELF_TYPE_CORE ? FILE_ELF_CORE : FILE_ELF;
}

/* FILE_UNKNOWN: no signature that we know. */
static enum file_kind
kind_by_signature(struct slice bytes)
{
	if (slice_starts_with(bytes, SLICE_LITERAL("MDMP")))
		return kind_of_minidump(bytes);
	if (slice_starts_with(bytes, SLICE_LITERAL("PAGEDU64")) ||
	    slice_starts_with(bytes, SLICE_LITERAL("PAGEDUMP")))
		return FILE_KERNEL_DUMP;
	if (slice_starts_with(bytes, SLICE_LITERAL("MSCF")))
		return FILE_CABINET;
	if (slice_starts_with(bytes, SLICE_LITERAL("\177ELF")))
		return kind_of_elf(bytes);
	if (slice_starts_with(bytes, SLICE_LITERAL("MZ")))
		return FILE_PE;
	return FILE_UNKNOWN;
}

/* "Version=" and a digit first, and EventType= on a line below. */
static bool
is_report_wer(struct slice text)
{
	static const char event_type[] = "\nEventType=";
	return slice_starts_with(text, SLICE_LITERAL("Version=")) && text.len > 8 &&
	       text.data[8] >= '0' && text.data[8] <= '9' &&
	       memmem(text.data, text.len, event_type, sizeof(event_type) - 1) != NULL;
}

static bool
is_registry(struct slice text)
{
	return slice_starts_with(text, SLICE_LITERAL("REGEDIT4")) ||
	       slice_starts_with(text, SLICE_LITERAL("Windows Registry Editor Version ")) ||
	       slice_starts_with(text, SLICE_LITERAL("[HKEY_"));
}

/* By the root element; of DATABASE by its first child too, for others have a database as well. */
static enum file_kind
kind_of_xml(struct slice text)
{
	struct xml_scan scan;
	struct xml_token token;
	bool is_database = false;
	xml_scan_init(&scan, text);
	while (xml_scan_next(&scan, &token)) {
		if (token.kind == XML_TOKEN_TEXT && slice_trim(token.text).len == 0)
			continue;
		if (token.kind != XML_TOKEN_OPEN)
			break;
		if (is_database)
			return slice_equal_nocase(token.name, SLICE_LITERAL("EXE")) ? FILE_APPCOMPAT
										    : FILE_XML;
		if (slice_equal_nocase(token.name, SLICE_LITERAL("WERREPORT")))
			return FILE_LEVEL1;
		if (slice_equal_str(token.name, "WERReportMetadata"))
			return FILE_METADATA;
		is_database = slice_equal_nocase(token.name, SLICE_LITERAL("DATABASE"));
		if (!is_database)
			return FILE_XML;
	}
	return is_database || slice_starts_with(text, SLICE_LITERAL("<?xml")) ? FILE_XML
									      : FILE_TEXT;
}

/* What a text says of itself; FILE_TEXT or FILE_XML when that is all. */
static enum file_kind
kind_of_text(struct slice text)
{
	text = slice_trim(text);
	if (is_report_wer(text))
		return FILE_REPORT_WER;
	if (slice_starts_with(text, SLICE_LITERAL("ImageName,UniqueProcessId,")) ||
	    slice_starts_with(text, SLICE_LITERAL("\"ImageName\",")))
		return FILE_PROCESS_LIST;
	if (is_registry(text))
		return FILE_REGISTRY;
	if (slice_starts_with(text, SLICE_LITERAL("<")))
		return kind_of_xml(text);
	return FILE_TEXT;
}

/* Few control characters that no text has, and no more broken ones than an 8-bit code page has
 * letters beyond ASCII. */
static bool
is_text(struct slice utf8, size_t n_broken)
{
	size_t n_strange = 0;
	for (size_t i = 0; i < utf8.len; i++) {
		uint8_t c = utf8.data[i];
		n_strange += c < 0x20 && c != '\t' && c != '\r' && c != '\n' && c != '\f';
	}
	return n_strange <= utf8.len / 64 && n_broken <= utf8.len / 8;
}

/* FILE_UNKNOWN: no text. */
static enum file_kind
kind_by_text(struct slice bytes)
{
	struct buf utf8;
	size_t mark_bytes;
	enum text_encoding encoding = text_detect(bytes, &mark_bytes);
	bytes = slice_sub(bytes, mark_bytes, bytes.len);
	if (encoding != TEXT_UTF8)
		bytes.len -= bytes.len % 2;
	buf_init(&utf8, FILE_KIND_BYTES * 3);
	size_t n_broken = text_to_utf8(bytes, encoding, &utf8);
	struct slice text = buf_slice(&utf8);
	while (text.len > 0 && text.data[text.len - 1] == 0)
		text.len--;
	enum file_kind kind = is_text(text, n_broken) ? kind_of_text(text) : FILE_UNKNOWN;
	buf_done(&utf8);
	return kind;
}

/* Texts that do not say what they are.  XML is none of those that are not. */
static enum file_kind
kind_by_name(struct slice name, enum file_kind otherwise)
{
	static const struct {
		const char *name;
		enum file_kind kind;
		bool is_xml;
	} names[] = {
		{"AppCompat.txt", FILE_APPCOMPAT, true},
		{"sysdata.xml", FILE_SYSDATA, true},
		{"LoadedModules.xml", FILE_LOADED_MODULES, true},
		{"WERInternalMetadata.xml", FILE_METADATA, true},
		{"sysinfo.txt", FILE_SYSINFO, false},
		{"FileVer.txt", FILE_FILE_VERSION, false},
		{"wql.txt", FILE_WQL, false},
		{"registry.txt", FILE_REGISTRY, false},
		{"Version.txt", FILE_VERSION, false},
		{"memory.csv", FILE_PROCESS_LIST, false},
		{"Report.wer", FILE_REPORT_WER, false},
	};
	struct slice extension = slice_sub(name, name.len < 4 ? name.len : name.len - 4, 4);
	bool is_xml = otherwise == FILE_XML;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if ((names[i].is_xml || !is_xml) && file_is_named(name, names[i].name))
			return names[i].kind;
	bool is_reg = !is_xml && slice_equal_nocase(extension, SLICE_LITERAL(".reg"));
	return is_reg ? FILE_REGISTRY : otherwise;
}

enum file_kind
wer_file_detect(struct slice name, struct slice bytes)
{
	if (bytes.len == 0)
		return FILE_EMPTY;
	enum file_kind kind = kind_by_signature(bytes);
	if (kind == FILE_UNKNOWN)
		kind = kind_by_text(slice_sub(bytes, 0, FILE_KIND_BYTES));
	return kind == FILE_TEXT || kind == FILE_XML ? kind_by_name(name, kind) : kind;
}
