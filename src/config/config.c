#include "config/config.h"

#include <limits.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/limits.h"
#include "config/config_table.h"
#include "ext/yaml.h"

enum {
	SECTIONS_MAX = 16, /* more than the table has */
	KEYS_MAX = 128
};

struct config_reader {
	const char *path;
	const struct yaml_node *root;
	struct arena *arena;
	struct config config;
	struct err_detail *detail;
};

static err_t __attribute__((format(printf, 3, 4)))
refuse(struct config_reader *r, unsigned line, const char *format, ...)
{
	char why[sizeof(((struct err_detail *)0)->why)];
	va_list args;
	va_start(args, format);
	(void)vsnprintf(why, sizeof(why), format, args);
	va_end(args);
	return err_set(r->detail, ERR_CONFIG, "%s:%u: %s", config_shown_path(r->path), line, why);
}

static err_t
refuse_value(struct config_reader *r, const struct config_key *key, const struct yaml_node *node,
	     const char *what)
{
	char quoted[LOG_VALUE_BYTES];
	if (node->kind != YAML_SCALAR)
		return refuse(r, node->line, "%s: a single value is needed here", key->name);
	if (yaml_is_null(node))
		return refuse(r, node->line, "%s has no value", key->name);
	return refuse(r, node->line, "%s: %s is %s", key->name, yaml_quote(node->text, quoted),
		      what);
}

static err_t
out_of_arena(struct config_reader *r, const struct yaml_node *node)
{
	return refuse(r, node->line, "too much text");
}

static void *
field_of(struct config_reader *r, const struct config_key *key)
{
	return (char *)&r->config + key->offset;
}

/* Reads a number of the key's kind; also those of the table itself. */
static bool
to_number(enum config_kind kind, const struct yaml_node *node, uint64_t *ret_value)
{
	int64_t value;
	if (kind == CONFIG_BYTES)
		return yaml_to_bytes(node, ret_value);
	if (kind == CONFIG_DURATION ? !yaml_to_duration_us(node, &value)
				    : !yaml_to_i64(node, &value) || value < 0)
		return false;
	*ret_value = (uint64_t)value;
	return true;
}

static uint64_t
table_number(enum config_kind kind, const char *text)
{
	struct yaml_node node = {YAML_SCALAR, 0, slice_str(text), true, NULL, 0};
	uint64_t value = 0;
	(void)to_number(kind, &node, &value); /* a test reads all of the table */
	return value;
}

static const char *
what_is_no_number(enum config_kind kind)
{
	if (kind == CONFIG_BYTES)
		return "no size such as 512 KiB, 20 MB or 2 GiB";
	if (kind == CONFIG_DURATION)
		return "no duration such as 500ms, 30s, 15m, 36h or 7d";
	return "no whole number";
}

static err_t
read_number(struct config_reader *r, const struct config_key *key, const struct yaml_node *node)
{
	uint64_t value;
	if (!to_number(key->kind, node, &value))
		return refuse_value(r, key, node, what_is_no_number(key->kind));
	if (value < table_number(key->kind, key->least) ||
	    value > table_number(key->kind, key->most))
		return refuse(r, node->line, "%s: %.*s is not in the range %s to %s", key->name,
			      SLICE_ARGS(node->text), key->least, key->most);
	if (key->kind == CONFIG_UNSIGNED)
		*(unsigned *)field_of(r, key) = (unsigned)value;
	else if (key->kind == CONFIG_DURATION)
		*(int64_t *)field_of(r, key) = (int64_t)value;
	else
		*(uint64_t *)field_of(r, key) = value;
	return OK;
}

static bool
has_control(struct slice text)
{
	for (size_t i = 0; i < text.len; i++)
		if (text.data[i] < 0x20 || text.data[i] == 0x7f)
			return true;
	return false;
}

