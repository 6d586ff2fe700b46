/* client_setup.h - what a Windows machine needs to report to this collector
 *
 * The policy values under HKLM\SOFTWARE\Policies\Microsoft\Windows\Windows Error Reporting, as
 * ErrorReporting.admx names them, and its Consent subkey.  As a .reg file for regedit and Group
 * Policy preferences, or as a PowerShell script.  Undo removes exactly the values that were set,
 * and no key.  Pure; refuses a server name that is no host name or address, for it becomes part
 * of a script that runs with all rights.
 */
#pragma once

#include "base/buf.h"
#include "base/err.h"

enum client_setup_format {
	CLIENT_SETUP_REG,
	CLIENT_SETUP_PS1
};

struct client_setup {
	enum client_setup_format format;
	const char *server; /* NULL: allowed for undo alone */
	uint16_t port;
	bool is_tls;
	bool is_undo;
	bool has_ca_hint;
};

/* Appends the file: .reg as regedit writes it (UTF-16LE, byte order mark, CRLF), .ps1 as ASCII
 * with CRLF.  ERR_USAGE with the reason. */
err_t client_setup_format(const struct client_setup *setup, struct buf *out,
			  struct err_detail *detail) ERR_CHECK;
