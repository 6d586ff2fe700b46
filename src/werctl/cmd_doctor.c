/* `doctor`: is the collector well, and what to look at on the Windows side */
#include <netdb.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include "werctl/cell.h"
#include "werctl/command.h"
#include "werctl/doctor.h"

enum {
	DOCTOR_LINE_BYTES = 1024,
	DOCTOR_FAILED_STATUS = 1
};

static const char *const state_names[] = {"ok", "warn", "fail", "hint"};
static const enum style state_styles[] = {STYLE_GOOD, STYLE_WARN, STYLE_BAD, STYLE_FAINT};

static void
print_line(struct doctor *doctor, const char *state, enum style style, const char *check,
	   const char *text)
{
	struct output *out = &doctor->w->out;
	if (out->is_json) {
		struct json *object = json_new_object();
		json_put_str(object, "check", check);
		json_put_str(object, "state", state);
		json_put_str(object, "detail", text);
		output_json(out, object);
		return;
	}
	output_styled(out, style, "%-5s", state);
	output_printf(out, " %-12s ", check);
	cell_text(slice_str(text), &out->text);
	output_printf(out, "\n");
}

void
doctor_say(struct doctor *doctor, enum doctor_state state, const char *check, const char *format,
	   ...)
{
	char text[DOCTOR_LINE_BYTES];
	va_list args;
	va_start(args, format);
	(void)vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	doctor->failures += state == DOCTOR_FAIL;
	print_line(doctor, state_names[state], state_styles[state], check, text);
}

void
doctor_command(struct doctor *doctor, const char *format, ...)
{
	char text[DOCTOR_LINE_BYTES];
	va_list args;
	va_start(args, format);
	(void)vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (doctor->w->out.is_json)
		print_line(doctor, "command", STYLE_PLAIN, "command", text);
	else
		output_printf(&doctor->w->out, "%-19s%s\n", "", text);
}

/* The name that --server gives, else this machine's full one. */
static const char *
server_name(struct werctl *w)
{
	char name[256];
	const struct addrinfo hints = {.ai_flags = AI_CANONNAME, .ai_socktype = SOCK_STREAM};
	struct addrinfo *found = NULL;
	const char *server = w->options.text[OPTION_SERVER];
	if (server != NULL)
		return server;
	if (gethostname(name, sizeof(name)) != 0)
		return "localhost";
	name[sizeof(name) - 1] = '\0';
	bool has_full = getaddrinfo(name, NULL, &hints, &found) == 0 && found != NULL &&
			found->ai_canonname != NULL;
	server = arena_printf(&w->arena, "%s", has_full ? found->ai_canonname : name);
	if (found != NULL)
		freeaddrinfo(found);
	return server == NULL ? "localhost" : server;
}

static void
show_port_commands(struct doctor *doctor, const struct config_listen *listen, bool is_tls)
{
	for (size_t i = 0; i < listen->n_addresses; i++) {
		unsigned port = listen->addresses[i].port;
		doctor_command(doctor, "Test-NetConnection %s -Port %u", doctor->server, port);
		if (is_tls)
			doctor_command(doctor,
				       "Invoke-WebRequest https://%s:%u/ -UseBasicParsing   # 404 "
				       "is good: the certificate is trusted",
				       doctor->server, port);
	}
}

static void
show_windows(struct doctor *doctor)
{
	output_printf(&doctor->w->out, doctor->w->out.is_json ? "" : "\n");
	doctor_say(doctor, DOCTOR_HINT, "windows", "on a client, in PowerShell:");
	show_port_commands(doctor, &doctor->config->ingest.listen, false);
	show_port_commands(doctor, &doctor->config->ingest.tls_listen, true);
	doctor_command(doctor, "reg.exe query \"HKLM\\SOFTWARE\\Policies\\Microsoft\\Windows"
			       "\\Windows Error Reporting\" /s");
	doctor_command(doctor, "Get-Service WerSvc");
	doctor_command(doctor, "Get-WinEvent -MaxEvents 10 -FilterHashtable "
			       "@{LogName='Application'; ProviderName='Windows Error Reporting'}");
}

/* Whether it is good for werd can only be told by a user who has werd's rights. */
static void
check_config(struct doctor *doctor)
{
	struct err_detail why;
	const struct config *config = doctor->config;
	if (access(config->data, F_OK) == 0 && access(config->data, W_OK) != 0)
		doctor_say(doctor, DOCTOR_WARN, "config",
			   "%s can be read; to have all of it checked run as the owner of %s",
			   config->path, config->data);
	else if (config_check(config, &why) == OK)
		doctor_say(doctor, DOCTOR_OK, "config", "%s", config->path);
	else
		doctor_say(doctor, DOCTOR_FAIL, "config", "%s", why.why);
}

err_t
cmd_doctor(struct werctl *w)
{
	struct doctor doctor = {.w = w, .server = server_name(w)};
	w->exit_status = DOCTOR_FAILED_STATUS;
	if (werctl_config(w, &doctor.config) != OK) {
		doctor_say(&doctor, DOCTOR_FAIL, "config", "%s", w->detail.why);
		return OK;
	}
	check_config(&doctor);
	doctor_check_files(&doctor);
	doctor_check_disk(&doctor);
	doctor_check_clock(&doctor);
	doctor_check_ports(&doctor);
	doctor_check_firewall(&doctor);
	doctor_check_certificate(&doctor);
	doctor_check_reports(&doctor);
	show_windows(&doctor);
	w->exit_status = doctor.failures > 0 ? DOCTOR_FAILED_STATUS : 0;
	return OK;
}
