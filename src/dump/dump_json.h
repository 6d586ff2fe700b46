/* dump_json.h - what a dump says, as JSON: for `werctl dump --json`, the jail's answer, pages
 *
 * Keys: kind, os, os_version, os_text, arch, cpu, processors, writer, time, flags, exception
 * {code, name, text, address, fault_address, flags, parameters} or null, bugcheck {code, name,
 * text, parameters} or null, crashing_thread and requesting_thread (the id of a thread, or null),
 * modules [{name, version, product_version, debug_name, debug_id, code_id, base, size, timestamp,
 * checksum, main}], unloaded [{name, base, size, timestamp}], streams [{type, name, offset, bytes,
 * read, error}], process {id, started, user_us, kernel_us, image_path, integrity}, memory {ranges,
 * bytes, regions}, handles {count, types, named}, facts {name: value}, annotations [{name,
 * value}], comment, oddities [text], and `private`: what may hold secrets or names of people
 * {command_line, environment [text], current_folder, user}, in one place so that it can be left
 * out.  Addresses and codes are text, "0x7ffd1000"; sizes and ids are numbers.
 * Threads and their frames are put by others.
 */
#pragma once

#include "dump/dump.h"
#include "ext/json.h"

void dump_put_json(const struct dump *dump, struct json *object);
const char *dump_kind_name(enum dump_kind kind); /* "minidump", "kernel_triage" ... */
