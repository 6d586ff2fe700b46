#include "bucket/signature.h"

#include "base/text.h"

static const char *const verdicts[SIGNATURE_VERDICT_N] = {
	[SIGNATURE_BEYOND] = "beyond",
	[SIGNATURE_CULPRIT] = "culprit",
	[SIGNATURE_LED_TO_IT] = "led to it",
	[SIGNATURE_IN_CYCLE] = "in cycle",
	[SIGNATURE_ABOVE] = "above",
	[SIGNATURE_SKIPPED] = "skipped",
	[SIGNATURE_REPEATED] = "repeated",
	[SIGNATURE_NAMELESS] = "nameless",
	[SIGNATURE_LESS_LIKELY] = "less likely",
};

static const struct {
	enum signature_flag flag;
	const char *text;
} flags[] = {
	{SIGNATURE_PC_OUTSIDE, "the program counter was in no module"},
	{SIGNATURE_CONDENSED, "all of this kind are one bucket, wherever they happen"},
	{SIGNATURE_CYCLE, "an endless recursion"},
	{SIGNATURE_SCANNED, "the blamed frame was found by scanning the stack"},
	{SIGNATURE_NO_CULPRIT, "no frame that could be blamed"},
	{SIGNATURE_NO_IDENTITY, "an offset in a module whose build is not known"},
	{SIGNATURE_CUT, "the stack is longer than what is looked at"},
};

static const char *const trusts[CRASH_TRUST_N] = {
	[CRASH_TRUST_CONTEXT] = "context", [CRASH_TRUST_RULES] = "rules",
	[CRASH_TRUST_INLINE] = "inline",   [CRASH_TRUST_FRAME_POINTER] = "frame pointer",
	[CRASH_TRUST_SCAN] = "scan",
};

const char *
signature_verdict_name(enum signature_verdict verdict)
{
	return verdict < SIGNATURE_VERDICT_N ? verdicts[verdict] : "unknown";
}

static void
explain_rule(const struct frame_rule *rule, struct buf *out)
{
	if (rule != NULL)
		buf_printf(out, "  (%s, %s:%u)", frame_section_name(rule->section), rule->list,
			   rule->line);
	buf_append_byte(out, '\n');
}

static void
explain_step(const struct signature_step *step, size_t number, struct buf *out)
{
	buf_printf(out, "%4zu  %-11s  %-13s  ", number, signature_verdict_name(step->verdict),
		   step->trust < CRASH_TRUST_N ? trusts[step->trust] : "unknown");
	if (slice_is_absent(step->text))
		buf_append_str(out, "-");
	else
		buf_append(out, step->text);
	explain_rule(step->rule, out);
}

void
signature_explain(const struct signature *signature, struct buf *out)
{
	size_t n_beyond = 0;
	buf_append_str(out, "key      ");
	text_hex(slice_of(signature->key, sizeof(signature->key)), out);
	buf_append_str(out, "\ntitle    ");
	buf_append(out, signature->title);
	buf_append_str(out, "\ncause    ");
	buf_append(out, slice_is_absent(signature->cause) ? SLICE_LITERAL("-") : signature->cause);
	explain_rule(signature->cause_rule, out);
	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
		if (signature->flags & flags[i].flag)
			buf_printf(out, "note     %s\n", flags[i].text);
	}
	buf_append_str(out, "\nThe text that is hashed:\n\n");
	buf_append(out, signature->text);
	buf_append_str(out, "\nThe frames:\n\n");
	for (size_t i = 0; i < signature->n_steps; i++) {
		n_beyond += signature->steps[i].verdict == SIGNATURE_BEYOND;
		if (signature->steps[i].verdict != SIGNATURE_BEYOND)
			explain_step(&signature->steps[i], i, out);
	}
	if (n_beyond > 0)
		buf_printf(out, "      and %zu beyond\n", n_beyond);
}
