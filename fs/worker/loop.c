/* SPDX-License-Identifier: MIT */
#include "worker/loop.h"

#include <errno.h>
#include <fuse_lowlevel.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/log.h"
#include "ops/serial.h"
#include "worker/pool.h"

/* An unmount waits so long for requests that are blocked; the supervisor waits longer. */
#define END_MS 2000

struct server {
	struct fuse_session *session;
	struct arena_globals *globals;
};

static void *begin(void *context)
{
	(void)context;
	/* umask becomes the thread's own: it is set to the caller's before something is made. */
	if (unshare(CLONE_FS))
		log_warning("cannot unshare the umask of a thread: errno %d", errno);
	umask(0);
	return calloc(1, sizeof(struct fuse_buf));
}

static int take(void *context, void *own)
{
	struct server *server = context;
	int r = -EINTR;

	if (!own)
		return -ENOMEM;
	while (r == -EINTR && !fuse_session_exited(server->session))
		r = fuse_session_receive_buf(server->session, own);
	if (r > 0)
		return 1;
	fuse_session_exit(server->session);
	return r == -ENODEV || r == -EINTR ? 0 : r;
}

static void handle(void *context, void *own)
{
	const struct fuse_buf *buf = own;
	struct server *server = context;

	serial_begin(buf->mem);
	fuse_session_process_buf(server->session, own);
	server->globals->worker_answered = 1;
}

/* A large request leaves a mebibyte behind. */
static void idle(void *context, void *own)
{
	struct fuse_buf *buf = own;

	(void)context;
	free(buf->mem);
	buf->mem = NULL;
}

static void end(void *context, void *own)
{
	if (own)
		idle(context, own);
	free(own);
}

static const struct pool_work work = {.begin = begin,
				      .take = take,
				      .handle = handle,
				      .idle = idle,
				      .end = end};

static const struct pool_limits limits = {
	.threads_max = POOL_THREADS_MAX,
	.waiting_min = POOL_WAITING_MIN,
	.waiting_max = POOL_WAITING_MAX,
	.linger_ms = POOL_LINGER_MS,
	.end_ms = END_MS,
};

int loop_run(struct fuse_session *session, struct arena_globals *globals, unsigned int *ret_stuck)
{
	/* Not of this function alone: who is stuck goes on using it. */
	struct server *server = malloc(sizeof(*server));
	struct pool *pool;
	int r;

	*ret_stuck = 0;
	if (!server)
		return -ENOMEM;
	*server = (struct server){.session = session, .globals = globals};
	r = pool_new(&work, server, &limits, &pool);
	if (r == 0)
		r = pool_run(pool, ret_stuck);
	if (*ret_stuck)
		return r;
	if (r == 0)
		pool_free(pool);
	free(server);
	return r;
}
