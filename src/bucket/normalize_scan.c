/* A name is read once, from left to right, into OUT.  Whoever spells a name puts these round it:
 *
 *	[return type] scope::scope<types>::name<types>(arguments) const [clone .cold]
 *
 * A blank outside of brackets ends a return type (or "static", "virtual", "thunk to"): what was
 * written so far is taken back.  Arguments are left out; behind them only "::" goes on, which
 * is a function inside a function.  A group in brackets is skipped by counting its own kind of
 * bracket, so that no depth needs memory; one that is not closed reaches to the end.
 */
#include "bucket/normalize_scan.h"

enum {
	QUOTED_MAX = 96 /* MSVC's own names in quotes, such as `scalar deleting destructor' */
};

#define ANONYMOUS "(anonymous namespace)"

struct scan {
	struct slice in;
	size_t at;
	struct buf *out;
	size_t begin;       /* in OUT: here the name begins when a return type is taken back */
	bool is_behind;     /* behind arguments */
	bool is_conversion; /* "operator unsigned int": a blank is part of the name */
};

static struct slice
rest(const struct scan *s)
{
	return slice_sub(s->in, s->at, s->in.len);
}

static bool
is_next(const struct scan *s, const char *text)
{
	return slice_starts_with(rest(s), slice_str(text));
}

/* 0 behind the end. */
static uint8_t
byte_at(const struct scan *s, size_t at)
{
	return at < s->in.len ? s->in.data[at] : 0;
}

static bool
is_digit(uint8_t c)
{
	return c >= '0' && c <= '9';
}

