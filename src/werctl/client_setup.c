#include "werctl/client_setup.h"

#include <stdio.h>

#include "base/text.h"

enum {
	SERVER_MAX = 253 /* RFC 1035, 2.3.4 */
};

#define POLICY_PATH "SOFTWARE\\Policies\\Microsoft\\Windows\\Windows Error Reporting"
#define CONSENT_PATH POLICY_PATH "\\Consent"

enum value_source {
	VALUE_FIXED,
	VALUE_SERVER,
	VALUE_PORT,
	VALUE_TLS
};

static const struct setting {
	bool is_consent;
	const char *name;
	enum value_source source;
	unsigned number; /* VALUE_FIXED */
	const char *why;
} settings[] = {
	{false, "Disabled", VALUE_FIXED, 0, "error reporting is on"},
	{false, "CorporateWerServer", VALUE_SERVER, 0, "reports go to this collector"},
	{false, "CorporateWerPortNumber", VALUE_PORT, 0, "at this port"},
	{false, "CorporateWerUseSSL", VALUE_TLS, 0, "1: by HTTPS"},
	{false, "DontShowUI", VALUE_FIXED, 1, "nobody is asked"},
	{false, "DisableQueue", VALUE_FIXED, 0, "what cannot be sent now is sent later"},
	{false, "BypassDataThrottling", VALUE_FIXED, 1, "cabinets are sent whenever asked for"},
	{true, "DefaultConsent", VALUE_FIXED, 4, "all data may be sent"},
	{true, "DefaultOverrideBehavior", VALUE_FIXED, 1, "that holds for every event type"},
};

enum {
	SETTINGS_N = sizeof(settings) / sizeof(settings[0])
};

/* Set by those who want reports from machines on battery or on metered networks, too. */
static const char *const optional_values[] = {"BypassPowerThrottling",
					      "BypassNetworkCostThrottling"};

static const char test_crash[] =
	"powershell.exe -NoProfile -Command \"[Environment]::FailFast('openwer test crash')\"";

static bool
is_host_name(const char *name)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789.-_";
	size_t len = strlen(name);
	return len > 0 && len <= SERVER_MAX && strspn(name, allowed) == len && name[0] != '-';
}

static unsigned
number_of(const struct client_setup *setup, const struct setting *setting)
{
	switch (setting->source) {
	case VALUE_PORT:
		return setup->port;
	case VALUE_TLS:
		return setup->is_tls;
	case VALUE_FIXED:
	case VALUE_SERVER:
	default:
		return setting->number;
	}
}

/* ---- .reg ---- */

static void
reg_value(const struct client_setup *setup, const struct setting *setting, struct buf *out)
{
	if (setup->is_undo)
		buf_printf(out, "\"%s\"=-\r\n", setting->name);
	else if (setting->source == VALUE_SERVER)
		buf_printf(out, "\"%s\"=\"%s\"\r\n", setting->name, setup->server);
	else
		buf_printf(out, "\"%s\"=dword:%08x\r\n", setting->name, number_of(setup, setting));
}

static void
reg_key(const struct client_setup *setup, bool is_consent, struct buf *out)
{
	buf_printf(out, "[HKEY_LOCAL_MACHINE\\%s]\r\n", is_consent ? CONSENT_PATH : POLICY_PATH);
	for (size_t i = 0; i < SETTINGS_N; i++) {
		if (settings[i].is_consent != is_consent)
			continue;
		if (!setup->is_undo)
			buf_printf(out, "; %s\r\n", settings[i].why);
		reg_value(setup, &settings[i], out);
	}
	for (size_t i = 0; !is_consent && !setup->is_undo && i < 2; i++)
		buf_printf(out, "; %s:\r\n; \"%s\"=dword:00000001\r\n",
			   i == 0 ? "also from machines on battery" : "also on metered networks",
			   optional_values[i]);
	buf_append_str(out, "\r\n");
}

static void
reg_hints(const struct client_setup *setup, struct buf *out)
{
	if (setup->has_ca_hint)
		buf_append_str(out,
			       "; The certificate's authority must be trusted by the machine:\r\n"
			       ";   certutil.exe -addstore Root ca.cer\r\n"
			       "; or, for all machines, Group Policy: Computer Configuration,\r\n"
			       "; Windows Settings, Security Settings, Public Key Policies,\r\n"
			       "; Trusted Root Certification Authorities.\r\n\r\n");
	if (setup->is_undo)
		return;
	buf_printf(out, "; A test crash, of a PowerShell that does nothing else:\r\n;   %s\r\n",
		   test_crash);
}

static void
format_reg(const struct client_setup *setup, struct buf *out)
{
	struct buf text;
	buf_init(&text, 65536);
	buf_append_str(&text, "Windows Registry Editor Version 5.00\r\n\r\n");
	if (setup->is_undo)
		buf_append_str(&text, "; openwer: removes what client-setup set\r\n\r\n");
	else
		buf_printf(&text, "; openwer: error reports go to %s port %u%s\r\n\r\n",
			   setup->server, setup->port, setup->is_tls ? " by HTTPS" : "");
	reg_key(setup, false, &text);
	reg_key(setup, true, &text);
	reg_hints(setup, &text);
	buf_append_str(out, "\xff\xfe");
	text_to_utf16(buf_slice(&text), TEXT_UTF16LE, out);
	buf_done(&text);
}

/* ---- .ps1 ---- */

