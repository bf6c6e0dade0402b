/* SPDX-License-Identifier: MIT */
#include "supervisor/instance.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#ifdef HAVE_SYSTEMD
#include <systemd/sd-daemon.h>
#endif

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/sys.h"
#include "config/privilege.h"
#include "store/store.h"
#include "supervisor/detach.h"
#include "supervisor/device.h"
#include "supervisor/lower.h"
#include "supervisor/oom.h"
#include "supervisor/point.h"
#include "supervisor/supervisor.h"
#include "supervisor/twin.h"

#define DYING_MS 5000 /* how long the mount of a killed supervisor may take to be dead */
#define DYING_STEP_MS 20
#define PASSING_MS 10000 /* how long an instance may take to end, or to begin */
#define PASSING_STEP_MS 10
#define LOG_READ_MAX (64u << 20)

struct instance_state {
	struct config *config;
	struct ready *ready;
	struct point_made point_made;
	bool store_made;
	struct supervisor supervisor;
};

static void notify_service_manager(const char *state)
{
#ifdef HAVE_SYSTEMD
	sd_notify(0, state);
#else
	(void)state;
#endif
}

static json_t *ready_data(const struct config *config, pid_t supervisor, bool noop)
{
	json_t *shares = json_array();

	for (size_t i = 0; i < config->n_shares; i++) {
		const struct share_config *share = &config->shares[i];

		json_array_append_new(shares,
				      json_pack("{s:o, s:s}", "path", json_text(share->path),
						"mode", share_mode_name(share->mode)));
	}
	return json_pack("{s:o, s:o, s:i, s:b, s:o}", "mountpoint", json_text(config->mountpoint),
			 "store", json_text(config->store), "supervisor_pid", (int)supervisor,
			 "noop", noop, "shares", shares);
}

static void say_ready(void *context)
{
	struct instance_state *state = context;

	notify_service_manager("READY=1");
	log_info("mounted at %s, store %s", state->config->mountpoint, state->config->store);
	ready_succeed_consume(state->ready, ready_data(state->config, getpid(), false));
}

/* A supervisor was killed: its worker ends by itself, and then the mount is dead. */
static int wait_until_dead(const char *path, enum point_state *ret_state, struct err *err)
{
	uint64_t deadline_ns = clock_boot_ns() + DYING_MS * NSEC_PER_MSEC;

	do {
		/* There is nothing to wait on: neither process is our child. */
		poll(NULL, 0, DYING_STEP_MS);
		if (point_examine(path, ret_state, err) < 0)
			return -1;
		if (*ret_state != POINT_SESSIONFS)
			return 0;
	} while (clock_boot_ns() < deadline_ns);
	return err_set(err, ERR_UNAVAILABLE,
		       "the mount at %.256s has lost its supervisor, and its "
		       "worker does not end",
		       path);
}

/* Clears the way. *ret_noop: an equal instance stands, *ret_supervisor is its pid. */
static int prepare_point(const struct config *config, bool *ret_noop, pid_t *ret_supervisor,
			 struct err *err)
{
	enum point_state point;
	enum twin twin;

	*ret_noop = false;
	if (point_examine(config->mountpoint, &point, err) < 0)
		return -1;
	if (point == POINT_SESSIONFS) {
		if (twin_compare(config, &twin, ret_supervisor, err) < 0)
			return -1;
		*ret_noop = twin == TWIN_EQUAL;
		if (*ret_noop)
			return 0;
		if (wait_until_dead(config->mountpoint, &point, err) < 0)
			return -1;
	}
	if (point != POINT_DEAD)
		return 0;
	if (point_clear(config->mountpoint, err) < 0 ||
	    point_examine(config->mountpoint, &point, err) < 0)
		return -1;
	if (point == POINT_SESSIONFS)
		return err_set(err, ERR_PRECONDITION_FAILED,
			       "below the dead mount at %.256s another sessionfs is mounted",
			       config->mountpoint);
	return 0;
}

static int open_store(struct instance_state *state, struct err *err)
{
	struct config *config = state->config;
	struct heritage *heritage = &state->supervisor.heritage;
	struct stat st;
	bool missing = stat(config->store, &st) < 0 && errno == ENOENT;
	uint64_t deadline_ns = clock_boot_ns() + PASSING_MS * NSEC_PER_MSEC;
	int r;

	while ((r = store_open(config->store, &heritage->store, err)) < 0) {
		if (r != -EBUSY || clock_boot_ns() >= deadline_ns || !twin_passing(config->store))
			return -1;
		/* The end of a process that is not our child, or its mount. */
		poll(NULL, 0, PASSING_STEP_MS);
	}
	state->store_made = missing;
	if (!config->foreground) {
		snprintf(heritage->log_path, sizeof(heritage->log_path), "%s/log", config->store);
		if (detach_stdio(heritage->log_path, err) < 0)
			return -1;
	}
	return twin_write(config, heritage->store, err);
}

static int make_arena(struct heritage *heritage, struct err *err)
{
	int r = worker_arena_new(&heritage->arena);

	if (r < 0)
		return err_set_errno(err, ERR_INTERNAL_ERROR, -r, "cannot make the arena");
	atomic_store(&arena_globals(heritage->arena)->started_boot_ns, clock_boot_ns());
	atomic_store(&arena_globals(heritage->arena)->started_real_ns, clock_real_ns());
	return 0;
}

