/* The codes of arm64 unwind data, and packed entries spelled out as such codes.
 *
 * Windows manuals, "ARM64 exception handling": "Unwind codes" and "Packed unwind data".
 */
#include "symbols/pe_unwind_arm64.h"

enum {
	FIRST_INT = 19,
	FIRST_VECTOR = 8,
	WORD = 8,
	PAIR = 16,
	HOME_BYTES = 64,     /* x0 to x7 */
	ONE_STEP_MOST = 512, /* what stp can move sp by */
	ONE_SUB_MOST = 4080  /* what one sub takes */
};

/* How the fields of a code become an operation. */
enum shape {
	SHAPE_ALLOC,    /* x * 16 */
	SHAPE_R19R20_X, /* pair x19, x20; sp moves by z * 8 */
	SHAPE_FPLR,     /* pair x29, lr at z * 8 */
	SHAPE_FPLR_X,   /* the same; sp moves by (z + 1) * 8 */
	SHAPE_PAIR,     /* registers 19 + x */
	SHAPE_PAIR_X,
	SHAPE_ONE,
	SHAPE_ONE_X,
	SHAPE_LR_PAIR, /* x(19 + 2 * x) and lr */
	SHAPE_VECTORS, /* d(8 + x) */
	SHAPE_VECTORS_X,
	SHAPE_VECTOR,
	SHAPE_VECTOR_X,
	SHAPE_ADD_FP,
	SHAPE_ANY,
	SHAPE_PLAIN /* no fields: the operation says all */
};

/* By the first byte: the first row whose bits fit.  The last bits of a code are z, those before
 * them x. */
static const struct row {
	uint8_t mask;
	uint8_t bits;
	uint8_t len;
	uint8_t z_bits;
	uint8_t x_bits;
	enum shape shape;
	enum pe_arm64_operation operation;
} rows[] = {
	{0xe0, 0x00, 1, 0, 5, SHAPE_ALLOC, ARM64_ALLOC},      /* alloc_s */
	{0xe0, 0x20, 1, 5, 0, SHAPE_R19R20_X, ARM64_SAVE},    /* save_r19r20_x */
	{0xc0, 0x40, 1, 6, 0, SHAPE_FPLR, ARM64_SAVE},        /* save_fplr */
	{0xc0, 0x80, 1, 6, 0, SHAPE_FPLR_X, ARM64_SAVE},      /* save_fplr_x */
	{0xf8, 0xc0, 2, 0, 11, SHAPE_ALLOC, ARM64_ALLOC},     /* alloc_m */
	{0xfc, 0xc8, 2, 6, 4, SHAPE_PAIR, ARM64_SAVE},        /* save_regp */
	{0xfc, 0xcc, 2, 6, 4, SHAPE_PAIR_X, ARM64_SAVE},      /* save_regp_x */
	{0xfc, 0xd0, 2, 6, 4, SHAPE_ONE, ARM64_SAVE},         /* save_reg */
	{0xfe, 0xd4, 2, 5, 4, SHAPE_ONE_X, ARM64_SAVE},       /* save_reg_x */
	{0xfe, 0xd6, 2, 6, 3, SHAPE_LR_PAIR, ARM64_SAVE},     /* save_lrpair */
	{0xfe, 0xd8, 2, 6, 3, SHAPE_VECTORS, ARM64_SAVE},     /* save_fregp */
	{0xfe, 0xda, 2, 6, 3, SHAPE_VECTORS_X, ARM64_SAVE},   /* save_fregp_x */
	{0xfe, 0xdc, 2, 6, 3, SHAPE_VECTOR, ARM64_SAVE},      /* save_freg */
	{0xff, 0xde, 2, 5, 3, SHAPE_VECTOR_X, ARM64_SAVE},    /* save_freg_x */
	{0xff, 0xdf, 2, 8, 0, SHAPE_PLAIN, ARM64_ALLOC_SVE},  /* alloc_z */
	{0xff, 0xe0, 4, 0, 24, SHAPE_ALLOC, ARM64_ALLOC},     /* alloc_l */
	{0xff, 0xe1, 1, 0, 0, SHAPE_PLAIN, ARM64_SET_FP},     /* set_fp */
	{0xff, 0xe2, 2, 8, 0, SHAPE_ADD_FP, ARM64_ADD_FP},    /* add_fp */
	{0xff, 0xe3, 1, 0, 0, SHAPE_PLAIN, ARM64_NOP},        /* nop */
	{0xff, 0xe4, 1, 0, 0, SHAPE_PLAIN, ARM64_END},        /* end */
	{0xff, 0xe5, 1, 0, 0, SHAPE_PLAIN, ARM64_END_PIECE},  /* end_c */
	{0xff, 0xe6, 1, 0, 0, SHAPE_PLAIN, ARM64_SAVE_NEXT},  /* save_next */
	{0xff, 0xe7, 3, 0, 16, SHAPE_ANY, ARM64_SAVE},        /* save_any_reg */
	{0xff, 0xe8, 1, 0, 0, SHAPE_PLAIN, ARM64_TRAP_FRAME}, /* custom stacks */
	{0xff, 0xe9, 1, 0, 0, SHAPE_PLAIN, ARM64_MACHINE_FRAME},
	{0xff, 0xea, 1, 0, 0, SHAPE_PLAIN, ARM64_CONTEXT},
	{0xff, 0xeb, 1, 0, 0, SHAPE_PLAIN, ARM64_EC_CONTEXT},
	{0xff, 0xec, 1, 0, 0, SHAPE_PLAIN, ARM64_INTERRUPTED}, /* clear_unwound_to_call */
	{0xff, 0xfc, 1, 0, 0, SHAPE_PLAIN, ARM64_SIGN},        /* pac_sign_lr */
};

