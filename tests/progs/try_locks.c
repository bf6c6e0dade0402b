/* SPDX-License-Identifier: MIT */
/*
 * Tries locks between processes in the working directory, on the file `given`, which is there, and
 * others that it makes. Prints what came of each trial; what only time could tell is not printed.
 */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "say.h"

enum verb { OPEN, CLOSE, DUP, LOCK, TEST, FLOCK, MAP, CLOSE_ALL };

struct order {
	enum verb verb;
	int slot; /* of the peer's descriptors */
	int a;    /* OPEN: flags; DUP: the other slot; LOCK, TEST: command; FLOCK: operation */
	short type;
	off_t start, length;
	char path[32];
};

struct answer {
	long result;
	int error;
	struct flock lock;
};

/* A process that does what it is told. */
struct peer {
	const char *name;
	pid_t pid;
	int to, from;
};

static struct peer peers[16];
static int n_peers;

static void on_signal(int number)
{
	(void)number;
}

static void carry_out(const struct order *order, int fds[8], struct answer *ret)
{
	struct flock lock = {.l_type = order->type,
			     .l_whence = SEEK_SET,
			     .l_start = order->start,
			     .l_len = order->length};
	int *fd = &fds[order->slot];

	switch (order->verb) {
	case OPEN:
		*fd = open(order->path, order->a | O_CLOEXEC, 0644);
		ret->result = *fd < 0 ? -1 : 0;
		break;
	case CLOSE:
		ret->result = close(*fd);
		break;
	case DUP:
		fds[order->a] = dup(*fd);
		ret->result = fds[order->a] < 0 ? -1 : 0;
		break;
	case LOCK:
	case TEST:
		ret->result = fcntl(*fd, order->a, &lock);
		ret->lock = lock;
		break;
	case FLOCK:
		ret->result = flock(*fd, order->a);
		break;
	case MAP:
		ret->result = mmap(NULL, 1, PROT_READ, MAP_SHARED, *fd, 0) == MAP_FAILED ? -1 : 0;
		break;
	case CLOSE_ALL:
		_exit(0);
	}
	ret->error = errno;
}

static void serve(int orders, int answers, int fds[8])
{
	struct sigaction action = {.sa_handler = on_signal};
	struct order order;

	sigaction(SIGUSR1, &action, NULL);
	action.sa_flags = SA_RESTART;
	sigaction(SIGUSR2, &action, NULL);
	while (read(orders, &order, sizeof(order)) == sizeof(order)) {
		struct answer answer = {0};

		carry_out(&order, fds, &answer);
		if (write(answers, &answer, sizeof(answer)) != sizeof(answer))
			break;
	}
	_exit(0);
}

/* fds: what it inherits; NULL: nothing. */
static struct peer *start_with(const char *name, const int inherited[8])
{
	struct peer *peer = &peers[n_peers++];
	int orders[2], answers[2], fds[8] = {-1, -1, -1, -1, -1, -1, -1, -1};

	if (inherited)
		memcpy(fds, inherited, sizeof(fds));
	MUST(pipe2(orders, O_CLOEXEC));
	MUST(pipe2(answers, O_CLOEXEC));
	fflush(stdout);
	peer->name = name;
	peer->pid = (pid_t)MUST(fork());
	if (peer->pid == 0) {
		for (int i = 0; i < n_peers - 1; i++) {
			close(peers[i].to);
			close(peers[i].from);
		}
		close(orders[1]);
		close(answers[0]);
		serve(orders[0], answers[1], fds);
	}
	close(orders[0]);
	close(answers[1]);
	peer->to = orders[1];
	peer->from = answers[0];
	return peer;
}

static struct peer *start(const char *name)
{
	return start_with(name, NULL);
}

static void end_all(void)
{
	for (int i = 0; i < n_peers; i++)
		close(peers[i].to);
	for (int i = 0; i < n_peers; i++) {
		close(peers[i].from);
		waitpid(peers[i].pid, NULL, 0);
	}
	n_peers = 0;
}

static void tell(struct peer *peer, struct order order)
{
	if (write(peer->to, &order, sizeof(order)) != sizeof(order))
		must("write", -1);
}

