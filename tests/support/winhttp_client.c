/* winhttp_client.c - both stages of a report, as a Windows program with WinHTTP sends them
 *
 * usage: winhttp_client.exe HOST PORT http|https REPORT-FILE CABINET-FILE
 * Built with mingw, run under Wine by tests/e2e/test_winhttp.py.  WinHTTP is what the Windows
 * client itself is built on.  Prints the status and body of each answer.
 */
#include <windows.h>
#include <winhttp.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	FILE_MAX = 4 * 1024 * 1024,
	REPLY_MAX = 65536
};

static char reply[REPLY_MAX];

static void
fail(const char *what)
{
	printf("%s failed: %lu\n", what, GetLastError());
	exit(1);
}

static DWORD
read_file(const char *path, void *bytes)
{
	FILE *file = fopen(path, "rb");
	if (file == NULL)
		fail(path);
	size_t len = fread(bytes, 1, FILE_MAX, file);
	fclose(file);
	return (DWORD)len;
}

static void
read_reply(HINTERNET request)
{
	DWORD total = 0;
	for (;;) {
		DWORD got = 0;
		if (!WinHttpReadData(request, reply + total, REPLY_MAX - 1 - total, &got))
			fail("WinHttpReadData");
		if (got == 0)
			break;
		total += got;
	}
	reply[total] = '\0';
}

static void
exchange(HINTERNET connection, const wchar_t *method, const wchar_t *path, BOOL is_tls, void *body,
	 DWORD len)
{
	DWORD status = 0;
	DWORD size = sizeof(status);
	HINTERNET request = WinHttpOpenRequest(connection, method, path, NULL, NULL, NULL,
					       is_tls ? WINHTTP_FLAG_SECURE : 0);
	if (request == NULL)
		fail("WinHttpOpenRequest");
	if (is_tls) {
		/* The certificate is the test's own; its issuer is nobody that Windows knows. */
		DWORD flags = SECURITY_FLAG_IGNORE_UNKNOWN_CA;
		WinHttpSetOption(request, WINHTTP_OPTION_SECURITY_FLAGS, &flags, sizeof(flags));
	}
	if (!WinHttpSendRequest(request, NULL, 0, body, len, len, 0))
		fail("WinHttpSendRequest");
	if (!WinHttpReceiveResponse(request, NULL))
		fail("WinHttpReceiveResponse");
	WinHttpQueryHeaders(request, WINHTTP_QUERY_STATUS_CODE | WINHTTP_QUERY_FLAG_NUMBER, NULL,
			    &status, &size, NULL);
	read_reply(request);
	printf("%ls %lu\n%s\n", method, status, reply);
	WinHttpCloseHandle(request);
	if (status != 200)
		exit(1);
}

/* The value of DumpFile, as a wide string. */
static void
find_dump_file(wchar_t path[512])
{
	char *at = strstr(reply, "DumpFile=");
	char *end = at == NULL ? NULL : strstr(at, "\r\n");
	if (end == NULL) {
		printf("no DumpFile\n");
		exit(1);
	}
	*end = '\0';
	mbstowcs(path, at + strlen("DumpFile="), 512);
}

int
main(int argc, char **argv)
{
	static unsigned char body[FILE_MAX];
	wchar_t host[256];
	wchar_t path[512];
	if (argc != 6)
		return 2;
	BOOL is_tls = strcmp(argv[3], "https") == 0;
	mbstowcs(host, argv[1], 256);
	HINTERNET session = WinHttpOpen(L"MSDW", WINHTTP_ACCESS_TYPE_NO_PROXY, NULL, NULL, 0);
	if (session == NULL)
		fail("WinHttpOpen");
	HINTERNET connection =
		WinHttpConnect(session, host, (INTERNET_PORT)strtoul(argv[2], NULL, 10), 0);
	if (connection == NULL)
		fail("WinHttpConnect");
	DWORD len = read_file(argv[4], body);
	exchange(connection, L"POST", L"/stage2.htm", is_tls, body, len);
	find_dump_file(path);
	len = read_file(argv[5], body);
	exchange(connection, L"PUT", path, is_tls, body, len);
	WinHttpCloseHandle(connection);
	WinHttpCloseHandle(session);
	return 0;
}
