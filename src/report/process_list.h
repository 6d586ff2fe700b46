/* process_list.h - memory.csv: all processes of the machine at the time of the report, and their
 * tree
 *
 * Rows of comma-separated fields below a header that names the columns; the first field is quoted,
 * services are joined by '|', rows end with a comma when there is none.  Columns are found by name,
 * in any order.  A file whose header does not name image and process id is kept as a text.
 */
#pragma once

#include "report/text_file.h"

/*   code, name in the header, name in JSON */
#define PROCESS_COLUMNS(X)                                                                         \
	X(PROCESS_IMAGE, "ImageName", "image")                                                     \
	X(PROCESS_ID, "UniqueProcessId", "process_id")                                             \
	X(PROCESS_THREADS, "NumberOfThreads", "threads")                                           \
	X(PROCESS_PRIVATE_WORKING_SET, "WorkingSetPrivateSize", "private_working_set")             \
	X(PROCESS_HARD_FAULTS, "HardFaultCount", "hard_faults")                                    \
	X(PROCESS_MOST_THREADS, "NumberOfThreadsHighWatermark", "most_threads")                    \
	X(PROCESS_CYCLE_TIME, "CycleTime", "cycle_time")                                           \
	X(PROCESS_CREATE_TIME, "CreateTime", "create_time")                                        \
	X(PROCESS_USER_TIME, "UserTime", "user_time")                                              \
	X(PROCESS_KERNEL_TIME, "KernelTime", "kernel_time")                                        \
	X(PROCESS_BASE_PRIORITY, "BasePriority", "base_priority")                                  \
	X(PROCESS_PEAK_VIRTUAL_SIZE, "PeakVirtualSize", "peak_virtual_size")                       \
	X(PROCESS_VIRTUAL_SIZE, "VirtualSize", "virtual_size")                                     \
	X(PROCESS_PAGE_FAULTS, "PageFaultCount", "page_faults")                                    \
	X(PROCESS_WORKING_SET, "WorkingSetSize", "working_set")                                    \
	X(PROCESS_PEAK_WORKING_SET, "PeakWorkingSetSize", "peak_working_set")                      \
	X(PROCESS_PEAK_PAGED_POOL, "QuotaPeakPagedPoolUsage", "peak_paged_pool")                   \
	X(PROCESS_PAGED_POOL, "QuotaPagedPoolUsage", "paged_pool")                                 \
	X(PROCESS_PEAK_NON_PAGED_POOL, "QuotaPeakNonPagedPoolUsage", "peak_non_paged_pool")        \
	X(PROCESS_NON_PAGED_POOL, "QuotaNonPagedPoolUsage", "non_paged_pool")                      \
	X(PROCESS_PAGEFILE, "PagefileUsage", "pagefile")                                           \
	X(PROCESS_PEAK_PAGEFILE, "PeakPagefileUsage", "peak_pagefile")                             \
	X(PROCESS_PRIVATE_PAGES, "PrivatePageCount", "private_pages")                              \
	X(PROCESS_READS, "ReadOperationCount", "reads")                                            \
	X(PROCESS_WRITES, "WriteOperationCount", "writes")                                         \
	X(PROCESS_OTHERS, "OtherOperationCount", "other_operations")                               \
	X(PROCESS_READ_BYTES, "ReadTransferCount", "read_transfer")                                \
	X(PROCESS_WRITE_BYTES, "WriteTransferCount", "write_transfer")                             \
	X(PROCESS_OTHER_BYTES, "OtherTransferCount", "other_transfer")                             \
	X(PROCESS_HANDLES, "HandleCount", "handles")                                               \
	X(PROCESS_PARENT_ID, "InheritedFromUniqueProcessId", "parent_id")                          \
	X(PROCESS_SESSION_ID, "SessionId", "session_id")                                           \
	X(PROCESS_SERVICES, "Services", "services")
#define PROCESS_ENUM_(code, column, json) code,
enum process_column {
	PROCESS_COLUMNS(PROCESS_ENUM_) PROCESS_COLUMN_N
};
#undef PROCESS_ENUM_

#define PROCESS_NONE UINT32_MAX /* no process: an index into `processes` */

struct process {
	struct slice fields[PROCESS_COLUMN_N]; /* as they came; absent: the row has none */
	struct slice row;                      /* the whole line */
	bool has_id;
	uint64_t id;
	uint32_t parent;      /* PROCESS_NONE: not in the list, or not its parent: see below */
	uint32_t first_child; /* in the order of rows */
	uint32_t next_sibling;
};

struct process_list {
	bool is_known; /* false: TEXT is all there is */
	struct text_file text;
	bool has_unknown_columns; /* their fields are in `row` alone */
	size_t n_odd_rows;        /* with more or fewer fields than the header */
	struct process *processes;
	size_t n_processes;
};

/* A parent's id may have been given to another process since: one that was created after its child
 * is not the parent, where both say when.  Parents that lead back to the child are none.
 * ERR_LIMIT: too large, too many rows or columns, or ARENA, in which everything lives, is full. */
err_t
process_list_parse(struct slice in, struct arena *arena, struct process_list *ret_list) ERR_CHECK;
/* The index of the first process with that id, PROCESS_NONE when there is none.  Linear. */
uint32_t process_list_find(const struct process_list *list, uint64_t id);
/* Walks the tree, each parent before its children: the one after AT (PROCESS_NONE: the first), and
 * its depth below a process without parent.  PROCESS_NONE: AT was the last. */
uint32_t process_list_next(const struct process_list *list, uint32_t at, size_t *depth);
/* "processes" in the order of process_list_next with "depth". */
void process_list_put_json(const struct process_list *list, struct json *object);
