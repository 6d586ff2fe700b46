/* The walk keeps the path of the open element below the root, as text.  When a leaf closes, its
 * text goes to the place that the path has in one of the tables; inside a ProcessInformation the
 * path is looked up from there on, so that an ancestor has the same table as the process itself.
 */
#include "report/wer_metadata.h"

#include "report/rows.h"

static const char *const text_paths[METADATA_TEXT_N] = {
#define METADATA_PATH_(code, path, json) [code] = path,
	METADATA_TEXTS(METADATA_PATH_)};
static const char *const process_paths[METADATA_PROCESS_TEXT_N] = {
	METADATA_PROCESS_TEXTS(METADATA_PATH_)
#undef METADATA_PATH_
};

/* A ProcessInformation that is open. */
struct open_process {
	size_t index;      /* in the list of processes */
	size_t depth;      /* of the element */
	size_t path_bytes; /* of the path with it */
};

struct walk {
	struct arena *arena;
	err_t error;     /* of a handler that cannot return one */
	bool is_foreign; /* another root element */
	bool is_leaf;    /* nothing opened since the open element did */
	struct buf path; /* of the open element, "Section/Element"; empty: the root */
	struct buf text; /* since the last tag */
	size_t path_bytes[LIMIT_METADATA_DEPTH]; /* of the path before each open element */
	struct open_process open[LIMIT_METADATA_PROCESSES];
	size_t n_open;
	struct rows dynamic;
	struct rows processes;
	struct rows layers;
	struct rows other;
	struct wer_metadata metadata;
};

static void
fail(struct walk *w, err_t error)
{
	if (w->error == OK)
		w->error = error;
}

static struct slice
keep(struct walk *w, struct slice text)
{
	struct slice copy = slice_dup(w->arena, text);
	if (slice_is_absent(copy))
		fail(w, ERR_LIMIT);
	return copy;
}

/* Room in a list, or NULL, and the walk has failed. */
static void *
add_row(struct walk *w, struct rows *rows)
{
	void *row = rows_add(rows, w->arena);
	if (row == NULL)
		fail(w, ERR_LIMIT);
	return row;
}

/* What has no place: at the path, with "@" and ATTRIBUTE when it is not absent. */
static void
add_other(struct walk *w, struct slice attribute, struct slice value)
{
	struct report_pair *pair = add_row(w, &w->other);
	size_t path_bytes = w->path.len;
	if (!slice_is_absent(attribute)) {
		buf_append_byte(&w->path, '@');
		buf_append(&w->path, attribute);
		if (buf_error(&w->path) != OK)
			fail(w, ERR_LIMIT);
	}
	if (pair != NULL)
		*pair = (struct report_pair){keep(w, buf_slice(&w->path)), keep(w, value)};
	w->path.len = path_bytes;
}

static void
take_attributes(struct walk *w, const struct xml_attribute *attributes, size_t n_attributes)
{
	for (size_t i = 0; i < n_attributes; i++)
		add_other(w, attributes[i].name, attributes[i].value);
}

/* The path from inside the innermost open ProcessInformation; the whole path when none is open. */
static struct slice
path_here(const struct walk *w)
{
	size_t from = w->n_open == 0 ? 0 : w->open[w->n_open - 1].path_bytes + 1;
	return slice_sub(buf_slice(&w->path), from, w->path.len);
}

static void
open_process(struct walk *w, size_t generation, size_t depth)
{
	struct metadata_process *process = add_row(w, &w->processes);
	if (process == NULL)
		return;
	process->generation = generation;
	w->open[w->n_open++] = (struct open_process){w->processes.n - 1, depth, w->path.len};
}

static void
take_layer(struct walk *w, const struct xml_attribute *attributes, size_t n_attributes)
{
	struct metadata_layer *layer = add_row(w, &w->layers);
	struct report_pair *pairs = arena_array(w->arena, n_attributes, sizeof(*pairs));
	if (layer == NULL || pairs == NULL) {
		fail(w, ERR_LIMIT);
		return;
	}
	for (size_t i = 0; i < n_attributes; i++)
		pairs[i] = (struct report_pair){keep(w, attributes[i].name),
						keep(w, attributes[i].value)};
	*layer = (struct metadata_layer){pairs, n_attributes};
}

