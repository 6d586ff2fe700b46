/* options.h - what stands on the command line: options and operands
 *
 * Every option of every command is one row of the table below, from which the reader, the usage
 * lines, `werctl help` and the error messages come.  Options may stand anywhere, before or
 * behind the command's name; `--` ends them.  Refuses: unknown options, a missing or needless
 * value, an option twice (but for those that are lists), values that are not of their kind.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum option_kind {
	VALUE_NONE,
	VALUE_TEXT,
	VALUE_TEXTS,  /* may be given again and again; one option of each command */
	VALUE_TIME,   /* as time_parse reads it */
	VALUE_NUMBER, /* decimal, not negative */
	VALUE_CHOICE  /* one of the words in `value`, separated by '|' */
};

/*	code	name	letter	kind	value	help */
#define OPTION_TABLE(X)                                                                            \
	X(CONFIG, "config", 'c', VALUE_TEXT, "FILE",                                               \
	  "configuration; else $OPENWER_CONFIG, else /etc/openwer/werd.yaml")                      \
	X(JSON, "json", 0, VALUE_NONE, "", "one JSON object a line")                               \
	X(HELP, "help", 'h', VALUE_NONE, "", "explain the command")                                \
	X(VERSION, "version", 'V', VALUE_NONE, "", "print the version")                            \
	X(SINCE, "since", 0, VALUE_TIME, "TIME", "received at TIME or later")                      \
	X(UNTIL, "until", 0, VALUE_TIME, "TIME", "received before TIME")                           \
	X(EVENT, "event", 0, VALUE_TEXT, "TYPE", "event type, any spelling")                       \
	X(APP, "app", 0, VALUE_TEXT, "NAME", "image name, application name or path")               \
	X(MODULE, "module", 0, VALUE_TEXT, "NAME", "faulting module")                              \
	X(MACHINE, "machine", 0, VALUE_TEXT, "NAME", "machine name")                               \
	X(USER, "user", 0, VALUE_TEXT, "NAME", "user name")                                        \
	X(BUCKET, "bucket", 0, VALUE_TEXT, "ID", "bucket: its id, hashed or legacy number")        \
	X(CODE, "code", 0, VALUE_TEXT, "CODE", "exception, error or bugcheck code")                \
	X(TEXT, "text", 0, VALUE_TEXT, "TEXT", "anywhere in the report; 3 characters or more")     \
	X(LIMIT, "limit", 0, VALUE_NUMBER, "N", "at most N, 0 for all (default 50)")               \
	X(AFTER, "after", 0, VALUE_TEXT, "CURSOR", "go on behind the item of this cursor")         \
	X(SORT, "sort", 0, VALUE_CHOICE, "hits|machines|first|last", "order (default hits)")       \
	X(RAW, "raw", 0, VALUE_NONE, "", "the bytes as they came")                                 \
	X(OUTPUT, "output", 'o', VALUE_TEXT, "FILE", "write to FILE; - is standard output")        \
	X(FORCE, "force", 0, VALUE_NONE, "", "replace what is there")                              \
	X(ALL, "all", 0, VALUE_NONE, "", "leave nothing out")                                      \
	X(TREE, "tree", 0, VALUE_TEXT, "DIR", "folder to write the tree to")                       \
	X(FORMAT, "format", 0, VALUE_CHOICE, "reg|ps1", "form of the file")                        \
	X(SERVER, "server", 0, VALUE_TEXT, "NAME", "the collector's name, as clients know it")     \
	X(PORT, "port", 0, VALUE_NUMBER, "N", "the collector's port (default 1273)")               \
	X(TLS, "tls", 0, VALUE_NONE, "", "clients use HTTPS")                                      \
	X(UNDO, "undo", 0, VALUE_NONE, "", "remove exactly what was set")                          \
	X(SYMBOLS, "symbols", 0, VALUE_TEXTS, "DIR", "folder of symbols; may be given again")      \
	X(CA_HINT, "ca-hint", 0, VALUE_NONE, "", "say how clients come to trust a private CA")

#define OPTION_ENUM_(code, name, letter, kind, value, help) OPTION_##code,
enum option_code {
	OPTION_TABLE(OPTION_ENUM_) OPTION_N
};
#undef OPTION_ENUM_

#define OPTION_BIT(code) (UINT64_C(1) << OPTION_##code)
/* Every command takes these. */
#define OPTIONS_COMMON (OPTION_BIT(CONFIG) | OPTION_BIT(HELP))
#define OPTIONS_FILTER                                                                             \
	(OPTION_BIT(SINCE) | OPTION_BIT(UNTIL) | OPTION_BIT(EVENT) | OPTION_BIT(APP) |             \
	 OPTION_BIT(MODULE) | OPTION_BIT(MACHINE) | OPTION_BIT(USER) | OPTION_BIT(BUCKET) |        \
	 OPTION_BIT(CODE) | OPTION_BIT(TEXT))
#define OPTIONS_PAGE (OPTION_BIT(LIMIT) | OPTION_BIT(AFTER))

enum {
	OPTION_TEXTS_MAX = 32
};

struct option {
	const char *name;
	char letter; /* 0: none */
	enum option_kind kind;
	const char *value;
	const char *help;
};

struct options {
	uint64_t given;                      /* OPTION_BIT of each that stands there */
	const char *text[OPTION_N];          /* NULL: not given */
	uint64_t number[OPTION_N];           /* VALUE_NUMBER; VALUE_CHOICE: index of the word */
	int64_t time_us[OPTION_N];           /* VALUE_TIME */
	const char *texts[OPTION_TEXTS_MAX]; /* VALUE_TEXTS */
	size_t n_texts;
};

enum {
	OPERANDS_MAX = 4096
};

struct operands {
	const char *const *at;
	unsigned count;
};

const struct option *option_at(enum option_code code);
bool option_is_given(const struct options *options, enum option_code code);
/* The value or, when it is not given, OTHERWISE. */
uint64_t option_number(const struct options *options, enum option_code code, uint64_t otherwise);

/* Reads ARGUMENTS (COUNT of them, without the program's name).  Operands are gathered in PLACE,
 * which has room for COUNT.  ERR_USAGE with the reason. */
err_t options_parse(const char *const *arguments, unsigned count, int64_t now_us,
		    const char **place, struct options *ret_options, struct operands *ret_operands,
		    struct err_detail *detail) ERR_CHECK;