/* The last line of the log says why a worker ended at once; the log itself may go with the store. */
static void explain_by_log(const struct instance_state *state, struct err *err)
{
	const char *log_path = state->supervisor.heritage.log_path;
	_cleanup_free_ char *text = NULL;
	struct err inner = *err;
	char *line;
	ssize_t len;

	if (!log_path[0])
		return;
	len = sys_read_file(AT_FDCWD, log_path, LOG_READ_MAX, &text);
	while (len > 0 && text[len - 1] == '\n')
		text[--len] = '\0';
	if (len > 0) {
		line = strrchr(text, '\n');
		err_set(err, inner.code, "%.400s (%.300s)", inner.message, line ? line + 1 : text);
	}
	if (!state->store_made)
		err_suggest(err, "See %.400s", log_path);
}

static void lift_limit(enum __rlimit_resource resource)
{
	struct rlimit limit = {RLIM_INFINITY, RLIM_INFINITY};

	if (setrlimit(resource, &limit) == 0 || getrlimit(resource, &limit))
		return;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(resource, &limit);
}

/*
 * What whoever mounts has set for his own programs would end us at the first large file; what we may
 * not lift makes a write fail instead.
 */
static void lift_limits(void)
{
	signal(SIGXFSZ, SIG_IGN);
	lift_limit(RLIMIT_FSIZE);
	lift_limit(RLIMIT_CPU);
}

static int make_point(struct instance_state *state, struct err *err)
{
	const char *path = state->config->mountpoint;

	if (point_make(path, &state->point_made, err) < 0)
		return -1;
	point_remember(path, state->supervisor.heritage.store, &state->point_made);
	return 0;
}

static int serve(struct instance_state *state, struct err *err)
{
	struct supervisor *supervisor = &state->supervisor;
	struct heritage *heritage = &supervisor->heritage;

	lift_limits();
	heritage->fuse_fd = device_open(err);
	if (heritage->fuse_fd < 0 || open_store(state, err) < 0 || make_arena(heritage, err) < 0 ||
	    make_point(state, err) < 0 ||
	    device_mount(heritage->fuse_fd, state->config->mountpoint, &supervisor->mount, err) < 0)
		return -1;
	oom_protect();
	/* Not where it is stdout itself. */
	if (state->ready->fd > STDERR_FILENO)
		supervisor->private_fd = state->ready->fd;
	if (supervisor_run(supervisor, err) == 0)
		return 0;
	explain_by_log(state, err);
	return -1;
}

static void remove_store(const char *path)
{
	_cleanup_free_ char *parent = strdup(path);
	char *cut = parent ? strrchr(parent, '/') : NULL;
	_cleanup_close_ int fd = -1;

	if (!cut)
		return;
	*cut = '\0';
	fd = open(*parent ? parent : "/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd >= 0)
		sys_remove_tree(fd, cut + 1);
}

static void unmake(struct instance_state *state, bool failed)
{
	struct heritage *heritage = &state->supervisor.heritage;

	cleanup_close(&heritage->fuse_fd);
	point_unmake(state->config->mountpoint, &state->point_made);
	if (state->point_made.keep_len && heritage->store)
		point_forget(heritage->store);
	/* With its lock held, and made by us: nobody else has anything in it. */
	if (failed && state->store_made)
		remove_store(state->config->store);
	arena_free_all(heritage->arena);
	store_free(heritage->store);
}

/* Clears the way. *ret_noop: an equal instance stands, and that is said. */
static int stands_already(const struct instance_state *state, bool *ret_noop, struct err *err)
{
	pid_t other;

	if (prepare_point(state->config, ret_noop, &other, err) < 0)
		return -1;
	if (*ret_noop)
		ready_succeed_consume(state->ready, ready_data(state->config, other, true));
	return 0;
}

int instance_run(struct config *config, struct ready *ready, struct err *err)
{
	struct instance_state state = {
		.config = config,
		.ready = ready,
		.supervisor = {.heritage = {.config = config,
					    .fuse_fd = -1,
					    .alive_fd = -1,
					    .supervisor_pid = getpid()},
			       .foreground = config->foreground,
			       .private_fd = -1,
			       .ready = say_ready,
			       .context = &state},
	};
	struct err ignored = {0};
	bool noop;
	int r;

	if (supervisor_block_signals(err) < 0 || privilege_check("mount", err) < 0 ||
	    stands_already(&state, &noop, err) < 0)
		return -1;
	if (noop)
		return 0;
	if (lower_open_all(config, err) < 0)
		return -1;
	r = serve(&state, err);
	notify_service_manager("STOPPING=1");
	unmake(&state, r < 0);
	if (r == 0)
		log_info("unmounted %s", config->mountpoint);
	/* An equal one that was begun at the same time may have been first. */
	else if (err->code == ERR_PRECONDITION_FAILED && !state.supervisor.mount.id &&
		 stands_already(&state, &noop, &ignored) == 0 && noop)
		return 0;
	return r;
}
