#include "symbols/pdb_dbi.h"

#include "base/hash.h"
#include "base/limits.h"
#include "base/reader.h"
#include "base/text.h"

enum {
	DBI_STREAM = 3,
	HEADER_BYTES = 64,
	VERSION_LEAST = 19970606, /* Visual C++ 6; before it records had other sizes */
	MODULE_REST_BYTES = 16,   /* counts and offsets of source files */
	CONTRIBUTION_BYTES = 28,
	CONTRIBUTION2_BYTES = 32, /* with the section's number in the object file */
	VERSION_BYTES = 4
};

#define CONTRIBUTIONS_VERSION (0xeffe0000U + 19970605U)
#define CONTRIBUTIONS2_VERSION (0xeffe0000U + 20140516U)

/* Substreams in their order. */
enum part {
	PART_MODULES,
	PART_CONTRIBUTIONS,
	PART_SECTION_MAP,
	PART_FILES,
	PART_TYPE_SERVERS,
	PART_EDIT_AND_CONTINUE,
	PART_STREAMS,
	PARTS
};

/* Numbers of further streams, in their order. */
enum further {
	FURTHER_FPO,
	FURTHER_OMAP_TO_SOURCE = 3,
	FURTHER_OMAP_FROM_SOURCE,
	FURTHER_SECTIONS,
	FURTHER_FRAME_DATA = 9,
	FURTHER_SOURCE_SECTIONS,
	FURTHERS
};

static err_t
read_header(const struct msf *msf, struct pdb_dbi *dbi, struct pdb_part parts[PARTS],
	    struct err_detail *detail)
{
	uint8_t scratch[HEADER_BYTES];
	struct slice bytes;
	struct reader r;
	uint32_t sizes[PARTS];
	if (msf_bytes(msf, DBI_STREAM) == 0)
		return err_set(detail, ERR_NOTFOUND, "no DBI stream: it names no code");
	if (!msf_peek(msf, DBI_STREAM, 0, HEADER_BYTES, scratch, &bytes))
		return err_set(detail, ERR_TRUNCATED, "the DBI stream ends early");
	reader_init(&r, bytes);
	bool is_new = reader_u32(&r) == UINT32_MAX;
	uint32_t version = reader_u32(&r);
	if (!is_new || version < VERSION_LEAST)
		return err_set(detail, ERR_UNSUPPORTED, "a DBI stream of before 1997");
	dbi->age = reader_u32(&r);
	(void)reader_u16(&r); /* globals */
	(void)reader_u16(&r); /* build */
	dbi->publics = reader_u16(&r);
	(void)reader_u16(&r); /* version of the writer */
	dbi->records = reader_u16(&r);
	(void)reader_u16(&r);
	for (size_t i = 0; i < PART_EDIT_AND_CONTINUE; i++)
		sizes[i] = reader_u32(&r);
	(void)reader_u32(&r); /* which type server is the MFC's */
	sizes[PART_STREAMS] = reader_u32(&r);
	sizes[PART_EDIT_AND_CONTINUE] = reader_u32(&r);
	(void)reader_u16(&r); /* flags */
	dbi->machine = reader_u16(&r);
	uint64_t at = HEADER_BYTES;
	for (size_t i = 0; i < PARTS; at += sizes[i++]) {
		if (at + sizes[i] > msf_bytes(msf, DBI_STREAM))
			return err_set(detail, ERR_TRUNCATED,
				       "part %zu of the DBI stream has %u bytes", i, sizes[i]);
		parts[i] = (struct pdb_part){(uint32_t)at, sizes[i]};
	}
	return OK;
}

static uint16_t
read_further(const struct msf *msf, const struct pdb_part *part, uint32_t index)
{
	uint8_t scratch[sizeof(uint16_t)];
	struct slice bytes;
	struct reader r;
	uint32_t at = index * (uint32_t)sizeof(uint16_t);
	if (at + sizeof(uint16_t) > part->bytes ||
	    !msf_peek(msf, DBI_STREAM, part->offset + at, sizeof(uint16_t), scratch, &bytes))
		return MSF_NO_STREAM;
	reader_init(&r, bytes);
	return reader_u16(&r);
}

