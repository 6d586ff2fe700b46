#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/limits.h"
#include "base/text.h"
#include "base/time.h"
#include "bucket/normalize.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

enum {
	LARGE_BYTES = 155 * 1000, /* the longest name seen */
	SOON_US = 5 * 1000 * 1000 /* linear is some 10 ms with sanitizers, quadratic is minutes */
};

struct pair {
	const char *in, *out;
};

typedef void normalizer(struct slice, struct buf *);

static struct buf out;

static int
set_up(void **state)
{
	(void)state;
	buf_init(&out, LIMIT_NORMALIZED_BYTES);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	buf_done(&out);
	return 0;
}

static const char *
normalized(normalizer *normalize, struct slice in)
{
	static char text[LIMIT_NORMALIZED_BYTES + 1];
	buf_reset(&out);
	normalize(in, &out);
	assert_int_equal(buf_error(&out), OK);
	assert_true(text_is_utf8(buf_slice(&out)));
	memcpy(text, out.data == NULL ? (const uint8_t *)"" : out.data, out.len);
	text[out.len] = '\0';
	return text;
}

static void
assert_pairs(normalizer *normalize, const struct pair *pairs, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const char *got = normalized(normalize, slice_str(pairs[i].in));
		if (strcmp(got, pairs[i].out) != 0)
			fail_msg("%s\n  gives  %s\n  wanted %s", pairs[i].in, got, pairs[i].out);
	}
}

static void
repeat(struct buf *in, const char *unit, size_t bytes)
{
	buf_init(in, 2 * LIMIT_FUNCTION_NAME_BYTES);
	while (in->len < bytes)
		buf_append_str(in, unit);
}

static void
takes_linear_time_on_names_that_nest_or_repeat(void **state)
{
	(void)state;
	static const char *const units[] = {
		"<",
		"(",
		"{",
		"`",
		"'",
		"[",
		"<(",
		"`(",
		"a<",
		"::<",
		"<a as ",
		"<impl ",
		"operator<",
		"operator ",
		"decltype(",
		"`a'",
		"`1'::",
		" (*",
		"a::",
		".part",
		".7",
		"_avx2",
		"foo(int)::",
		"{lambda()#1}::",
		"<T>::",
		"->",
		"@",
		"$_1",
		"'lambda",
		"std::__1::",
		" ",
		"a b ",
		"``''",
		"[abi:",
		"\xff",
		"\x01",
		"::h7f635057bfba806a",
	};
	normalizer *const kinds[] = {normalize_function, normalize_module, normalize_source,
				     normalize_message};
	for (size_t i = 0; i < COUNT(units); i++) {
		for (size_t kind = 0; kind < COUNT(kinds); kind++) {
			struct buf in;
			repeat(&in, units[i], LARGE_BYTES);
			int64_t begin_us = time_monotonic_us();
			(void)normalized(kinds[kind], buf_slice(&in));
			if (time_monotonic_us() - begin_us > SOON_US)
				fail_msg("%s takes too long", units[i]);
			buf_done(&in);
		}
	}
}

static void
finds_the_name_behind_a_return_type_of_150_kilobytes(void **state)
{
	(void)state;
	struct buf in;
	repeat(&in, "sql::result<decltype((f)(g<int>))>::", LARGE_BYTES);
	buf_append_str(&in, "type sql::connection::run<Query>(Query const&) const");
	assert_string_equal(normalized(normalize_function, buf_slice(&in)),
			    "sql::connection::run<T>");
	buf_done(&in);
}

static void
cuts_what_is_too_long_and_keeps_it_apart(void **state)
{
	(void)state;
	struct buf in;
	char first[LIMIT_NORMALIZED_BYTES + 1];
	repeat(&in, "nested::", LIMIT_NORMALIZED_BYTES);
	buf_append_str(&in, "one");
	memcpy(first, normalized(normalize_function, buf_slice(&in)), sizeof(first));
	assert_int_equal(strlen(first), LIMIT_NORMALIZED_BYTES);
	assert_int_equal(first[LIMIT_NORMALIZED_BYTES - 17], '~');
	in.len -= 3;
	buf_append_str(&in, "two");
	assert_string_not_equal(normalized(normalize_function, buf_slice(&in)), first);
	buf_done(&in);
}

static void
never_cuts_inside_a_character(void **state)
{
	(void)state;
	for (size_t shift = 0; shift < 4; shift++) {
		struct buf in;
		buf_init(&in, 2 * LIMIT_NORMALIZED_BYTES);
		buf_append(&in, slice_sub(SLICE_LITERAL("abc"), 0, shift));
		while (in.len < LIMIT_NORMALIZED_BYTES + 8)
			buf_append_str(&in, "\xf0\x9f\x92\xa5");
		const char *got = normalized(normalize_function, buf_slice(&in));
		assert_true(strlen(got) <= LIMIT_NORMALIZED_BYTES);
		buf_done(&in);
	}
}

