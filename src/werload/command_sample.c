/* werload sample: the fleet's reports as files, for other load generators and for hand work */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/time.h"
#include "werload/command.h"
#include "werload/options.h"
#include "werload/shape.h"

enum {
	BODY_BYTES = 256 * 1024,
	LUA_BYTES = 1024 * 1024 * 1024,
	LUA_PART = 500, /* bodies in one function: Lua bounds a function's constants */
	NAME_BYTES = 64
};

enum sample_format {
	FORMAT_XML,
	FORMAT_HTTP,
	FORMAT_LUA,
	FORMAT_N
};

struct sample_options {
	struct fleet_options fleet;
	uint64_t count;
	const char *out;
	enum sample_format format;
	int64_t start_us;
};

static bool
option_format(struct slice text, void *field)
{
	static const char *const names[FORMAT_N] = {
		[FORMAT_XML] = "xml",
		[FORMAT_HTTP] = "http",
		[FORMAT_LUA] = "lua",
	};
	unsigned index;
	if (!option_choice(text, names, FORMAT_N, &index))
		return false;
	*(enum sample_format *)field = (enum sample_format)index;
	return true;
}

#define FIELD(member) offsetof(struct sample_options, member)

static const struct option_row rows[] = {
	{"count", "N", option_u64, FIELD(count), "how many (100)"},
	{"output", "DIR", option_text, FIELD(out), "folder for the files (.)"},
	{"format", "xml|http|lua", option_format, FIELD(format),
	 "one file each: the body, or the request as it goes over the wire; or one bodies.lua "
	 "that returns a table of bodies (xml)"},
	{"machines", "N", option_u32, FIELD(fleet.machines), "machines of the fleet (1000)"},
	{"seed", "S", option_u64, FIELD(fleet.seed), "the same seed is the same fleet (1)"},
	{"mix", "fleet|seed", option_mix, FIELD(fleet.mix),
	 "all event types, or the proportions of a corporate collector's table (fleet)"},
	{"no-bom", "PERCENT", option_percent, FIELD(fleet.no_bom_percent),
	 "machines that send no byte order mark (10)"},
	{"other-encodings", "PERCENT", option_percent, FIELD(fleet.other_percent),
	 "machines that send UTF-16BE or UTF-8 (0)"},
	{"time", "T", option_time, FIELD(start_us),
	 "the fleet's clock (2026-11-02T09:00:00Z, so that a seed always gives the same files)"},
	{0},
};

struct sampler {
	const struct sample_options *options;
	struct shape shape;
	struct fleet *fleet;
	struct arena arena;
	struct buf body, text;
};

static err_t
make_body(struct sampler *sampler, uint64_t sequence)
{
	struct shape_slot slot;
	struct report report;
	uint32_t machine;
	shape_at(&sampler->shape, sequence, &slot);
	arena_reset(&sampler->arena);
	buf_reset(&sampler->body);
	err_t err = fleet_report(sampler->fleet, &slot.request, &sampler->arena, &report, &machine);
	if (err != OK)
		return err;
	fleet_body(sampler->fleet, &report, machine, &sampler->body);
	return buf_error(&sampler->body);
}

/* The headers that a corporate client is known to send. */
static void
put_request(struct slice body, struct buf *out)
{
	buf_printf(out,
		   "POST /stage2.htm HTTP/1.1\r\nUser-Agent: MSDW\r\nHost: collector:1273\r\n"
		   "Content-Length: %zu\r\nConnection: Keep-Alive\r\n\r\n",
		   body.len);
	buf_append(out, body);
}

/* Printable ASCII as it is, every other byte as \ddd. */
static void
put_lua_string(struct slice body, struct buf *out)
{
	buf_append_byte(out, '"');
	for (size_t i = 0; i < body.len; i++) {
		uint8_t byte = body.data[i];
		if (byte >= ' ' && byte < 0x7f && byte != '"' && byte != '\\')
			buf_append_byte(out, byte);
		else
			buf_printf(out, "\\%03u", byte);
	}
	buf_append_byte(out, '"');
}