static err_t
take_path(struct config_reader *r, const struct config_key *key, const struct yaml_node *node,
	  const char **ret_path)
{
	const char *slash = strrchr(r->path, '/');
	if (node->kind != YAML_SCALAR || yaml_is_null(node) || node->text.len == 0 ||
	    has_control(node->text))
		return refuse_value(r, key, node, "no path");
	char *name = arena_str(r->arena, node->text);
	if (name != NULL && *name != '/' && slash != NULL)
		name = arena_printf(r->arena, "%.*s%s", (int)(slash + 1 - r->path), r->path, name);
	if (name == NULL)
		return out_of_arena(r, node);
	if (strlen(name) >= PATH_MAX)
		return refuse_value(r, key, node, "too long a path");
	*ret_path = name;
	return OK;
}

static err_t
read_path(struct config_reader *r, const struct config_key *key, const struct yaml_node *node)
{
	return take_path(r, key, node, field_of(r, key));
}

static err_t
read_log_level(struct config_reader *r, const struct config_key *key, const struct yaml_node *node)
{
	static const char *const levels[] = {"error", "warning", "info", "debug"};
	for (size_t i = 0; node->kind == YAML_SCALAR && i < sizeof(levels) / sizeof(levels[0]);
	     i++) {
		if (slice_equal_str(node->text, levels[i])) {
			*(const char **)field_of(r, key) = levels[i];
			return OK;
		}
	}
	return refuse_value(r, key, node, "none of error, warning, info and debug");
}

static err_t
read_tls_version(struct config_reader *r, const struct config_key *key,
		 const struct yaml_node *node)
{
	static const struct {
		const char *name;
		enum tls_version version;
	} versions[] = {{"1.0", TLS_1_0}, {"1.1", TLS_1_1}, {"1.2", TLS_1_2}, {"1.3", TLS_1_3}};
	for (size_t i = 0; node->kind == YAML_SCALAR && i < sizeof(versions) / sizeof(versions[0]);
	     i++) {
		if (slice_equal_str(node->text, versions[i].name)) {
			*(enum tls_version *)field_of(r, key) = versions[i].version;
			return OK;
		}
	}
	return refuse_value(r, key, node, "none of 1.0, 1.1, 1.2 and 1.3");
}

/* A single value stands for a list of one. */
static size_t
list_length(const struct yaml_node *node)
{
	return node->kind == YAML_LIST ? node->n_entries : 1;
}

static const struct yaml_node *
list_item(const struct yaml_node *node, size_t i)
{
	return node->kind == YAML_LIST ? node->entries[i].value : node;
}

static err_t
read_addresses(struct config_reader *r, const struct config_key *key, const struct yaml_node *node)
{
	size_t count = list_length(node);
	struct address *addresses = arena_array(r->arena, count, sizeof(*addresses));
	if (count > LIMIT_LISTEN_ADDRESSES)
		return refuse(r, node->line, "%s: more than %d addresses", key->name,
			      LIMIT_LISTEN_ADDRESSES);
	if (addresses == NULL)
		return out_of_arena(r, node);
	for (size_t i = 0; i < count; i++) {
		const struct yaml_node *item = list_item(node, i);
		if (item->kind != YAML_SCALAR || yaml_is_null(item) ||
		    !address_parse(item->text, &addresses[i]))
			return refuse_value(r, key, item,
					    "no address such as :1273 or 192.0.2.1:1273");
	}
	*(struct config_listen *)field_of(r, key) = (struct config_listen){addresses, count};
	return OK;
}

static err_t
read_paths(struct config_reader *r, const struct config_key *key, const struct yaml_node *node)
{
	size_t count = list_length(node);
	const char **paths = arena_array(r->arena, count, sizeof(*paths));
	if (count > LIMIT_PATHS)
		return refuse(r, node->line, "%s: more than %d paths", key->name, LIMIT_PATHS);
	if (paths == NULL)
		return out_of_arena(r, node);
	for (size_t i = 0; i < count; i++) {
		err_t err = take_path(r, key, list_item(node, i), &paths[i]);
		if (err != OK)
			return err;
	}
	*(struct config_paths *)field_of(r, key) = (struct config_paths){paths, count};
	return OK;
}