static const char ps1_set[] =
	"foreach ($value in $values) {\r\n"
	"    if (-not (Test-Path -LiteralPath $value.Path)) {\r\n"
	"        New-Item -Path $value.Path -Force | Out-Null\r\n"
	"    }\r\n"
	"    $key = Get-Item -LiteralPath $value.Path\r\n"
	"    if ($key.GetValueNames() -contains $value.Name -and\r\n"
	"        $key.GetValueKind($value.Name) -eq $value.Type -and\r\n"
	"        $key.GetValue($value.Name) -eq $value.Data) {\r\n"
	"        Write-Output \"unchanged  $($value.Name)\"\r\n"
	"        continue\r\n"
	"    }\r\n"
	"    New-ItemProperty -LiteralPath $value.Path -Name $value.Name `\r\n"
	"        -PropertyType $value.Type -Value $value.Data -Force | Out-Null\r\n"
	"    Write-Output \"set        $($value.Name) = $($value.Data)\"\r\n"
	"}\r\n";

static const char ps1_undo[] =
	"foreach ($value in $values) {\r\n"
	"    if (-not (Test-Path -LiteralPath $value.Path)) { continue }\r\n"
	"    $key = Get-Item -LiteralPath $value.Path\r\n"
	"    if ($key.GetValueNames() -notcontains $value.Name) {\r\n"
	"        Write-Output \"absent     $($value.Name)\"\r\n"
	"        continue\r\n"
	"    }\r\n"
	"    Remove-ItemProperty -LiteralPath $value.Path -Name $value.Name\r\n"
	"    Write-Output \"removed    $($value.Name)\"\r\n"
	"}\r\n";

static void
ps1_value(const struct client_setup *setup, const struct setting *setting, bool is_last,
	  struct buf *out)
{
	buf_printf(out, "    @{ Path = %s; Name = '%s'",
		   setting->is_consent ? "$consent" : "$policy", setting->name);
	if (!setup->is_undo && setting->source == VALUE_SERVER)
		buf_printf(out, "; Type = 'String'; Data = '%s'", setup->server);
	else if (!setup->is_undo)
		buf_printf(out, "; Type = 'DWord'; Data = %u", number_of(setup, setting));
	buf_printf(out, " }%s", is_last ? "" : ",");
	if (!setup->is_undo)
		buf_printf(out, " # %s", setting->why);
	buf_append_str(out, "\r\n");
}

static void
ps1_head(const struct client_setup *setup, struct buf *out)
{
	buf_append_str(out, "#Requires -RunAsAdministrator\r\n");
	if (setup->is_undo) {
		buf_append_str(out, "# openwer: removes the values that client-setup set, and "
				    "nothing else.\r\n");
	} else {
		buf_printf(out, "# openwer: error reports of this machine go to %s port %u%s.\r\n",
			   setup->server, setup->port, setup->is_tls ? " by HTTPS" : "");
		buf_append_str(out, "# It may run again at any time.  With -TestCrash a PowerShell "
				    "that does nothing\r\n# else is crashed at the end: its report "
				    "must arrive within a minute.\r\n"
				    "param([switch]$TestCrash)\r\n");
	}
	buf_append_str(out, "\r\nSet-StrictMode -Version 2\r\n"
			    "$ErrorActionPreference = 'Stop'\r\n\r\n"
			    "$policy = 'HKLM:\\" POLICY_PATH "'\r\n"
			    "$consent = \"$policy\\Consent\"\r\n");
}

static void
ps1_tail(const struct client_setup *setup, struct buf *out)
{
	if (setup->has_ca_hint)
		buf_append_str(
			out, "\r\n# The certificate's authority must be trusted by the machine:\r\n"
			     "#   Import-Certificate -FilePath ca.cer -CertStoreLocation "
			     "Cert:\\LocalMachine\\Root\r\n");
	if (setup->is_undo)
		return;
	buf_printf(out, "\r\n# A test crash by hand:\r\n#   %s\r\n", test_crash);
	buf_append_str(out, "if ($TestCrash) {\r\n"
			    "    Start-Process -FilePath powershell.exe -WindowStyle Hidden -Wait "
			    "-ArgumentList `\r\n"
			    "        '-NoProfile', '-Command', "
			    "\"[Environment]::FailFast('openwer test crash')\"\r\n"
			    "    Write-Output 'crashed    a throwaway PowerShell'\r\n"
			    "}\r\n");
}

static void
format_ps1(const struct client_setup *setup, struct buf *out)
{
	ps1_head(setup, out);
	buf_append_str(out, "$values = @(\r\n");
	for (size_t i = 0; i < SETTINGS_N; i++)
		ps1_value(setup, &settings[i], i + 1 == SETTINGS_N, out);
	for (size_t i = 0; !setup->is_undo && i < 2; i++)
		buf_printf(out,
			   "    # %s: @{ Path = $policy; Name = '%s'; Type = 'DWord'; Data = "
			   "1 }\r\n",
			   i == 0 ? "also on battery" : "also on metered networks",
			   optional_values[i]);
	buf_append_str(out, ")\r\n\r\n");
	buf_append_str(out, setup->is_undo ? ps1_undo : ps1_set);
	ps1_tail(setup, out);
}

err_t
client_setup_format(const struct client_setup *setup, struct buf *out, struct err_detail *detail)
{
	if (setup->server == NULL && !setup->is_undo)
		return err_set(detail, ERR_USAGE, "client-setup needs --server NAME");
	if (setup->server != NULL && !is_host_name(setup->server))
		return err_set(detail, ERR_USAGE, "--server: '%.100s' is no host name or address",
			       setup->server);
	if (setup->port == 0)
		return err_set(detail, ERR_USAGE, "--port: 1 to 65535");
	if (setup->format == CLIENT_SETUP_REG)
		format_reg(setup, out);
	else
		format_ps1(setup, out);
	return buf_error(out);
}
