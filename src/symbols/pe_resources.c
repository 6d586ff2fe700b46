/* The version resource: three folders deep (kind, name, language), then a tree of its own.
 *
 * A node of that tree: bytes of the whole, length of the value, whether it is text, key in
 * UTF-16 with NUL, padding to 4, value, padding, children.  The levels have fixed meanings, so
 * each has a function and nothing recurses:
 *
 *     VS_VERSION_INFO -> StringFileInfo -> table of one language -> "CompanyName" = "..."
 *
 * [PE Format] "The .rsrc Section"; VS_VERSIONINFO of the Windows manuals.
 */
#include "base/text.h"
#include "symbols/pe_internal.h"

enum {
	KIND_VERSION = 16,
	FOLDER_BYTES = 16,
	ENTRY_BYTES = 8,
	LEVELS = 3,
	FIXED_BYTES = 52,
	NODE_HEADER_BYTES = 6
};

#define IS_FOLDER UINT32_C(0x80000000)
#define FIXED_SIGNATURE UINT32_C(0xfeef04bd)

struct node {
	struct slice key; /* UTF-16 without its NUL */
	bool is_text;
	struct slice value;
	struct slice children;
};

/* In a folder: the entry of number ID, or the first one.  The offset is from the start of the
 * resources; folders have IS_FOLDER in it. */
static err_t
find_entry(const struct pe *pe, uint32_t folder, bool is_any, uint32_t id, uint32_t *ret_offset)
{
	uint64_t rva = (uint64_t)pe->directories[PE_DIRECTORY_RESOURCES].rva + folder;
	struct slice head;
	struct slice entries;
	struct reader r;
	if (!pe_bytes(pe, rva, FOLDER_BYTES, &head))
		return ERR_CORRUPT;
	reader_init(&r, slice_sub(head, 12, 4));
	size_t n = reader_u16(&r);
	n += reader_u16(&r);
	if (n > LIMIT_PE_RESOURCE_ENTRIES)
		return ERR_LIMIT;
	if (n == 0)
		return ERR_NOTFOUND;
	if (!pe_bytes(pe, rva + FOLDER_BYTES, n * ENTRY_BYTES, &entries))
		return ERR_CORRUPT;
	for (size_t i = 0; i < n; i++) {
		if (!is_any && pe_u32_of(entries, 2 * i) != id)
			continue;
		*ret_offset = pe_u32_of(entries, 2 * i + 1);
		return OK;
	}
	return ERR_NOTFOUND;
}

static err_t
find_version_bytes(const struct pe *pe, struct slice *ret_bytes)
{
	uint32_t offset = 0;
	uint32_t rva;
	uint32_t bytes;
	for (unsigned level = 0; level < LEVELS; level++) {
		err_t err = find_entry(pe, offset, level > 0, KIND_VERSION, &offset);
		if (err != OK)
			return err;
		if (((offset & IS_FOLDER) != 0) != (level + 1 < LEVELS))
			return ERR_CORRUPT;
		offset &= ~IS_FOLDER;
	}
	uint64_t entry = (uint64_t)pe->directories[PE_DIRECTORY_RESOURCES].rva + offset;
	if (!pe_u32(pe, entry, &rva) || !pe_u32(pe, entry + 4, &bytes))
		return ERR_CORRUPT;
	if (bytes > LIMIT_PE_VERSION_BYTES)
		return ERR_LIMIT;
	return pe_bytes(pe, rva, bytes, ret_bytes) ? OK : ERR_CORRUPT;
}

static void
skip_to_4(struct reader *r)
{
	size_t pad = (4 - r->at % 4) % 4;
	(void)reader_bytes(r, pad < reader_left(r) ? pad : reader_left(r));
}

static struct slice
read_key(struct reader *r)
{
	size_t start = r->at;
	while (reader_left(r) >= 2)
		if (reader_u16(r) == 0)
			return slice_sub(r->in, start, r->at - 2 - start);
	reader_fail(r, ERR_CORRUPT);
	return (struct slice){0};
}

/* The next node of R, which begins at a multiple of 4 of the resource: all do, so slices of
 * whole nodes keep the alignment.  Lengths of text values count characters, or, by writers that
 * are wrong, bytes: what is too long is cut at the node's end. */
