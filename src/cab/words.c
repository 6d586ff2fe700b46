#include "cab/words.h"

#include <stddef.h>

static const struct {
	const char *name;
	err_t err;
	const char *text;
} reasons[CAB_REASON_N] = {[CAB_NO_FAULT] = {"none", OK, "all is well"},
#define CAB_ROW_(code, name, err, text) [code] = {name, err, text},
			   CAB_REASONS(CAB_ROW_)
#undef CAB_ROW_
};

#define CAB_NAME_(code, name) name,
static const char *const member_flags[CAB_MEMBER_FLAG_N] = {CAB_MEMBER_FLAGS(CAB_NAME_)};
static const char *const flags[CAB_FLAG_N] = {CAB_FLAGS(CAB_NAME_)};
#undef CAB_NAME_

const char *
cab_reason_name(enum cab_reason reason)
{
	return (unsigned)reason < CAB_REASON_N ? reasons[reason].name : "unknown";
}

err_t
cab_fault_err(struct cab_fault fault)
{
	return (unsigned)fault.reason < CAB_REASON_N ? reasons[fault.reason].err : ERR_INTERNAL;
}

err_t
cab_explain(struct cab_fault fault, struct err_detail *detail)
{
	bool is_known = (unsigned)fault.reason < CAB_REASON_N;
	const char *text = is_known ? reasons[fault.reason].text : "unknown";
	unsigned long long offset = fault.offset;
	if (detail == NULL)
		return cab_fault_err(fault);
	detail->offset = fault.offset;
	if (fault.part > 0)
		return err_set(detail, cab_fault_err(fault), "%s, at offset %llu of part %u", text,
			       offset, fault.part + 1);
	return err_set(detail, cab_fault_err(fault), "%s, at offset %llu", text, offset);
}

const char *
cab_member_flag_name(unsigned bit)
{
	return bit < CAB_MEMBER_FLAG_N ? member_flags[bit] : "unknown";
}

const char *
cab_flag_name(unsigned bit)
{
	return bit < CAB_FLAG_N ? flags[bit] : "unknown";
}

const char *
cab_encoding_name(enum cab_encoding encoding)
{
	static const char *const names[] = {
		[CAB_ASCII] = "ascii",
		[CAB_UTF8] = "utf-8",
		[CAB_CP1252] = "cp1252",
		[CAB_CP437] = "cp437",
	};
	return (unsigned)encoding <= CAB_CP437 ? names[encoding] : "unknown";
}

const char *
cab_method_name(enum cab_method method)
{
	static const char *const names[] = {
		[CAB_STORED] = "stored",
		[CAB_MSZIP] = "mszip",
		[CAB_QUANTUM] = "quantum",
		[CAB_LZX] = "lzx",
	};
	return (unsigned)method < CAB_METHOD_N ? names[method] : "unknown";
}