static bool
is_layer(const struct walk *w)
{
	return slice_equal_str(path_here(w), "OSVersionInformation/BuildLayers/BuildLayer");
}

/* Elements that say something by being there. */
static void
take_element(struct walk *w, const struct xml_attribute *attributes, size_t n_attributes,
	     size_t depth)
{
	struct slice here = path_here(w);
	if (is_layer(w)) {
		take_layer(w, attributes, n_attributes);
		return;
	}
	take_attributes(w, attributes, n_attributes);
	if (w->n_open == 0 && slice_equal_str(here, "ParentProcessInformation")) {
		w->metadata.is_windows7 = true;
		open_process(w, 1, depth);
	} else if (slice_equal_str(here, w->n_open == 0 ? "ProcessInformation"
							: "ParentProcess/ProcessInformation")) {
		open_process(w, w->n_open, depth);
	}
}

/* Text that no leaf has: blanks between tags, mostly. */
static void
drop_text(struct walk *w)
{
	if (slice_trim(buf_slice(&w->text)).len > 0)
		w->metadata.has_mixed_text = true;
	buf_reset(&w->text);
}

static err_t
open_element(void *context, struct slice name, const struct xml_attribute *attributes,
	     size_t n_attributes, size_t depth, uint64_t offset)
{
	struct walk *w = context;
	(void)offset;
	if (depth == 0) {
		w->is_foreign = !slice_equal_str(name, "WERReportMetadata");
		take_attributes(w, attributes, n_attributes);
		return w->is_foreign ? ERR_CORRUPT : w->error;
	}
	drop_text(w);
	w->is_leaf = true;
	w->path_bytes[depth] = w->path.len;
	if (depth > 1)
		buf_append_byte(&w->path, '/');
	buf_append(&w->path, name);
	if (buf_error(&w->path) != OK)
		fail(w, ERR_LIMIT);
	else
		take_element(w, attributes, n_attributes, depth);
	return w->error;
}

static void
take_text(void *context, struct slice text)
{
	struct walk *w = context;
	buf_append(&w->text, text);
	if (buf_error(&w->text) != OK)
		fail(w, ERR_LIMIT);
}

/* Sets *place to the leaf's text.  False: it has one already. */
static bool
put_text(struct walk *w, struct slice *place, struct slice text)
{
	if (!slice_is_absent(*place))
		return false;
	*place = keep(w, text);
	return true;
}

static size_t
find_path(const char *const *paths, size_t n_paths, struct slice path)
{
	size_t i = 0;
	while (i < n_paths && !slice_equal_str(path, paths[i]))
		i++;
	return i;
}

/* "SECTION/Parameter22" */
static bool
parse_parameter(struct slice path, const char *section, uint64_t *ret_index)
{
	struct slice start = slice_str(section);
	return slice_starts_with(path, start) &&
	       slice_to_u64(slice_sub(path, start.len, path.len), ret_index) &&
	       *ret_index <= UINT32_MAX;
}

static bool
take_parameter(struct walk *w, struct slice text)
{
	struct slice path = buf_slice(&w->path);
	uint64_t index;
	if (parse_parameter(path, "DynamicSignatures/Parameter", &index)) {
		struct metadata_dynamic *dynamic = add_row(w, &w->dynamic);
		if (dynamic != NULL)
			*dynamic = (struct metadata_dynamic){(uint32_t)index, keep(w, text)};
		return true;
	}
	if (!parse_parameter(path, "ProblemSignatures/Parameter", &index) || index >= LIMIT_PARAMS)
		return false;
	struct wer_metadata *metadata = &w->metadata;
	metadata->n_params = index >= metadata->n_params ? index + 1 : metadata->n_params;
	return put_text(w, &metadata->params[index], text);
}

static bool
take_process_text(struct walk *w, struct slice text)
{
	struct slice path = path_here(w);
	struct metadata_process *processes = w->processes.items;
	struct metadata_process *process = &processes[w->open[w->n_open - 1].index];
	size_t i = slice_equal_str(path, "ParentProcessId")
			   ? (size_t)METADATA_PROCESS_ID
			   : find_path(process_paths, METADATA_PROCESS_TEXT_N, path);
	return i < METADATA_PROCESS_TEXT_N && put_text(w, &process->texts[i], text);
}

