#include "symbols/dwarf_expression.h"

#include <dwarf.h>

#include "base/limits.h"

struct machine {
	const struct dwarf_expression *e;
	uint64_t stack[LIMIT_DWARF_EXPRESSION_STACK];
	size_t depth;
	size_t next; /* operation */
	unsigned address_bytes;
	bool is_done;
	struct dwarf_result result;
};

static err_t
push(struct machine *m, uint64_t value)
{
	if (m->depth == LIMIT_DWARF_EXPRESSION_STACK)
		return ERR_CORRUPT;
	m->stack[m->depth++] = m->address_bytes == 4 ? (uint32_t)value : value;
	return OK;
}

static err_t
pop(struct machine *m, uint64_t *ret_value)
{
	if (m->depth == 0)
		return ERR_CORRUPT;
	*ret_value = m->stack[--m->depth];
	return OK;
}

/* The value INDEX places below the top. */
static err_t
pick(struct machine *m, uint64_t index)
{
	if (index >= m->depth)
		return ERR_CORRUPT;
	return push(m, m->stack[m->depth - 1 - index]);
}

/* The entry at the top goes N places down, the others move up. */
static err_t
roll(struct machine *m, size_t n)
{
	if (m->depth <= n)
		return ERR_CORRUPT;
	uint64_t top = m->stack[m->depth - 1];
	for (size_t i = 0; i < n; i++)
		m->stack[m->depth - 1 - i] = m->stack[m->depth - 2 - i];
	m->stack[m->depth - 1 - n] = top;
	return OK;
}

static err_t
push_register(struct machine *m, uint64_t index, uint64_t offset)
{
	uint64_t value;
	if (index >= REGISTERS_MAX)
		return ERR_CORRUPT;
	if (!registers_get(m->e->registers, (int)index, &value))
		return ERR_TRUNCATED;
	return push(m, value + offset);
}

static err_t
dereference(struct machine *m, uint64_t bytes)
{
	uint64_t address;
	uint64_t value = 0;
	uint8_t raw[8];
	err_t err = pop(m, &address);
	if (err != OK)
		return err;
	if (bytes == 0 || bytes > m->address_bytes)
		return ERR_CORRUPT;
	if (!memory_bytes(m->e->memory, address, raw, bytes))
		return ERR_TRUNCATED;
	for (size_t i = 0; i < bytes; i++)
		value |= (uint64_t)raw[i] << (8 * i);
	return push(m, value);
}

static int64_t
as_signed(const struct machine *m, uint64_t value)
{
	return m->address_bytes == 4 ? (int32_t)value : (int64_t)value;
}

/* LEFT was pushed before RIGHT.  Division of the least number by -1 would trap. */
static err_t
divide(const struct machine *m, uint64_t left, uint64_t right, bool wants_rest, uint64_t *ret_value)
{
	if (right == 0)
		return ERR_CORRUPT;
	if (wants_rest)
		*ret_value = left % right;
	else if (as_signed(m, right) == -1)
		*ret_value = 0 - left;
	else
		*ret_value = (uint64_t)(as_signed(m, left) / as_signed(m, right));
	return OK;
}

static uint64_t
shift(const struct machine *m, uint8_t operation, uint64_t left, uint64_t right)
{
	uint64_t bits = 8 * (uint64_t)m->address_bytes;
	int64_t value = as_signed(m, left);
	if (operation == DW_OP_shra)
		return (uint64_t)(value >> (right < bits ? right : bits - 1));
	if (right >= bits)
		return 0;
	return operation == DW_OP_shl ? left << right : left >> right;
}

static err_t
binary(struct machine *m, uint8_t operation)
{
	uint64_t left;
	uint64_t right;
	uint64_t value = 0;
	err_t err = pop(m, &right);
	if (err == OK)
		err = pop(m, &left);
	if (err != OK)
		return err;
	int64_t a = as_signed(m, left);
	int64_t b = as_signed(m, right);
	switch (operation) {
	case DW_OP_and:
		value = left & right;
		break;
	case DW_OP_div:
	case DW_OP_mod:
		err = divide(m, left, right, operation == DW_OP_mod, &value);
		break;
	case DW_OP_minus:
		value = left - right;
		break;
	case DW_OP_mul:
		value = left * right;
		break;
	case DW_OP_or:
		value = left | right;
		break;
	case DW_OP_plus:
		value = left + right;
		break;
	case DW_OP_xor:
		value = left ^ right;
		break;
	case DW_OP_eq:
		value = a == b;
		break;
	case DW_OP_ge:
		value = a >= b;
		break;
	case DW_OP_gt:
		value = a > b;
		break;
	case DW_OP_le:
		value = a <= b;
		break;
	case DW_OP_lt:
		value = a < b;
		break;
	case DW_OP_ne:
		value = a != b;
		break;
	default:
		value = shift(m, operation, left, right);
		break;
	}
	return err == OK ? push(m, value) : err;
}

