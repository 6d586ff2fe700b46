/* wer_metadata.h - WERInternalMetadata.xml: system, process and its ancestors, signature
 *
 * XML below WERReportMetadata, in two forms: Windows 7 has ParentProcessInformation, Windows 10
 * ProcessInformation with counters and ParentProcess inside, as deep as there are ancestors.  What
 * we do not know, such as the caller's own metadata, is kept by its path.  Refuses: what is not
 * well-formed, another root element, a document type, what passes limits.h.
 */
#pragma once

#include "ext/xml.h"
#include "report/report.h"
#include "report/text_file.h"

/* Elements that hold text, below the root.
 *   code, path, name in JSON */
#define METADATA_TEXTS(X)                                                                          \
	X(METADATA_NT_VERSION, "OSVersionInformation/WindowsNTVersion", "windows_nt_version")      \
	X(METADATA_BUILD, "OSVersionInformation/Build", "build")                                   \
	X(METADATA_PRODUCT, "OSVersionInformation/Product", "product")                             \
	X(METADATA_EDITION, "OSVersionInformation/Edition", "edition")                             \
	X(METADATA_BUILD_STRING, "OSVersionInformation/BuildString", "build_string")               \
	X(METADATA_REVISION, "OSVersionInformation/Revision", "revision")                          \
	X(METADATA_FLAVOR, "OSVersionInformation/Flavor", "flavor")                                \
	X(METADATA_ARCHITECTURE, "OSVersionInformation/Architecture", "architecture")              \
	X(METADATA_LCID, "OSVersionInformation/LCID", "lcid")                                      \
	X(METADATA_EVENT_TYPE, "ProblemSignatures/EventType", "event_type")                        \
	X(METADATA_MACHINE_ID, "SystemInformation/MID", "machine_id")                              \
	X(METADATA_MANUFACTURER, "SystemInformation/SystemManufacturer", "manufacturer")           \
	X(METADATA_MODEL, "SystemInformation/SystemProductName", "model")                          \
	X(METADATA_BIOS, "SystemInformation/BIOSVersion", "bios")                                  \
	X(METADATA_INSTALL_DATE, "SystemInformation/OSInstallDate", "install_date")                \
	X(METADATA_TIME_ZONE_BIAS, "SystemInformation/TimeZoneBias", "time_zone_bias")             \
	X(METADATA_SECURE_BOOT, "SecureBootState/UEFISecureBootEnabled", "secure_boot")            \
	X(METADATA_INTEGRATOR_FLAGS, "Integrator/Flags", "integrator_flags")                       \
	X(METADATA_SUSPENSION, "Integrator/SuspensionTimeDelta", "suspension_time_delta")          \
	X(METADATA_EXEMPTION, "Integrator/ExemptionTimeDelta", "exemption_time_delta")             \
	X(METADATA_REPORT_ID, "ReportInformation/Guid", "report_id")                               \
	X(METADATA_CREATION_TIME, "ReportInformation/CreationTime", "creation_time")
#define METADATA_ENUM_(code, path, json) code,
enum metadata_text {
	METADATA_TEXTS(METADATA_ENUM_) METADATA_TEXT_N
};
#undef METADATA_ENUM_