static bool
is_hex(uint8_t c)
{
	return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static bool
is_lower(uint8_t c)
{
	return c >= 'a' && c <= 'z';
}

static bool
is_name_byte(uint8_t c)
{
	return is_digit(c) || is_lower(c) || (c >= 'A' && c <= 'Z') || c == '_' || c == '$' ||
	       c >= 0x80;
}

static uint8_t
last_out(const struct scan *s)
{
	return s->out->len == 0 ? 0 : s->out->data[s->out->len - 1];
}

static bool
is_out_end(const struct scan *s, const char *text)
{
	return slice_ends_with(buf_slice(s->out), slice_str(text));
}

static bool
is_path_start(const struct scan *s)
{
	return s->out->len == s->begin || last_out(s) == ':' || last_out(s) == '.';
}

static void
finish(struct scan *s)
{
	s->at = s->in.len;
}

static size_t
skip_digits(const struct scan *s, size_t at)
{
	while (is_digit(byte_at(s, at)))
		at++;
	return at;
}

/* Behind an operator's symbol when "operator" ends at AT; AT itself for a name such as
 * "operator bool". */
static size_t
operator_end(const struct scan *s, size_t at)
{
	static const char *const symbols[] = {
		"()", "[]", "<=>", "<<=", ">>=", "->*",  "<<", ">>", "<=", ">=",
		"==", "!=", "&&",  "||",  "++",  "--",   "+=", "-=", "*=", "/=",
		"%=", "^=", "&=",  "|=",  "->",  "\"\"", "<",  ">",  "+",  "-",
		"*",  "/",  "%",   "^",   "&",   "|",    "~",  "!",  "=",  ",",
	};
	struct slice from = slice_sub(s->in, at, s->in.len);
	for (size_t i = 0; i < sizeof(symbols) / sizeof(symbols[0]); i++) {
		if (slice_starts_with(from, slice_str(symbols[i])))
			return at + strlen(symbols[i]);
	}
	return at;
}

/* Behind the bracket that closes the one at AT, counting OPEN and CLOSE alone. */
static size_t
plain_group_end(const struct scan *s, size_t at, uint8_t open, uint8_t close)
{
	size_t depth = 0;
	for (; at < s->in.len; at++) {
		depth += s->in.data[at] == open;
		depth -= s->in.data[at] == close;
		if (depth == 0)
			return at + 1;
	}
	return at;
}

static bool
is_operator_word(const struct scan *s, size_t at)
{
	static const char word[] = "operator";
	return byte_at(s, at) == 'o' && (at == 0 || !is_name_byte(s->in.data[at - 1])) &&
	       slice_starts_with(slice_sub(s->in, at, s->in.len), slice_str(word)) &&
	       !is_name_byte(byte_at(s, at + sizeof(word) - 1));
}

/* Behind the '>' for the '<' at AT.  Signs inside parentheses, of operators and of "->" are no
 * brackets; a ')' without a partner ends the group. */
static size_t
angle_group_end(const struct scan *s, size_t at)
{
	size_t angles = 0;
	size_t parens = 0;
	for (; at < s->in.len; at++) {
		uint8_t c = s->in.data[at];
		if (c == 'o' && is_operator_word(s, at)) {
			at = operator_end(s, at + strlen("operator")) - 1;
		} else if (c == '(') {
			parens++;
		} else if (c == ')') {
			if (parens == 0)
				return at;
			parens--;
		} else if (parens > 0 || (c == '>' && s->in.data[at - 1] == '-')) {
			continue;
		} else if (c == '<') {
			angles++;
		} else if (c == '>' && --angles == 0) {
			return at + 1;
		}
	}
	return at;
}

static void
take_to(struct scan *s, size_t end)
{
	buf_append(s->out, slice_sub(s->in, s->at, end - s->at));
	s->at = end;
}

/* At the blanks behind a word. */
static void
take_blank(struct scan *s)
{
	while (byte_at(s, s->at) == ' ')
		s->at++;
	uint8_t next = byte_at(s, s->at);
	uint8_t after = byte_at(s, s->at + 1);
	if (next == 0)
		return;
	if (next == '(' && !is_next(s, ANONYMOUS)) {
		/* A function that returns a pointer to a function: void (*name(int))(char) */
		if (after == '*' || after == '&') {
			s->out->len = s->begin;
			for (s->at++; byte_at(s, s->at) == '*' || byte_at(s, s->at) == '&';)
				s->at++;
		}
		return; /* arguments */
	}
	if (s->is_conversion) {
		buf_append_byte(s->out, ' ');
		return;
	}
	if (next == '[' || (next == '+' && (after == ' ' || is_digit(after)))) {
		finish(s); /* [clone .cold], + 0x12 */
		return;
	}
	s->out->len = s->begin;
}

static void
take_paren(struct scan *s)
{
	static const char class_text[] = "(anonymous class)";
	size_t end = plain_group_end(s, s->at, '(', ')');
	if (is_next(s, ANONYMOUS) || is_next(s, class_text)) {
		buf_append_str(s->out, ANONYMOUS);
		s->at = end;
	} else if (last_out(s) == '.' && byte_at(s, s->at + 1) == '*') {
		take_to(s, end); /* the receiver of a Go method: net/http.(*conn).serve */
	} else {
		s->at = end;
		s->is_behind = s->out->len > s->begin;
		s->is_conversion = false;
	}
}

/* Is it the list of a Rust path, <A as B> or <impl B for A>?  Then it is most of the name. */
static bool
is_rust_type(const struct scan *s, size_t end)
{
	if (!is_path_start(s))
		return false;
	if (is_next(s, "<impl "))
		return true;
	for (size_t at = s->at + 1; at + 4 < end; at++) {
		if (s->in.data[at] == '<')
			at = angle_group_end(s, at) - 1;
		else if (memcmp(s->in.data + at, " as ", 4) == 0)
			return true;
	}
	return false;
}

static void
take_rust_type(struct scan *s, size_t end)
{
	buf_append_byte(s->out, '<');
	for (s->at++; s->at < end;) {
		if (byte_at(s, s->at) == '<') {
			size_t inner = angle_group_end(s, s->at);
			s->at = inner < end ? inner : end;
			buf_append_str(s->out, "<T>");
		} else {
			take_to(s, s->at + 1);
		}
	}
}

/* What the C# compiler makes: <Main>b__0_0, <>c__DisplayClass1_0, <Get>d__5, <Run>g__Local|3_1,
 * <Main>$.  The numbers change with every edit. */
static bool
take_csharp(struct scan *s, size_t end)
{
	bool is_made = is_lower(byte_at(s, end)) && byte_at(s, end + 1) == '_' &&
		       byte_at(s, end + 2) == '_';
	bool is_empty = end == s->at + 2 && is_name_byte(byte_at(s, end));
	if (!is_made && !is_empty && byte_at(s, end) != '$')
		return false;
	take_to(s, end);
	if (!is_made)
		return true;
	take_to(s, end + 3);
	for (; is_name_byte(byte_at(s, s->at)) && byte_at(s, s->at) != '_'; s->at++) {
		if (!is_digit(byte_at(s, s->at)))
			buf_append_byte(s->out, byte_at(s, s->at));
	}
	while (is_digit(byte_at(s, s->at)) || byte_at(s, s->at) == '_' || byte_at(s, s->at) == '|')
		s->at++;
	return true;
}

static void
take_angle(struct scan *s)
{
	static const char *const words[] = {"<module>",   "<listcomp>", "<genexpr>",
					    "<dictcomp>", "<setcomp>",  "<name omitted>",
					    "<unknown>",  "<redacted>", "<deduplicated_symbol>"};
	size_t end = angle_group_end(s, s->at);
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (is_next(s, words[i])) {
			take_to(s, s->at + strlen(words[i]));
			return;
		}
	}
	if (is_next(s, "<lambda")) {
		buf_append_str(s->out, "{lambda}");
	} else if (is_next(s, "<unnamed-n") || is_next(s, "<unnamed>")) {
		buf_append_str(s->out, ANONYMOUS);
	} else if (is_next(s, "<unnamed")) {
		buf_append_str(s->out, "{unnamed}");
	} else if (is_rust_type(s, end)) {
		take_rust_type(s, end);
	} else if (take_csharp(s, end)) {
		return;
	} else {
		if (is_out_end(s, "::") &&
		    s->out->len >= s->begin + 2) /* Rust: collect::<Vec<u8>> */
			s->out->len -= 2;
		/* "operator< <int>" must not become "operator<<" */
		buf_append_str(s->out, last_out(s) == '<' ? " <T>" : "<T>");
	}
	s->at = end;
}