static struct answer hear(struct peer *peer)
{
	struct answer answer = {.result = -1, .error = EPIPE};

	if (read(peer->from, &answer, sizeof(answer)) != sizeof(answer))
		answer = (struct answer){.result = -1, .error = EPIPE};
	errno = answer.error;
	return answer;
}

static struct answer ask(struct peer *peer, struct order order)
{
	tell(peer, order);
	return hear(peer);
}

/* It has not answered: it waits in its call, or will be in it in an instant. */
static bool waits(struct peer *peer)
{
	struct pollfd fd = {.fd = peer->from, .events = POLLIN};

	return poll(&fd, 1, 60) == 0;
}

static void say_of(const struct peer *peer, const char *what, long result)
{
	char line[200];
	int error = errno;

	snprintf(line, sizeof(line), "  %s: %s", peer->name, what);
	errno = error;
	say(line, result);
}

static void open_as(struct peer *peer, int slot, const char *path, int flags)
{
	struct order order = {.verb = OPEN, .slot = slot, .a = flags};

	snprintf(order.path, sizeof(order.path), "%s", path);
	if (ask(peer, order).result < 0)
		must(path, -1);
}

static void close_slot(struct peer *peer, int slot)
{
	if (ask(peer, (struct order){.verb = CLOSE, .slot = slot}).result < 0)
		must("close", -1);
}

static struct order locking(int slot, int command, short type, off_t begin, off_t length)
{
	return (struct order){.verb = LOCK,
			      .slot = slot,
			      .a = command,
			      .type = type,
			      .start = begin,
			      .length = length};
}

static void lock(struct peer *peer, int slot, int command, short type, off_t begin, off_t length)
{
	static const char *const names[] = {"read", "write", "unlock"};
	char what[100];

	snprintf(what, sizeof(what), "%s%s %ld+%ld", command >= F_OFD_GETLK ? "ofd " : "",
		 names[type], (long)begin, (long)length);
	say_of(peer, what, ask(peer, locking(slot, command, type, begin, length)).result);
}

static void test(struct peer *peer, short type, off_t begin, off_t length)
{
	struct order order = locking(0, F_GETLK, type, begin, length);
	struct answer answer;
	const char *who = "nobody known";

	order.verb = TEST;
	answer = ask(peer, order);
	if (answer.lock.l_type == F_UNLCK) {
		printf("  %s: %ld+%ld is free\n", peer->name, (long)begin, (long)length);
		return;
	}
	for (int i = 0; i < n_peers; i++)
		if (peers[i].pid == answer.lock.l_pid)
			who = peers[i].name;
	printf("  %s: type %d at %ld+%ld of %s\n", peer->name, answer.lock.l_type,
	       (long)answer.lock.l_start, (long)answer.lock.l_len, who);
}

static void flock_as(struct peer *peer, int slot, int operation)
{
	char what[100];

	snprintf(what, sizeof(what), "flock %d", operation);
	say_of(peer, what,
	       ask(peer, (struct order){.verb = FLOCK, .slot = slot, .a = operation}).result);
}

#define EVERYTHING 0, 0

