#include "symbols/postfix.h"

/* A value, or a name that was not read yet: `=` needs the name itself. */
struct operand {
	struct slice name; /* absent: a value */
	uint64_t value;
};

struct stack {
	struct operand operands[POSTFIX_DEPTH_MAX];
	size_t n;
};

static bool
is_blank(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

struct slice
postfix_word(struct slice *text)
{
	size_t from = 0;
	while (from < text->len && is_blank(text->data[from]))
		from++;
	if (from >= text->len)
		return (struct slice){0};
	size_t to = from;
	while (to < text->len && !is_blank(text->data[to]))
		to++;
	struct slice word = slice_sub(*text, from, to - from);
	*text = slice_sub(*text, to, text->len);
	return word;
}

static uint64_t
mask(const struct postfix *machine)
{
	return machine->pointer_bytes == 4 ? UINT32_MAX : UINT64_MAX;
}

static err_t
push(struct stack *stack, struct operand operand)
{
	if (stack->n >= POSTFIX_DEPTH_MAX)
		return ERR_CORRUPT;
	stack->operands[stack->n++] = operand;
	return OK;
}

static err_t
pop(struct stack *stack, struct operand *ret_operand)
{
	if (stack->n == 0)
		return ERR_CORRUPT;
	*ret_operand = stack->operands[--stack->n];
	return OK;
}

static err_t
pop_value(const struct postfix *machine, struct stack *stack, uint64_t *ret_value)
{
	struct operand operand;
	err_t err = pop(stack, &operand);
	if (err != OK)
		return err;
	if (slice_is_absent(operand.name))
		*ret_value = operand.value;
	else if (!machine->find(machine->context, operand.name, ret_value))
		return ERR_TRUNCATED;
	return OK;
}

static err_t
compute(uint8_t operator, uint64_t left, uint64_t right, uint64_t *ret_value)
{
	switch (operator) {
	case '+':
		*ret_value = left + right;
		return OK;
	case '-':
		*ret_value = left - right;
		return OK;
	case '*':
		*ret_value = left * right;
		return OK;
	case '@': /* both must be powers of two for this to be an alignment */
		if (right == 0 || (right & (right - 1)) != 0)
			return ERR_CORRUPT;
		*ret_value = left & ~(right - 1);
		return OK;
	default:
		if (right == 0)
			return ERR_CORRUPT;
		*ret_value = operator== '/' ? left / right : left % right;
		return OK;
	}
}

static err_t
apply_binary(const struct postfix *machine, struct stack *stack, uint8_t operator)
{
	uint64_t left;
	uint64_t right;
	uint64_t value;
	err_t err = pop_value(machine, stack, &right);
	if (err == OK)
		err = pop_value(machine, stack, &left);
	if (err == OK)
		err = compute(operator, left, right, &value);
	if (err != OK)
		return err;
	return push(stack, (struct operand){.value = value & mask(machine)});
}

static err_t
apply_memory(const struct postfix *machine, struct stack *stack)
{
	uint64_t address;
	uint64_t value;
	err_t err = pop_value(machine, stack, &address);
	if (err != OK)
		return err;
	if (!memory_pointer(machine->memory, machine->pointer_bytes, address, &value))
		return ERR_TRUNCATED;
	return push(stack, (struct operand){.value = value});
}

static err_t
apply_assignment(const struct postfix *machine, struct stack *stack)
{
	struct operand target;
	uint64_t value;
	if (machine->set == NULL)
		return ERR_CORRUPT;
	err_t err = pop_value(machine, stack, &value);
	if (err == OK)
		err = pop(stack, &target);
	if (err != OK)
		return err;
	if (slice_is_absent(target.name) || !machine->set(machine->context, target.name, value))
		return ERR_CORRUPT;
	return OK;
}

static bool
is_number(struct slice word)
{
	struct slice digits = word.data[0] == '-' ? slice_sub(word, 1, word.len) : word;
	return digits.len > 0 && digits.data[0] >= '0' && digits.data[0] <= '9';
}

static err_t
apply_operand(const struct postfix *machine, struct stack *stack, struct slice word)
{
	int64_t number;
	uint64_t value;
	if (!is_number(word))
		return push(stack, (struct operand){.name = word});
	if (slice_to_i64(word, &number))
		value = (uint64_t)number;
	else if (!slice_to_u64(word, &value))
		return ERR_CORRUPT;
	return push(stack, (struct operand){.value = value & mask(machine)});
}

static err_t
apply(const struct postfix *machine, struct stack *stack, struct slice word)
{
	if (word.len == 1 && memchr("+-*/%@", word.data[0], 6) != NULL)
		return apply_binary(machine, stack, word.data[0]);
	if (slice_equal_str(word, "^"))
		return apply_memory(machine, stack);
	if (slice_equal_str(word, "="))
		return apply_assignment(machine, stack);
	return apply_operand(machine, stack, word);
}

static err_t
run(const struct postfix *machine, struct slice text, struct stack *stack)
{
	for (;;) {
		struct slice word = postfix_word(&text);
		if (slice_is_absent(word))
			return OK;
		err_t err = apply(machine, stack, word);
		if (err != OK)
			return err;
	}
}

err_t
postfix_value(const struct postfix *machine, struct slice text, uint64_t *ret_value)
{
	struct stack stack = {.n = 0};
	uint64_t value;
	err_t err = run(machine, text, &stack);
	if (err == OK)
		err = pop_value(machine, &stack, &value);
	if (err != OK)
		return err;
	if (stack.n != 0)
		return ERR_CORRUPT;
	*ret_value = value;
	return OK;
}

err_t
postfix_run(const struct postfix *machine, struct slice text)
{
	struct stack stack = {.n = 0};
	err_t err = run(machine, text, &stack);
	if (err != OK)
		return err;
	return stack.n == 0 ? OK : ERR_CORRUPT;
}