static const struct row *
row_of(uint8_t first)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if ((first & rows[i].mask) == rows[i].bits)
			return &rows[i];
	return NULL;
}

/* One register: SECOND equals FIRST. */
static struct pe_arm64_code
save_of(unsigned first, unsigned second, uint32_t offset, uint32_t bytes)
{
	return (struct pe_arm64_code){
		.operation = ARM64_SAVE,
		.reg = (uint8_t)first,
		.second = (uint8_t)second,
		.offset = offset,
		.bytes = bytes,
		.step = WORD,
	};
}

static struct pe_arm64_code
vector_of(unsigned first, bool is_pair, uint32_t offset, uint32_t bytes)
{
	struct pe_arm64_code code = save_of(first, first + is_pair, offset, bytes);
	code.is_vector = true;
	return code;
}

static struct pe_arm64_code
alloc_of(uint32_t bytes)
{
	return (struct pe_arm64_code){.operation = ARM64_ALLOC, .bytes = bytes};
}

/* 0pxrrrrr ffoooooo: pair, moves sp, register; kind x, d, q or SVE, offset. */
static err_t
any_register(uint32_t fields, struct pe_arm64_code *ret_code)
{
	bool is_pair = (fields >> 14 & 1) != 0;
	bool moves = (fields >> 13 & 1) != 0;
	unsigned reg = fields >> 8 & 31;
	unsigned kind = fields >> 6 & 3;
	uint32_t offset = fields & 63;
	if (fields >> 15 != 0)
		return ERR_CORRUPT;
	if (kind == 3) { /* SVE registers, at a distance that no dump has; nothing moves */
		*ret_code = vector_of(reg, false, 0, 0);
		return OK;
	}
	uint32_t scale = is_pair || moves || kind == 2 ? PAIR : WORD;
	unsigned last = reg + is_pair;
	if (kind == 0 && last > ARM64_LR)
		return ERR_CORRUPT;
	*ret_code = kind == 0 ? save_of(reg, last, 0, 0) : vector_of(reg, is_pair, 0, 0);
	if (moves)
		ret_code->bytes = (offset + 1) * scale;
	else
		ret_code->offset = offset * scale;
	return OK;
}

/* The codes that save registers from x19 on: x may lead past lr. */
static err_t
numbered(enum shape shape, uint32_t x, uint32_t z, struct pe_arm64_code *ret_code)
{
	unsigned first = FIRST_INT + (shape == SHAPE_LR_PAIR ? 2 * x : x);
	unsigned second = first;
	bool moves = shape == SHAPE_PAIR_X || shape == SHAPE_ONE_X;
	if (shape == SHAPE_PAIR || shape == SHAPE_PAIR_X)
		second = first + 1;
	else if (shape == SHAPE_LR_PAIR)
		second = ARM64_LR;
	if (first > ARM64_LR || second > ARM64_LR)
		return ERR_CORRUPT;
	*ret_code = save_of(first, second, moves ? 0 : z * WORD, moves ? (z + 1) * WORD : 0);
	return OK;
}

