/* SPDX-License-Identifier: MIT */
/*
 * A file system that stalls on demand, as a network file system does whose server is gone.
 *
 * Usage: fuse_stall MOUNTPOINT   (stays in the foreground until it is unmounted)
 *
 * In its root are the directories "good" and "stall", each with the files f0 to f999 (one byte each).
 * From SIGUSR1 on, requests about "stall" and what is in it are not answered; SIGUSR2 answers them
 * all. Single-threaded: a request that waits is put aside.
 */
#define FUSE_USE_VERSION 317
#include <dirent.h>
#include <err.h>
#include <errno.h>
#include <fuse_lowlevel.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#define FILES 1000
#define GOOD 2
#define STALL 3
/* Inode numbers: a directory's times this, plus the number of the file, plus 1. */
#define BASE 10000

enum kind { LOOKUP, GETATTR, READ, FLUSH };

struct waiting {
	struct waiting *next;
	fuse_req_t req;
	fuse_ino_t ino; /* of the answer; 0: absent */
	enum kind kind;
};

static struct waiting *waiting;
static bool stalled;

static bool is_dir(fuse_ino_t ino)
{
	return ino < BASE;
}

static struct stat attr_of(fuse_ino_t ino)
{
	struct stat st = {.st_ino = ino, .st_mode = S_IFREG | 0644, .st_nlink = 1, .st_size = 1};

	if (is_dir(ino)) {
		st.st_mode = S_IFDIR | 0755;
		st.st_nlink = 2;
	}
	return st;
}

static void answer(fuse_req_t req, fuse_ino_t ino, enum kind kind)
{
	struct fuse_entry_param param = {.ino = ino, .attr = attr_of(ino)};

	if (!ino)
		fuse_reply_err(req, ENOENT);
	else if (kind == LOOKUP)
		fuse_reply_entry(req, &param);
	else if (kind == GETATTR)
		fuse_reply_attr(req, &param.attr, 0);
	else if (kind == READ)
		fuse_reply_buf(req, "x", 1);
	else
		fuse_reply_err(req, 0);
}

static bool stalls(fuse_ino_t ino)
{
	return stalled && (ino == STALL || ino / BASE == STALL);
}

static void answer_or_wait(fuse_req_t req, fuse_ino_t about, fuse_ino_t ino, enum kind kind)
{
	struct waiting *one;

	if (!stalls(about)) {
		answer(req, ino, kind);
		return;
	}
	one = malloc(sizeof(*one));
	if (!one)
		err(1, "malloc");
	*one = (struct waiting){.next = waiting, .req = req, .ino = ino, .kind = kind};
	waiting = one;
}

static void go_on(void)
{
	stalled = false;
	while (waiting) {
		struct waiting *one = waiting;

		waiting = one->next;
		answer(one->req, one->ino, one->kind);
		free(one);
	}
}

static fuse_ino_t find(fuse_ino_t parent, const char *name)
{
	char *end;
	long number;

	if (parent == FUSE_ROOT_ID)
		return strcmp(name, "good") == 0 ? GOOD : strcmp(name, "stall") == 0 ? STALL : 0;
	number = name[0] == 'f' ? strtol(name + 1, &end, 10) : -1;
	if (number < 0 || number >= FILES || *end || end == name + 1)
		return 0;
	return parent * BASE + (fuse_ino_t)number + 1;
}

static void do_lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	fuse_ino_t ino = find(parent, name);

	answer_or_wait(req, parent, ino, LOOKUP);
}

static void do_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	(void)fi;
	answer_or_wait(req, ino, ino, GETATTR);
}

static void do_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off,
		    struct fuse_file_info *fi)
{
	(void)fi;
	if (off == 0 && size)
		answer_or_wait(req, ino, ino, READ);
	else
		fuse_reply_buf(req, NULL, 0);
}

static void do_flush(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	(void)fi;
	answer_or_wait(req, ino, ino, FLUSH);
}

static void do_readdir(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off,
		       struct fuse_file_info *fi)
{
	char *buf = malloc(size);
	size_t used = 0;

	(void)fi;
	if (!buf)
		err(1, "malloc");
	for (off_t i = off; ino != FUSE_ROOT_ID && i < FILES; i++) {
		struct stat st = attr_of(ino * BASE + (fuse_ino_t)i + 1);
		char name[16];
		size_t len;

		snprintf(name, sizeof(name), "f%d", (int)i);
		len = fuse_add_direntry(req, buf + used, size - used, name, &st, i + 1);
		if (len > size - used)
			break;
		used += len;
	}
	fuse_reply_buf(req, buf, used);
	free(buf);
}

static const struct fuse_lowlevel_ops ops = {.lookup = do_lookup,
					     .getattr = do_getattr,
					     .read = do_read,
					     .flush = do_flush,
					     .readdir = do_readdir};

static void serve(struct fuse_session *session, int signals)
{
	struct fuse_buf buf = {0};
	struct signalfd_siginfo info;

	while (!fuse_session_exited(session)) {
		struct pollfd fds[2] = {{.fd = fuse_session_fd(session), .events = POLLIN},
					{.fd = signals, .events = POLLIN}};
		int r;

		if (poll(fds, 2, -1) < 0)
			err(1, "poll");
		if (fds[1].revents && read(signals, &info, sizeof(info)) == sizeof(info)) {
			if (info.ssi_signo == SIGUSR2)
				go_on();
			else
				stalled = true;
		}
		if (!fds[0].revents)
			continue;
		r = fuse_session_receive_buf(session, &buf);
		if (r == -ENODEV || (r <= 0 && r != -EINTR))
			break;
		if (r > 0)
			fuse_session_process_buf(session, &buf);
	}
	free(buf.mem);
}

int main(int argc, char **argv)
{
	char *fuse_argv[] = {argv[0], NULL};
	struct fuse_args args = FUSE_ARGS_INIT(1, fuse_argv);
	struct fuse_session *session;
	sigset_t set;
	int signals;

	if (argc != 2)
		errx(2, "usage: fuse_stall MOUNTPOINT");
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGUSR2);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signals = signalfd(-1, &set, SFD_CLOEXEC);
	session = fuse_session_new(&args, &ops, sizeof(ops), NULL);
	if (signals < 0 || !session || fuse_session_mount(session, argv[1]))
		errx(1, "cannot mount %s", argv[1]);
	puts("mounted");
	fflush(stdout);
	serve(session, signals);
	fuse_session_unmount(session);
	fuse_session_destroy(session);
	return 0;
}
