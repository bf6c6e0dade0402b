/* SPDX-License-Identifier: MIT */
/* Sockets and FIFOs, poll and inotify. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "verbs.h"

static int address_of(const char *path, struct sockaddr_un *ret_address)
{
	if (strlen(path) >= sizeof(ret_address->sun_path))
		broken("too long for a socket: %s", path);
	memset(ret_address, 0, sizeof(*ret_address));
	ret_address->sun_family = AF_UNIX;
	strcpy(ret_address->sun_path, path);
	return socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
}

/* bind SLOT PATH: and listens */
static void do_bind(struct world *world, char **arg)
{
	struct sockaddr_un address;
	int fd = address_of(arg[1], &address);

	say_done(world,
		 bind(fd, (struct sockaddr *)&address, sizeof(address)) || listen(fd, 4) ? -1 : 0);
	world->fd[word_slot(arg[0])] = fd;
}

/* connect SLOT PATH */
static void do_connect(struct world *world, char **arg)
{
	struct sockaddr_un address;
	int fd = address_of(arg[1], &address);

	say_done(world, connect(fd, (struct sockaddr *)&address, sizeof(address)));
	world->fd[word_slot(arg[0])] = fd;
}

/* poll SLOT: what is ready now */
static void do_poll(struct world *world, char **arg)
{
	struct pollfd one = {.fd = world->fd[word_slot(arg[0])],
			     .events = POLLIN | POLLOUT | POLLPRI};
	int r = poll(&one, 1, 0);

	if (r < 0)
		say_done(world, r);
	else
		say(world, "%s%s%s%s%s", one.revents & POLLIN ? "IN " : "",
		    one.revents & POLLOUT ? "OUT " : "", one.revents & POLLERR ? "ERR " : "",
		    one.revents & POLLHUP ? "HUP " : "", one.revents & POLLNVAL ? "NVAL " : "");
}

/* readable SLOT: FIONREAD */
static void do_readable(struct world *world, char **arg)
{
	int n = 0, r = ioctl(world->fd[word_slot(arg[0])], FIONREAD, &n);

	say_number(world, r < 0 ? r : n);
}

static const struct flag_name events[] = {
	{"ACCESS", IN_ACCESS},
	{"MODIFY", IN_MODIFY},
	{"ATTRIB", IN_ATTRIB},
	{"CLOSE_WRITE", IN_CLOSE_WRITE},
	{"CLOSE_NOWRITE", IN_CLOSE_NOWRITE},
	{"OPEN", IN_OPEN},
	{"MOVED_FROM", IN_MOVED_FROM},
	{"MOVED_TO", IN_MOVED_TO},
	{"CREATE", IN_CREATE},
	{"DELETE", IN_DELETE},
	{"DELETE_SELF", IN_DELETE_SELF},
	{"MOVE_SELF", IN_MOVE_SELF},
	{"UNMOUNT", IN_UNMOUNT},
	{"IGNORED", IN_IGNORED},
	{"ISDIR", IN_ISDIR},
	{"ALL", IN_ALL_EVENTS},
	{NULL, 0},
};

/* watch SLOT PATH EVENTS: an inotify of its own */
static void do_watch(struct world *world, char **arg)
{
	int fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);

	say_done(world,
		 inotify_add_watch(fd, arg[1], (uint32_t)word_flags(events, arg[2])) < 0 ? -1 : 0);
	world->fd[word_slot(arg[0])] = fd;
}

/* events SLOT: what has come so far, in order */
static void do_events(struct world *world, char **arg)
{
	_Alignas(struct inotify_event) char space[8192];
	ssize_t n = read(world->fd[word_slot(arg[0])], space, sizeof(space));

	if (n < 0 && errno == EAGAIN) {
		say(world, "none");
		return;
	}
	for (ssize_t at = 0; at < n;) {
		struct inotify_event *event = (struct inotify_event *)(void *)(space + at);

		say(world, "[");
		for (const struct flag_name *name = events; name->name; name++)
			if (name->value != IN_ALL_EVENTS && (event->mask & name->value))
				say(world, "%s ", name->name);
		say(world, "%s]", event->len ? event->name : "");
		at += (ssize_t)(sizeof(*event) + event->len);
	}
}

const struct verb verbs_event[] = {
	{"bind", 2, 2, do_bind},   {"connect", 2, 2, do_connect},
	{"poll", 1, 1, do_poll},   {"readable", 1, 1, do_readable},
	{"watch", 3, 3, do_watch}, {"events", 1, 1, do_events},
	{NULL, 0, 0, NULL},
};