static err_t
code_of(const struct row *row, uint32_t fields, struct pe_arm64_code *ret_code)
{
	uint32_t z = fields & ((UINT32_C(1) << row->z_bits) - 1);
	uint32_t x = fields >> row->z_bits & ((UINT32_C(1) << row->x_bits) - 1);
	bool moves = row->shape == SHAPE_VECTORS_X || row->shape == SHAPE_VECTOR_X;
	switch (row->shape) {
	case SHAPE_ALLOC:
		*ret_code = alloc_of(x * PAIR);
		return OK;
	case SHAPE_R19R20_X:
		*ret_code = save_of(FIRST_INT, FIRST_INT + 1, 0, z * WORD);
		return OK;
	case SHAPE_FPLR:
		*ret_code = save_of(ARM64_FP, ARM64_LR, z * WORD, 0);
		return OK;
	case SHAPE_FPLR_X:
		*ret_code = save_of(ARM64_FP, ARM64_LR, 0, (z + 1) * WORD);
		return OK;
	case SHAPE_VECTORS:
	case SHAPE_VECTORS_X:
	case SHAPE_VECTOR:
	case SHAPE_VECTOR_X:
		*ret_code = vector_of(FIRST_VECTOR + x,
				      row->shape == SHAPE_VECTORS || row->shape == SHAPE_VECTORS_X,
				      moves ? 0 : z * WORD, moves ? (z + 1) * WORD : 0);
		return OK;
	case SHAPE_ADD_FP:
		*ret_code = (struct pe_arm64_code){.operation = ARM64_ADD_FP, .bytes = z * WORD};
		return OK;
	case SHAPE_ANY:
		return any_register(x, ret_code);
	case SHAPE_PLAIN:
		*ret_code = (struct pe_arm64_code){.operation = row->operation};
		return OK;
	default:
		return numbered(row->shape, x, z, ret_code);
	}
}

/* The bytes of a code stand with the most significant one first. */
err_t
pe_arm64_code(struct slice codes, size_t at, struct pe_arm64_code *ret_code)
{
	const struct row *row = row_of(codes.data[at]);
	uint32_t fields = 0;
	if (row == NULL || row->len > codes.len - at)
		return ERR_CORRUPT;
	for (size_t i = 0; i < row->len; i++)
		fields = fields << 8 | codes.data[at + i];
	struct pe_arm64_code code;
	err_t err = code_of(row, fields, &code);
	if (err != OK)
		return err;
	code.len = row->len;
	*ret_code = code;
	return OK;
}

/* The fields of a packed entry and the sizes that follow from them, in bytes. */
struct packed {
	uint32_t n_int;     /* x19 and up */
	uint32_t n_vectors; /* d8 and up */
	bool homes;
	bool saves_lr; /* with the integer registers */
	bool has_fp;   /* x29 and lr are a pair of their own */
	bool signs;
	uint32_t int_bytes;
	uint32_t saved_bytes;
	uint32_t local_bytes;
};

static err_t
parse_packed(uint32_t data, struct packed *ret_packed)
{
	uint32_t vectors = data >> 13 & 7;
	uint32_t chain = data >> 21 & 3;
	uint32_t frame_bytes = (data >> 23 & 0x1ff) * PAIR;
	struct packed p = {
		.n_int = data >> 16 & 15,
		.n_vectors = vectors == 0 ? 0 : vectors + 1,
		.homes = (data >> 20 & 1) != 0,
		.saves_lr = chain == 1,
		.has_fp = chain >= 2,
		.signs = chain == 2,
	};
	p.int_bytes = (p.n_int + p.saves_lr) * WORD;
	p.saved_bytes = p.int_bytes + p.n_vectors * WORD + (p.homes ? HOME_BYTES : 0);
	p.saved_bytes = (p.saved_bytes + PAIR - 1) / PAIR * PAIR;
	if (p.n_int > 10 || p.saved_bytes > frame_bytes)
		return ERR_CORRUPT;
	p.local_bytes = frame_bytes - p.saved_bytes;
	if (p.has_fp && p.local_bytes == 0)
		return ERR_CORRUPT;
	*ret_packed = p;
	return OK;
}

