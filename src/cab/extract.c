/* Extracting: members in the order in which they lie, each from where the one before ended, so
 * that a folder is unpacked once.  What goes wrong in a folder is kept: what lies behind that
 * is refused without a second try.
 */
#include "cab/opened.h"

/* One call of cab_extract or cab_extract_all. */
struct run {
	struct cab *cab;
	const struct cab_sink *sink;
	uint64_t left;               /* bytes that may still be unpacked */
	enum cab_reason over_budget; /* what to say when they are used up */
	struct cab_fault first;      /* of the members */
	err_t first_err;

	const struct cab_member *member;
	uint64_t written;
	err_t sink_err;
};

static void
begin_run(struct run *run, struct cab *cab, const struct cab_sink *sink)
{
	const struct cab_limits *limits = &cab->limits;
	uint64_t bytes = cab->info.bytes;
	uint64_t by_ratio =
		bytes > UINT64_MAX / (limits->ratio | 1) ? UINT64_MAX : bytes * limits->ratio;
	if (by_ratio < limits->ratio_free_bytes)
		by_ratio = limits->ratio_free_bytes;
	bool is_ratio_less = by_ratio < limits->all_bytes;
	*run = (struct run){.cab = cab, .sink = sink};
	run->left = is_ratio_less ? by_ratio : limits->all_bytes;
	run->over_budget = is_ratio_less ? CAB_BOMB : CAB_ALL_TOO_LARGE;
}

static bool
take_piece(void *context, struct slice piece)
{
	struct run *run = context;
	run->sink_err = run->sink->write(run->sink->context, run->member, piece);
	if (run->sink_err != OK)
		return false;
	run->written += piece.len;
	return true;
}

/* The block that holds byte AT of what a folder unpacks to. */
static struct cab_fault
fault_at(const struct cab *cab, size_t folder, uint64_t at)
{
	const struct folder_state *state = &cab->states[folder];
	const struct cab_segment *segment = state->segments;
	for (size_t i = 1; i < state->n_segments && at >= segment->bytes; i++) {
		at -= segment->bytes;
		segment++;
	}
	const struct cab_tables *t = &cab->tables[segment->part];
	return (struct cab_fault){CAB_BAD_DATA, segment->part, cab_tables_block_at(t, segment, at)};
}

static struct cab_fault
member_fault(enum cab_reason reason, const struct cab_member *m)
{
	return (struct cab_fault){reason, m->part, m->entry_offset};
}

/* Bytes of M up to TO in its folder. */
static struct cab_fault
unpack(struct run *run, const struct cab_member *m, uint32_t to)
{
	struct cab *cab = run->cab;
	struct folder_state *state = &cab->states[m->folder];
	uint32_t start = cab_library_position(cab->library, m->folder);
	uint32_t reached;
	if (start > m->folder_offset)
		start = 0;
	/* A folder may be long and unpack to little: to read it again costs too. */
	uint64_t again =
		start == 0 && state->was_started ? cab->folders[m->folder].packed_bytes : 0;
	/* Checked before, not while: the library never gives more than it is asked for. */
	if (again + (to - start) > run->left)
		return member_fault(run->over_budget, m);
	state->was_started = true;
	run->left -= again;
	enum cab_reason reason = cab_library_unpack(cab->library, m->folder, m->folder_offset, to,
						    take_piece, run, &reached);
	run->left -= reached > start ? reached - start : 0;
	if (reason != CAB_BAD_DATA)
		return reason == CAB_NO_FAULT ? (struct cab_fault){0} : member_fault(reason, m);
	state->damage = fault_at(cab, m->folder, reached);
	state->whole_bytes = reached;
	return state->damage;
}

/* Can the beginning of a member be had that has this fault?  For limits it is not wanted. */
static bool
leaves_a_beginning(enum cab_reason reason)
{
	return reason == CAB_TRUNCATED || reason == CAB_BAD_BLOCK || reason == CAB_BAD_CHECKSUM ||
	       reason == CAB_BAD_DATA || reason == CAB_FOLDERS_OVERLAP ||
	       reason == CAB_NEEDS_NEXT || reason == CAB_OUTSIDE_FOLDER;
}

/* Where the bytes of M end, or where its folder breaks off. */
static uint64_t
end_of_bytes(const struct cab *cab, const struct cab_member *m)
{
	const struct folder_state *state = &cab->states[m->folder];
	uint64_t end = (uint64_t)m->folder_offset + m->bytes;
	uint64_t limit =
		cab_has_fault(state->damage) ? state->whole_bytes : cab->folders[m->folder].bytes;
	return end < limit ? end : limit;
}

/* The whole member, or what there is of it; the fault then says why it is not whole. */
static struct cab_fault
extract_bytes(struct run *run, const struct cab_member *m, struct cab_fault fault)
{
	struct cab *cab = run->cab;
	uint64_t to = end_of_bytes(cab, m);
	if (m->bytes == 0 || to <= m->folder_offset)
		return fault;
	if (cab->library == NULL) {
		enum cab_reason reason =
			cab_library_open(cab->library_parts, cab->n_parts, &cab->library);
		if (reason != CAB_NO_FAULT)
			return member_fault(reason, m);
	}
	struct cab_fault found = unpack(run, m, (uint32_t)to);
	return cab_has_fault(found) ? found : fault;
}

/* What is known before: from opening, or from a member that was unpacked before. */
static struct cab_fault
known_fault(const struct cab *cab, const struct cab_member *m)
{
	if (cab_has_fault(m->fault) || m->bytes == 0)
		return m->fault;
	const struct folder_state *state = &cab->states[m->folder];
	bool is_damaged =
		cab_has_fault(state->damage) && m->folder_offset + m->bytes > state->whole_bytes;
	return is_damaged ? state->damage : m->fault;
}

static void
extract_member(struct run *run, const struct cab_member *m)
{
	const struct cab_sink *sink = run->sink;
	struct cab_fault fault = known_fault(run->cab, m);
	run->member = m;
	run->written = 0;
	run->sink_err = OK;
	if (!cab_has_fault(fault) || leaves_a_beginning(fault.reason)) {
		if (sink->begin != NULL && !sink->begin(sink->context, m))
			return;
		fault = extract_bytes(run, m, fault);
	}
	if (cab_has_fault(fault) && !cab_has_fault(run->first)) {
		run->first = fault;
		run->first_err = run->sink_err != OK ? run->sink_err : cab_fault_err(fault);
	}
	sink->end(sink->context, m, run->written, cab_has_fault(fault) ? &fault : NULL);
}

static err_t
end_run(const struct run *run, struct cab_fault *reterr)
{
	if (run->first_err != OK)
		*reterr = run->first;
	return run->first_err;
}

err_t
cab_extract_all(struct cab *cab, const struct cab_sink *sink, struct cab_fault *reterr)
{
	struct run run;
	begin_run(&run, cab, sink);
	for (size_t i = 0; i < cab->info.n_members; i++)
		extract_member(&run, cab->by_place[i]);
	return end_run(&run, reterr);
}

err_t
cab_extract(struct cab *cab, size_t index, const struct cab_sink *sink, struct cab_fault *reterr)
{
	struct run run;
	begin_run(&run, cab, sink);
	extract_member(&run, &cab->members[index]);
	return end_run(&run, reterr);
}