static void try_ranges(struct peer *a, struct peer *b)
{
	lock(a, 0, F_SETLK, F_WRLCK, 0, 100);
	lock(b, 0, F_SETLK, F_RDLCK, 99, 1);
	lock(b, 0, F_SETLK, F_RDLCK, 100, 1);
	test(b, F_RDLCK, EVERYTHING);
	test(a, F_WRLCK, 100, 5);
	lock(a, 0, F_SETLK, F_UNLCK, 40, 20);
	lock(b, 0, F_SETLK, F_WRLCK, 40, 20);
	lock(b, 0, F_SETLK, F_WRLCK, 39, 20);
	test(b, F_WRLCK, 60, 0);
	test(a, F_RDLCK, 30, 30);
	lock(a, 0, F_SETLK, F_RDLCK, 10, 10);
	lock(b, 0, F_SETLK, F_RDLCK, 15, 1);
	lock(b, 0, F_SETLK, F_RDLCK, 9, 1);
	lock(a, 0, F_SETLK, F_WRLCK, 0, 30);
	test(b, F_WRLCK, 12, 1);
	lock(a, 0, F_SETLK, F_UNLCK, EVERYTHING);
	test(b, F_WRLCK, EVERYTHING);
	test(a, F_WRLCK, EVERYTHING);
	lock(b, 0, F_SETLK, F_UNLCK, EVERYTHING);
	lock(a, 0, F_SETLK, F_WRLCK, 0x7ffffffffffffffe, 1);
	lock(a, 0, F_SETLK, F_WRLCK, 0x7fffffffffffffff, 1);
	lock(a, 0, F_SETLK, F_WRLCK, 0x7fffffffffffffff, 2);
	lock(a, 0, F_SETLK, F_WRLCK, -1, 2);
	lock(a, 0, F_SETLK, F_WRLCK, 50, -10);
	test(b, F_WRLCK, EVERYTHING);
	test(b, F_WRLCK, 50, 0);
}

static void try_many_ranges(struct peer *a, struct peer *b)
{
	int granted = 0;

	for (int i = 0; i < 500; i++)
		granted += ask(a, locking(0, F_SETLK, F_WRLCK, 2 * i, 1)).result == 0;
	printf("  %d granted\n", granted);
	test(b, F_WRLCK, 499, 0);
	lock(a, 0, F_SETLK, F_WRLCK, 100, 700);
	test(b, F_WRLCK, 99, 0);
	lock(a, 0, F_SETLK, F_UNLCK, 0, 998);
	test(b, F_WRLCK, 0, 0);
}

static void try_close(struct peer *a, struct peer *b)
{
	lock(a, 0, F_SETLK, F_WRLCK, 0, 10);
	open_as(a, 1, "given", O_RDONLY);
	lock(b, 0, F_SETLK, F_WRLCK, 0, 10);
	close_slot(a, 1); /* any descriptor of the file ends a process's locks */
	lock(b, 0, F_SETLK, F_WRLCK, 0, 10);
	close_slot(b, 0);
	lock(a, 0, F_SETLK, F_RDLCK, 0, 10);
	ask(a, (struct order){.verb = DUP, .slot = 0, .a = 1});
	open_as(b, 0, "given", O_RDWR);
	close_slot(a, 1);
	lock(b, 0, F_SETLK, F_WRLCK, 0, 10);
	ask(b, (struct order){.verb = CLOSE_ALL});
	lock(a, 0, F_SETLK, F_WRLCK, 0, 10);
}

static void try_read_only(struct peer *a, struct peer *b)
{
	open_as(a, 1, "given", O_RDONLY);
	lock(a, 1, F_SETLK, F_WRLCK, 0, 10);
	lock(a, 1, F_SETLK, F_RDLCK, 0, 10);
	lock(b, 0, F_SETLK, F_WRLCK, 0, 10);
	test(b, F_WRLCK, 0, 10);
	close_slot(a, 1);
	lock(b, 0, F_SETLK, F_WRLCK, 0, 10);
	open_as(a, 1, "given", O_WRONLY);
	lock(a, 1, F_SETLK, F_RDLCK, 20, 10);
	lock(a, 1, F_SETLK, F_WRLCK, 20, 10);
}

static void try_fork(struct peer *a, struct peer *b)
{
	int fds[8] = {(int)MUST(open("given", O_RDWR))};
	struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
	struct peer *child;

	SAY(fcntl(fds[0], F_SETLK, &whole));
	child = start_with("child", fds);
	lock(child, 0, F_SETLK, F_WRLCK, 0, 10); /* inherited it is not */
	ask(child, (struct order){.verb = CLOSE_ALL});
	waitpid(child->pid, NULL, 0);
	lock(b, 0, F_SETLK, F_WRLCK, 0, 10);
	whole.l_type = F_UNLCK;
	SAY(fcntl(fds[0], F_SETLK, &whole));
	lock(b, 0, F_SETLK, F_WRLCK, 0, 10);
	lock(b, 0, F_SETLK, F_UNLCK, EVERYTHING);

	whole.l_type = F_WRLCK;
	SAY(fcntl(fds[0], F_OFD_SETLK, &whole));
	child = start_with("heir", fds);
	lock(child, 0, F_OFD_SETLK, F_WRLCK, 0, 10); /* it is one open file */
	close(fds[0]);
	lock(a, 0, F_SETLK, F_RDLCK, 50, 10);
	lock(child, 0, F_OFD_SETLK, F_UNLCK, 50, 10);
	lock(a, 0, F_SETLK, F_RDLCK, 50, 10);
	lock(a, 0, F_SETLK, F_RDLCK, 0, 10);
	ask(child, (struct order){.verb = CLOSE_ALL});
	waitpid(child->pid, NULL, 0);
	lock(a, 0, F_SETLK, F_RDLCK, 0, 10);
}

