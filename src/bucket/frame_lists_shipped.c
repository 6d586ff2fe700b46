/* The lists that are part of the program, in the order in which they are added. */
#include <stdlib.h>

#include "bucket/frame_lists.h"

#define SHIPPED(X)                                                                                 \
	X(aliases)                                                                                 \
	X(allocators)                                                                              \
	X(apple)                                                                                   \
	X(causes)                                                                                  \
	X(cpp)                                                                                     \
	X(crash_handlers)                                                                          \
	X(crt)                                                                                     \
	X(dotnet)                                                                                  \
	X(drivers)                                                                                 \
	X(glib)                                                                                    \
	X(libc)                                                                                    \
	X(qt)                                                                                      \
	X(rust)                                                                                    \
	X(windows_kernel)                                                                          \
	X(windows_user)

/* Made from frames/NAME.txt at build time. */
#define DECLARE(name)                                                                              \
	extern const uint8_t frames_##name[];                                                      \
	extern const size_t frames_##name##_bytes;
SHIPPED(DECLARE)

struct frame_lists *
frame_lists_new(void)
{
	struct frame_lists *lists = frame_lists_new_empty();
	err_t err = OK;
#define ADD(name)                                                                                  \
	if (err == OK)                                                                             \
		err = frame_lists_add(lists, #name ".txt",                                         \
				      slice_of(frames_##name, frames_##name##_bytes), NULL);
	SHIPPED(ADD)
	if (err != OK)
		abort(); /* a test reads each of them */
	return lists;
}
