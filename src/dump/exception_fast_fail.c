/* Why a program stopped itself by __fastfail: FAST_FAIL_* of winnt.h. */
#include <inttypes.h>

#include "dump/exception_parts.h"

static const struct {
	const char *name;
	const char *text;
} fast_fails[] = {
	[0] = {"LEGACY_GS_VIOLATION", "a stack buffer was overrun (stack cookie)"},
	[1] = {"VTGUARD_CHECK_FAILURE", "a virtual function table was replaced"},
	[2] = {"STACK_COOKIE_CHECK_FAILURE", "a stack buffer was overrun (stack cookie)"},
	[3] = {"CORRUPT_LIST_ENTRY", "a linked list is corrupt: memory was overwritten or used "
				     "after it was freed"},
	[4] = {"INCORRECT_STACK", "the stack pointer does not point into the thread's stack"},
	[5] = {"INVALID_ARG", "an invalid argument for a C runtime or system function"},
	[6] = {"GS_COOKIE_INIT", "the stack cookie could not be made"},
	[7] = {"FATAL_APP_EXIT", "the program ended itself: abort(), a failed assertion, a panic "
				 "or an exception that nobody caught"},
	[8] = {"RANGE_CHECK_FAILURE", "an index is out of range"},
	[9] = {"UNSAFE_REGISTRY_ACCESS", "a registry key was used in an unsafe way"},
	[10] = {"GUARD_ICALL_CHECK_FAILURE",
		"an indirect call to a target that is not valid (Control Flow Guard)"},
	[11] = {"GUARD_WRITE_CHECK_FAILURE", "a write to memory that is guarded"},
	[12] = {"INVALID_FIBER_SWITCH", "a switch to an invalid fiber"},
	[13] = {"INVALID_SET_OF_CONTEXT", "registers were about to be set to a forbidden state"},
	[14] = {"INVALID_REFERENCE_COUNT", "a reference count is impossible"},
	[18] = {"INVALID_JUMP_BUFFER", "longjmp() with an invalid buffer"},
	[19] = {"MRDATA_MODIFIED", "the loader's read-only data was changed"},
	[20] = {"CERTIFICATION_FAILURE", "a certificate check failed"},
	[21] = {"INVALID_EXCEPTION_CHAIN", "the chain of exception handlers is corrupt"},
	[22] = {"CRYPTO_LIBRARY", "a cryptographic library found itself broken"},
	[23] = {"INVALID_CALL_IN_DLL_CALLOUT", "a forbidden call while a DLL starts or ends"},
	[24] = {"INVALID_IMAGE_BASE", "an image lies at an impossible address"},
	[25] = {"DLOAD_PROTECTION_FAILURE", "delay-load data could not be protected"},
	[26] = {"UNSAFE_EXTENSION_CALL", "an extension was called in an unsafe way"},
	[27] = {"DEPRECATED_SERVICE_INVOKED", "a service that is no longer there was called"},
	[28] = {"INVALID_BUFFER_ACCESS", "an access outside a buffer"},
	[29] = {"INVALID_BALANCED_TREE", "a tree is corrupt: memory was overwritten"},
	[30] = {"INVALID_NEXT_THREAD", "the scheduler's next thread is invalid"},
	[31] = {"GUARD_ICALL_CHECK_SUPPRESSED",
		"an indirect call to a function that may not be called so (Control Flow Guard)"},
	[32] = {"APCS_DISABLED", "asynchronous calls were left disabled"},
	[33] = {"INVALID_IDLE_STATE", "an invalid idle state"},
	[34] = {"MRDATA_PROTECTION_FAILURE", "the loader's data could not be protected"},
	[35] = {"UNEXPECTED_HEAP_EXCEPTION", "an exception inside the heap"},
	[36] = {"INVALID_LOCK_STATE", "a lock is in an impossible state"},
	[37] = {"GUARD_JUMPTABLE", "a jump table was changed (Control Flow Guard)"},
	[38] = {"INVALID_LONGJUMP_TARGET", "longjmp() to a target that is not valid"},
	[39] = {"INVALID_DISPATCH_CONTEXT", "an exception was dispatched with invalid data"},
	[40] = {"INVALID_THREAD", "an invalid thread"},
	[41] = {"INVALID_SYSCALL_NUMBER", "a system call that does not exist"},
	[42] = {"INVALID_FILE_OPERATION", "an invalid file operation"},
	[43] = {"LPAC_ACCESS_DENIED", "an app container lacks an access that it needs"},
	[44] = {"GUARD_SS_FAILURE", "a return address was changed (shadow stack)"},
	[45] = {"LOADER_CONTINUITY_FAILURE", "an image that code integrity does not allow"},
	[46] = {"GUARD_EXPORT_SUPPRESSION_FAILURE",
		"a call to an export that is suppressed (Control Flow Guard)"},
	[47] = {"INVALID_CONTROL_STACK", "the shadow stack is invalid"},
	[48] = {"SET_CONTEXT_DENIED", "registers may not be set so (shadow stack)"},
	[49] = {"INVALID_IAT", "the table of imports was changed"},
	[50] = {"HEAP_METADATA_CORRUPTION", "the heap's own data is corrupt"},
	[51] = {"PAYLOAD_RESTRICTION_VIOLATION", "an exploit protection rule was hit"},
	[52] = {"LOW_LABEL_ACCESS_DENIED", "an object of low integrity was refused"},
	[53] = {"ENCLAVE_CALL_FAILURE", "a call into an enclave failed"},
	[54] = {"UNHANDLED_LSS_EXCEPTON", "an exception in the Linux subsystem"},
	[55] = {"ADMINLESS_ACCESS_DENIED", "an administrator's right was refused"},
	[56] = {"UNEXPECTED_CALL", "a call that must not happen"},
	[57] = {"CONTROL_INVALID_RETURN_ADDRESS", "a return to an address that no call left "
						  "(shadow stack)"},
	[58] = {"UNEXPECTED_HOST_BEHAVIOR", "the virtual machine's host misbehaved"},
	[59] = {"FLAGS_CORRUPTION", "the processor's flags are corrupt"},
	[60] = {"VEH_CORRUPTION", "the list of vectored handlers is corrupt"},
	[61] = {"ETW_CORRUPTION", "event tracing data is corrupt"},
	[62] = {"RIO_ABORT", "registered I/O aborted"},
	[63] = {"INVALID_PFN", "an invalid page number"},
	[64] = {"GUARD_ICALL_CHECK_FAILURE_XFG",
		"an indirect call to a function of another type (Control Flow Guard)"},
	[65] = {"CAST_GUARD", "a cast to a class that the object is not"},
	[66] = {"HOST_VISIBILITY_CHANGE", "memory changed its visibility to the host"},
	[67] = {"KERNEL_CET_SHADOW_STACK_ASSIST", "the kernel's shadow stack needs help"},
	[68] = {"PATCH_CALLBACK_FAILED", "a hot patch failed"},
	[69] = {"NTDLL_PATCH_FAILED", "a hot patch of ntdll failed"},
	[70] = {"INVALID_FLS_DATA", "fiber local storage is corrupt"},
};

static bool
is_known(uint64_t subcode)
{
	return subcode < sizeof(fast_fails) / sizeof(fast_fails[0]) &&
	       fast_fails[subcode].name != NULL;
}

const char *
exception_fast_fail_name(uint64_t subcode)
{
	return is_known(subcode) ? fast_fails[subcode].name : NULL;
}

void
exception_put_fast_fail(const struct dump *dump, struct buf *text)
{
	const struct dump_exception *e = &dump->exception;
	uint64_t subcode = e->n_parameters > 0 ? e->parameters[0] : 0;
	if (is_known(subcode))
		buf_printf(text, "fast fail %" PRIu64 " (FAST_FAIL_%s): %s", subcode,
			   fast_fails[subcode].name, fast_fails[subcode].text);
	else
		buf_printf(text, "fast fail %" PRIu64 ": the program stopped itself", subcode);
}