static void try_open_files(struct peer *a, struct peer *b)
{
	open_as(a, 1, "given", O_RDWR);
	lock(a, 0, F_OFD_SETLK, F_WRLCK, 0, 10);
	lock(a, 1, F_OFD_SETLK, F_WRLCK, 0, 10); /* two open files of one process */
	lock(a, 0, F_SETLK, F_WRLCK, 0, 10);     /* nor a process with its own open file */
	ask(a, (struct order){.verb = DUP, .slot = 0, .a = 2});
	lock(a, 2, F_OFD_SETLK, F_WRLCK, 5, 10);
	close_slot(a, 1);
	lock(b, 0, F_SETLK, F_WRLCK, 14, 1);
	close_slot(a, 0);
	lock(b, 0, F_SETLK, F_WRLCK, 14, 1);
	close_slot(a, 2);
	lock(b, 0, F_SETLK, F_WRLCK, 14, 1);
}

static void try_flock(struct peer *a, struct peer *b)
{
	lock(a, 0, F_SETLK, F_WRLCK, EVERYTHING); /* is nothing to flock */
	flock_as(a, 0, LOCK_SH);
	flock_as(b, 0, LOCK_SH | LOCK_NB);
	flock_as(b, 0, LOCK_EX | LOCK_NB);
	flock_as(a, 0, LOCK_EX | LOCK_NB); /* b has lost his */
	flock_as(b, 0, LOCK_SH | LOCK_NB);
	flock_as(a, 0, LOCK_SH | LOCK_NB);
	flock_as(b, 0, LOCK_SH | LOCK_NB);
	flock_as(b, 0, LOCK_UN);
	open_as(a, 1, "given", O_RDONLY);
	flock_as(a, 0, LOCK_EX);
	flock_as(a, 1, LOCK_SH | LOCK_NB);
	ask(a, (struct order){.verb = DUP, .slot = 0, .a = 2});
	close_slot(a, 0);
	flock_as(b, 0, LOCK_SH | LOCK_NB);
	flock_as(a, 2, LOCK_UN);
	flock_as(b, 0, LOCK_EX | LOCK_NB);
	ask(b, (struct order){.verb = CLOSE_ALL});
	waitpid(b->pid, NULL, 0);
	flock_as(a, 1, LOCK_EX | LOCK_NB);
	flock_as(a, 1, 77);
}

static void wait_for(struct peer *peer, const char *what, struct order order)
{
	tell(peer, order);
	printf("  %s: %s: %s\n", peer->name, what, waits(peer) ? "waits" : "does not wait");
}

