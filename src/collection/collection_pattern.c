#include "collection/collection_rules.h"

#include "base/text.h"

static const struct slice range_mark = {(const uint8_t *)"..", 2};

/* "A..B" cut at its first "..". */
static bool
cut_range(struct slice text, struct slice *ret_low, struct slice *ret_high)
{
	for (size_t i = 0; i + range_mark.len <= text.len; i++) {
		if (slice_starts_with(slice_sub(text, i, text.len), range_mark)) {
			*ret_low = slice_trim(slice_sub(text, 0, i));
			*ret_high = slice_trim(slice_sub(text, i + range_mark.len, text.len));
			return true;
		}
	}
	return false;
}

static bool
version_parse(struct slice text, struct version *ret_version)
{
	struct version version = {0};
	bool more = true;
	while (more) {
		struct slice part = text;
		uint64_t value;
		more = slice_cut(text, '.', &part, &text);
		if (version.n_parts == VERSION_PARTS || !slice_to_u64(part, &value) ||
		    value > UINT32_MAX)
			return false;
		version.parts[version.n_parts++] = (uint32_t)value;
	}
	*ret_version = version;
	return true;
}

/* Of the first N_PARTS parts; a part that is not there counts as 0. */
static int
version_compare(const struct version *a, const struct version *b, size_t n_parts)
{
	for (size_t i = 0; i < n_parts; i++)
		if (a->parts[i] != b->parts[i])
			return a->parts[i] < b->parts[i] ? -1 : 1;
	return 0;
}

/* The upper end takes in every version that begins with it: 10.0.19045.3000 is in ..10.0.19045. */
static bool
version_in_range(const struct version *version, const struct version *low,
		 const struct version *high)
{
	return version_compare(version, low, VERSION_PARTS) >= 0 &&
	       version_compare(version, high, high->n_parts) <= 0;
}

struct slice
collection_strip_code(struct slice code)
{
	code = slice_trim(code);
	if (code.len > 2 && code.data[0] == '0' && (code.data[1] | 0x20) == 'x')
		code = slice_sub(code, 2, code.len);
	while (code.len > 1 && code.data[0] == '0')
		code = slice_sub(code, 1, code.len);
	return code;
}

static bool
is_code_wildcard(struct slice code)
{
	for (size_t i = 0; i < code.len; i++) {
		uint8_t c = code.data[i];
		bool is_hex = (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'f');
		if (!is_hex && c != '*' && c != '?')
			return false;
	}
	return true;
}

struct pattern_source {
	const struct rules_reader *reader;
	const char *name;
	const struct yaml_node *node;
};

static err_t
refuse(const struct pattern_source *source, const char *what)
{
	char quoted[LOG_VALUE_BYTES];
	return collection_refuse(source->reader, source->node->line, "%s: %s is %s", source->name,
				 yaml_quote(source->node->text, quoted), what);
}

static bool
number_parse(struct slice text, bool is_hex, uint64_t *ret_number)
{
	return is_hex ? slice_hex_to_u64(text, ret_number) : slice_to_u64(text, ret_number);
}

static err_t
parse_numbers(const struct pattern_source *source, bool is_hex, struct pattern *ret_pattern)
{
	struct pattern pattern = {.kind = PATTERN_NUMBERS};
	struct slice low = source->node->text;
	struct slice high = low;
	bool is_range = cut_range(source->node->text, &low, &high);
	pattern.numbers.high = UINT64_MAX;
	if ((is_range && low.len == 0 && high.len == 0) ||
	    ((!is_range || low.len > 0) && !number_parse(low, is_hex, &pattern.numbers.low)) ||
	    ((!is_range || high.len > 0) && !number_parse(high, is_hex, &pattern.numbers.high)))
		return refuse(source, is_hex ? "no hex number, wildcard or range of hex numbers"
					     : "no number or range of numbers");
	if (pattern.numbers.low > pattern.numbers.high)
		return refuse(source, "an empty range");
	*ret_pattern = pattern;
	return OK;
}

static err_t
parse_versions(const struct pattern_source *source, struct slice low, struct slice high,
	       struct pattern *ret_pattern)
{
	struct pattern pattern = {.kind = PATTERN_VERSIONS};
	if ((low.len == 0 && high.len == 0) ||
	    (low.len > 0 && !version_parse(low, &pattern.versions.low)) ||
	    (high.len > 0 && !version_parse(high, &pattern.versions.high)))
		return refuse(source, "no range of versions such as 10.0.19041..10.0.19045");
	if (version_compare(&pattern.versions.low, &pattern.versions.high,
			    pattern.versions.high.n_parts) > 0)
		return refuse(source, "an empty range");
	*ret_pattern = pattern;
	return OK;
}

