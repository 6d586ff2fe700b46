#include "report/event.h"

#include <pthread.h>
#include <stdlib.h>

#include "report/event_table.h"

/* Every spelling of every type, found by its folded hash.  Looked up for each report, and built
 * from the table once, so that no second list has to agree with the table. */
enum {
	SLOTS = 256 /* a power of two; five times the spellings, so that a probe is short */
};

struct slot {
	struct slice name; /* absent: free */
	const struct event_type *type;
};

static struct slot event_slots[SLOTS];
static pthread_once_t event_once = PTHREAD_ONCE_INIT;

/* FNV-1a over the ASCII lower case. */
static uint32_t
folded_hash(struct slice name)
{
	uint32_t hash = 2166136261U;
	for (size_t i = 0; i < name.len; i++) {
		uint8_t c = name.data[i];
		if (c >= 'A' && c <= 'Z')
			c = (uint8_t)(c + 32);
		hash = (hash ^ c) * 16777619U;
	}
	return hash;
}

/* The slot that has NAME, or the free one where it belongs. */
static struct slot *
find_slot(struct slice name)
{
	uint32_t at = folded_hash(name) % SLOTS;
	while (!slice_is_absent(event_slots[at].name) &&
	       !slice_equal_nocase(event_slots[at].name, name))
		at = (at + 1) % SLOTS;
	return &event_slots[at];
}

static void
add_name(struct slice name, const struct event_type *type)
{
	struct slot *slot = find_slot(name);
	if (!slice_is_absent(slot->name))
		abort(); /* one spelling in two rows of the table */
	*slot = (struct slot){name, type};
}

static void
build_slots(void)
{
	for (size_t i = 0; i < event_table_len; i++) {
		struct slice rest = slice_str(event_table[i].aliases);
		struct slice alias;
		add_name(slice_str(event_table[i].name), &event_table[i]);
		while (slice_cut(rest, ' ', &alias, &rest))
			add_name(alias, &event_table[i]);
		if (rest.len > 0)
			add_name(rest, &event_table[i]);
	}
}

const struct event_type *
event_find(struct slice name)
{
	if (name.len == 0 || pthread_once(&event_once, build_slots) != 0)
		return NULL;
	return find_slot(name)->type;
}

struct slice
event_canonical(struct slice name)
{
	const struct event_type *type = event_find(name);
	return type == NULL ? name : slice_str(type->name);
}

const struct event_type *
event_at(size_t index)
{
	return index < event_table_len ? &event_table[index] : NULL;
}

static struct slice
last_component(struct slice path)
{
	size_t from = path.len;
	while (from > 0 && path.data[from - 1] != '\\' && path.data[from - 1] != '/')
		from--;
	return slice_sub(path, from, path.len);
}

/* A packaged app names itself by its place in the package, "praid:App", as thousands do. */
static bool
is_image_name(struct slice app)
{
	return app.len > 0 && !slice_starts_with(app, SLICE_LITERAL("praid:"));
}

static struct slice
choose_app(const struct report *report, struct slice by_role)
{
	struct slice image = last_component(report->app_path);
	if (is_image_name(by_role))
		return by_role;
	if (image.len > 0)
		return image;
	return by_role.len > 0 ? by_role : report->app_name;
}

/* Digits without "0x" and leading zeros; what is no hex number stays as it came. */
static struct slice
shorten_hex(struct slice text)
{
	struct slice digits = text;
	if (digits.len > 2 && digits.data[0] == '0' && (digits.data[1] | 0x20) == 'x')
		digits = slice_sub(digits, 2, digits.len);
	for (size_t i = 0; i < digits.len; i++) {
		uint8_t c = digits.data[i] | 0x20;
		if (!(c >= 'a' && c <= 'f') && !(digits.data[i] >= '0' && digits.data[i] <= '9'))
			return text;
	}
	while (digits.len > 1 && digits.data[0] == '0')
		digits = slice_sub(digits, 1, digits.len);
	return digits;
}

/* The bugcheck: as PARAMETER 0 from Windows 10 on, as SECONDARYPARAMETER before. */
static struct slice
kernel_code(const struct report *report)
{
	struct slice code = report->n_params > 0 ? report->params[0].value : slice_of(NULL, 0);
	if (code.len == 0)
		code = report_find_secondary(report, "BCCode");
	return shorten_hex(slice_trim(code));
}

static struct slice *
part_of_role(struct report_label *label, enum event_role role)
{
	switch (role) {
	case ROLE_APP:
		return &label->app;
	case ROLE_APP_VERSION:
		return &label->app_version;
	case ROLE_APP_STAMP:
		return &label->app_stamp;
	case ROLE_MODULE:
		return &label->module;
	case ROLE_MODULE_VERSION:
		return &label->module_version;
	case ROLE_MODULE_STAMP:
		return &label->module_stamp;
	case ROLE_CODE:
		return &label->code;
	case ROLE_OFFSET:
		return &label->offset;
	default:
		return NULL;
	}
}

void
report_label(const struct report *report, struct report_label *ret_label)
{
	struct report_label label = {.type = event_find(report->event_type)};
	for (size_t i = 0; label.type != NULL && i < report->n_params; i++) {
		struct slice *part = part_of_role(&label, label.type->roles[i]);
		if (part != NULL)
			*part = report->params[i].value;
	}
	if (label.type != NULL && label.type->is_kernel)
		label.code = kernel_code(report);
	label.app = choose_app(report, label.app);
	*ret_label = label;
}
