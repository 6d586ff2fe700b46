/* demangle.h - readable names for what linkers call functions
 *
 * Itanium C++ ("_Z...", also with one or more underscores before it, as on macOS), Rust ("_R...",
 * and the older form that borrows C++'s: "_ZN...17h0123456789abcdefE"), Microsoft C++ ("?..."), and
 * the decorations of C functions on 32-bit Windows ("_name@8", "@name@8", "name@@8").
 * Microsoft's names read as llvm-undname prints them, the others as c++filt does.
 *
 * Names are hostile: time, memory, depth and output are bounded by limits.h, and a name that
 * passes a limit, or is broken, is simply not made readable.  Pure.
 *
 * Why none of the libraries: Debian has libiberty alone (static, of binutils, which Debian's
 * security support excludes for hostile input; its printer has no bound on output or time), and
 * libstdc++'s __cxa_demangle, which is the same code and wants C++; for Microsoft's names there
 * is nothing for C.
 */
#pragma once

#include "base/buf.h"

enum demangle_style {
	DEMANGLE_FULL, /* everything: "public: void __thiscall A::f(int) const" */
	DEMANGLE_CALL, /* for frames: name and arguments: "A::f(int) const" */
	DEMANGLE_NAME, /* "A::f" */
	DEMANGLE_STYLE_N
};

/* Appends NAME, readable, as DEMANGLE_CALL.  False: it is not mangled, or broken, or over a
 * limit; nothing is appended then. */
bool demangle(struct slice name, struct buf *out);
bool demangle_as(struct slice name, enum demangle_style style, struct buf *out);