/* {lambda(int)#2}, {{closure}}, {closure_env#0}, {impl#3}, {unnamed type#1} */
static void
take_brace(struct scan *s)
{
	size_t end = plain_group_end(s, s->at, '{', '}');
	while (byte_at(s, s->at) == '{')
		s->at++;
	if (is_next(s, "anonymous")) {
		buf_append_str(s->out, ANONYMOUS);
	} else {
		buf_append_byte(s->out, '{');
		while (s->at < end && (is_name_byte(byte_at(s, s->at)) ||
				       byte_at(s, s->at) == ':' || byte_at(s, s->at) == '.'))
			take_to(s, s->at + 1);
		if (is_out_end(s, "closure_env"))
			s->out->len -= strlen("_env");
		buf_append_byte(s->out, '}');
	}
	s->at = end;
}

/* Behind the "'" that closes the "`" at the cursor; 0 when there is none near. */
static size_t
quoted_end(const struct scan *s)
{
	size_t depth = 0;
	for (size_t at = s->at; at < s->in.len && at < s->at + QUOTED_MAX; at++) {
		depth += s->in.data[at] == '`';
		if (s->in.data[at] == '\'') {
			/* In `dynamic initializer for 'x'' the inner pair has no "`". */
			if (depth == 1 && byte_at(s, at + 1) == '\'')
				return at + 2;
			if (--depth == 0 && !is_name_byte(byte_at(s, at + 1)))
				return at + 1;
			depth += depth == 0;
		}
	}
	return 0;
}

static void
skip_scope(struct scan *s, size_t end)
{
	s->at = end;
	if (is_next(s, "::") && is_out_end(s, "::"))
		s->at += 2;
}

