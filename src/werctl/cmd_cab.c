/* `cab`: the cabinet of a report, out of the store */
#include <unistd.h>

#include "base/text.h"
#include "werctl/blob_copy.h"
#include "werctl/command.h"
#include "werctl/filter.h"

static err_t
write_cab(struct werctl *w, struct blob_dir *blobs, const struct facts_report *stored)
{
	const char *path = w->options.text[OPTION_OUTPUT];
	if (strcmp(path, "-") != 0)
		return blob_copy_file(blobs, stored->cab_sha256, path,
				      option_is_given(&w->options, OPTION_FORCE), &w->detail);
	if (w->out.is_terminal)
		return err_set(&w->detail, ERR_USAGE,
			       "a cabinet is no text for a terminal; give -o FILE");
	return blob_copy_fd(blobs, stored->cab_sha256, STDOUT_FILENO, &w->detail);
}

static void
say_written(struct werctl *w, const struct facts_report *stored)
{
	struct buf hex;
	buf_init(&hex, 128);
	text_hex(slice_of(stored->cab_sha256, sizeof(stored->cab_sha256)), &hex);
	werctl_note(w, "%s: %llu bytes, SHA-256 %.*s%s", w->options.text[OPTION_OUTPUT],
		    (unsigned long long)stored->cab_bytes, SLICE_ARGS(buf_slice(&hex)),
		    stored->cab_is_cabinet ? "" : "; no cabinet: it does not begin with MSCF");
	buf_done(&hex);
}

err_t
cmd_cab(struct werctl *w)
{
	const struct config *config;
	struct blob_dir *blobs;
	struct record record;
	uint64_t id;
	err_t err = filter_report_id(w, werctl_operand(w, 0), &id);
	if (err == OK)
		err = werctl_config(w, &config);
	if (err == OK)
		err = record_load(w, id, &w->arena, &record);
	if (err != OK)
		return err;
	if (!record.stored.has_cab)
		return err_set(&w->detail, ERR_NOTFOUND, "report %s has no cabinet%s",
			       werctl_operand(w, 0),
			       record.stored.is_cab_asked ? " yet; it was asked for" : "");
	err = blob_dir_open_read(config->data, &blobs, &w->detail);
	if (err != OK)
		return err;
	err = write_cab(w, blobs, &record.stored);
	blob_dir_close(blobs);
	if (err == OK)
		say_written(w, &record.stored);
	return err;
}
