#include "base/arena.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

/* gcc tells by a macro, clang by a feature. */
#if defined(__SANITIZE_ADDRESS__)
#define HAS_POISON 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define HAS_POISON 1
#endif
#endif

#ifdef HAS_POISON
#include <sanitizer/asan_interface.h>
#define POISON(at, bytes) ASAN_POISON_MEMORY_REGION(at, bytes)
#define UNPOISON(at, bytes) ASAN_UNPOISON_MEMORY_REGION(at, bytes)
#else
#define POISON(at, bytes) ((void)(at), (void)(bytes))
#define UNPOISON(at, bytes) ((void)(at), (void)(bytes))
#endif

enum {
	ALIGN = 16,
	FIRST_CHUNK = 4096
};

struct arena_chunk {
	struct arena_chunk *next;
	size_t size;
	size_t used;
	_Alignas(16) uint8_t data[];
};

void
arena_init(struct arena *arena, size_t cap_bytes)
{
	*arena = (struct arena){.cap_bytes = cap_bytes};
}

void
arena_done(struct arena *arena)
{
	while (arena->chunks != NULL) {
		struct arena_chunk *next = arena->chunks->next;
		UNPOISON(arena->chunks->data, arena->chunks->size);
		free(arena->chunks);
		arena->chunks = next;
	}
	arena->used_bytes = 0;
}

/* The newest chunk is the largest: it is the one worth keeping. */
void
arena_reset(struct arena *arena)
{
	struct arena_chunk *keep = arena->chunks;
	if (keep == NULL)
		return;
	struct arena older = {.chunks = keep->next};
	arena_done(&older);
	keep->next = NULL;
	keep->used = 0;
	POISON(keep->data, keep->size);
	arena->used_bytes = 0;
}

static struct arena_chunk *
add_chunk(struct arena *arena, size_t bytes)
{
	size_t size = arena->chunks == NULL ? FIRST_CHUNK : arena->chunks->size * 2;
	if (size > arena->cap_bytes)
		size = arena->cap_bytes;
	if (size < bytes)
		size = bytes;
	size_t bytes_with_head;
	if (__builtin_add_overflow(size, sizeof(struct arena_chunk), &bytes_with_head))
		abort();
	struct arena_chunk *chunk = malloc(bytes_with_head);
	if (chunk == NULL)
		abort();
	*chunk = (struct arena_chunk){.next = arena->chunks, .size = size};
	POISON(chunk->data, size);
	arena->chunks = chunk;
	return chunk;
}

void *
arena_alloc(struct arena *arena, size_t bytes)
{
	size_t left = arena->cap_bytes - arena->used_bytes;
	if (bytes > left)
		return NULL;
	size_t rounded = bytes == 0 ? ALIGN : bytes + (ALIGN - bytes % ALIGN) % ALIGN;
	if (rounded < bytes || rounded > left)
		return NULL;
	struct arena_chunk *chunk = arena->chunks;
	if (chunk == NULL || chunk->size - chunk->used < rounded)
		chunk = add_chunk(arena, rounded);
	void *at = chunk->data + chunk->used;
	chunk->used += rounded;
	arena->used_bytes += rounded;
	UNPOISON(at, bytes);
	return memset(at, 0, bytes);
}

void *
arena_array(struct arena *arena, size_t count, size_t each_bytes)
{
	size_t bytes;
	if (__builtin_mul_overflow(count, each_bytes, &bytes))
		return NULL;
	return arena_alloc(arena, bytes);
}

char *
arena_str(struct arena *arena, struct slice s)
{
	char *copy = arena_alloc(arena, s.len + 1);
	if (copy != NULL && s.len > 0)
		memcpy(copy, s.data, s.len);
	return copy;
}

struct slice
slice_dup(struct arena *arena, struct slice s)
{
	if (s.data == NULL)
		return s;
	char *copy = arena_str(arena, s);
	return (struct slice){(const uint8_t *)copy, copy == NULL ? 0 : s.len};
}

char *
arena_printf(struct arena *arena, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	int len = vsnprintf(NULL, 0, format, args);
	va_end(args);
	char *text = len < 0 ? NULL : arena_alloc(arena, (size_t)len + 1);
	if (text == NULL)
		return NULL;
	va_start(args, format);
	(void)vsnprintf(text, (size_t)len + 1, format, args);
	va_end(args);
	return text;
}