static err_t
read_ranges(struct config_reader *r, const struct config_key *key, const struct yaml_node *node)
{
	size_t count = list_length(node);
	struct address_range *ranges = arena_array(r->arena, count, sizeof(*ranges));
	if (count > LIMIT_ADDRESS_RANGES)
		return refuse(r, node->line, "%s: more than %d ranges", key->name,
			      LIMIT_ADDRESS_RANGES);
	if (ranges == NULL)
		return out_of_arena(r, node);
	for (size_t i = 0; i < count; i++) {
		const struct yaml_node *item = list_item(node, i);
		if (item->kind != YAML_SCALAR || yaml_is_null(item) ||
		    !address_parse_range(item->text, &ranges[i]))
			return refuse_value(r, key, item,
					    "no range such as 10.0.0.0/8 or 2001:db8::/32");
	}
	*(struct config_ranges *)field_of(r, key) = (struct config_ranges){ranges, count};
	return OK;
}

static err_t
read_value(struct config_reader *r, const struct config_key *key, const struct yaml_node *node)
{
	switch (key->kind) {
	case CONFIG_PATH:
		return read_path(r, key, node);
	case CONFIG_PATHS:
		return read_paths(r, key, node);
	case CONFIG_ADDRESSES:
		return read_addresses(r, key, node);
	case CONFIG_RANGES:
		return read_ranges(r, key, node);
	case CONFIG_BYTES:
	case CONFIG_DURATION:
	case CONFIG_NUMBER:
	case CONFIG_UNSIGNED:
		return read_number(r, key, node);
	case CONFIG_BOOL:
		if (yaml_to_bool(node, field_of(r, key)))
			return OK;
		return refuse_value(r, key, node, "neither true nor false");
	case CONFIG_LOG_LEVEL:
		return read_log_level(r, key, node);
	case CONFIG_TLS_VERSION:
		return read_tls_version(r, key, node);
	default:
		return ERR_INTERNAL; /* sections are no values */
	}
}

static const struct config_key *
find_key(const struct config_key *section, struct slice name)
{
	for (size_t i = 0; i < config_n_keys; i++)
		if (config_key_is_in(&config_keys[i], section) &&
		    slice_equal_str(name, config_key_leaf(&config_keys[i])))
			return &config_keys[i];
	return NULL;
}

/* The key that was meant: in its own section if there is one, else anywhere. */
static const struct config_key *
find_nearest(const struct config_key *section, struct slice name)
{
	const char *near[KEYS_MAX];
	const struct config_key *keys[KEYS_MAX];
	for (int anywhere = 0; anywhere < 2; anywhere++) {
		size_t n = 0;
		for (size_t i = 1; i < config_n_keys && n < KEYS_MAX; i++) {
			if (!anywhere && !config_key_is_in(&config_keys[i], section))
				continue;
			keys[n] = &config_keys[i];
			near[n++] = config_key_leaf(&config_keys[i]);
		}
		int found = yaml_nearest(name, near, n);
		if (found >= 0)
			return keys[found];
	}
	return NULL;
}

static err_t
refuse_key(struct config_reader *r, const struct config_key *section,
	   const struct yaml_entry *entry)
{
	static const char *const later[] = {"portal", "detection", "courier"};
	char quoted[LOG_VALUE_BYTES];
	yaml_quote(entry->key, quoted);
	for (size_t i = 0; section->name[0] == '\0' && i < sizeof(later) / sizeof(later[0]); i++)
		if (slice_equal_str(entry->key, later[i]))
			return refuse(r, entry->key_line,
				      "unknown key %s: this version of openwer has no %s", quoted,
				      later[i]);
	const struct config_key *nearest = find_nearest(section, entry->key);
	if (nearest != NULL)
		return refuse(r, entry->key_line, "unknown key %s: did you mean %s?", quoted,
			      nearest->name);
	if (section->name[0] != '\0')
		return refuse(r, entry->key_line, "unknown key %s in %s", quoted, section->name);
	return refuse(r, entry->key_line, "unknown key %s", quoted);
}