static void
replaces_broken_bytes_and_controls(void **state)
{
	(void)state;
	assert_string_equal(normalized(normalize_function, SLICE_LITERAL("f\xc3\x28o(int)")),
			    "f\xef\xbf\xbd");
	assert_string_equal(normalized(normalize_function, SLICE_LITERAL("\x01 f\n")), "f");
	assert_string_equal(normalized(normalize_function, slice_of("a\0b", 3)), "b");
	assert_string_equal(normalized(normalize_module, SLICE_LITERAL("a\tb\xff.DLL")),
			    "a b\xef\xbf\xbd");
}

static void
leaves_out_arguments_and_qualifiers(void **state)
{
	(void)state;
	static const struct pair pairs[] = {
		{"Foo::bar(int, char const*) const", "Foo::bar"},
		{"Foo::bar(int) volatile &&", "Foo::bar"},
		{"Foo::bar() [clone .isra.0] [clone .cold.12]", "Foo::bar"},
		{"Foo::bar() (.llvm.1234)", "Foo::bar"},
		{"Foo::bar[abi:cxx11](int)", "Foo::bar"},
		{"foo<int>(T) [with T = std::string]", "foo<T>"},
		{"f(void (*)(int), char (&)[3])", "f"},
		{"CreateFileW+0x2a", "CreateFileW"},
		{"CreateFileW + 0x2a", "CreateFileW"},
		{"main [inlined]", "main"},
	};
	assert_pairs(normalize_function, pairs, COUNT(pairs));
}

static void
leaves_out_return_types_and_storage(void **state)
{
	(void)state;
	static const struct pair pairs[] = {
		{"void Foo::bar()", "Foo::bar"},
		{"static unsigned int Foo::bar(int)", "Foo::bar"},
		{"public: virtual class X * __thiscall Foo::bar(void) const", "Foo::bar"},
		{"std::vector<a b, c> ns::f<int>(int)", "ns::f<T>"},
		{"decltype(f(x)) ns::g<X>(X)", "ns::g<T>"},
		{"decltype (f(x)) ns::g<X>(X)", "ns::g<T>"},
		{"void (*signal(int, void (*)(int)))(int)", "signal"},
		{"void (&choose<int>(int))(char)", "choose<T>"},
		{"bool (anonymous namespace)::ready(int)", "(anonymous namespace)::ready"},
		{"non-virtual thunk to Foo::bar()", "Foo::bar"},
		{"[thunk]:Item::Query`adjustor{12}' (int)", "Item::Query"},
		{"Item::Query`vtordispex{8,12}' (int)", "Item::Query"},
	};
	assert_pairs(normalize_function, pairs, COUNT(pairs));
}

static void
folds_template_arguments(void **state)
{
	(void)state;
	static const struct pair pairs[] = {
		{"A<B<C>, D>::E<F>", "A<T>::E<T>"},
		{"A<(b > c)>::f", "A<T>::f"},
		{"A<&(operator<<)>::f", "A<T>::f"},
		{"A<decltype(b->c)>::f", "A<T>::f"},
		{"A<void (B<int>)>::f()", "A<T>::f"},
		{"A<b", "A<T>"},
		{"std::less<>::operator()(int) const", "std::less<T>::operator()"},
		{"iter::collect::<Vec<u8>>", "iter::collect<T>"},
	};
	assert_pairs(normalize_function, pairs, COUNT(pairs));
}

static void
keeps_operators(void **state)
{
	(void)state;
	static const struct pair pairs[] = {
		{"A::operator()(int)", "A::operator()"},
		{"A::operator[](int)", "A::operator[]"},
		{"A::operator->() const", "A::operator->"},
		{"A::operator->*(int)", "A::operator->*"},
		{"A::operator<(A const&)", "A::operator<"},
		{"A::operator<=>(A const&)", "A::operator<=>"},
		{"A::operator<<=(int)", "A::operator<<="},
		{"ns::operator< <int>(int)", "ns::operator< <T>"},
		{"std::ostream& std::operator<< <char>(int)", "std::operator<< <T>"},
		{"std::operator<<<char>(int)", "std::operator<< <T>"},
		{"operator>>(int)", "operator>>"},
		{"A::operator,(int)", "A::operator,"},
		{"A::operator bool() const", "A::operator bool"},
		{"A::operator unsigned  long*() const", "A::operator unsigned long*"},
		{"A::operator std::vector<int> const&()", "A::operator std::vector<T> const&"},
		{"void* operator new(unsigned long)", "operator new"},
		{"operator new[](unsigned long)", "operator new[]"},
		{"operator delete[](void*)", "operator delete[]"},
		{"operator delete", "operator delete"},
		{"operator\"\" _km(long double)", "operator\"\"_km"},
		{"operators::run(int)", "operators::run"},
		{"co_operator(int)", "co_operator"},
	};
	assert_pairs(normalize_function, pairs, COUNT(pairs));
}