err_t
pdb_dbi_parse(const struct msf *msf, struct pdb_dbi *ret_dbi, struct err_detail *detail)
{
	struct pdb_dbi dbi = {0};
	struct pdb_part parts[PARTS] = {{0}};
	err_t err = read_header(msf, &dbi, parts, detail);
	if (err != OK)
		return err;
	const struct pdb_part *further = &parts[PART_STREAMS];
	dbi.modules = parts[PART_MODULES];
	dbi.contributions = parts[PART_CONTRIBUTIONS];
	dbi.fpo = read_further(msf, further, FURTHER_FPO);
	dbi.frame_data = read_further(msf, further, FURTHER_FRAME_DATA);
	dbi.addresses = (struct pdb_address_streams){
		.sections = read_further(msf, further, FURTHER_SECTIONS),
		.source_sections = read_further(msf, further, FURTHER_SOURCE_SECTIONS),
		.omap_to_source = read_further(msf, further, FURTHER_OMAP_TO_SOURCE),
		.omap_from_source = read_further(msf, further, FURTHER_OMAP_FROM_SOURCE),
	};
	*ret_dbi = dbi;
	return OK;
}

/* Modules */

/* A record of the list: with the module's first section contribution. */
struct module_record {
	struct pdb_module_place place;
	struct slice contribution;
	struct slice name;
};

/* What is being built. */
struct opening {
	const struct msf *msf;
	const struct pdb_addresses *addresses;
	struct pdb_modules modules;
	struct pdb_range *ranges;
	size_t n_ranges;
	struct arena *arena;
	struct arena scratch;
	struct err_detail *detail;
};

uint64_t
pdb_module_name_hash(struct slice name)
{
	struct buf folded;
	buf_init(&folded, LIMIT_PDB_TEXT_BYTES);
	text_fold(slice_sub(name, 0, LIMIT_PDB_TEXT_BYTES), &folded);
	uint64_t hash = hash_64(buf_slice(&folded));
	buf_done(&folded);
	return hash;
}

static struct slice
read_name(struct reader *r)
{
	struct slice rest = slice_sub(r->in, r->at, reader_left(r));
	struct slice name = {0};
	if (slice_cut(rest, 0, &name, &rest))
		(void)reader_bytes(r, name.len + 1);
	else
		reader_fail(r, ERR_TRUNCATED);
	return name;
}

/* False at the end of the list, and when it ends early. */
static bool
read_module(struct reader *r, struct module_record *record)
{
	if (reader_left(r) == 0)
		return false;
	(void)reader_u32(r);
	record->contribution = reader_bytes(r, CONTRIBUTION_BYTES);
	(void)reader_u16(r); /* flags */
	record->place.stream = reader_u16(r);
	record->place.symbol_bytes = reader_u32(r);
	record->place.old_line_bytes = reader_u32(r);
	record->place.line_bytes = reader_u32(r);
	(void)reader_bytes(r, MODULE_REST_BYTES);
	record->name = read_name(r);
	(void)read_name(r); /* of the object file or library */
	size_t padding = (4 - r->at % 4) % 4;
	(void)reader_bytes(r, padding < reader_left(r) ? padding : reader_left(r));
	return r->error == OK;
}

static err_t
read_modules(struct opening *o, struct slice list)
{
	struct reader r;
	struct module_record record;
	size_t n = 0;
	reader_init(&r, list);
	while (read_module(&r, &record))
		n++;
	if (r.error != OK)
		return err_set(o->detail, r.error, "the list of modules ends early");
	if (n > LIMIT_PDB_MODULES)
		return err_set(o->detail, ERR_LIMIT, "%zu modules, %u at most", n,
			       LIMIT_PDB_MODULES);
	struct pdb_module_place *places = arena_array(o->arena, n, sizeof(*places));
	if (places == NULL)
		return ERR_LIMIT;
	reader_init(&r, list);
	for (size_t i = 0; read_module(&r, &record); i++) {
		places[i] = record.place;
		places[i].name_hash = pdb_module_name_hash(record.name);
	}
	o->modules.places = places;
	o->modules.n = n;
	return OK;
}