/* Section by section, each in the file's order. */
static err_t
read_sections(struct config_reader *r)
{
	struct {
		const struct config_key *key;
		const struct yaml_node *node;
	} sections[SECTIONS_MAX] = {{&config_keys[0], r->root}};
	size_t n_sections = 1;
	for (size_t i = 0; i < n_sections; i++) {
		const struct yaml_node *node = sections[i].node;
		if (yaml_is_null(node))
			continue;
		if (node->kind != YAML_MAPPING)
			return refuse(r, node->line, "%s must be a mapping of keys to values",
				      i == 0 ? "the file" : sections[i].key->name);
		for (size_t j = 0; j < node->n_entries; j++) {
			const struct yaml_entry *entry = &node->entries[j];
			const struct config_key *key = find_key(sections[i].key, entry->key);
			err_t err = OK;
			if (key == NULL)
				err = refuse_key(r, sections[i].key, entry);
			else if (key->kind != CONFIG_SECTION)
				err = read_value(r, key, entry->value);
			else if (n_sections < SECTIONS_MAX)
				sections[n_sections++] =
					(__typeof__(sections[0])){key, entry->value};
			if (err != OK)
				return err;
		}
	}
	return OK;
}

/* The defaults go the way of what is in a file: first all but the addresses, then, when the file
 * names none, those. */
static err_t
set_defaults(struct config_reader *r, bool is_for_addresses)
{
	for (size_t i = 0; i < config_n_keys; i++) {
		const struct config_key *key = &config_keys[i];
		if (key->initial == NULL || (key->kind == CONFIG_ADDRESSES) != is_for_addresses)
			continue;
		struct yaml_node node = {YAML_SCALAR, 0, slice_str(key->initial), true, NULL, 0};
		err_t err = read_value(r, key, &node);
		if (err != OK)
			return err;
	}
	return OK;
}

/* SO_REUSEPORT would let both be bound, and connections would go to either at random. */
static bool
has_twice(const struct config_listen *a, const struct config_listen *b)
{
	for (size_t i = 0; i < a->n_addresses; i++) {
		for (size_t j = a == b ? i + 1 : 0; j < b->n_addresses; j++) {
			const struct address *left = &a->addresses[i];
			const struct address *right = &b->addresses[j];
			if (left->port == right->port &&
			    memcmp(left->ip, right->ip, sizeof(left->ip)) == 0)
				return true;
		}
	}
	return false;
}

static err_t
check_tls(struct config_reader *r, const struct yaml_node *tls)
{
	const struct config_ingest *ingest = &r->config.ingest;
	const char *missing = ingest->tls_certificate == NULL ? "certificate"
			      : ingest->tls_key == NULL       ? "key"
							      : NULL;
	if (ingest->tls_listen.n_addresses > 0 && missing != NULL)
		return refuse(r, tls->line, "ingest.tls.listen needs ingest.tls.%s beside it",
			      missing);
	if (ingest->tls_listen.n_addresses == 0 && yaml_find(tls, "listen") == NULL &&
	    (ingest->tls_certificate != NULL || ingest->tls_key != NULL))
		return refuse(r, tls->line, "ingest.tls has no listen: nothing would speak HTTPS");
	return OK;
}

static err_t
check_listen(struct config_reader *r, const struct yaml_node *node)
{
	const struct config_ingest *ingest = &r->config.ingest;
	if (yaml_find(node, "listen") == NULL &&
	    yaml_find(yaml_find(node, "tls"), "listen") == NULL)
		return set_defaults(r, true);
	if (ingest->listen.n_addresses == 0 && ingest->tls_listen.n_addresses == 0)
		return refuse(r, node->line,
			      "ingest listens nowhere: name an address, or leave ingest out");
	if (has_twice(&ingest->listen, &ingest->listen) ||
	    has_twice(&ingest->tls_listen, &ingest->tls_listen) ||
	    has_twice(&ingest->listen, &ingest->tls_listen))
		return refuse(r, node->line,
			      "ingest: one address is there twice in listen and tls.listen");
	return OK;
}

