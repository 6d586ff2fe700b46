#include "symbols/cfi.h"

#include "symbols/postfix.h"

/* What an expression may name: the callee's registers and, but for the rule that gives it, .cfa. */
struct scope {
	const struct registers *callee;
	bool has_cfa;
	uint64_t cfa;
};

static struct cfi_rule *
rule_of(struct cfi_rules *rules, struct slice name)
{
	if (slice_equal_str(name, ".cfa"))
		return &rules->cfa;
	if (slice_equal_str(name, ".ra"))
		return &rules->ra;
	int index = registers_find(rules->arch, name);
	return index < 0 ? NULL : &rules->registers[index];
}

/* Cuts "NAME:" off *TEXT. */
static bool
take_name(struct slice *text, struct slice *ret_name)
{
	struct slice rest = *text;
	struct slice word = postfix_word(&rest);
	if (word.len < 2 || word.data[word.len - 1] != ':')
		return false;
	*ret_name = slice_sub(word, 0, word.len - 1);
	*text = rest;
	return true;
}

/* Cuts off what stands before the next name. */
static struct slice
take_expression(struct slice *text)
{
	struct slice rest = *text;
	size_t len = 0;
	for (;;) {
		struct slice at = rest;
		struct slice name;
		struct slice word = postfix_word(&rest);
		if (slice_is_absent(word) || take_name(&at, &name))
			break;
		len = (size_t)(word.data + word.len - text->data);
	}
	struct slice expression = slice_trim(slice_sub(*text, 0, len));
	*text = slice_sub(*text, len, text->len);
	return expression;
}

err_t
cfi_add(struct cfi_rules *rules, uint64_t row, struct slice text)
{
	struct slice name;
	text = slice_trim(text);
	while (text.len > 0) {
		if (!take_name(&text, &name))
			return ERR_CORRUPT;
		struct slice expression = take_expression(&text);
		text = slice_trim(text);
		if (expression.len == 0)
			return ERR_CORRUPT;
		struct cfi_rule *rule = rule_of(rules, name);
		if (rule != NULL && (slice_is_absent(rule->expression) || rule->row <= row))
			*rule = (struct cfi_rule){expression, row};
	}
	return OK;
}

static bool
find_value(const void *context, struct slice name, uint64_t *ret_value)
{
	const struct scope *scope = context;
	if (slice_equal_str(name, ".cfa")) {
		if (scope->has_cfa)
			*ret_value = scope->cfa;
		return scope->has_cfa;
	}
	return registers_get(scope->callee, registers_find(scope->callee->arch, name), ret_value);
}

/* ERR_NOTFOUND: ".undef". */
static err_t
evaluate(struct scope *scope, const struct memory *memory, struct slice expression,
	 uint64_t *ret_value)
{
	struct postfix machine = {
		.memory = memory,
		.pointer_bytes = arch_pointer_bytes(scope->callee->arch),
		.find = find_value,
		.context = scope,
	};
	if (slice_equal_str(expression, ".undef"))
		return ERR_NOTFOUND;
	return postfix_value(&machine, expression, ret_value);
}

/* Registers that a called function leaves as it found them, by convention. */
static bool
is_preserved(enum arch arch, int index, bool is_windows)
{
	switch (arch) {
	case ARCH_X86:
		return index == X86_EBX || index == X86_ESI || index == X86_EDI || index == X86_EBP;
	case ARCH_AMD64:
		return index == AMD64_RBX || index == AMD64_RBP ||
		       (index >= AMD64_R8 + 4 && index <= AMD64_R15) ||
		       (is_windows && (index == AMD64_RSI || index == AMD64_RDI));
	case ARCH_ARM:
		return index >= 4 && index <= ARM_R11;
	case ARCH_ARM64:
		return index >= 19 && index <= ARM64_FP;
	default:
		return false;
	}
}

static err_t
recover(const struct cfi_rules *rules, struct scope *scope, const struct memory *memory, int index,
	struct registers *caller)
{
	struct slice expression = rules->registers[index].expression;
	uint64_t value;
	if (slice_is_absent(expression)) {
		if (is_preserved(rules->arch, index, rules->is_windows) &&
		    registers_get(scope->callee, index, &value))
			registers_set(caller, index, value);
		return OK;
	}
	err_t err = evaluate(scope, memory, expression, &value);
	if (err == OK)
		registers_set(caller, index, value);
	/* A register whose place the dump does not have is lost; the walk goes on without it. */
	return err == ERR_CORRUPT ? err : OK;
}

err_t
cfi_unwind(const struct cfi_rules *rules, struct unwind *unwind)
{
	struct scope scope = {.callee = &unwind->callee};
	struct registers caller = {.arch = rules->arch};
	uint64_t ra = 0;
	if (slice_is_absent(rules->cfa.expression) || slice_is_absent(rules->ra.expression))
		return ERR_NOTFOUND;
	err_t err = evaluate(&scope, unwind->memory, rules->cfa.expression, &scope.cfa);
	if (err != OK)
		return err == ERR_NOTFOUND ? ERR_CORRUPT : err;
	scope.has_cfa = true;
	err = evaluate(&scope, unwind->memory, rules->ra.expression, &ra);
	if (err != OK && err != ERR_NOTFOUND)
		return err;
	for (int i = 0; i < (int)registers_count(rules->arch); i++) {
		err = recover(rules, &scope, unwind->memory, i, &caller);
		if (err != OK)
			return err;
	}
	if (slice_is_absent(rules->registers[registers_sp_index(rules->arch)].expression))
		registers_set(&caller, registers_sp_index(rules->arch), scope.cfa);
	if (slice_is_absent(rules->registers[registers_pc_index(rules->arch)].expression))
		registers_set(&caller, registers_pc_index(rules->arch), ra);
	if (!registers_get(&caller, registers_sp_index(rules->arch), &ra) ||
	    !registers_get(&caller, registers_pc_index(rules->arch), &ra))
		return ERR_TRUNCATED;
	unwind->caller = caller;
	unwind->way = UNWIND_CFI;
	return OK;
}
