/* pdb_info.h - the PDB stream: which build this file belongs to, and the streams with names */
#pragma once

#include "symbols/pdb_msf.h"

enum {
	PDB_GUID_BYTES = 16
};

struct pdb_info {
	uint8_t guid[PDB_GUID_BYTES]; /* as stored: the first three parts little-endian */
	uint32_t age;                 /* how often this file was written */
	uint32_t names;               /* the stream "/names"; MSF_NO_STREAM: none */
};

/* ERR_UNSUPPORTED: written before GUIDs (1999).  ERR_TRUNCATED, ERR_CORRUPT. */
err_t pdb_info_parse(const struct msf *msf, struct pdb_info *ret_info,
		     struct err_detail *detail) ERR_CHECK;
