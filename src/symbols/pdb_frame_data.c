#include "symbols/pdb_frame_data.h"

#include "base/limits.h"
#include "base/reader.h"

enum {
	FRAME_DATA_BYTES = 32,
	FPO_BYTES = 16,
	WORD_BYTES = 4,
	/* FPO_DATA: bits of its last word. */
	FPO_PROLOG = 0x00ff,
	FPO_REGISTERS = 0x0700,
	FPO_REGISTERS_SHIFT = 8,
	FPO_USES_BASE_POINTER = 0x1000,
	FPO_KIND_SHIFT = 14 /* 0: without frame pointer; traps, task switches, with one */
};

/* Both kinds of record begin with an address and a size. */
static err_t
index_records(const struct msf *msf, uint32_t stream, uint32_t each, struct arena *arena,
	      struct arena *scratch, struct pdb_ranges *ret_ranges)
{
	uint32_t n = msf_bytes(msf, stream) / each;
	struct pdb_range *ranges;
	if (n > LIMIT_PDB_FRAMES)
		return ERR_LIMIT;
	ranges = arena_array(scratch, n, sizeof(*ranges));
	if (ranges == NULL)
		return ERR_LIMIT;
	for (uint32_t i = 0; i < n; i++) {
		uint8_t bytes[2 * sizeof(uint32_t)];
		struct slice head = {0};
		struct reader r;
		(void)msf_peek(msf, stream, i * each, sizeof(bytes), bytes, &head);
		reader_init(&r, head);
		ranges[i].start = reader_u32(&r);
		ranges[i].bytes = reader_u32(&r);
		ranges[i].value = i;
	}
	return pdb_ranges_make(ranges, n, arena, scratch, ret_ranges);
}

err_t
pdb_frames_open(const struct msf *msf, uint32_t frame_data, uint32_t fpo, struct arena *arena,
		struct pdb_frames *ret_frames)
{
	struct pdb_frames frames = {.frame_data = frame_data, .fpo = fpo};
	struct arena scratch;
	arena_init(&scratch, LIMIT_PDB_SCRATCH_BYTES);
	err_t err = index_records(msf, frame_data, FRAME_DATA_BYTES, arena, &scratch,
				  &frames.by_frame_data);
	if (err == OK)
		err = index_records(msf, fpo, FPO_BYTES, arena, &scratch, &frames.by_fpo);
	arena_done(&scratch);
	if (err == OK)
		*ret_frames = frames;
	return err;
}

static err_t
read_frame_data(struct pdb_texts *texts, uint32_t stream, uint32_t record,
		struct frame_data *ret_data)
{
	struct frame_data data = {0};
	uint8_t scratch[FRAME_DATA_BYTES];
	struct slice bytes = {0};
	struct reader r;
	(void)msf_peek(texts->msf, stream, record * FRAME_DATA_BYTES, FRAME_DATA_BYTES, scratch,
		       &bytes);
	reader_init(&r, bytes);
	data.rva = reader_u32(&r);
	data.code_bytes = reader_u32(&r);
	data.local_bytes = reader_u32(&r);
	data.param_bytes = reader_u32(&r);
	data.max_stack_bytes = reader_u32(&r);
	uint32_t program = reader_u32(&r);
	data.prolog_bytes = reader_u16(&r);
	data.saved_register_bytes = reader_u16(&r);
	err_t err = pdb_text_of_table(texts, program, &data.program);
	if (err != OK)
		return err;
	/* Without a program the sizes count alone. */
	if (data.program.len == 0)
		data.program = (struct slice){0};
	*ret_data = data;
	return OK;
}

static err_t
read_fpo(const struct msf *msf, uint32_t stream, uint32_t record, struct frame_data *ret_data)
{
	struct frame_data data = {0};
	uint8_t scratch[FPO_BYTES];
	struct slice bytes = {0};
	struct reader r;
	(void)msf_peek(msf, stream, record * FPO_BYTES, FPO_BYTES, scratch, &bytes);
	reader_init(&r, bytes);
	data.rva = reader_u32(&r);
	data.code_bytes = reader_u32(&r);
	/* Counted in words, and small: more than memory has is strange, and wraps. */
	data.local_bytes = reader_u32(&r) * WORD_BYTES;
	data.param_bytes = reader_u16(&r) * (uint32_t)WORD_BYTES;
	uint32_t bits = reader_u16(&r);
	data.prolog_bytes = bits & FPO_PROLOG;
	data.saved_register_bytes =
		((bits & FPO_REGISTERS) >> FPO_REGISTERS_SHIFT) * (uint32_t)WORD_BYTES;
	data.uses_base_pointer = (bits & FPO_USES_BASE_POINTER) != 0;
	if (bits >> FPO_KIND_SHIFT != 0)
		return ERR_NOTFOUND;
	*ret_data = data;
	return OK;
}

err_t
pdb_frames_find(const struct pdb_frames *frames, struct pdb_texts *texts, uint32_t address,
		struct frame_data *ret_data)
{
	uint32_t record;
	if (pdb_ranges_find(&frames->by_frame_data, address, &record))
		return read_frame_data(texts, frames->frame_data, record, ret_data);
	if (pdb_ranges_find(&frames->by_fpo, address, &record))
		return read_fpo(texts->msf, frames->fpo, record, ret_data);
	return ERR_NOTFOUND;
}
