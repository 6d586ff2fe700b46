/* What Microsoft's compiler adds by itself: tables of virtual functions, run-time type
 * information, guards of static variables, initializers, thunks, strings. */
#include "symbols/demangle_msvc.h"

/* "??_7Foo@@6BBar@@@": a table, its qualifiers, and perhaps the base class that it is for. */
static struct slice
table(struct msvc *m, const char *name)
{
	static const char *const words[] = {"", "const ", "volatile ", "const volatile "};
	struct slice qualified = msvc_scopes(m);
	if (!msvc_take(m, "6") && !msvc_take(m, "7"))
		msvc_fail(m);
	unsigned qualifiers = msvc_qualifiers(m);
	struct slice target = SLICE_LITERAL("");
	if (!msvc_take(m, "@")) {
		target = msvc_type_name(m);
		target = msvc_text(m, "{for `%.*s'}", SLICE_ARGS(target));
	}
	return msvc_text(m, "%s%.*s%s%.*s", m->style == DEMANGLE_NAME ? "" : words[qualifiers & 3],
			 SLICE_ARGS(qualified), name, SLICE_ARGS(target));
}

/* A name that a digit ends: "??_R2Foo@@8". */
static struct slice
untyped(struct msvc *m, const char *name)
{
	struct slice qualified = msvc_scopes(m);
	if (!msvc_take(m, "8"))
		msvc_fail(m);
	return msvc_text(m, "%.*s%s", SLICE_ARGS(qualified), name);
}

static struct slice
virtual_call_thunk(struct msvc *m)
{
	struct slice qualified = msvc_scopes(m);
	if (!msvc_take(m, "$B"))
		msvc_fail(m);
	int64_t offset = msvc_number(m);
	if (!msvc_take(m, "A"))
		msvc_fail(m);
	struct slice convention = msvc_convention(m);
	struct slice text =
		msvc_text(m, "%.*s`vcall'{%jd, {flat}}", SLICE_ARGS(qualified), (intmax_t)offset);
	if (m->style == DEMANGLE_NAME)
		return text;
	if (m->style == DEMANGLE_CALL)
		return msvc_text(m, "[thunk]: %.*s", SLICE_ARGS(text));
	return msvc_text(m, "[thunk]: %.*s %.*s", SLICE_ARGS(convention), SLICE_ARGS(text));
}

static struct slice
guard(struct msvc *m, const char *name)
{
	struct slice qualified = msvc_scopes(m);
	if (!msvc_take(m, "4IA") && !msvc_take(m, "5"))
		msvc_fail(m);
	struct slice text = msvc_text(m, "%.*s%s", SLICE_ARGS(qualified), name);
	if (m->rest.len == 0)
		return text;
	return msvc_text(m, "%.*s{%jd}", SLICE_ARGS(text), (intmax_t)msvc_number(m));
}

/* "??__Efoo@@YAXXZ" of a variable without its type, or "??__E?foo@Bar@@2HA@@YAXXZ" with it. */
static struct slice
initializer(struct msvc *m, const char *name)
{
	bool has_type = msvc_take(m, "?");
	bool is_variable = false;
	struct slice of = msvc_declaration(m, true, &is_variable);
	if (is_variable) {
		if (!msvc_take(m, has_type ? "@@" : "@"))
			msvc_fail(m);
		of = msvc_text(m, "`%s for `%.*s''", name, SLICE_ARGS(of));
	} else {
		if (has_type)
			msvc_fail(m);
		of = msvc_text(m, "`%s for '%.*s''", name, SLICE_ARGS(of));
	}
	return msvc_function(m, of);
}

static struct slice
type_descriptor(struct msvc *m)
{
	struct msvc_type type = msvc_type(m, MSVC_PLACE_RESULT);
	if (!msvc_take(m, "@8") || m->rest.len > 0)
		msvc_fail(m);
	struct slice text = msvc_whole(m, &type);
	return msvc_text(m, "%.*s `RTTI Type Descriptor'", SLICE_ARGS(text));
}

static struct slice
base_class_descriptor(struct msvc *m)
{
	intmax_t numbers[4];
	for (size_t i = 0; i < 4; i++)
		numbers[i] = msvc_number(m);
	struct slice qualified = msvc_scopes(m);
	if (!msvc_take(m, "8"))
		msvc_fail(m);
	return msvc_text(m, "%.*s`RTTI Base Class Descriptor at (%jd, %jd, %jd, %jd)'",
			 SLICE_ARGS(qualified), numbers[0], numbers[1], numbers[2], numbers[3]);
}

static struct slice
string_literal(struct msvc *m)
{
	m->rest.len = 0; /* length, checksum and the first bytes: of no use to a reader of stacks */
	return SLICE_LITERAL("`string'");
}

bool
msvc_special(struct msvc *m, struct slice *ret_text)
{
	if (msvc_take(m, "?_7"))
		*ret_text = table(m, "`vftable'");
	else if (msvc_take(m, "?_8"))
		*ret_text = table(m, "`vbtable'");
	else if (msvc_take(m, "?_S"))
		*ret_text = table(m, "`local vftable'");
	else if (msvc_take(m, "?_R4"))
		*ret_text = table(m, "`RTTI Complete Object Locator'");
	else if (msvc_take(m, "?_9"))
		*ret_text = virtual_call_thunk(m);
	else if (msvc_take(m, "?_B"))
		*ret_text = guard(m, "`local static guard'");
	else if (msvc_take(m, "?__J"))
		*ret_text = guard(m, "`local static thread guard'");
	else if (msvc_take(m, "?_C@"))
		*ret_text = string_literal(m);
	else if (msvc_take(m, "?_R0"))
		*ret_text = type_descriptor(m);
	else if (msvc_take(m, "?_R1"))
		*ret_text = base_class_descriptor(m);
	else if (msvc_take(m, "?_R2"))
		*ret_text = untyped(m, "`RTTI Base Class Array'");
	else if (msvc_take(m, "?_R3"))
		*ret_text = untyped(m, "`RTTI Class Hierarchy Descriptor'");
	else if (msvc_take(m, "?__E"))
		*ret_text = initializer(m, "dynamic initializer");
	else if (msvc_take(m, "?__F"))
		*ret_text = initializer(m, "dynamic atexit destructor");
	else
		return false;
	return true;
}