static err_t
check_ingest(struct config_reader *r, const struct yaml_node *node)
{
	const struct yaml_node *tls = yaml_find(node, "tls");
	const struct yaml_node *allow = yaml_find(node, "allow");
	r->config.ingest.is_on = true;
	if (allow != NULL && r->config.ingest.allow.n_ranges == 0)
		return refuse(r, allow->line,
			      "ingest.allow is empty, which would let nobody in: leave it out to "
			      "let everybody in");
	err_t err = tls == NULL ? OK : check_tls(r, tls);
	return err == OK ? check_listen(r, node) : err;
}

static err_t
check_whole(struct config_reader *r)
{
	const struct yaml_node *ingest = yaml_find(r->root, "ingest");
	if (r->config.data == NULL)
		return refuse(r, r->root->line, "data is missing: the folder of the store");
	return ingest == NULL ? OK : check_ingest(r, ingest);
}

/* "line 7: reason" becomes "FILE:7: reason". */
static err_t
refuse_as_yaml_did(struct config_reader *r, const struct err_detail *inner)
{
	static const char prefix[] = "line ";
	char *rest;
	unsigned long line = strtoul(inner->why + sizeof(prefix) - 1, &rest, 10);
	return refuse(r, (unsigned)line, "%s", *rest == ':' ? rest + 2 : inner->why);
}

const char *
config_shown_path(const char *path)
{
	enum {
		SHOWN = 100
	};
	size_t len = strlen(path);
	return len <= SHOWN ? path : path + len - SHOWN;
}

err_t
config_parse(struct slice text, const char *path, struct arena *arena, struct config *ret_config,
	     struct err_detail *detail)
{
	struct config_reader r = {.path = path, .arena = arena, .detail = detail};
	struct err_detail inner;
	struct arena nodes;
	struct yaml_node *root;
	arena_init(&nodes, LIMIT_YAML_ARENA_BYTES);
	err_t err = yaml_parse(text, &nodes, &root, &inner);
	if (err != OK) {
		err = refuse_as_yaml_did(&r, &inner);
		goto done;
	}
	r.root = root;
	r.config.path = arena_str(arena, slice_str(path));
	if (r.config.path == NULL) {
		err = out_of_arena(&r, root);
		goto done;
	}
	err = set_defaults(&r, false);
	if (err == OK)
		err = read_sections(&r);
	if (err == OK)
		err = check_whole(&r);
	if (err == OK)
		*ret_config = r.config;
done:
	arena_done(&nodes);
	return err;
}

err_t
config_load(const char *path, struct arena *arena, struct config *ret_config,
	    struct err_detail *detail)
{
	struct buf text = {0};
	err_t err = fs_read_file(path, LIMIT_YAML_BYTES, &text, detail);
	if (err != OK)
		return err == ERR_LIMIT ? ERR_CONFIG : err;
	/* Roles may change their folder later: what the file names stays where it is. */
	char *folder = *path == '/' ? NULL : getcwd(NULL, 0);
	char *absolute = folder == NULL ? arena_str(arena, slice_str(path))
					: arena_printf(arena, "%s/%s", folder, path);
	free(folder);
	err = absolute == NULL
		      ? err_set(detail, ERR_CONFIG, "%s: the path is too long",
				config_shown_path(path))
		      : config_parse(buf_slice(&text), absolute, arena, ret_config, detail);
	buf_done(&text);
	return err;
}

void
config_describe(struct buf *out)
{
	for (size_t i = 1; i < config_n_keys; i++) {
		const struct config_key *key = &config_keys[i];
		buf_printf(out, "%s\t%s\t", key->name, config_kind_names[key->kind]);
		if (key->least != NULL)
			buf_printf(out, "%s to %s", key->least, key->most);
		buf_printf(out, "\t%s\t%s\n", key->initial == NULL ? "" : key->initial, key->text);
	}
}
