#include <netinet/in.h>
#include <stdlib.h>
#include <unistd.h>

#include "ingest/ingest.h"

static unsigned
thread_count(const struct config *config)
{
	long cores = sysconf(_SC_NPROCESSORS_ONLN);
	if (config->ingest.threads != 0)
		return config->ingest.threads;
	return cores < 1 ? 1 : cores > 64 ? 64 : (unsigned)cores;
}

/* Port 0 asks the system for a free port: the first socket's is then everybody's. */
static err_t
learn_port(int fd, struct address *address)
{
	struct sockaddr_storage sockaddr;
	struct address bound;
	socklen_t len = sizeof(sockaddr);
	if (getsockname(fd, (struct sockaddr *)&sockaddr, &len) != 0)
		return ERR_IO;
	address_from_sockaddr((struct sockaddr *)&sockaddr, &bound);
	address->port = bound.port;
	return OK;
}

static err_t
bind_list(struct config_listen *listen, bool is_tls, struct ingest_sockets *sockets,
	  struct err_detail *detail)
{
	for (size_t i = 0; i < listen->n_addresses; i++) {
		for (unsigned thread = 0; thread < sockets->threads; thread++) {
			struct ingest_socket *socket = &sockets->sockets[sockets->count];
			err_t err = address_listen(&listen->addresses[i], &socket->fd, detail);
			if (err == OK)
				err = learn_port(socket->fd, &listen->addresses[i]);
			if (err != OK)
				return err;
			socket->is_tls = is_tls;
			socket->thread = thread;
			sockets->count++;
		}
	}
	return OK;
}

err_t
ingest_bind(struct config *config, struct ingest_sockets *ret_sockets, struct err_detail *detail)
{
	struct config_ingest *ingest = &config->ingest;
	struct ingest_sockets sockets = {.threads = thread_count(config)};
	size_t most =
		(ingest->listen.n_addresses + ingest->tls_listen.n_addresses) * sockets.threads;
	sockets.sockets = calloc(most == 0 ? 1 : most, sizeof(*sockets.sockets));
	if (sockets.sockets == NULL)
		abort();
	err_t err = bind_list(&ingest->listen, false, &sockets, detail);
	if (err == OK)
		err = bind_list(&ingest->tls_listen, true, &sockets, detail);
	if (err != OK) {
		for (size_t i = 0; i < sockets.count; i++)
			(void)close(sockets.sockets[i].fd);
		ingest_sockets_done(&sockets);
		return err;
	}
	*ret_sockets = sockets;
	return OK;
}

void
ingest_sockets_done(struct ingest_sockets *sockets)
{
	free(sockets->sockets);
	*sockets = (struct ingest_sockets){0};
}
