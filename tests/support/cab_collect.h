/* cab_collect.h - a sink that keeps what it is given, and checks the order of its calls */
#pragma once

#include "cab/read.h"
#include "cab_builder.h"

struct collected {
	struct buf content;
	uint64_t bytes;         /* that the sink was told at the end */
	struct cab_fault fault; /* CAB_NO_FAULT: whole */
	unsigned begun;
	unsigned ended;
};

struct collection {
	struct cab *cab; /* whose it is */
	struct collected members[BUILDER_MEMBERS];
	uint64_t wanted;   /* bits: which members; UINT64_MAX: all */
	size_t give_up_at; /* after so many bytes of a member; SIZE_MAX: never */
	size_t n_order;    /* members in the order of their ends */
	uint32_t order[2 * BUILDER_MEMBERS];
	const struct cab_member *open;
};

static inline bool
collect_begin(void *context, const struct cab_member *member)
{
	struct collection *c = context;
	assert_null(c->open);
	c->members[member->index].begun++;
	if ((c->wanted >> member->index & 1) == 0)
		return false;
	c->open = member;
	return true;
}

static inline err_t
collect_write(void *context, const struct cab_member *member, struct slice piece)
{
	struct collection *c = context;
	struct collected *m = &c->members[member->index];
	assert_ptr_equal(c->open, member);
	assert_in_range(piece.len, 1, CAB_PIECE_BYTES);
	buf_append(&m->content, piece);
	assert_int_equal(buf_error(&m->content), OK);
	return m->content.len >= c->give_up_at ? ERR_FULL : OK;
}

static inline void
collect_end(void *context, const struct cab_member *member, uint64_t bytes,
	    const struct cab_fault *fault)
{
	struct collection *c = context;
	struct collected *m = &c->members[member->index];
	assert_true(c->open == member || (c->open == NULL && fault != NULL && bytes == 0));
	c->open = NULL;
	m->ended++;
	m->bytes = bytes;
	if (fault != NULL)
		m->fault = *fault;
	c->order[c->n_order++ % (2 * BUILDER_MEMBERS)] = member->index;
}

static inline struct cab_sink
collect_sink(struct collection *c)
{
	return (struct cab_sink){c, collect_begin, collect_write, collect_end};
}

static inline void
collection_init(struct collection *c)
{
	*c = (struct collection){.wanted = UINT64_MAX, .give_up_at = SIZE_MAX};
	for (size_t i = 0; i < BUILDER_MEMBERS; i++)
		buf_init(&c->members[i].content, 64U << 20);
}

static inline void
collection_done(struct collection *c)
{
	for (size_t i = 0; i < BUILDER_MEMBERS; i++)
		buf_done(&c->members[i].content);
	cab_close(c->cab);
	*c = (struct collection){0};
}

/* Opens, which must succeed, and takes everything.  LIMITS NULL: the default. */
static inline err_t
collect_with(struct collection *c, const struct slice *parts, size_t n,
	     const struct cab_limits *limits)
{
	struct cab_fault fault = {0};
	struct cab_sink sink = collect_sink(c);
	if (cab_open_set(parts, n, limits, &c->cab, &fault) != OK)
		fail_msg("%s at %llu", cab_reason_name(fault.reason),
			 (unsigned long long)fault.offset);
	return cab_extract_all(c->cab, &sink, &fault);
}

static inline err_t
collect(struct collection *c, struct slice cabinet)
{
	collection_init(c);
	return collect_with(c, &cabinet, 1, NULL);
}

static inline void
assert_whole(const struct collection *c, size_t i, struct slice content)
{
	const struct collected *m = &c->members[i];
	if (m->fault.reason != CAB_NO_FAULT)
		fail_msg("member %zu: %s", i, cab_reason_name(m->fault.reason));
	assert_int_equal(m->ended, 1);
	assert_int_equal(m->bytes, content.len);
	assert_true(slice_equal(buf_slice(&m->content), content));
}

static inline void
assert_fault(const struct collection *c, size_t i, enum cab_reason reason, uint64_t offset)
{
	const struct collected *m = &c->members[i];
	if (m->fault.reason != reason || m->fault.offset != offset)
		fail_msg("member %zu: %s at %llu", i, cab_reason_name(m->fault.reason),
			 (unsigned long long)m->fault.offset);
	assert_int_equal(m->ended, 1);
}

/* Bytes that do not repeat soon and pack a little. */
static inline void
fill_text(struct buf *out, size_t len, uint32_t seed)
{
	buf_init(out, len + 16);
	while (out->len < len) {
		seed = seed * 1664525 + 1013904223;
		buf_printf(out, "%05x ", seed >> 12 & 0xfffff);
	}
	out->len = len;
}