static bool
is_version_or_open(struct slice end)
{
	struct version ignored;
	return end.len == 0 || version_parse(end, &ignored);
}

static err_t
parse_text(const struct pattern_source *source, struct slice text, struct pattern *ret_pattern)
{
	struct slice copy = slice_dup(&source->reader->collection->arena, text);
	if (slice_is_absent(copy))
		return refuse(source, "more than there is room for");
	*ret_pattern = (struct pattern){
		.kind = text_has_wildcard(text) ? PATTERN_WILDCARD : PATTERN_TEXT,
		.text = copy,
	};
	return OK;
}

static err_t
parse_code(const struct pattern_source *source, struct pattern *ret_pattern)
{
	struct slice code = collection_strip_code(source->node->text);
	if (text_has_wildcard(code) && is_code_wildcard(code))
		return parse_text(source, code, ret_pattern);
	return parse_numbers(source, true, ret_pattern);
}

/* A parameter may be anything: only what can be nothing else is taken for a range. */
static err_t
parse_param(const struct pattern_source *source, struct pattern *ret_pattern)
{
	struct slice low;
	struct slice high;
	if (cut_range(source->node->text, &low, &high) && (low.len > 0 || high.len > 0) &&
	    is_version_or_open(low) && is_version_or_open(high))
		return parse_versions(source, low, high, ret_pattern);
	return parse_text(source, source->node->text, ret_pattern);
}

static err_t
parse_version(const struct pattern_source *source, struct pattern *ret_pattern)
{
	struct slice low;
	struct slice high;
	if (cut_range(source->node->text, &low, &high))
		return parse_versions(source, low, high, ret_pattern);
	return parse_text(source, source->node->text, ret_pattern);
}

static err_t
parse_peer(const struct pattern_source *source, struct pattern *ret_pattern)
{
	struct pattern pattern = {.kind = PATTERN_ADDRESSES};
	if (!address_parse_range(source->node->text, &pattern.addresses))
		return refuse(source, "no address or range such as 10.0.0.0/8");
	*ret_pattern = pattern;
	return OK;
}

err_t
collection_pattern_parse(const struct rules_reader *r, enum pattern_form form, const char *name,
			 const struct yaml_node *node, struct pattern *ret_pattern)
{
	const struct pattern_source source = {r, name, node};
	if (node->kind != YAML_SCALAR)
		return collection_refuse(r, node->line, "%s: a pattern must be a single value",
					 name);
	if (node->text.len == 0 || yaml_is_null(node))
		return collection_refuse(r, node->line, "%s: the pattern is empty", name);
	switch (form) {
	case FORM_EVENT_TYPE:
		return parse_text(&source, event_canonical(node->text), ret_pattern);
	case FORM_NUMBER:
		return parse_numbers(&source, false, ret_pattern);
	case FORM_CODE:
		return parse_code(&source, ret_pattern);
	case FORM_VERSION:
		return parse_version(&source, ret_pattern);
	case FORM_PARAM:
		return parse_param(&source, ret_pattern);
	case FORM_PEER:
		return parse_peer(&source, ret_pattern);
	default:
		return parse_text(&source, node->text, ret_pattern);
	}
}

static bool
text_fits(const struct pattern *pattern, struct slice text)
{
	struct version version;
	switch (pattern->kind) {
	case PATTERN_TEXT:
		return slice_equal_nocase(pattern->text, text);
	case PATTERN_WILDCARD:
		return text_matches(pattern->text, text);
	case PATTERN_VERSIONS:
		return version_parse(slice_trim(text), &version) &&
		       version_in_range(&version, &pattern->versions.low, &pattern->versions.high);
	default:
		return false;
	}
}

bool
collection_pattern_fits(const struct pattern *pattern, enum collection_field field,
			const struct facts *facts)
{
	if (pattern->kind == PATTERN_NUMBERS)
		return facts->has_number[field] && facts->numbers[field] >= pattern->numbers.low &&
		       facts->numbers[field] <= pattern->numbers.high;
	if (pattern->kind == PATTERN_ADDRESSES)
		return !address_is_none(facts->peer) &&
		       address_in_range(facts->peer, &pattern->addresses);
	for (size_t i = 0; i < facts->n_texts[field]; i++)
		if (text_fits(pattern, facts->texts[field][i]))
			return true;
	return false;
}
