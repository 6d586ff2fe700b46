/* Parses anything as YAML, then reads every node of what came out in every way there is. */
#include "base/limits.h"
#include "ext/yaml.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
look_at(const struct yaml_node *node)
{
	bool flag;
	int64_t number;
	uint64_t bytes;
	(void)yaml_is_null(node);
	(void)yaml_to_bool(node, &flag);
	(void)yaml_to_i64(node, &number);
	(void)yaml_to_bytes(node, &bytes);
	(void)yaml_to_duration_us(node, &number);
	if (node->line == 0 || (node->kind == YAML_SCALAR && slice_is_absent(node->text)))
		abort();
}

/* Without recursion: a path of nodes, and at which entry each of them is. */
static void
walk(const struct yaml_node *root)
{
	static const char *const names[] = {"listen", "tls", "certificate"};
	const struct yaml_node *path[LIMIT_YAML_DEPTH + 1] = {root};
	size_t at[LIMIT_YAML_DEPTH + 1] = {0};
	size_t depth = 0;
	look_at(root);
	for (;;) {
		const struct yaml_node *node = path[depth];
		if (at[depth] < node->n_entries) {
			const struct yaml_entry *entry = &node->entries[at[depth]++];
			char quoted[LOG_VALUE_BYTES];
			(void)yaml_quote(entry->key, quoted);
			(void)yaml_nearest(entry->key, names, 3);
			look_at(entry->value);
			if (++depth > LIMIT_YAML_DEPTH)
				abort();
			path[depth] = entry->value;
			at[depth] = 0;
		} else if (depth-- == 0) {
			return;
		}
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena arena;
	struct yaml_node *root;
	struct err_detail detail;
	arena_init(&arena, LIMIT_YAML_ARENA_BYTES);
	if (yaml_parse(slice_of(data, size), &arena, &root, &detail) == OK)
		walk(root);
	else if (strncmp(detail.why, "line ", 5) != 0)
		abort();
	arena_done(&arena);
	return 0;
}
