/* bit_flip.h - was it the machine?  One bit that, if it were the other way, would explain a crash
 *
 * An address that could not be used, and that is one bit away from one that could, may come from
 * memory or a processor that is broken.  It also may not: the numbers are weights, no
 * probabilities, and one crash proves nothing; see hardware.h for many.  Addresses: amd64 only,
 * where few of all addresses are in use.  Code: any processor.  Pure.
 */
#pragma once

#include "dump/dump.h"
#include "ext/json.h"

enum {
	BIT_FLIPS_MAX = 64 /* candidates that are kept: the likeliest */
};

/* If BIT of FROM were the other way, the address would have been RESULT, which could be used. */
struct bit_flip {
	int reg; /* the register of registers.h that has FROM; -1: FROM is the address itself */
	uint64_t from;
	unsigned bit;
	uint64_t result;
	unsigned percent; /* 0 to 99: see bit_flip_level */
};

struct bit_flips {
	struct bit_flip items[BIT_FLIPS_MAX]; /* likeliest first */
	size_t n;
};

/* Nothing for what is no access to memory, for other processors, and where the dump does not say
 * what memory there was. */
void bit_flips_find(const struct dump *dump, struct bit_flips *ret_flips);
const char *bit_flip_level(unsigned percent); /* "high" from 90, "medium" from 50, else "low" */

/* Puts `bit_flips`: [{address, register, bit, result, confidence, percent}]; `register` is null
 * for the address itself, `address` is what it or the register had. */
void bit_flips_put_json(const struct bit_flips *flips, struct json *object);

/* ---- code ---- */

enum code_comparison {
	CODE_SAME,
	CODE_ONE_BIT, /* memory or disk: no program changes one bit of code */
	CODE_MORE,    /* a hook, a patch, a relocation, another build, or a broken page */
	CODE_COMPARISON_N
};

struct code_difference {
	enum code_comparison kind;
	size_t offset;  /* of the first byte that differs; valid unless CODE_SAME */
	unsigned bit;   /* CODE_ONE_BIT: which of that byte */
	size_t n_bytes; /* that differ */
	size_t n_compared;
};

/* The bytes of code that a dump has, and those of the image at the same place, relocated to where
 * it was loaded.  Compares as many as both have. */
struct code_difference code_compare(struct slice in_dump, struct slice in_image);