static void try_waiting(struct peer *a, struct peer *b)
{
	struct peer *c = start("c"), *d = start("d");

	open_as(c, 0, "given", O_RDWR);
	open_as(d, 0, "given", O_RDWR);
	lock(a, 0, F_SETLK, F_WRLCK, 0, 10);
	wait_for(b, "write 5+10", locking(0, F_SETLKW, F_WRLCK, 5, 10));
	wait_for(c, "read 0+5", locking(0, F_SETLKW, F_RDLCK, 0, 5));
	wait_for(d, "ofd read 0+5", locking(0, F_OFD_SETLKW, F_RDLCK, 0, 5));
	lock(a, 0, F_SETLK, F_UNLCK, 9, 1);
	printf("  b %s\n", waits(b) ? "waits" : "has it");
	lock(a, 0, F_SETLK, F_RDLCK, 0, 5);
	say_of(c, "got", hear(c).result);
	say_of(d, "got", hear(d).result);
	lock(a, 0, F_SETLK, F_UNLCK, EVERYTHING);
	say_of(b, "got", hear(b).result);
	wait_for(a, "write everything", locking(0, F_SETLKW, F_WRLCK, EVERYTHING));
	lock(c, 0, F_SETLK, F_UNLCK, EVERYTHING);
	close_slot(d, 0);
	ask(b, (struct order){.verb = CLOSE_ALL});
	say_of(a, "got", hear(a).result);

	wait_for(c, "flock", (struct order){.verb = FLOCK, .a = LOCK_EX});
	say_of(c, "flock", hear(c).result);
	open_as(d, 0, "given", O_RDWR);
	wait_for(d, "flock", (struct order){.verb = FLOCK, .a = LOCK_SH});
	flock_as(c, 0, LOCK_UN);
	say_of(d, "flock", hear(d).result);
}

/* Two who share and both want to be alone: the first loses what he has, so that one gets it. */
static void try_conversion(struct peer *a, struct peer *b)
{
	flock_as(a, 0, LOCK_SH);
	flock_as(b, 0, LOCK_SH);
	wait_for(a, "flock 2", (struct order){.verb = FLOCK, .a = LOCK_EX});
	flock_as(b, 0, LOCK_EX);
	flock_as(b, 0, LOCK_UN);
	say_of(a, "flock 2", hear(a).result);
}

static void try_signals(struct peer *a, struct peer *b)
{
	struct peer *c = start("c");

	open_as(c, 0, "given", O_RDWR);
	lock(a, 0, F_SETLK, F_WRLCK, 0, 10);
	wait_for(b, "write 0+10", locking(0, F_SETLKW, F_WRLCK, 0, 10));
	MUST(kill(b->pid, SIGUSR1));
	say_of(b, "interrupted", hear(b).result);
	wait_for(b, "write 0+10", locking(0, F_SETLKW, F_WRLCK, 0, 10));
	MUST(kill(b->pid, SIGUSR2));
	printf("  b %s\n", waits(b) ? "goes on" : "is interrupted");
	wait_for(c, "write 0+10", locking(0, F_SETLKW, F_WRLCK, 0, 10));
	MUST(kill(b->pid, SIGKILL));
	waitpid(b->pid, NULL, 0);
	lock(a, 0, F_SETLK, F_UNLCK, 0, 10);
	say_of(c, "got", hear(c).result);
	lock(a, 0, F_SETLK, F_WRLCK, 0, 10);
	MUST(kill(c->pid, SIGKILL));
	waitpid(c->pid, NULL, 0);
	lock(a, 0, F_SETLK, F_WRLCK, 0, 10);
}

static void try_cycle(struct peer *a, struct peer *b)
{
	lock(a, 0, F_SETLK, F_WRLCK, 0, 1);
	lock(b, 0, F_SETLK, F_WRLCK, 1, 1);
	wait_for(a, "write 1+1", locking(0, F_SETLKW, F_WRLCK, 1, 1));
	lock(b, 0, F_SETLKW, F_WRLCK, 0, 1);
	lock(b, 0, F_SETLK, F_UNLCK, 1, 1);
	say_of(a, "got", hear(a).result);
	/* Over two files. */
	open_as(a, 1, "second", O_RDWR | O_CREAT);
	open_as(b, 1, "second", O_RDWR | O_CREAT);
	lock(b, 1, F_SETLK, F_WRLCK, 0, 1);
	wait_for(b, "write 0+2", locking(0, F_SETLKW, F_WRLCK, 0, 2));
	lock(a, 1, F_SETLKW, F_RDLCK, 0, 1);
	lock(a, 0, F_SETLK, F_UNLCK, 0, 2);
	say_of(b, "got", hear(b).result);
	/* Open files may wait for each other. */
	lock(a, 1, F_OFD_SETLK, F_WRLCK, 5, 1);
	lock(b, 1, F_OFD_SETLK, F_WRLCK, 6, 1);
	wait_for(a, "ofd 6+1", locking(1, F_OFD_SETLKW, F_WRLCK, 6, 1));
	wait_for(b, "ofd 5+1", locking(1, F_OFD_SETLKW, F_WRLCK, 5, 1));
	MUST(kill(b->pid, SIGUSR1));
	say_of(b, "interrupted", hear(b).result);
	close_slot(b, 1);
	say_of(a, "got", hear(a).result);
}

