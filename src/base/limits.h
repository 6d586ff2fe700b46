/* limits.h - every limit on what others may send, and why it is that number */
#pragma once

/* Level 1, [MS-CER2] 2.2.1.  Eight parameters of 260 characters and a long file list are about
 * 20 KiB of UTF-16; 512 KiB leaves room for the strangest program and bounds a request's cost.
 * `ingest.limits.report_bytes` may lower it. */
#define LIMIT_REPORT_BYTES (512 * 1024)
#define LIMIT_REPORT_ARENA_BYTES (4 * 1024 * 1024) /* the parsed report, lists included */
#define LIMIT_PARAMS 10              /* [MS-CER2] 2.2.1.3.8: ids 0-9; WER_MAX_PARAM_COUNT */
#define LIMIT_EXTRA_PARAMS 64        /* parameters beyond ten are kept aside, this many */
#define LIMIT_SECONDARY_PARAMS 256   /* unbounded in [MS-CER2]; seen: 8 */
#define LIMIT_FILES 1024             /* unbounded in [MS-CER2]; seen: 14 */
#define LIMIT_TEXT_BYTES (16 * 1024) /* one attribute's value; paths reach some 1,000 */
#define LIMIT_EVENT_TYPE_BYTES 256   /* WER_MAX_EVENT_NAME_LENGTH is 64 characters */

/* XML: the schema is three deep, its widest element has five attributes. */
#define LIMIT_XML_DEPTH 32
#define LIMIT_XML_ATTRIBUTES 64
#define LIMIT_XML_ELEMENTS 8192

/* HTTP: a WER client sends four or five header lines, some 200 bytes. */
#define LIMIT_HEADER_BYTES (16 * 1024)
#define LIMIT_HEADERS 100
#define LIMIT_TARGET_BYTES 4096 /* the request line's path */
/* PROXY v2: addresses are 36 bytes at most; the rest is for TLVs such as a client certificate's
 * name (the specification asks to keep all of it under 536). */
#define LIMIT_PROXY_HEADER_BYTES 2048

/* Level-1 reply: lists of a few files or keys. */
#define LIMIT_REPLY_BYTES (64 * 1024)
#define LIMIT_REPLY_LINES 256

/* Configuration and collection rules: written by people. */
#define LIMIT_YAML_BYTES (4 * 1024 * 1024)
#define LIMIT_YAML_DEPTH 32
#define LIMIT_YAML_NODES 200000
#define LIMIT_YAML_ARENA_BYTES (64 * 1024 * 1024) /* 200,000 nodes are 40 MiB, and the text */
#define LIMIT_COLLECTION_RULES 10000
#define LIMIT_COLLECTION_ARENA_BYTES (64 * 1024 * 1024) /* compiled: 10,000 rules are 10 MiB */
#define LIMIT_LISTEN_ADDRESSES 64                       /* of one list: more than a machine has */
#define LIMIT_ADDRESS_RANGES 1024 /* of one list: each connection is compared with all of them */

/* Kept for study, oldest dropped first: enough to see a pattern, too little to fill a disk. */
#define LIMIT_QUARANTINE_ITEMS 1000
#define LIMIT_QUARANTINE_ITEM_BYTES (64 * 1024)
#define LIMIT_QUARANTINE_PER_SECOND 20 /* a flood is counted in full, but kept as a sample */