static err_t
unary(struct machine *m, const Dwarf_Op *operation)
{
	uint64_t value;
	err_t err = pop(m, &value);
	if (err != OK)
		return err;
	switch (operation->atom) {
	case DW_OP_abs:
		return push(m, as_signed(m, value) < 0 ? 0 - value : value);
	case DW_OP_neg:
		return push(m, 0 - value);
	case DW_OP_not:
		return push(m, ~value);
	case DW_OP_plus_uconst:
		return push(m, value + operation->number);
	default:
		return OK; /* DW_OP_drop */
	}
}

/* Jumps lead to an operation by its offset, from behind the jump's own three bytes. */
static err_t
jump(struct machine *m, const Dwarf_Op *operation)
{
	uint64_t condition = 1;
	err_t err = operation->atom == DW_OP_bra ? pop(m, &condition) : OK;
	if (err != OK || condition == 0)
		return err;
	uint64_t target = operation->offset + 3 + (uint64_t)(int16_t)operation->number;
	for (size_t i = 0; i < m->e->n; i++)
		if (m->e->operations[i].offset == target) {
			m->next = i;
			return OK;
		}
	m->next = m->e->n; /* to the end, or to nowhere: which of the two is not told */
	return OK;
}

static err_t
finish(struct machine *m, enum dwarf_result_kind kind, uint64_t value)
{
	m->is_done = true;
	m->result = (struct dwarf_result){kind, value};
	return OK;
}

static err_t
finish_value(struct machine *m)
{
	uint64_t value;
	err_t err = pop(m, &value);
	return err == OK ? finish(m, DWARF_VALUE, value) : err;
}

/* Those of a kind stand together in DWARF's numbers. */
static err_t
numbered(struct machine *m, const Dwarf_Op *operation)
{
	uint8_t atom = operation->atom;
	if (atom >= DW_OP_lit0 && atom <= DW_OP_lit31)
		return push(m, (uint64_t)atom - DW_OP_lit0);
	if (atom >= DW_OP_reg0 && atom <= DW_OP_reg31)
		return finish(m, DWARF_REGISTER, (uint64_t)atom - DW_OP_reg0);
	if (atom >= DW_OP_breg0 && atom <= DW_OP_breg31)
		return push_register(m, (uint64_t)atom - DW_OP_breg0, operation->number);
	if (atom >= DW_OP_const1u && atom <= DW_OP_consts)
		return push(m, operation->number);
	return ERR_CORRUPT;
}

static bool
is_binary(uint8_t atom)
{
	return (atom >= DW_OP_and && atom <= DW_OP_mul) || atom == DW_OP_or || atom == DW_OP_plus ||
	       (atom >= DW_OP_shl && atom <= DW_OP_xor) || (atom >= DW_OP_eq && atom <= DW_OP_ne);
}

static err_t
step(struct machine *m, const Dwarf_Op *operation)
{
	if (is_binary(operation->atom))
		return binary(m, operation->atom);
	switch (operation->atom) {
	case DW_OP_addr:
		return push(m, operation->number + m->e->load_bias);
	case DW_OP_deref:
		return dereference(m, m->address_bytes);
	case DW_OP_deref_size:
		return dereference(m, operation->number);
	case DW_OP_dup:
		return pick(m, 0);
	case DW_OP_over:
		return pick(m, 1);
	case DW_OP_pick:
		return pick(m, operation->number);
	case DW_OP_swap:
		return roll(m, 1);
	case DW_OP_rot:
		return roll(m, 2);
	case DW_OP_drop:
	case DW_OP_abs:
	case DW_OP_neg:
	case DW_OP_not:
	case DW_OP_plus_uconst:
		return unary(m, operation);
	case DW_OP_bra:
	case DW_OP_skip:
		return jump(m, operation);
	case DW_OP_bregx:
		return push_register(m, operation->number, operation->number2);
	case DW_OP_regx:
		return finish(m, DWARF_REGISTER, operation->number);
	case DW_OP_call_frame_cfa:
		return m->e->has_cfa ? push(m, m->e->cfa) : ERR_CORRUPT;
	case DW_OP_stack_value:
		return finish_value(m);
	case DW_OP_nop:
		return OK;
	default:
		return numbered(m, operation);
	}
}

err_t
dwarf_evaluate(const struct dwarf_expression *expression, struct dwarf_result *ret_result)
{
	struct machine m = {
		.e = expression,
		.address_bytes = arch_pointer_bytes(expression->registers->arch),
	};
	err_t err = OK;
	for (unsigned i = 0; err == OK && !m.is_done && m.next < expression->n; i++) {
		if (i == LIMIT_DWARF_EXPRESSION_STEPS)
			return ERR_CORRUPT;
		err = step(&m, &expression->operations[m.next++]);
	}
	if (err == OK && !m.is_done) {
		uint64_t address;
		err = pop(&m, &address);
		if (err == OK)
			err = finish(&m, DWARF_ADDRESS, address);
	}
	if (err == OK)
		*ret_result = m.result;
	return err;
}