static void
names_what_has_no_name_alike(void **state)
{
	(void)state;
	static const struct pair pairs[] = {
		{"(anonymous namespace)::f()", "(anonymous namespace)::f"},
		{"`anonymous namespace'::f", "(anonymous namespace)::f"},
		{"`anonymous-namespace'::f", "(anonymous namespace)::f"},
		{"`?A0x1234abcd'::f", "(anonymous namespace)::f"},
		{"<unnamed>::f", "(anonymous namespace)::f"},
		{"<unnamed-namespace>::f", "(anonymous namespace)::f"},
		{"{anonymous}::f", "(anonymous namespace)::f"},
		{"f(int)::{lambda(int, char)#2}::operator()(int, char) const",
		 "f::{lambda}::operator()"},
		{"f(int) const::{lambda()#1}::operator()() const", "f::{lambda}::operator()"},
		{"f()::'lambda0'(int)::operator()(int) const", "f::{lambda}::operator()"},
		{"<lambda_0123456789abcdef>::operator()", "{lambda}::operator()"},
		{"f::<lambda_1>::operator()", "f::{lambda}::operator()"},
		{"f::$_52::__invoke", "f::$::__invoke"},
		{"f::{unnamed type#3}::g", "f::{unnamed}::g"},
		{"f()::'unnamed'::g()", "f::{unnamed}::g"},
		{"<unnamed-type-point>::g", "{unnamed}::g"},
	};
	assert_pairs(normalize_function, pairs, COUNT(pairs));
}

static void
reads_quotes_of_msvc(void **state)
{
	(void)state;
	static const struct pair pairs[] = {
		{"A::`scalar deleting destructor'(unsigned int)", "A::`deleting destructor'"},
		{"A::`vector deleting destructor'(unsigned int)", "A::`deleting destructor'"},
		{"`operator new'::`6'::`dynamic atexit destructor for 'nomem''",
		 "`operator new'::`dynamic atexit destructor for 'nomem''"},
		{"`public: void A::f(int)'::`2'::Local::g(int)", "A::f::Local::g"},
		{"A::`f'::`2'::g", "A::`f'::g"},
		{"`eh vector constructor iterator'", "`eh vector constructor iterator'"},
	};
	assert_pairs(normalize_function, pairs, COUNT(pairs));
}

static void
reads_names_of_rust(void **state)
{
	(void)state;
	static const struct pair pairs[] = {
		{"core::panicking::panic_fmt::h7f635057bfba806a", "core::panicking::panic_fmt"},
		{"a::h7f6350::b", "a::h7f6350::b"},
		{"::h7f635057bfba806a", "::h7f635057bfba806a"},
		{"core[846817f741e54dfd]::fmt::write", "core::fmt::write"},
		{"<alloc::vec::Vec<T> as core::ops::Drop>::drop",
		 "<alloc::vec::Vec<T> as core::ops::Drop>::drop"},
		{"<alloc::vec::Vec<u8,A> as core::ops::Drop>::drop",
		 "<alloc::vec::Vec<T> as core::ops::Drop>::drop"},
		{"<impl core::fmt::Display for app::Size<u8>>::fmt",
		 "<impl core::fmt::Display for app::Size<T>>::fmt"},
		{"core::str::<impl str>::find", "core::str::<impl str>::find"},
		{"app::run::{{closure}}", "app::run::{closure}"},
		{"app::run::{closure#3}::{closure_env#0}<i32>",
		 "app::run::{closure}::{closure}<T>"},
		{"app::impl$3::run::closure$0<tuple$<i32> >", "app::{impl}::run::{closure}<T>"},
		{"app::{impl#12}::run", "app::{impl}::run"},
		{"call_once{{vtable.shim}}", "call_once{vtable.shim}"},
	};
	assert_pairs(normalize_function, pairs, COUNT(pairs));
}