/* What is locked is the file, whatever its names are. */
static void try_names(struct peer *a, struct peer *b)
{
	open_as(a, 1, "named", O_RDWR | O_CREAT);
	lock(a, 1, F_SETLK, F_WRLCK, 0, 10);
	flock_as(a, 1, LOCK_EX);
	SAY(rename("named", "renamed"));
	open_as(b, 1, "renamed", O_RDWR);
	lock(b, 1, F_SETLK, F_WRLCK, 0, 10);
	flock_as(b, 1, LOCK_SH | LOCK_NB);
	SAY(link("renamed", "linked"));
	open_as(b, 2, "linked", O_RDWR);
	lock(b, 2, F_SETLK, F_WRLCK, 0, 10);
	flock_as(b, 2, LOCK_SH | LOCK_NB);
	SAY(unlink("renamed"));
	SAY(unlink("linked"));
	lock(b, 1, F_SETLK, F_WRLCK, 0, 10);
	open_as(b, 3, "renamed", O_RDWR | O_CREAT);
	lock(b, 3, F_SETLK, F_WRLCK, 0, 10);
	flock_as(b, 3, LOCK_SH | LOCK_NB);
	close_slot(a, 1);
	lock(b, 2, F_SETLK, F_WRLCK, 0, 10);
	SAY(unlink("renamed"));
}

/* By a descriptor that has made the file. */
static void try_made(struct peer *a, struct peer *b)
{
	struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
	int fds[8];

	open_as(a, 1, "made", O_RDWR | O_CREAT | O_EXCL);
	lock(a, 1, F_SETLK, F_WRLCK, 0, 10);
	open_as(b, 1, "made", O_RDWR);
	lock(b, 1, F_SETLK, F_WRLCK, 0, 10);
	open_as(a, 2, "made", O_RDWR | O_CREAT);
	lock(a, 2, F_SETLK, F_RDLCK, 5, 10);
	close_slot(a, 2);
	lock(b, 1, F_SETLK, F_WRLCK, 0, 10);
	ask(b, (struct order){.verb = CLOSE, .slot = 1});
	SAY(unlink("made"));

	/* Another process has it open still, and has no lock. */
	fds[0] = (int)MUST(open("made", O_RDWR | O_CREAT | O_EXCL, 0644));
	open_as(b, 1, "made", O_RDWR);
	SAY(fcntl(fds[0], F_SETLK, &whole));
	start_with("heir", fds);
	wait_for(b, "write 0+10", locking(1, F_SETLKW, F_WRLCK, 0, 10));
	MUST(close(fds[0]));
	say_of(b, "got", hear(b).result);
	SAY(unlink("made"));
}

/* Where `given` comes from below, it is copied when it is first written. */
static void try_write(struct peer *a, struct peer *b, const char *path)
{
	open_as(a, 1, path, O_RDONLY);
	ask(a, (struct order){.verb = MAP, .slot = 1});
	lock(a, 1, F_SETLK, F_RDLCK, 0, 10);
	flock_as(a, 1, LOCK_SH);
	open_as(b, 1, path, O_RDWR);
	lock(b, 1, F_SETLK, F_WRLCK, 0, 10);
	lock(b, 1, F_SETLK, F_RDLCK, 0, 10);
	lock(b, 1, F_SETLK, F_WRLCK, 10, 10);
	flock_as(b, 1, LOCK_EX | LOCK_NB);
	open_as(b, 2, path, O_WRONLY | O_TRUNC);
	lock(b, 2, F_SETLK, F_WRLCK, 0, 10);
	flock_as(b, 2, LOCK_EX | LOCK_NB);
	wait_for(b, "write 0+10", locking(2, F_SETLKW, F_WRLCK, 0, 10));
	flock_as(a, 1, LOCK_UN);
	close_slot(a, 1);
	say_of(b, "got", hear(b).result);
	flock_as(b, 2, LOCK_EX | LOCK_NB);
	open_as(a, 1, path, O_RDONLY);
	lock(a, 1, F_SETLK, F_RDLCK, 0, 5);
	lock(a, 1, F_SETLK, F_RDLCK, 20, 5);
}

