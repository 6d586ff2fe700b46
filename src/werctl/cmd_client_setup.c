/* `client-setup`: the file for the Windows side */
#include <unistd.h>

#include "base/fs.h"
#include "base/text.h"
#include "werctl/client_setup.h"
#include "werctl/command.h"

enum {
	DEFAULT_PORT = 1273, /* [MS-CER2] 3.1.3 */
	SETUP_BYTES = 128 * 1024
};

static err_t
write_setup(struct werctl *w, enum client_setup_format format, struct slice bytes)
{
	const char *path = w->options.text[OPTION_OUTPUT];
	if (path != NULL && strcmp(path, "-") != 0) {
		if (!option_is_given(&w->options, OPTION_FORCE) && access(path, F_OK) == 0)
			return err_set(&w->detail, ERR_EXISTS,
				       "%s is there already; --force replaces it", path);
		return fs_replace_file(path, bytes, 0644, &w->detail);
	}
	/* A person at a terminal reads text; what is redirected is the file. */
	if (w->out.is_terminal && format == CLIENT_SETUP_REG)
		(void)text_to_utf8(slice_sub(bytes, 2, bytes.len), TEXT_UTF16LE, &w->out.text);
	else
		buf_append(&w->out.text, bytes);
	return OK;
}

err_t
cmd_client_setup(struct werctl *w)
{
	uint64_t port = option_number(&w->options, OPTION_PORT, DEFAULT_PORT);
	const struct client_setup setup = {
		.format = (enum client_setup_format)w->options.number[OPTION_FORMAT],
		.server = w->options.text[OPTION_SERVER],
		.port = port > UINT16_MAX ? 0 : (uint16_t)port,
		.is_tls = option_is_given(&w->options, OPTION_TLS),
		.is_undo = option_is_given(&w->options, OPTION_UNDO),
		.has_ca_hint = option_is_given(&w->options, OPTION_CA_HINT),
	};
	struct buf file;
	buf_init(&file, SETUP_BYTES);
	err_t err = client_setup_format(&setup, &file, &w->detail);
	if (err == OK)
		err = write_setup(w, setup.format, buf_slice(&file));
	buf_done(&file);
	return err;
}