static void
reads_names_of_other_languages(void **state)
{
	(void)state;
	static const struct pair pairs[] = {
		{"App.Program.<Main>b__0_0(System.String[])", "App.Program.<Main>b__"},
		{"App.Program.<>c__DisplayClass1_0.<Run>b__2",
		 "App.Program.<>c__DisplayClass.<Run>b__"},
		{"App.<Get>d__5.MoveNext()", "App.<Get>d__.MoveNext"},
		{"App.<Run>g__Local|3_1(Int32)", "App.<Run>g__Local"},
		{"Program.<Main>$(String[])", "Program.<Main>$"},
		{"net/http.(*conn).serve", "net/http.(*conn).serve"},
		{"-[NSView(Private) drawRect:]", "-[NSView(Private) drawRect:]"},
		{"__42-[View load:]_block_invoke", "__42-[View load:]_block_invoke"},
		{"<module>", "<module>"},
	};
	assert_pairs(normalize_function, pairs, COUNT(pairs));
}

static void
leaves_out_what_compilers_and_linkers_add(void **state)
{
	(void)state;
	static const struct pair pairs[] = {
		{"foo.isra.0", "foo"},
		{"foo.constprop.0.isra.12.cold", "foo"},
		{"foo.part.1", "foo"},
		{"foo.llvm.1234567890", "foo"},
		{"foo.123", "foo"},
		{"foo.lto_priv.4", "foo"},
		{"memcpy@@GLIBC_2.14", "memcpy"},
		{"memcpy@plt", "memcpy"},
		{"_CreateFileA@28", "CreateFileA"},
		{"@fast@8", "fast"},
		{"@ILT+1234(_main)", "_main"},
		{"@ILT+15(?foo@@YAXXZ)", "?foo@@YAXXZ"},
		{"__imp_CreateFileW", "CreateFileW"},
		{"ZwWaitForSingleObject", "NtWaitForSingleObject"},
		{"Zwerg", "Zwerg"},
		{"std::__1::vector<int>::at(int)", "std::vector<T>::at"},
		{"std::__cxx11::basic_string<char>::at(int)", "std::basic_string<T>::at"},
		{"std::filesystem::__cxx11::path::has()", "std::filesystem::path::has"},
		{"_platform_memmove$VARIANT$Haswell", "_platform_memmove"},
		{"?foo@@YAXH@Z", "?foo@@YAXH@Z"},
		{"_ZN3foo3barEv.cold", "_ZN3foo3barEv"},
		{"_ZN3foo3barEv@@VERS_1", "_ZN3foo3barEv"},
	};
	assert_pairs(normalize_function, pairs, COUNT(pairs));
}

static void
names_libc_functions_alike_on_all_processors(void **state)
{
	(void)state;
	static const struct pair pairs[] = {
		{"__memmove_avx_unaligned_erms", "memmove"},
		{"__memcpy_ssse3_back", "memcpy"},
		{"__strlen_sse4_2", "strlen"},
		{"__strcasecmp_l_avx", "strcasecmp_l"},
		{"__wcsnlen_evex", "wcsnlen"},
		{"__memcpy_generic", "memcpy"},
		{"__memset_zva64", "memset"},
		{"__sin_fma", "sin"},
		{"__GI_raise", "raise"},
		{"__GI___assert_fail", "__assert_fail"},
		/* ... but nobody else's. */
		{"mem_generic", "mem_generic"},
		{"__blend_avx2", "__blend_avx2"},
		{"__memcpy_chk", "__memcpy_chk"},
		{"_avx2", "_avx2"},
	};
	assert_pairs(normalize_function, pairs, COUNT(pairs));
}

static void
gives_nothing_for_a_name_that_says_nothing(void **state)
{
	(void)state;
	static const char *const names[] = {
		"",
		" ",
		"??",
		"<unknown>",
		"<redacted>",
		"[unknown]",
		"sub_140001000",
		"FUN_00401000",
		"0x7fff12345678",
		"___lldb_unnamed_symbol12",
		"<deduplicated_symbol>",
		"()",
		"\x01",
	};
	for (size_t i = 0; i < COUNT(names); i++)
		assert_string_equal(normalized(normalize_function, slice_str(names[i])), "");
	assert_string_equal(normalized(normalize_function, SLICE_LITERAL("sub_title")),
			    "sub_title");
	assert_string_equal(normalized(normalize_function, (struct slice){0}), "");
}