static void try_given(struct peer *a, struct peer *b)
{
	try_write(a, b, "given2");
}

static void try_linked(struct peer *a, struct peer *b)
{
	try_write(a, b, "given3");
}

static void try_lockf(struct peer *a, struct peer *b)
{
	int fd = (int)MUST(open("given", O_RDWR));

	(void)a;
	MUST(lseek(fd, 100, SEEK_SET));
	SAY(lockf(fd, F_LOCK, 10));
	SAY(lockf(fd, F_TEST, 10));
	lock(b, 0, F_SETLK, F_RDLCK, 105, 1);
	SAY(lockf(fd, F_ULOCK, 5));
	lock(b, 0, F_SETLK, F_WRLCK, 104, 1);
	SAY(lockf(fd, F_TEST, 10));
	SAY(lockf(fd, F_TLOCK, 10));
	close(fd);
	lock(b, 0, F_SETLK, F_WRLCK, 100, 10);
}

/* A lease is the kernel's affair: it is broken by who opens the file in the same view. */
static void try_lease(struct peer *a, struct peer *b)
{
	struct order order = {
		.verb = OPEN, .slot = 1, .a = O_WRONLY | O_NONBLOCK, .path = "leased"};
	int fd = (int)MUST(open("leased", O_RDONLY | O_CREAT | O_EXCL, 0644));

	(void)a;
	signal(SIGIO, SIG_IGN);
	SAY(fcntl(fd, F_GETLEASE));
	SAY(fcntl(fd, F_SETLEASE, F_RDLCK));
	say_of(b, "open", ask(b, order).result);
	SAY(fcntl(fd, F_SETLEASE, F_UNLCK));
	say_of(b, "open", ask(b, order).result);
	SAY(fcntl(fd, F_SETLEASE, F_RDLCK));
	SAY(unlink("leased"));
	close(fd);
}

static void try_directory(struct peer *a, struct peer *b)
{
	open_as(a, 1, ".", O_RDONLY);
	open_as(b, 1, ".", O_RDONLY);
	flock_as(a, 1, LOCK_EX);
	flock_as(b, 1, LOCK_SH | LOCK_NB);
	lock(a, 1, F_SETLK, F_RDLCK, EVERYTHING);
	lock(b, 1, F_SETLK, F_WRLCK, EVERYTHING);
	lock(b, 1, F_SETLK, F_RDLCK, EVERYTHING);
}

static const struct {
	const char *name;
	void (*run)(struct peer *a, struct peer *b);
} trials[] = {
	{"ranges", try_ranges},
	{"many ranges", try_many_ranges},
	{"close", try_close},
	{"read-only", try_read_only},
	{"fork", try_fork},
	{"open files", try_open_files},
	{"flock", try_flock},
	{"waiting", try_waiting},
	{"conversion", try_conversion},
	{"signals", try_signals},
	{"cycle", try_cycle},
	{"names", try_names},
	{"a file that was made", try_made},
	{"a file that is written to", try_given},
	{"a file of two names that is written to", try_linked},
	{"lockf", try_lockf},
	{"lease", try_lease},
	{"directory", try_directory},
};

int main(void)
{
	signal(SIGPIPE, SIG_IGN);
	for (size_t i = 0; i < sizeof(trials) / sizeof(*trials); i++) {
		struct peer *a = start("a"), *b = start("b");

		printf("%s\n", trials[i].name);
		open_as(a, 0, "given", O_RDWR);
		open_as(b, 0, "given", O_RDWR);
		trials[i].run(a, b);
		end_all();
	}
	return 0;
}
