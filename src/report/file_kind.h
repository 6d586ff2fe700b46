/* file_kind.h - what a file of a cabinet, a report folder or a disk is: by content, then by name
 *
 * Content decides where it says something: names are whatever a machine chose to write.  Where it
 * says nothing (the text of sysinfo.txt), the name does.  Pure, and looks at the first
 * FILE_KIND_BYTES alone: a kind is a hint for the choice of a reader, which then checks.
 */
#pragma once

#include "base/slice.h"

/* code, name for programs, name for people */
#define FILE_KINDS(X)                                                                              \
	X(FILE_UNKNOWN, "unknown", "unknown")                                                      \
	X(FILE_EMPTY, "empty", "empty file")                                                       \
	X(FILE_LEVEL1, "level1", "level-1 report")                                                 \
	X(FILE_REPORT_WER, "report_wer", "report of the machine (Report.wer)")                     \
	X(FILE_METADATA, "metadata", "system and process (WERInternalMetadata.xml)")               \
	X(FILE_APPCOMPAT, "appcompat", "images of the program (AppCompat.txt)")                    \
	X(FILE_PROCESS_LIST, "process_list", "all processes (memory.csv)")                         \
	X(FILE_SYSINFO, "sysinfo", "system information (sysinfo.txt)")                             \
	X(FILE_SYSDATA, "sysdata", "drivers and devices (sysdata.xml)")                            \
	X(FILE_LOADED_MODULES, "loaded_modules", "loaded modules (LoadedModules.xml)")             \
	X(FILE_FILE_VERSION, "file_version", "versions of files (FileVer.txt)")                    \
	X(FILE_WQL, "wql", "answers of WMI (wql.txt)")                                             \
	X(FILE_REGISTRY, "registry", "registry keys")                                              \
	X(FILE_VERSION, "version", "version (Version.txt)")                                        \
	X(FILE_MINIDUMP, "minidump", "minidump")                                                   \
	X(FILE_HEAP_DUMP, "heap_dump", "minidump with heap")                                       \
	X(FILE_KERNEL_DUMP, "kernel_dump", "kernel dump")                                          \
	X(FILE_ELF_CORE, "elf_core", "core dump (ELF)")                                            \
	X(FILE_ELF, "elf", "program or library (ELF)")                                             \
	X(FILE_PE, "pe", "program or library (PE)")                                                \
	X(FILE_CABINET, "cabinet", "cabinet")                                                      \
	X(FILE_XML, "xml", "XML")                                                                  \
	X(FILE_TEXT, "text", "text")
#define FILE_KIND_ENUM_(code, id, name) code,
enum file_kind {
	FILE_KINDS(FILE_KIND_ENUM_) FILE_KIND_N
};
#undef FILE_KIND_ENUM_

enum {
	FILE_KIND_BYTES = 8192 /* of the content, enough; UTF-16 of a Report.wer's head is 1 KiB */
};

/* BYTES: the whole content or its beginning.  NAME may have folders before it, and the prefix that
 * Windows gives to files that wait ("WERE035.tmp."). */
enum file_kind wer_file_detect(struct slice name, struct slice bytes);
const char *file_kind_id(enum file_kind kind);   /* "report_wer" */
const char *file_kind_name(enum file_kind kind); /* "report of the machine (Report.wer)" */
/* The last part of a path, of either separator. */
struct slice file_base_name(struct slice path);
/* Is NAME's last part FILE, or FILE behind the prefix of a file that waits?  ASCII case folds. */
bool file_is_named(struct slice name, const char *file);