/* A scope that has no name of its own but a text in quotes: what is it? */
static void
take_quoted(struct scan *s, size_t end)
{
	struct slice text = slice_sub(s->in, s->at + 1, end - s->at - 2);
	bool is_anonymous = slice_starts_with(text, SLICE_LITERAL("anonymous")) ||
			    slice_starts_with(text, SLICE_LITERAL("unnamed")) ||
			    slice_starts_with(text, SLICE_LITERAL("?A0x"));
	if (is_anonymous) {
		buf_append_str(s->out, ANONYMOUS);
		s->at = end;
	} else if (text.len > 0 && is_digit(text.data[0])) {
		skip_scope(s, end); /* the n-th block inside a function */
	} else if (slice_starts_with(text, SLICE_LITERAL("adjustor{")) ||
		   slice_starts_with(text, SLICE_LITERAL("vtordisp"))) {
		s->at = end;
	} else if (slice_ends_with(text, SLICE_LITERAL(" deleting destructor"))) {
		buf_append_str(s->out, "`deleting destructor'");
		s->at = end;
	} else {
		take_to(s, end);
	}
}

static void
take_backtick(struct scan *s)
{
	size_t end = quoted_end(s);
	bool is_declaration = end == 0;
	for (size_t at = s->at + 1; at < end; at++)
		is_declaration |= s->in.data[at] == '(' ||
				  (s->in.data[at] == ':' && s->in.data[at - 1] == ':');
	if (!is_declaration) {
		take_quoted(s, end);
		return;
	}
	/* `public: void Foo::bar(int)'::`2'::local: the function is a scope like any other. */
	s->at++;
	s->begin = s->out->len;
}

/* LLVM writes 'lambda0'(int) and 'unnamed'; else the end of a scope in quotes. */
static void
take_quote(struct scan *s)
{
	static const struct {
		const char *text, *name;
	} kinds[] = {{"'lambda", "{lambda}"}, {"'unnamed", "{unnamed}"}};
	for (size_t i = 0; i < 2; i++) {
		if (!is_next(s, kinds[i].text))
			continue;
		size_t end = skip_digits(s, s->at + strlen(kinds[i].text));
		if (byte_at(s, end) != '\'')
			continue;
		buf_append_str(s->out, kinds[i].name);
		s->at = end + 1;
		return;
	}
	s->at++;
}

static void
take_bracket(struct scan *s)
{
	size_t hex = s->at + 1;
	while (is_hex(byte_at(s, hex)))
		hex++;
	bool is_hash = hex > s->at + 1 && byte_at(s, hex) == ']' && is_name_byte(last_out(s));
	if (is_next(s, "[thunk]:"))
		s->at += strlen("[thunk]:");
	else if (is_next(s, "[abi:")) /* foo[abi:cxx11] */
		s->at = plain_group_end(s, s->at, '[', ']');
	else if (is_hash) /* core[846817f741e54dfd]::fmt */
		s->at = hex + 1;
	else if (is_next(s, "[clone") || is_next(s, "[with ") || is_next(s, "[inlined"))
		finish(s);
	else
		take_to(s, s->at + 1);
}

/* memcpy@@GLIBC_2.14, memcpy@plt, _CreateFileA@28 (stdcall) */
static void
take_at(struct scan *s)
{
	if (s->out->len == s->begin) { /* @fastcall@8 */
		s->at++;
		return;
	}
	bool is_count = is_digit(byte_at(s, s->at + 1)) && skip_digits(s, s->at + 1) == s->in.len;
	if (is_count && s->begin < s->out->len && s->out->data[s->begin] == '_') {
		memmove(s->out->data + s->begin, s->out->data + s->begin + 1,
			s->out->len - s->begin - 1);
		s->out->len--;
	}
	finish(s);
}

static void
take_operator(struct scan *s)
{
	static const char *const words[] = {"new[]", "new", "delete[]", "delete", "co_await"};
	take_to(s, s->at + strlen("operator"));
	size_t end = operator_end(s, s->at);
	if (end > s->at) {
		bool is_literal = byte_at(s, s->at) == '"';
		take_to(s, end);
		while (byte_at(s, s->at) == ' ' && (is_literal || byte_at(s, s->at + 1) == '<'))
			s->at++; /* operator"" _km, operator< <int> */
		return;
	}
	if (byte_at(s, s->at) != ' ')
		return;
	s->at++;
	buf_append_byte(s->out, ' ');
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (is_next(s, words[i]) && !is_name_byte(byte_at(s, s->at + strlen(words[i])))) {
			take_to(s, s->at + strlen(words[i]));
			return;
		}
	}
	s->is_conversion = true;
}

