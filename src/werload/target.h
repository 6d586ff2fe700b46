/* target.h - whom werload may load
 *
 * A load generator pointed at somebody else's server is an attack.  Without the owner's word the
 * server must be this machine: every address that the name resolves to is a loopback address or
 * one of an interface here.
 */
#pragma once

#include "base/err.h"

/* ERR_DENIED: not this machine.  ERR_NOTFOUND: the name says nothing. */
err_t target_check(const char *host, struct err_detail *detail) ERR_CHECK;
