/* One table says of each directive how it is read and where in a reply it stands. */
#include <stddef.h>

#include "collection/collection_rules.h"

#include "base/text.h"
#include "base/time.h"

enum {
	CABS_MAX = 1000000000 /* more than a bucket will see */
};

enum value_kind {
	VALUE_CABS,
	VALUE_CABS_THEN,
	VALUE_BUDGET,
	VALUE_FLAG,
	VALUE_LIST,
	VALUE_RESPONSE,
	VALUE_HOST,
	VALUE_URL
};

struct directive {
	enum value_kind kind;
	size_t value; /* offsets in struct reply; of the first three kinds there are none */
	size_t has;   /* of a flag only */
};

#define FLAG(field)                                                                                \
	{                                                                                          \
		VALUE_FLAG, offsetof(struct reply, field), offsetof(struct reply, has_##field)     \
	}
#define TEXT(kind, field)                                                                          \
	{                                                                                          \
		kind, offsetof(struct reply, field), 0                                             \
	}
static const struct directive directives[COLLECTION_DIRECTIVE_N] = {
	[COLLECTION_CABS] = {VALUE_CABS, 0, 0},
	[COLLECTION_CABS_THEN] = {VALUE_CABS_THEN, 0, 0},
	[COLLECTION_CAB_BYTES_PER_MACHINE_DAY] = {VALUE_BUDGET, 0, 0},
	[COLLECTION_MEMORY_DUMP] = FLAG(memory_dump),
	[COLLECTION_MODULE_INFO] = FLAG(module_info),
	[COLLECTION_REG_KEY] = TEXT(VALUE_LIST, reg_key),
	[COLLECTION_REG_TREE] = TEXT(VALUE_LIST, reg_tree),
	[COLLECTION_WQL] = TEXT(VALUE_LIST, wql),
	[COLLECTION_GET_FILE] = TEXT(VALUE_LIST, get_file),
	[COLLECTION_GET_FILE_VERSION] = TEXT(VALUE_LIST, get_file_version),
	[COLLECTION_FDOC] = FLAG(fdoc),
	[COLLECTION_RESPONSE] = TEXT(VALUE_RESPONSE, response),
	[COLLECTION_DUMP_SERVER] = TEXT(VALUE_HOST, dump_server),
	[COLLECTION_RESPONSE_SERVER] = TEXT(VALUE_HOST, response_server),
	[COLLECTION_RESPONSE_URL] = TEXT(VALUE_URL, response_url),
};
#undef FLAG
#undef TEXT

/* `until` stands behind the directives: it is written among them. */
#define NAME_(code, name) name,
static const char *const names[COLLECTION_DIRECTIVE_N + 1] = {COLLECTION_DIRECTIVES(NAME_) "until"};
#undef NAME_

struct value_source {
	const struct rules_reader *reader;
	const char *name;
	const struct yaml_node *node;
};

static err_t
refuse(const struct value_source *source, const char *what)
{
	char quoted[LOG_VALUE_BYTES];
	const struct yaml_node *node = source->node;
	if (node->kind != YAML_SCALAR)
		return collection_refuse(source->reader, node->line,
					 "%s: a single value is needed here", source->name);
	if (yaml_is_null(node))
		return collection_refuse(source->reader, node->line, "%s has no value",
					 source->name);
	return collection_refuse(source->reader, node->line, "%s: %s is %s", source->name,
				 yaml_quote(node->text, quoted), what);
}

static struct slice *
text_of(struct reply *reply, const struct directive *directive)
{
	return (struct slice *)(void *)((char *)reply + directive->value);
}

static const struct slice *
text_in(const struct reply *reply, const struct directive *directive)
{
	return (const struct slice *)(const void *)((const char *)reply + directive->value);
}

static bool *
flag_of(struct reply *reply, size_t offset)
{
	return (bool *)(void *)((char *)reply + offset);
}

static bool
flag_in(const struct reply *reply, size_t offset)
{
	return *(const bool *)(const void *)((const char *)reply + offset);
}

static err_t
parse_cabs(const struct value_source *source, struct settings *settings)
{
	int64_t cabs;
	if (!yaml_to_i64(source->node, &cabs) || cabs < 0 || cabs > CABS_MAX)
		return refuse(source, "no number from 0 to 1000000000");
	settings->cabs = (uint64_t)cabs;
	settings->cabs_line = source->node->line;
	return OK;
}

static err_t
parse_cabs_then(const struct value_source *source, struct settings *settings)
{
	bool is_scalar = source->node->kind == YAML_SCALAR;
	bool is_doubling = is_scalar && slice_equal_str(source->node->text, "doubling");
	if (!is_doubling && !(is_scalar && slice_equal_str(source->node->text, "never")))
		return refuse(source, "neither doubling nor never");
	settings->cabs_then_sample = is_doubling;
	return OK;
}

static err_t
parse_budget(const struct value_source *source, struct settings *settings)
{
	uint64_t bytes = UINT64_MAX;
	bool is_none =
		source->node->kind == YAML_SCALAR && slice_equal_str(source->node->text, "none");
	if (!is_none && !yaml_to_bytes(source->node, &bytes))
		return refuse(source, "no size such as 50 MiB, and not none");
	if (bytes == 0)
		return refuse(source, "no room for any cabinet: write cabs: 0 instead");
	settings->cab_bytes_per_machine_day = bytes;
	return OK;
}

static err_t
parse_flag(const struct value_source *source, const struct directive *directive,
	   struct settings *settings)
{
	bool flag;
	if (!yaml_to_bool(source->node, &flag))
		return refuse(source, "neither true nor false");
	*flag_of(&settings->reply, directive->value) = flag;
	*flag_of(&settings->reply, directive->has) = true;
	return OK;
}

static err_t
parse_item(const struct value_source *source, struct slice *ret_item)
{
	const struct yaml_node *node = source->node;
	if (node->kind != YAML_SCALAR || yaml_is_null(node))
		return refuse(source, "no text");
	struct slice item = slice_trim(node->text);
	if (item.len == 0)
		return refuse(source, "empty");
	if (!reply_is_encodable(item, true))
		return refuse(source, "not encodable: an item may hold neither ';', line ends nor "
				      "characters outside Windows-1252");
	*ret_item = item;
	return OK;
}

/* Items are joined by ';', as the reply has them.  A single value stands for a list of one. */
static err_t
parse_list(const struct value_source *source, const struct directive *directive,
	   struct settings *settings)
{
	const struct yaml_node *list = source->node;
	size_t count = list->kind == YAML_LIST ? list->n_entries : 1;
	struct buf joined;
	err_t err = OK;
	buf_init(&joined, LIMIT_REPLY_BYTES);
	for (size_t i = 0; i < count && err == OK; i++) {
		struct value_source item = *source;
		struct slice text = {0};
		if (list->kind == YAML_LIST)
			item.node = list->entries[i].value;
		err = parse_item(&item, &text);
		if (err == OK && i > 0)
			buf_append_byte(&joined, ';');
		if (err == OK)
			buf_append(&joined, text);
	}
	struct slice kept = slice_dup(&source->reader->collection->arena,
				      joined.len == 0 ? SLICE_LITERAL("") : buf_slice(&joined));
	if (err == OK && (buf_error(&joined) != OK || slice_is_absent(kept)))
		err = collection_refuse(source->reader, list->line, "%s: the list is too long",
					source->name);
	if (err == OK)
		*text_of(&settings->reply, directive) = kept;
	buf_done(&joined);
	return err;
}

/* Visible ASCII only, as in a URL or a host's name: that can always be encoded. */
static bool
is_word(struct slice text)
{
	for (size_t i = 0; i < text.len; i++)
		if (text.data[i] <= 0x20 || text.data[i] >= 0x7f)
			return false;
	return true;
}

static bool
is_url(struct slice text)
{
	struct slice scheme;
	struct slice rest;
	if (!is_word(text) || !slice_cut(text, ':', &scheme, &rest))
		return false;
	return (slice_equal_nocase(scheme, SLICE_LITERAL("http")) ||
		slice_equal_nocase(scheme, SLICE_LITERAL("https"))) &&
	       rest.len > 2 && slice_starts_with(rest, SLICE_LITERAL("//")) && rest.data[2] != '/';
}

static const char *
what_is_wrong(enum value_kind kind, struct slice text)
{
	bool good = text.len == 0; /* takes an earlier rule's value back */
	switch (kind) {
	case VALUE_RESPONSE:
		good = good || slice_equal_str(text, "1") || is_url(text);
		return good ? NULL : "neither 1 nor a URL of http or https";
	case VALUE_HOST:
		good = good || (is_word(text) && memchr(text.data, '/', text.len) == NULL);
		return good ? NULL : "no host's name";
	default:
		good = good || is_word(text);
		return good ? NULL : "no URL and no path of one";
	}
}

static err_t
parse_text(const struct value_source *source, const struct directive *directive,
	   struct settings *settings)
{
	if (source->node->kind != YAML_SCALAR || yaml_is_null(source->node))
		return refuse(source, "no text");
	const char *wrong = what_is_wrong(directive->kind, source->node->text);
	if (wrong != NULL)
		return refuse(source, wrong);
	struct slice kept = slice_dup(&source->reader->collection->arena, source->node->text);
	if (slice_is_absent(kept))
		return refuse(source, "more than there is room for");
	*text_of(&settings->reply, directive) = kept;
	return OK;
}

static err_t
parse_value(const struct value_source *source, const struct directive *directive,
	    struct settings *settings)
{
	switch (directive->kind) {
	case VALUE_CABS:
		return parse_cabs(source, settings);
	case VALUE_CABS_THEN:
		return parse_cabs_then(source, settings);
	case VALUE_BUDGET:
		return parse_budget(source, settings);
	case VALUE_FLAG:
		return parse_flag(source, directive, settings);
	case VALUE_LIST:
		return parse_list(source, directive, settings);
	default:
		return parse_text(source, directive, settings);
	}
}

/* A date alone takes in that day.  A span ("7d") would count from whenever the file is read. */
err_t
collection_until_parse(const struct rules_reader *r, const struct yaml_node *node,
		       int64_t *ret_until_us)
{
	static const size_t date_bytes = sizeof("2026-12-31") - 1;
	const struct value_source source = {r, "until", node};
	char shown[TIME_TEXT_BYTES];
	int64_t date_us;
	int64_t until_us;
	struct slice date = slice_sub(node->text, 0, date_bytes);
	/* Formatted again: 31 February would come back as a day in March. */
	if (node->kind != YAML_SCALAR || date.len < date_bytes || !time_parse(date, 0, &date_us) ||
	    !slice_equal(date, slice_of(time_format(date_us, shown), date_bytes)) ||
	    !time_parse(node->text, 0, &until_us))
		return refuse(&source, "no time such as 2026-12-31 or 2026-12-31T18:00:00Z");
	*ret_until_us = node->text.len == date_bytes ? until_us + TIME_DAY_US : until_us;
	return OK;
}

static bool
gives(const struct settings *settings, enum collection_directive directive)
{
	return (settings->given >> directive & 1) != 0;
}

static err_t
check_constants(const struct rules_reader *r, const struct settings *settings)
{
	if (gives(settings, COLLECTION_CABS) && settings->cabs == 0 &&
	    gives(settings, COLLECTION_CABS_THEN) && settings->cabs_then_sample)
		return collection_refuse(r, settings->cabs_line,
					 "cabs: 0 never asks, so cabs_then: doubling contradicts "
					 "it");
	return OK;
}

static size_t
find_name(struct slice key)
{
	size_t i = 0;
	while (i < COLLECTION_DIRECTIVE_N && !slice_equal_str(key, names[i]))
		i++;
	return i;
}

err_t
collection_settings_parse(const struct rules_reader *r, const struct yaml_node *node,
			  struct settings *settings, int64_t *ret_until_us)
{
	size_t n_names = COLLECTION_DIRECTIVE_N + (ret_until_us != NULL);
	if (node->kind != YAML_MAPPING)
		return collection_refuse(r, node->line, "a reply must be a mapping of directives");
	for (size_t i = 0; i < node->n_entries; i++) {
		const struct yaml_entry *entry = &node->entries[i];
		size_t found = find_name(entry->key);
		const struct value_source source = {r, names[found], entry->value};
		err_t err;
		if (found < COLLECTION_DIRECTIVE_N) {
			settings->given |= UINT32_C(1) << found;
			err = parse_value(&source, &directives[found], settings);
		} else if (ret_until_us != NULL && slice_equal_str(entry->key, "until")) {
			err = collection_until_parse(r, entry->value, ret_until_us);
		} else {
			err = collection_refuse_key(r, entry, names, n_names);
		}
		if (err != OK)
			return err;
	}
	return check_constants(r, settings);
}

void
collection_settings_init(struct settings *settings)
{
	*settings = (struct settings){
		.given = UINT32_C(1) << COLLECTION_CABS | UINT32_C(1) << COLLECTION_CABS_THEN |
			 UINT32_C(1) << COLLECTION_CAB_BYTES_PER_MACHINE_DAY,
		.cabs = 3,
		.cabs_then_sample = true,
		.cab_bytes_per_machine_day = UINT64_MAX,
	};
}

static void
take(const struct settings *settings, enum collection_directive number,
     struct collection_plan *plan)
{
	const struct directive *directive = &directives[number];
	switch (directive->kind) {
	case VALUE_CABS:
		plan->cabs = settings->cabs;
		break;
	case VALUE_CABS_THEN:
		plan->cabs_then_sample = settings->cabs_then_sample;
		break;
	case VALUE_BUDGET:
		plan->cab_bytes_per_machine_day = settings->cab_bytes_per_machine_day;
		break;
	case VALUE_FLAG:
		*flag_of(&plan->directives, directive->value) =
			flag_in(&settings->reply, directive->value);
		*flag_of(&plan->directives, directive->has) = true;
		break;
	default:
		*text_of(&plan->directives, directive) = *text_in(&settings->reply, directive);
		break;
	}
}

void
collection_settings_apply(const struct settings *settings, int rule, struct collection_plan *plan)
{
	for (uint32_t left = settings->given; left != 0; left &= left - 1) {
		enum collection_directive number = (enum collection_directive)__builtin_ctz(left);
		if (rule < plan->decided_by[number])
			continue;
		plan->decided_by[number] = rule;
		take(settings, number, plan);
	}
}

bool
collection_settings_need_cab(const struct settings *settings)
{
	const struct reply *reply = &settings->reply;
	return reply->memory_dump || reply->module_info || reply->fdoc || reply->reg_key.len > 0 ||
	       reply->reg_tree.len > 0 || reply->wql.len > 0 || reply->get_file.len > 0 ||
	       reply->get_file_version.len > 0;
}

/* A character of UTF-8 is one byte of Windows-1252. */
size_t
collection_settings_value_bytes(const struct settings *settings,
				enum collection_directive directive)
{
	size_t bytes = 0;
	if (directives[directive].kind < VALUE_LIST)
		return 0;
	const struct slice *text = text_in(&settings->reply, &directives[directive]);
	for (size_t i = 0; i < text->len; i++)
		bytes += (text->data[i] & 0xc0) != 0x80;
	return bytes;
}

const char *
collection_directive_name(enum collection_directive directive)
{
	return names[directive];
}