static bool
next_node(struct reader *r, struct node *ret_node)
{
	struct reader inner;
	skip_to_4(r);
	if (reader_left(r) < NODE_HEADER_BYTES)
		return false;
	struct slice rest = slice_sub(r->in, r->at, SIZE_MAX);
	reader_init(&inner, rest);
	size_t bytes = reader_u16(&inner);
	size_t value_len = reader_u16(&inner);
	bool is_text = reader_u16(&inner) == 1;
	if (bytes < NODE_HEADER_BYTES || bytes > rest.len)
		return false;
	inner.in = slice_sub(rest, 0, bytes);
	ret_node->is_text = is_text;
	ret_node->key = read_key(&inner);
	if (inner.error != OK)
		return false;
	skip_to_4(&inner);
	ret_node->value = slice_sub(inner.in, inner.at, is_text ? 2 * value_len : value_len);
	(void)reader_bytes(&inner, ret_node->value.len);
	skip_to_4(&inner);
	ret_node->children = slice_sub(inner.in, inner.at, SIZE_MAX);
	(void)reader_bytes(r, bytes);
	return true;
}

static bool
key_is(struct slice key, const char *ascii)
{
	size_t n = strlen(ascii);
	if (key.len != 2 * n)
		return false;
	for (size_t i = 0; i < n; i++)
		if (key.data[2 * i] != (uint8_t)ascii[i] || key.data[2 * i + 1] != 0)
			return false;
	return true;
}

/* Up to the first NUL; absent when nothing is left. */
static struct slice
text_of(struct pe *pe, struct slice utf16)
{
	struct buf utf8;
	struct slice text = {0};
	size_t len = 0;
	while (len + 1 < utf16.len && (utf16.data[len] != 0 || utf16.data[len + 1] != 0))
		len += 2;
	buf_init(&utf8, LIMIT_TEXT_BYTES);
	(void)text_to_utf8(slice_sub(utf16, 0, len), TEXT_UTF16LE, &utf8);
	if (buf_error(&utf8) == OK && utf8.len > 0)
		text = slice_dup(&pe->arena, slice_trim(buf_slice(&utf8)));
	buf_done(&utf8);
	return text.len == 0 ? (struct slice){0} : text;
}

static void
keep_string(struct pe *pe, const struct node *string)
{
	struct pe_identity *id = &pe->identity;
	const struct {
		const char *key;
		struct slice *to;
	} known[] = {
		{"CompanyName", &id->company},        {"FileDescription", &id->description},
		{"ProductName", &id->product},        {"OriginalFilename", &id->original_name},
		{"InternalName", &id->internal_name}, {"FileVersion", &id->version_text},
	};
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (key_is(string->key, known[i].key) && slice_is_absent(*known[i].to))
			*known[i].to = text_of(pe, string->value);
}

static void
read_strings(struct pe *pe, struct slice table)
{
	struct reader r;
	struct node string;
	reader_init(&r, table);
	for (unsigned i = 0; i < LIMIT_PE_VERSION_STRINGS && next_node(&r, &string); i++)
		keep_string(pe, &string);
}

static struct slice
version_of(struct pe *pe, uint32_t high, uint32_t low)
{
	return slice_str(arena_printf(&pe->arena, "%u.%u.%u.%u", high >> 16, high & 0xffff,
				      low >> 16, low & 0xffff));
}

static err_t
read_fixed(struct pe *pe, struct slice value)
{
	struct reader r;
	reader_init(&r, value);
	if (value.len == 0)
		return OK;
	if (value.len < FIXED_BYTES || reader_u32(&r) != FIXED_SIGNATURE)
		return ERR_CORRUPT;
	(void)reader_u32(&r);
	uint32_t file_high = reader_u32(&r);
	uint32_t file_low = reader_u32(&r);
	uint32_t product_high = reader_u32(&r);
	uint32_t product_low = reader_u32(&r);
	pe->identity.file_version = version_of(pe, file_high, file_low);
	pe->identity.product_version = version_of(pe, product_high, product_low);
	return OK;
}

static void
read_languages(struct pe *pe, struct slice children)
{
	struct reader files;
	struct node info;
	reader_init(&files, children);
	while (next_node(&files, &info)) {
		struct reader tables;
		struct node table;
		if (!key_is(info.key, "StringFileInfo"))
			continue;
		reader_init(&tables, info.children);
		while (next_node(&tables, &table))
			read_strings(pe, table.children);
	}
}

err_t
pe_read_version(struct pe *pe)
{
	struct slice bytes;
	struct reader r;
	struct node root;
	if (pe->directories[PE_DIRECTORY_RESOURCES].bytes == 0)
		return OK;
	err_t err = find_version_bytes(pe, &bytes);
	if (err != OK)
		return err == ERR_NOTFOUND ? OK : err;
	reader_init(&r, bytes);
	if (!next_node(&r, &root) || !key_is(root.key, "VS_VERSION_INFO"))
		return ERR_CORRUPT;
	read_languages(pe, root.children);
	return read_fixed(pe, root.value);
}
