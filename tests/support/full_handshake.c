/* full_handshake.c - preloaded into wrk: every TLS connection makes a full handshake
 *
 * wrk clears its session object and uses it again, which takes the last session up; real clients
 * that connect once do not.
 */
#include <dlfcn.h>

int
SSL_clear(void *ssl)
{
	int (*clear)(void *);
	int (*set_session)(void *, void *);
	*(void **)&clear = dlsym(RTLD_NEXT, "SSL_clear");
	*(void **)&set_session = dlsym(RTLD_NEXT, "SSL_set_session");
	return clear(ssl) == 1 && set_session(ssl, (void *)0) == 1;
}