/* Of a process; Windows 7 has the first four at most. */
#define METADATA_PROCESS_TEXTS(X)                                                                  \
	X(METADATA_PROCESS_ID, "Pid", "process_id")                                                \
	X(METADATA_PROCESS_IMAGE, "ImageName", "image")                                            \
	X(METADATA_PROCESS_PATH, "ParentProcessPath", "path")                                      \
	X(METADATA_PROCESS_COMMAND, "ParentProcessCmdLine", "command_line")                        \
	X(METADATA_PROCESS_SIGNATURE, "CmdLineSignature", "command_line_signature")                \
	X(METADATA_PROCESS_UPTIME, "Uptime", "uptime_ms")                                          \
	X(METADATA_PEAK_VIRTUAL_SIZE, "ProcessVmInformation/PeakVirtualSize", "peak_virtual_size") \
	X(METADATA_VIRTUAL_SIZE, "ProcessVmInformation/VirtualSize", "virtual_size")               \
	X(METADATA_PAGE_FAULTS, "ProcessVmInformation/PageFaultCount", "page_faults")              \
	X(METADATA_PEAK_WORKING_SET, "ProcessVmInformation/PeakWorkingSetSize",                    \
	  "peak_working_set")                                                                      \
	X(METADATA_WORKING_SET, "ProcessVmInformation/WorkingSetSize", "working_set")              \
	X(METADATA_PEAK_PAGED_POOL, "ProcessVmInformation/QuotaPeakPagedPoolUsage",                \
	  "peak_paged_pool")                                                                       \
	X(METADATA_PAGED_POOL, "ProcessVmInformation/QuotaPagedPoolUsage", "paged_pool")           \
	X(METADATA_PEAK_NON_PAGED_POOL, "ProcessVmInformation/QuotaPeakNonPagedPoolUsage",         \
	  "peak_non_paged_pool")                                                                   \
	X(METADATA_NON_PAGED_POOL, "ProcessVmInformation/QuotaNonPagedPoolUsage",                  \
	  "non_paged_pool")                                                                        \
	X(METADATA_PAGEFILE, "ProcessVmInformation/PagefileUsage", "pagefile")                     \
	X(METADATA_PEAK_PAGEFILE, "ProcessVmInformation/PeakPagefileUsage", "peak_pagefile")       \
	X(METADATA_PRIVATE, "ProcessVmInformation/PrivateUsage", "private")
#define METADATA_ENUM_(code, path, json) code,
enum metadata_process_text {
	METADATA_PROCESS_TEXTS(METADATA_ENUM_) METADATA_PROCESS_TEXT_N
};
#undef METADATA_ENUM_

struct metadata_process {
	size_t generation; /* 0 the process itself, 1 its parent, 2 the parent's parent ... */
	struct slice texts[METADATA_PROCESS_TEXT_N]; /* absent: not there */
};

/* Attributes of a BuildLayer, in order. */
struct metadata_layer {
	struct report_pair *attributes;
	size_t n_attributes;
};

/* DynamicSignatures/Parameter22: index 22. */
struct metadata_dynamic {
	uint32_t index;
	struct slice value;
};

struct wer_metadata {
	struct text_file form;               /* encoding; its text is the document */
	bool is_windows7;                    /* ParentProcessInformation is there */
	struct slice texts[METADATA_TEXT_N]; /* absent: not there */
	struct slice params[LIMIT_PARAMS];   /* ProblemSignatures/Parameter0 ... */
	size_t n_params;                     /* highest that is there, plus one */
	struct metadata_dynamic *dynamic;    /* in the order of the file */
	size_t n_dynamic;
	struct metadata_process *processes; /* the process itself first, then its ancestors */
	size_t n_processes;
	struct metadata_layer *layers;
	size_t n_layers;
	struct report_pair *other; /* path below the root, "@attribute" behind it; value */
	size_t n_other;
	bool has_mixed_text; /* text beside child elements, which is not kept */
};

/* PARSER is used for this call.  Texts live in ARENA.  DETAIL (may be NULL): reason, and offset in
 * the text as UTF-8.
 * ERR_TRUNCATED	the document ends early, or is empty
 * ERR_CORRUPT		not well-formed, or another root element
 * ERR_UNSUPPORTED	a document type or a custom entity
 * ERR_LIMIT		too large, too deep, too many of something, or ARENA is full */
err_t wer_metadata_parse(struct xml_parser *parser, struct slice in, struct arena *arena,
			 struct wer_metadata *ret_metadata, struct err_detail *detail) ERR_CHECK;
void wer_metadata_put_json(const struct wer_metadata *metadata, struct json *object);