static void
normalizes_names_of_modules(void **state)
{
	(void)state;
	static const struct pair pairs[] = {
		{"C:\\Windows\\System32\\NTDLL.DLL", "ntdll"},
		{"chrome.exe", "chrome.exe"},
		{"chrome.dll", "chrome"},
		{"Vendor.SYS", "vendor.sys"},
		{"/lib/x86_64-linux-gnu/libc-2.13.so", "libc.so"},
		{"libc.so.6", "libc.so"},
		{"libstdc++.so.6.0.30", "libstdc++.so"},
		{"libglib-2.0.so.0.7200.1", "libglib.so"},
		{"libgtk-3.so.0", "libgtk.so"},
		{"ld-linux-x86-64.so.2", "ld-linux-x86-64.so"},
		{"libfoo.1.2.dylib", "libfoo.dylib"},
		{"libfoo.so.1 (deleted)", "libfoo.so"},
		{"libfoo.so.1;5f3a1b2c", "libfoo.so"},
		{"libfoo.so.1.#prelink#.AbCdEf", "libfoo.so"},
		{"System.Xml.ni.dll", "system.xml"},
		{"Setup (2).exe", "setup.exe"},
		{"Setup[1].exe", "setup.exe"},
		{"(2).exe", "(2).exe"},
		{"App_Web_k3j4h5g6.dll", "app_web_*"},
		{"is-A1B2C.tmp", "is-*.tmp"},
		{"MSI1A2B.tmp", "msi*.tmp"},
		{"nsa1B2C.tmp", "ns*.tmp"},
		{"x{0a1b2c3d-1111-2222-3333-444455556666}.dll", "x{*}"},
		{"deadbeef.dll", "deadbeef"},
		{"", ""},
		{".", "."},
		{".so", ".so"},
		{".dll", ".dll"},
		{"[vdso]", "[vdso]"},
		{"linux-gate.so", "linux-gate.so"},
	};
	assert_pairs(normalize_module, pairs, COUNT(pairs));
}

static void
normalizes_paths_of_sources(void **state)
{
	(void)state;
	static const struct pair pairs[] = {
		{"hg:hg.example.org/app:src/vm/f.cpp:7d280b7e277b", "src/vm/f.cpp"},
		{"git:github.com/x/y:src/a.rs:4d90ac38", "src/a.rs"},
		{"f:\\dd\\crt\\mbs.c", "/dd/crt/mbs.c"},
		{"\\\\?\\C:\\a\\b.c", "/a/b.c"},
		{"/build/app/../lib/./x.c", "/build/lib/x.c"},
		{"../../a.c", "a.c"},
		{"/..", ""},
		{"/rustc/0123456789abcdef0123456789abcdef01234567/library/core/src/fmt.rs",
		 "/rustc/library/core/src/fmt.rs"},
		{"/home/me/.cargo/registry/src/github.com-1ecc6299db9ec823/foo-1.2.3/src/lib.rs",
		 "~/.cargo/registry/src/github.com/foo/src/lib.rs"},
		{"C:\\Users\\me\\src\\x.c", "~/src/x.c"},
		{"/home/me", "/home/me"},
		{"a//b", "a/b"},
		{"", ""},
	};
	assert_pairs(normalize_source, pairs, COUNT(pairs));
}

static void
normalizes_messages(void **state)
{
	(void)state;
	static const struct pair pairs[] = {
		{"app: /build/x.c:12: f: Assertion `a < 64' failed.",
		 "app: x.c:N: f: Assertion `a < N' failed."},
		{"  at 0x7fffABCD\tin C:\\x\\y.cpp,\n line 4 ", "at N in y.cpp, line N"},
		{"", ""},
		{"\n", ""},
	};
	assert_pairs(normalize_message, pairs, COUNT(pairs));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(takes_linear_time_on_names_that_nest_or_repeat),
		cmocka_unit_test(finds_the_name_behind_a_return_type_of_150_kilobytes),
		cmocka_unit_test(cuts_what_is_too_long_and_keeps_it_apart),
		cmocka_unit_test(never_cuts_inside_a_character),
		cmocka_unit_test(replaces_broken_bytes_and_controls),
		cmocka_unit_test(leaves_out_arguments_and_qualifiers),
		cmocka_unit_test(leaves_out_return_types_and_storage),
		cmocka_unit_test(folds_template_arguments),
		cmocka_unit_test(keeps_operators),
		cmocka_unit_test(names_what_has_no_name_alike),
		cmocka_unit_test(reads_quotes_of_msvc),
		cmocka_unit_test(reads_names_of_rust),
		cmocka_unit_test(reads_names_of_other_languages),
		cmocka_unit_test(leaves_out_what_compilers_and_linkers_add),
		cmocka_unit_test(names_libc_functions_alike_on_all_processors),
		cmocka_unit_test(gives_nothing_for_a_name_that_says_nothing),
		cmocka_unit_test(normalizes_names_of_modules),
		cmocka_unit_test(normalizes_paths_of_sources),
		cmocka_unit_test(normalizes_messages),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