/* Appends what one instruction of the prolog does, in the order of the prolog. */
static void
add(struct pe_arm64_packed *out, struct pe_arm64_code code)
{
	code.len = 1;
	out->codes[out->n_codes++] = code;
}

/* The first instruction that saves anything moves sp by the whole area, and saves at its
 * bottom; the others save at their offset. */
static void
add_save(struct pe_arm64_packed *out, const struct packed *p, bool *is_moved,
	 struct pe_arm64_code code)
{
	if (!*is_moved) {
		code.offset = 0;
		code.bytes = p->saved_bytes;
	}
	*is_moved = true;
	add(out, code);
}

static void
add_int_saves(struct pe_arm64_packed *out, const struct packed *p, bool *is_moved)
{
	for (uint32_t i = 0; i < p->n_int; i += 2) {
		unsigned second = FIRST_INT + i + 1;
		if (i + 1 == p->n_int) /* an odd one goes alone or with lr */
			second = p->saves_lr ? ARM64_LR : FIRST_INT + i;
		add_save(out, p, is_moved, save_of(FIRST_INT + i, second, i * WORD, 0));
	}
	if (p->saves_lr && p->n_int % 2 == 0)
		add_save(out, p, is_moved, save_of(ARM64_LR, ARM64_LR, p->int_bytes - WORD, 0));
}

static void
add_vector_saves(struct pe_arm64_packed *out, const struct packed *p, bool *is_moved)
{
	for (uint32_t i = 0; i < p->n_vectors; i += 2)
		add_save(out, p, is_moved,
			 vector_of(FIRST_VECTOR + i, i + 1 < p->n_vectors, p->int_bytes + i * WORD,
				   0));
}

/* Parameters that are put into their home are not given back. */
static void
add_homes(struct pe_arm64_packed *out, const struct packed *p, bool *is_moved)
{
	struct pe_arm64_code nop = {.operation = ARM64_NOP};
	for (unsigned i = 0; p->homes && i < HOME_BYTES / PAIR; i++) {
		if (*is_moved)
			add(out, nop);
		else
			add(out, alloc_of(p->saved_bytes));
		*is_moved = true;
	}
}

static void
add_locals(struct pe_arm64_packed *out, const struct packed *p)
{
	struct pe_arm64_code set_fp = {.operation = ARM64_SET_FP};
	bool is_one_step = p->has_fp && p->local_bytes <= ONE_STEP_MOST;
	uint32_t left = is_one_step ? 0 : p->local_bytes;
	if (left > ONE_SUB_MOST) {
		add(out, alloc_of(ONE_SUB_MOST));
		left -= ONE_SUB_MOST;
	}
	if (left > 0)
		add(out, alloc_of(left));
	if (!p->has_fp)
		return;
	add(out, save_of(ARM64_FP, ARM64_LR, 0, is_one_step ? p->local_bytes : 0));
	add(out, set_fp);
}

err_t
pe_arm64_unpack(const struct pe_arm64_function *function, struct pe_arm64_packed *ret_packed)
{
	struct pe_arm64_packed out = {.is_piece = (function->data & 3) == 2};
	struct pe_arm64_code end = {.operation = ARM64_END};
	struct pe_arm64_code sign = {.operation = ARM64_SIGN};
	struct packed p;
	bool is_moved = false;
	err_t err = parse_packed(function->data, &p);
	if (err != OK)
		return err;
	if (p.signs)
		add(&out, sign);
	add_int_saves(&out, &p, &is_moved);
	add_vector_saves(&out, &p, &is_moved);
	add_homes(&out, &p, &is_moved);
	add_locals(&out, &p);
	for (size_t i = 0; i < out.n_codes / 2; i++) { /* to the order of undoing */
		struct pe_arm64_code code = out.codes[i];
		out.codes[i] = out.codes[out.n_codes - 1 - i];
		out.codes[out.n_codes - 1 - i] = code;
	}
	add(&out, end);
	*ret_packed = out;
	return OK;
}
