#include "symbols/formats.h"

#include "symbols/elf.h"
#include "symbols/pdb.h"
#include "symbols/pe.h"

/* ---- PDB ---- */

static bool
detect_pdb(struct slice file)
{
	return slice_starts_with(file, SLICE_LITERAL("Microsoft C/C++ "));
}

static err_t
identify_pdb(struct slice file, struct identity *ret_identity, struct err_detail *detail)
{
	struct pdb_identity pdb;
	struct identity identity = {0};
	err_t err = pdb_identity(file, &pdb, detail);
	if (err != OK)
		return err;
	identity_set_id(identity.debug_id, slice_str(pdb.debug_id));
	identity.arch = pdb.arch;
	*ret_identity = identity;
	return OK;
}

/* ---- PE ---- */

static bool
detect_pe(struct slice file)
{
	return slice_starts_with(file, SLICE_LITERAL("MZ"));
}

static err_t
identify_pe(struct slice file, struct identity *ret_identity, struct err_detail *detail)
{
	struct symbols *symbols;
	struct identity identity = {0};
	err_t err = pe_open(file, &symbols, detail);
	if (err != OK)
		return err;
	const struct pe_identity *pe = pe_identity(pe_of(symbols));
	identity_set_id(identity.debug_id, pe->debug_id);
	identity_set_id(identity.code_id, pe->code_id);
	identity.debug_name = pe->debug_name; /* in the file */
	identity.arch = pe->arch;
	symbols_free(symbols);
	*ret_identity = identity;
	return OK;
}

/* ---- ELF ---- */

static bool
detect_elf(struct slice file)
{
	return slice_starts_with(file, SLICE_LITERAL("\x7f"
						     "ELF"));
}

static err_t
identify_elf(struct slice file, struct identity *ret_identity, struct err_detail *detail)
{
	struct symbols *symbols;
	struct identity identity = {0};
	err_t err = elf_open(file, &symbols, detail);
	if (err != OK)
		return err;
	const struct elf_identity *elf = elf_identity(elf_of(symbols));
	identity_set_id(identity.debug_id, elf->debug_id);
	identity_set_id(identity.code_id, elf->code_id);
	identity.arch = elf->arch;
	symbols_free(symbols);
	*ret_identity = identity;
	return OK;
}

static const struct folder_format folder_format_pdb = {
	.name = "pdb",
	.detect = detect_pdb,
	.identify = identify_pdb,
	.open = pdb_open,
};
static const struct folder_format folder_format_pe = {
	.name = "pe",
	.detect = detect_pe,
	.identify = identify_pe,
	.open = pe_open,
};
static const struct folder_format folder_format_elf = {
	.name = "elf",
	.detect = detect_elf,
	.identify = identify_elf,
	.open = elf_open,
};

const struct folder_format *const formats_all[FORMATS_N] = {
	&folder_format_breakpad,
	&folder_format_pdb,
	&folder_format_pe,
	&folder_format_elf,
};