/* Namespaces that only carry the version of a standard library. */
static bool
is_version_namespace(const struct scan *s, struct slice word)
{
	static const char *const names[] = {"__1", "__2", "__cxx11", "__ndk1", "__Cr", "__cxx1998"};
	if (!is_out_end(s, "::"))
		return false;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (slice_equal_str(word, names[i]))
			return true;
	}
	return false;
}

/* rustc writes impl$3 and closure$0 into PDB files, {impl#3} and {closure#0} elsewhere. */
static bool
take_rust_word(struct scan *s, struct slice word)
{
	static const char *const kinds[] = {"impl$",           "closure$",     "closure_env$",
					    "async_fn$",       "async_block$", "async_fn_env$",
					    "async_block_env$"};
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		size_t len = strlen(kinds[i]);
		if (!slice_starts_with(word, slice_str(kinds[i])) ||
		    skip_digits(s, s->at + len) != s->at + word.len || word.len == len)
			continue;
		struct slice name = slice_sub(word, 0, len - 1);
		if (slice_ends_with(name, SLICE_LITERAL("_env")))
			name.len -= strlen("_env");
		buf_append_byte(s->out, '{');
		buf_append(s->out, name);
		buf_append_byte(s->out, '}');
		return true;
	}
	return false;
}

static void
take_word(struct scan *s)
{
	size_t end = s->at;
	while (is_name_byte(byte_at(s, end)))
		end++;
	struct slice word = slice_sub(s->in, s->at, end - s->at);
	if (slice_equal_str(word, "decltype")) {
		while (byte_at(s, end) == ' ')
			end++;
		if (byte_at(s, end) == '(') {
			s->at = plain_group_end(s, end, '(', ')');
			buf_append_str(s->out, "decltype");
			return;
		}
	}
	bool is_version = byte_at(s, end) == ':' && is_version_namespace(s, word);
	if (is_version) {
		skip_scope(s, end);
		return;
	}
	if (take_rust_word(s, word)) {
		s->at = end;
		return;
	}
	/* clang numbers lambdas and what it made itself: $_52 */
	if (word.len > 2 && word.data[0] == '$' && word.data[1] == '_' &&
	    skip_digits(s, s->at + 2) == end) {
		buf_append_byte(s->out, '$');
		s->at = end;
		return;
	}
	take_to(s, end);
}

static bool
skip_text(struct scan *s, const char *text)
{
	if (!is_next(s, text))
		return false;
	s->at += strlen(text);
	return true;
}

/* Behind arguments: qualifiers, then "::" or nothing that belongs to the name. */
static void
take_behind(struct scan *s)
{
	static const char *const qualifiers[] = {"const", "volatile", "noexcept", "&",
						 " ",     "'",        "__ptr64",  "static"};
	for (size_t i = 0; i < sizeof(qualifiers) / sizeof(qualifiers[0]); i++) {
		if (skip_text(s, qualifiers[i]))
			return;
	}
	if (is_next(s, "::"))
		s->is_behind = false;
	else
		finish(s);
}

static void
take_next(struct scan *s)
{
	uint8_t c = byte_at(s, s->at);
	switch (c) {
	case ' ':
		take_blank(s);
		break;
	case '(':
		take_paren(s);
		break;
	case ')':
		finish(s);
		break;
	case '<':
		take_angle(s);
		break;
	case '{':
		take_brace(s);
		break;
	case '`':
		take_backtick(s);
		break;
	case '\'':
		take_quote(s);
		break;
	case '[':
		take_bracket(s);
		break;
	case '@':
		take_at(s);
		break;
	case '+': /* a word + 0x12: the offset in a function */
		if (is_name_byte(last_out(s)) && is_digit(byte_at(s, s->at + 1)))
			finish(s);
		else
			take_to(s, s->at + 1);
		break;
	default:
		if (is_operator_word(s, s->at))
			take_operator(s);
		else if (is_name_byte(c))
			take_word(s);
		else
			take_to(s, s->at + 1);
	}
}

void
normalize_scan(struct slice in, struct buf *out)
{
	struct scan s = {.in = in, .out = out, .begin = out->len};
	while (s.at < s.in.len) {
		if (s.is_behind)
			take_behind(&s);
		else
			take_next(&s);
	}
}