static void
take_leaf(struct walk *w)
{
	struct slice text = slice_trim(buf_slice(&w->text));
	bool is_taken;
	if (w->n_open > 0) {
		is_taken = take_process_text(w, text);
	} else {
		size_t i = find_path(text_paths, METADATA_TEXT_N, buf_slice(&w->path));
		is_taken = i < METADATA_TEXT_N ? put_text(w, &w->metadata.texts[i], text)
					       : take_parameter(w, text);
	}
	if (!is_taken && !(is_layer(w) && text.len == 0))
		add_other(w, (struct slice){NULL, 0}, text);
}

static void
close_element(void *context, struct slice name, size_t depth)
{
	struct walk *w = context;
	(void)name;
	if (depth == 0 || w->error != OK) {
		drop_text(w);
		return;
	}
	bool is_process = w->n_open > 0 && w->open[w->n_open - 1].depth == depth;
	if (w->is_leaf && !is_process)
		take_leaf(w);
	else
		drop_text(w);
	buf_reset(&w->text);
	w->n_open -= is_process;
	w->is_leaf = false;
	w->path.len = w->path_bytes[depth];
}

static void
finish(struct walk *w, struct wer_metadata *ret_metadata)
{
	w->metadata.dynamic = w->dynamic.items;
	w->metadata.n_dynamic = w->dynamic.n;
	w->metadata.processes = w->processes.items;
	w->metadata.n_processes = w->processes.n;
	w->metadata.layers = w->layers.items;
	w->metadata.n_layers = w->layers.n;
	w->metadata.other = w->other.items;
	w->metadata.n_other = w->other.n;
	*ret_metadata = w->metadata;
}

static err_t
walk_document(struct walk *w, struct xml_parser *parser, struct err_detail *detail)
{
	static const struct xml_limits limits = {
		.depth = LIMIT_METADATA_DEPTH,
		.attributes = LIMIT_XML_ATTRIBUTES,
		.elements = LIMIT_XML_ELEMENTS,
	};
	static const struct xml_handler handler = {
		.on_open = open_element,
		.on_close = close_element,
		.on_text = take_text,
	};
	struct slice utf8 = w->metadata.form.utf8;
	struct slice document = slice_trim(utf8);
	err_t err = xml_parse(parser, document, &limits, &handler, w, detail);
	if (err != OK && detail != NULL)
		detail->offset += (uint64_t)(document.data - utf8.data);
	if (w->is_foreign)
		err = err_set(detail, err, "the root element is no WERReportMetadata");
	else if (w->error != OK)
		err = err_set(detail, w->error, "too much of something");
	return err;
}

err_t
wer_metadata_parse(struct xml_parser *parser, struct slice in, struct arena *arena,
		   struct wer_metadata *ret_metadata, struct err_detail *detail)
{
	struct walk w = {
		.arena = arena,
		.dynamic = ROWS_OF(struct metadata_dynamic, LIMIT_METADATA_OTHER),
		.processes = ROWS_OF(struct metadata_process, LIMIT_METADATA_PROCESSES),
		.layers = ROWS_OF(struct metadata_layer, LIMIT_METADATA_LAYERS),
		.other = ROWS_OF(struct report_pair, LIMIT_METADATA_OTHER),
	};
	buf_init(&w.path, LIMIT_METADATA_PATH_BYTES);
	buf_init(&w.text, (size_t)LIMIT_TEXT_FILE_BYTES * 3); /* the whole text, were it broken */
	if (detail != NULL)
		*detail = (struct err_detail){.why = ""};
	err_t err = text_file_decode(in, arena, &w.metadata.form);
	if (err != OK)
		err = err_set(detail, err, "larger than %d bytes", LIMIT_TEXT_FILE_BYTES);
	else
		err = walk_document(&w, parser, detail);
	if (err == OK)
		finish(&w, ret_metadata);
	buf_done(&w.path);
	buf_done(&w.text);
	return err;
}