static err_t
write_file(const char *folder, const char *name, struct slice bytes, struct err_detail *detail)
{
	char path[4096];
	int len = snprintf(path, sizeof(path), "%s/%s", folder, name);
	if (len < 0 || (size_t)len >= sizeof(path))
		return err_set(detail, ERR_USAGE, "%s: too long", folder);
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (fd < 0)
		return err_set(detail, err_from_errno(errno), "%s: %s", path, strerror(errno));
	err_t err = fs_write_all(fd, bytes);
	if (close(fd) != 0 && err == OK)
		err = ERR_IO;
	return err == OK ? OK : err_set(detail, err, "%s: %s", path, err_text(err));
}

static err_t
write_each(struct sampler *sampler, struct err_detail *detail)
{
	bool is_http = sampler->options->format == FORMAT_HTTP;
	for (uint64_t i = 0; i < sampler->options->count; i++) {
		char name[NAME_BYTES];
		err_t err = make_body(sampler, i);
		if (err != OK)
			return err;
		buf_reset(&sampler->text);
		if (is_http)
			put_request(buf_slice(&sampler->body), &sampler->text);
		else
			buf_append(&sampler->text, buf_slice(&sampler->body));
		(void)snprintf(name, sizeof(name), "%06" PRIu64 ".%s", i, is_http ? "http" : "xml");
		err = write_file(sampler->options->out, name, buf_slice(&sampler->text), detail);
		if (err != OK)
			return err;
	}
	return OK;
}

static err_t
write_lua(struct sampler *sampler, struct err_detail *detail)
{
	struct buf *text = &sampler->text;
	buf_append_str(text, "-- Level-1 bodies: local bodies = dofile(\"bodies.lua\")\n"
			     "local t = {}\n");
	for (uint64_t i = 0; i < sampler->options->count; i++) {
		err_t err = make_body(sampler, i);
		if (err != OK)
			return err;
		if (i % LUA_PART == 0)
			buf_append_str(text, i == 0 ? "(function()\n" : "end)();\n(function()\n");
		buf_printf(text, "t[%" PRIu64 "]=", i + 1);
		put_lua_string(buf_slice(&sampler->body), text);
		buf_append_byte(text, '\n');
	}
	buf_append_str(text, "end)()\nreturn t\n");
	if (buf_error(text) != OK)
		return err_set(detail, buf_error(text), "--count: too many for one table");
	return write_file(sampler->options->out, "bodies.lua", buf_slice(text), detail);
}

static err_t
write_samples(struct sampler *sampler, struct err_detail *detail)
{
	const struct sample_options *options = sampler->options;
	if (options->count == 0)
		return err_set(detail, ERR_USAGE, "--count: at least 1");
	err_t err = fleet_new(&options->fleet, &sampler->fleet);
	if (err == OK)
		err = fs_make_folders(options->out, 0755, detail);
	if (err != OK)
		return err;
	return options->format == FORMAT_LUA ? write_lua(sampler, detail)
					     : write_each(sampler, detail);
}

int
command_sample(int argc, char **argv)
{
	struct sample_options options = {
		.fleet = {.seed = 1, .machines = 1000, .no_bom_percent = 10},
		.count = 100,
		.out = ".",
		.start_us = INT64_C(1793610000) * TIME_SECOND_US,
	};
	struct err_detail detail = {0};
	options_parse(rows, "werload sample", "Writes reports of the fleet as files.", argc, argv,
		      &options);
	struct sampler sampler = {
		.options = &options,
		.shape = {.kind = SHAPE_STEADY,
			  .seed = options.fleet.seed,
			  .machines = options.fleet.machines,
			  .start_us = options.start_us},
	};
	arena_init(&sampler.arena, FLEET_REPORT_ARENA_BYTES);
	buf_init(&sampler.body, BODY_BYTES);
	buf_init(&sampler.text, LUA_BYTES);
	err_t err = write_samples(&sampler, &detail);
	fleet_free(sampler.fleet);
	arena_done(&sampler.arena);
	buf_done(&sampler.body);
	buf_done(&sampler.text);
	return err == OK ? 0 : command_failed(err, &detail);
}
