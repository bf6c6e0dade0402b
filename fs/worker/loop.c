/* SPDX-License-Identifier: MIT */
#include "worker/loop.h"

#include <errno.h>
#include <fuse_lowlevel.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"

/*
 * More than processors, for a handler may wait for a disk; few, for idle threads that take turns
 * find cold caches. The kernel wakes one at a time.
 */
#define THREADS 10

struct server {
	struct fuse_session *session;
	struct arena_globals *globals;
	_Atomic int result;
};

static void *serve(void *arg)
{
	struct server *server = arg;
	struct fuse_buf buf = {0};
	int r;

	/* umask becomes the thread's own: it is set to the caller's before something is made. */
	if (unshare(CLONE_FS))
		log_warning("cannot unshare the umask of a thread: errno %d", errno);
	umask(0);
	while (!fuse_session_exited(server->session)) {
		r = fuse_session_receive_buf(server->session, &buf);
		if (r == -EINTR)
			continue;
		if (r <= 0) {
			if (r < 0 && r != -ENODEV)
				server->result = r;
			break;
		}
		fuse_session_process_buf(server->session, &buf);
		server->globals->worker_answered = 1;
	}
	free(buf.mem);
	/* Unmounted: the others find the same at their next read, which returns at once. */
	fuse_session_exit(server->session);
	return NULL;
}

int loop_run(struct fuse_session *session, struct arena_globals *globals)
{
	struct server server = {.session = session, .globals = globals};
	pthread_t threads[THREADS];
	size_t started = 0;

	for (; started < THREADS; started++)
		if (pthread_create(&threads[started], NULL, serve, &server))
			break;
	if (!started)
		return -EAGAIN;
	for (size_t i = 0; i < started; i++)
		pthread_join(threads[i], NULL);
	return server.result;
}