/* What is no code, or of a module without symbols, is left out; neighbours are joined. */
static void
take_contribution(struct opening *o, struct slice contribution)
{
	struct reader r;
	uint32_t start;
	reader_init(&r, contribution);
	uint16_t section = reader_u16(&r);
	(void)reader_u16(&r);
	uint32_t offset = reader_u32(&r);
	uint32_t bytes = reader_u32(&r);
	(void)reader_u32(&r); /* what the section may do, which its header says too */
	uint16_t module = reader_u16(&r);
	if (r.error != OK || module >= o->modules.n ||
	    msf_bytes(o->msf, o->modules.places[module].stream) == 0 ||
	    !pdb_address_of(o->addresses, section, offset, &start) ||
	    !o->addresses->sections[section - 1].is_code)
		return;
	struct pdb_range *last = o->n_ranges > 0 ? &o->ranges[o->n_ranges - 1] : NULL;
	if (last != NULL && last->value == module && bytes <= UINT32_MAX - last->bytes &&
	    (uint64_t)last->start + last->bytes == start)
		last->bytes += bytes;
	else
		o->ranges[o->n_ranges++] = (struct pdb_range){start, bytes, module};
}

static err_t
read_contributions(struct opening *o, const struct pdb_part *part)
{
	uint8_t scratch[CONTRIBUTION2_BYTES];
	struct slice bytes = {0};
	struct reader r;
	(void)msf_peek(o->msf, DBI_STREAM, part->offset, VERSION_BYTES, scratch, &bytes);
	reader_init(&r, bytes);
	uint32_t version = reader_u32(&r);
	uint32_t each =
		version == CONTRIBUTIONS2_VERSION ? CONTRIBUTION2_BYTES : CONTRIBUTION_BYTES;
	if (version != CONTRIBUTIONS_VERSION && version != CONTRIBUTIONS2_VERSION)
		return err_set(o->detail, ERR_UNSUPPORTED, "section contributions of version %u",
			       version);
	uint32_t n = (part->bytes - VERSION_BYTES) / each;
	if (n > LIMIT_PDB_CONTRIBUTIONS)
		return err_set(o->detail, ERR_LIMIT, "%u section contributions, %u at most", n,
			       LIMIT_PDB_CONTRIBUTIONS);
	o->ranges = arena_array(&o->scratch, n, sizeof(*o->ranges));
	if (o->ranges == NULL)
		return ERR_LIMIT;
	for (uint32_t i = 0; i < n; i++) {
		(void)msf_peek(o->msf, DBI_STREAM, part->offset + VERSION_BYTES + i * each, each,
			       scratch, &bytes);
		take_contribution(o, bytes);
	}
	return OK;
}

/* Without the substream: each module's first contribution, which is in its record. */
static err_t
take_first_contributions(struct opening *o, struct slice list)
{
	struct reader r;
	struct module_record record;
	o->ranges = arena_array(&o->scratch, o->modules.n, sizeof(*o->ranges));
	if (o->ranges == NULL)
		return ERR_LIMIT;
	reader_init(&r, list);
	while (read_module(&r, &record))
		take_contribution(o, record.contribution);
	return OK;
}

err_t
pdb_modules_open(const struct msf *msf, const struct pdb_dbi *dbi,
		 const struct pdb_addresses *addresses, struct arena *arena,
		 struct pdb_modules *ret_modules, struct err_detail *detail)
{
	struct opening o = {.msf = msf, .addresses = addresses, .arena = arena, .detail = detail};
	struct slice list;
	arena_init(&o.scratch, LIMIT_PDB_SCRATCH_BYTES);
	err_t err = msf_view(msf, DBI_STREAM, dbi->modules.offset, dbi->modules.bytes, &o.scratch,
			     &list);
	if (err == OK)
		err = read_modules(&o, list);
	if (err == OK && dbi->contributions.bytes >= VERSION_BYTES)
		err = read_contributions(&o, &dbi->contributions);
	else if (err == OK)
		err = take_first_contributions(&o, list);
	if (err == OK)
		err = pdb_ranges_make(o.ranges, o.n_ranges, arena, &o.scratch,
				      &o.modules.contributions);
	arena_done(&o.scratch);
	if (err == OK)
		*ret_modules = o.modules;
	return err;
}
