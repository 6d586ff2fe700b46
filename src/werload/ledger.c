#include "werload/ledger.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/text.h"

enum {
	WAITING_BYTES = 64 * 1024 * 1024,
	FIELDS = 5,
	SHA256_BYTES = 32
};

err_t
ledger_open(struct ledger *ledger, const char *path, struct err_detail *detail)
{
	*ledger = (struct ledger){.fd = -1};
	buf_init(&ledger->waiting, WAITING_BYTES);
	if (path == NULL)
		return OK;
	ledger->fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
	if (ledger->fd < 0)
		return err_set(detail, err_from_errno(errno), "%s: %s", path, strerror(errno));
	return OK;
}

static void
put_id(struct buf *out, uint64_t id)
{
	if (id == 0)
		buf_append_str(out, " -");
	else
		buf_printf(out, " %" PRIu64, id);
}

void
ledger_put(struct ledger *ledger, const struct ledger_entry *entry)
{
	struct buf *out = &ledger->waiting;
	if (ledger->fd < 0)
		return;
	buf_printf(out, "%c %" PRIu64 " ", entry->is_upload ? 'U' : 'R', entry->sequence);
	text_hex(slice_of(entry->sha256, SHA256_BYTES), out);
	put_id(out, entry->report);
	put_id(out, entry->number);
	buf_append_byte(out, '\n');
}

err_t
ledger_flush(struct ledger *ledger)
{
	if (ledger->fd < 0 || ledger->waiting.len == 0)
		return OK;
	err_t err = buf_error(&ledger->waiting);
	if (err == OK)
		err = fs_write_all(ledger->fd, buf_slice(&ledger->waiting));
	buf_reset(&ledger->waiting);
	return err;
}

void
ledger_close(struct ledger *ledger)
{
	if (ledger->fd >= 0)
		(void)close(ledger->fd);
	buf_done(&ledger->waiting);
	ledger->fd = -1;
}

static bool
parse_id(struct slice text, uint64_t *ret_id)
{
	if (slice_equal_str(text, "-")) {
		*ret_id = 0;
		return true;
	}
	return slice_to_u64(text, ret_id);
}

static bool
parse_sha256(struct slice text, uint8_t ret_sha256[SHA256_BYTES])
{
	struct buf bytes;
	buf_init(&bytes, SHA256_BYTES);
	bool is_right = text_from_hex(text, &bytes) && bytes.len == SHA256_BYTES;
	if (is_right)
		memcpy(ret_sha256, bytes.data, SHA256_BYTES);
	buf_done(&bytes);
	return is_right;
}

static bool
parse_line(struct slice line, struct ledger_entry *ret_entry)
{
	struct slice fields[FIELDS];
	for (size_t i = 0; i + 1 < FIELDS; i++) {
		if (!slice_cut(line, ' ', &fields[i], &line))
			return false;
	}
	fields[FIELDS - 1] = line;
	*ret_entry = (struct ledger_entry){.is_upload = slice_equal_str(fields[0], "U")};
	return (ret_entry->is_upload || slice_equal_str(fields[0], "R")) &&
	       slice_to_u64(fields[1], &ret_entry->sequence) &&
	       parse_sha256(fields[2], ret_entry->sha256) &&
	       parse_id(fields[3], &ret_entry->report) && parse_id(fields[4], &ret_entry->number);
}

static err_t
read_lines(FILE *file, const char *path, ledger_each_fn each, void *context,
	   struct err_detail *detail)
{
	char *line = NULL;
	size_t capacity = 0, number = 0;
	ssize_t len;
	err_t err = OK;
	while (err == OK && (len = getline(&line, &capacity, file)) > 0) {
		struct ledger_entry entry;
		number++;
		if (line[len - 1] != '\n')
			break;
		if (parse_line(slice_of(line, (size_t)len - 1), &entry))
			err = each(context, &entry);
		else
			err = err_set(detail, ERR_CORRUPT, "%s: line %zu is no entry", path,
				      number);
	}
	if (err == OK && ferror(file))
		err = err_set(detail, ERR_IO, "%s: cannot be read", path);
	free(line);
	return err;
}

err_t
ledger_read(const char *path, ledger_each_fn each, void *context, struct err_detail *detail)
{
	FILE *file = fopen(path, "re");
	if (file == NULL)
		return err_set(detail, err_from_errno(errno), "%s: %s", path, strerror(errno));
	err_t err = read_lines(file, path, each, context, detail);
	(void)fclose(file);
	return err;
}
