/* SPDX-License-Identifier: MIT */
#include "helper.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define BLOCKED_WITHIN_MS 5000

struct helper {
	const char *name;
	int person; /* -1: as the main process */
	pid_t pid;
	int fd; /* lines go out, and come back as answers: one message each */
};

static struct helper helpers[] = {
	{"other", -1, 0, -1},
	{"root", PERSON_ROOT, 0, -1},
	{"stranger", PERSON_OTHER, 0, -1},
};

#define N_HELPERS (sizeof(helpers) / sizeof(*helpers))

/* Answers lines until the main process ends. */
static void serve(struct world *world, int fd)
{
	char line[4096];
	ssize_t n;

	while ((n = recv(fd, line, sizeof(line) - 1, 0)) > 0) {
		line[n] = 0;
		world_do(world, line);
		if (send(fd, world->said, world->n_said + 1, MSG_NOSIGNAL) < 0)
			break;
	}
	_exit(0);
}

static void start(struct helper *helper, const struct world *world)
{
	struct world own;
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends))
		broken("socketpair: %m");
	helper->pid = fork();
	if (helper->pid < 0)
		broken("fork: %m");
	if (helper->pid == 0) {
		close(ends[0]);
		world_init(&own, world->me, world->base);
		person_become(helper->person < 0 ? world->me : &persons[helper->person]);
		/* Last, for a change of user takes both back; the first is for sleeps_in_call(). */
		prctl(PR_SET_DUMPABLE, 1);
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		serve(&own, ends[1]);
	}
	close(ends[1]);
	helper->fd = ends[0];
}

/* The rest of the line where it begins with the helper's name, else NULL. */
static const char *rest_for(const struct helper *helper, const char *line)
{
	size_t n = strlen(helper->name);

	if (strncmp(line, helper->name, n) != 0 || !strchr(" &", line[n]))
		return NULL;
	return line + n;
}

bool helpers_named(const struct conform_case *c)
{
	for (size_t h = 0; h < N_HELPERS; h++)
		for (size_t i = 0; i < c->n_lines; i++)
			if (rest_for(&helpers[h], c->line[i]))
				return true;
	return false;
}

void helpers_start(const struct world *world, const struct conform_case *c)
{
	for (size_t h = 0; h < N_HELPERS; h++)
		for (size_t i = 0; i < c->n_lines && !helpers[h].pid; i++)
			if (rest_for(&helpers[h], c->line[i]))
				start(&helpers[h], world);
}

static void take_answer(struct world *world, const struct helper *helper)
{
	ssize_t n = recv(helper->fd, world->said, sizeof(world->said) - 1, 0);

	if (n <= 0)
		broken("helper %s has gone", helper->name);
	world->n_said = (size_t)n - 1;
}

static struct helper *named(const char *name)
{
	for (size_t h = 0; h < N_HELPERS; h++)
		if (strcmp(helpers[h].name, name) == 0 && helpers[h].pid)
			return &helpers[h];
	broken("no such helper in this case: %s", name);
}

/* Is it in a system call other than the one in which it waits for lines? */
static bool sleeps_in_call(const struct helper *helper)
{
	char path[64], text[128] = "";
	int fd;
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%d/syscall", helper->pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	/* "running" is no number; recvfrom is 45. */
	return n > 0 && text[0] >= '0' && text[0] <= '9' && strncmp(text, "45 ", 3) != 0;
}

/* Says whether the helper hangs in its call, or what it gave. */
static void watch_blocked(struct world *world, const struct helper *helper)
{
	struct pollfd answer = {.fd = helper->fd, .events = POLLIN};

	world->n_said = 0;
	for (int waited = 0; waited < BLOCKED_WITHIN_MS; waited++) {
		if (poll(&answer, 1, 1) > 0) {
			say(world, "no: it has an answer");
			return;
		}
		if (sleeps_in_call(helper)) {
			say(world, "yes");
			return;
		}
	}
	say(world, "no: it runs");
}

bool helper_do(struct world *world, const char *line)
{
	if (strncmp(line, "await ", 6) == 0) {
		take_answer(world, named(line + 6));
		return true;
	}
	if (strncmp(line, "blocked ", 8) == 0) {
		watch_blocked(world, named(line + 8));
		return true;
	}
	for (size_t h = 0; h < N_HELPERS; h++) {
		const char *rest = rest_for(&helpers[h], line);
		bool waits = rest && *rest != '&';

		if (!rest)
			continue;
		rest += waits ? 1 : 2;
		if (send(helpers[h].fd, rest, strlen(rest), MSG_NOSIGNAL) < 0)
			broken("helper %s: %m", helpers[h].name);
		world->n_said = 0;
		if (waits)
			take_answer(world, &helpers[h]);
		else
			say(world, "begun");
		return true;
	}
	return false;
}
