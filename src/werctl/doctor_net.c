#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/time.h"
#include "werctl/cell.h"
#include "werctl/certificate.h"
#include "werctl/doctor.h"

enum {
	CONNECT_TIMEOUT_MS = 2000
};
static const int64_t CERTIFICATE_SOON_US = 21 * TIME_DAY_US;

/* ---- listeners ---- */

/* 0, or why nobody answered there. */
static int
try_connect(const struct address *address)
{
	struct sockaddr_storage storage;
	socklen_t len = address_to_sockaddr(address, &storage);
	int result = 0;
	int fd = socket(storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return errno;
	if (connect(fd, (const struct sockaddr *)&storage, len) != 0)
		result = errno;
	if (result == EINPROGRESS) {
		struct pollfd poll_fd = {.fd = fd, .events = POLLOUT};
		socklen_t result_len = sizeof(result);
		if (poll(&poll_fd, 1, CONNECT_TIMEOUT_MS) <= 0)
			result = ETIMEDOUT;
		else if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &result, &result_len) != 0)
			result = errno;
	}
	(void)close(fd);
	return result;
}

static void
check_listener(struct doctor *doctor, const struct address *address, const char *kind)
{
	char text[ADDRESS_TEXT_BYTES];
	bool is_every = address_is_none(address);
	struct address target = *address;
	if (is_every) /* a listener on every address is asked on the loopback, ::ffff:127.0.0.1 */
		memcpy(target.ip, (const uint8_t[16]){[10] = 0xff, 0xff, 127, 0, 0, 1}, 16);
	if (is_every)
		(void)snprintf(text, sizeof(text), "every address, port %u", address->port);
	else
		(void)address_format_port(address, text);
	int why = try_connect(&target);
	if (why == 0) {
		doctor_say(doctor, DOCTOR_OK, "port", "%s on %s is listening", kind, text);
		return;
	}
	doctor_say(doctor, DOCTOR_FAIL, "port", "%s on %s: %s", kind, text, strerror(why));
	doctor_command(doctor, "systemctl status werd");
}

void
doctor_check_ports(struct doctor *doctor)
{
	const struct config_ingest *ingest = &doctor->config->ingest;
	if (!ingest->is_on) {
		doctor_say(doctor, DOCTOR_WARN, "port",
			   "%s has no `ingest:`: reports are taken elsewhere",
			   doctor->config->path);
		return;
	}
	for (size_t i = 0; i < ingest->listen.n_addresses; i++)
		check_listener(doctor, &ingest->listen.addresses[i], "HTTP");
	for (size_t i = 0; i < ingest->tls_listen.n_addresses; i++)
		check_listener(doctor, &ingest->tls_listen.addresses[i], "HTTPS");
}

/* ---- firewall ---- */

static bool
is_program(const char *name)
{
	static const char *const folders[] = {"/usr/sbin", "/sbin", "/usr/bin", "/bin"};
	char path[128];
	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", folders[i], name);
		if (access(path, X_OK) == 0)
			return true;
	}
	return false;
}

static unsigned
first_port(const struct doctor *doctor)
{
	const struct config_ingest *ingest = &doctor->config->ingest;
	if (ingest->listen.n_addresses > 0)
		return ingest->listen.addresses[0].port;
	return ingest->tls_listen.n_addresses > 0 ? ingest->tls_listen.addresses[0].port : 1273;
}

