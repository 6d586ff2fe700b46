#include "base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

static const struct {
	const char *name;
	const char *text;
	int http;
	int exit_status;
	bool retry;
} table[ERR_N] = {
#define ERR_ROW_(code, text, http, exit, retry) [code] = {#code, text, http, exit, retry},
	ERR_TABLE(ERR_ROW_)
#undef ERR_ROW_
};

static err_t
known(err_t err)
{
	return (unsigned)err < ERR_N ? err : ERR_INTERNAL;
}

const char *
err_text(err_t err)
{
	return table[known(err)].text;
}

const char *
err_name(err_t err)
{
	return table[known(err)].name;
}

int
err_http_status(err_t err)
{
	return table[known(err)].http;
}

int
err_exit_status(err_t err)
{
	return table[known(err)].exit_status;
}

bool
err_is_retryable(err_t err)
{
	return table[known(err)].retry;
}

err_t
err_from_errno(int error_number)
{
	switch (error_number) {
	case 0:
		return OK;
	case ENOENT:
		return ERR_NOTFOUND;
	case EEXIST:
		return ERR_EXISTS;
	case EACCES:
	case EPERM:
		return ERR_DENIED;
	case ENOSPC:
	case EDQUOT:
		return ERR_FULL;
	case ENOMEM:
		return ERR_NOMEM;
	case ETIMEDOUT:
		return ERR_TIMEOUT;
	default:
		return ERR_IO;
	}
}

err_t
err_set(struct err_detail *detail, err_t err, const char *format, ...)
{
	if (detail != NULL) {
		va_list args;
		va_start(args, format);
		(void)vsnprintf(detail->why, sizeof(detail->why), format, args);
		va_end(args);
	}
	return err;
}