void
doctor_check_firewall(struct doctor *doctor)
{
	unsigned port = first_port(doctor);
	if (is_program("ufw")) {
		doctor_say(doctor, DOCTOR_HINT, "firewall", "ufw is installed; when it is active:");
		doctor_command(doctor, "ufw allow %u/tcp", port);
	} else if (is_program("firewall-cmd")) {
		doctor_say(doctor, DOCTOR_HINT, "firewall", "firewalld is installed:");
		doctor_command(doctor, "firewall-cmd --permanent --add-port=%u/tcp", port);
	} else if (is_program("nft")) {
		doctor_say(doctor, DOCTOR_HINT, "firewall",
			   "nft is installed; its rules must let port %u in:", port);
		doctor_command(doctor, "nft list ruleset");
	} else if (is_program("iptables")) {
		doctor_say(doctor, DOCTOR_HINT, "firewall",
			   "iptables is installed; its rules must let port %u in:", port);
		doctor_command(doctor, "iptables -L INPUT -n -v");
	} else {
		doctor_say(doctor, DOCTOR_OK, "firewall", "no firewall program on this machine");
	}
}

/* ---- certificate ---- */

static void
check_expiry(struct doctor *doctor, const struct certificate_facts *facts)
{
	struct buf end;
	struct buf left;
	int64_t now_us = doctor->w->now_us;
	buf_init(&end, 64);
	buf_init(&left, 64);
	cell_time(facts->not_after_us, &end);
	cell_span(facts->not_after_us - now_us, &left);
	if (facts->not_before_us > now_us)
		doctor_say(doctor, DOCTOR_FAIL, "certificate",
			   "not valid yet; or this clock is "
			   "wrong");
	else if (facts->not_after_us < now_us)
		doctor_say(doctor, DOCTOR_FAIL, "certificate", "expired on %.*s",
			   SLICE_ARGS(buf_slice(&end)));
	else
		doctor_say(doctor,
			   facts->not_after_us - now_us < CERTIFICATE_SOON_US ? DOCTOR_WARN
									      : DOCTOR_OK,
			   "certificate", "valid until %.*s, %.*s left",
			   SLICE_ARGS(buf_slice(&end)), SLICE_ARGS(buf_slice(&left)));
	buf_done(&end);
	buf_done(&left);
}

static void
check_chain(struct doctor *doctor, const struct certificate_facts *facts)
{
	if (facts->is_trusted)
		doctor_say(doctor, DOCTOR_OK, "certificate",
			   "chain of %zu leads to an authority that this machine trusts",
			   facts->n_chain);
	else if (facts->is_self_signed)
		doctor_say(doctor, DOCTOR_WARN, "certificate",
			   "self-signed: every client must be told to trust it");
	else
		doctor_say(doctor, DOCTOR_WARN, "certificate",
			   "%s: clients must trust its authority, and the file must hold all "
			   "certificates between",
			   facts->why_not);
	if (!facts->is_trusted)
		doctor_command(doctor, "certutil.exe -addstore Root ca.cer");
}

static void
check_key(struct doctor *doctor)
{
	struct stat st;
	const char *path = doctor->config->ingest.tls_key;
	if (path == NULL || stat(path, &st) != 0)
		return;
	if ((st.st_mode & (S_IROTH | S_IWOTH)) != 0) {
		doctor_say(doctor, DOCTOR_FAIL, "certificate",
			   "%s can be read by every user of this machine", path);
		doctor_command(doctor, "chmod o-rwx %s", path);
	}
}

void
doctor_check_certificate(struct doctor *doctor)
{
	const struct config_ingest *ingest = &doctor->config->ingest;
	struct certificate_facts facts;
	struct err_detail detail;
	if (!ingest->is_on || ingest->tls_listen.n_addresses == 0)
		return;
	if (certificate_look(ingest->tls_certificate, doctor->server, &facts, &detail) != OK) {
		doctor_say(doctor, DOCTOR_FAIL, "certificate", "%s", detail.why);
		return;
	}
	if (facts.is_for_host)
		doctor_say(doctor, DOCTOR_OK, "certificate", "is for %s", doctor->server);
	else
		doctor_say(doctor, DOCTOR_FAIL, "certificate",
			   "is not for %s but for %s; if clients use another name: --server NAME",
			   doctor->server, facts.names[0] != '\0' ? facts.names : facts.subject);
	check_expiry(doctor, &facts);
	check_chain(doctor, &facts);
	check_key(doctor);
}
