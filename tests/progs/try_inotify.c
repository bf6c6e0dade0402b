/* SPDX-License-Identifier: MIT */
/*
 * Watches the working directory, where `given` and `given_dir` are, while it and a child of it change
 * things there. Prints the events.
 */
#include <fcntl.h>
#include <poll.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "say.h"

static const struct {
	uint32_t bit;
	const char *name;
} bits[] = {
	{IN_ACCESS, "access"},           {IN_MODIFY, "modify"},
	{IN_ATTRIB, "attrib"},           {IN_CLOSE_WRITE, "close_write"},
	{IN_CLOSE_NOWRITE, "close"},     {IN_OPEN, "open"},
	{IN_MOVED_FROM, "moved_from"},   {IN_MOVED_TO, "moved_to"},
	{IN_CREATE, "create"},           {IN_DELETE, "delete"},
	{IN_DELETE_SELF, "delete_self"}, {IN_MOVE_SELF, "move_self"},
	{IN_IGNORED, "ignored"},         {IN_ISDIR, "dir"},
};

static void show(int watcher, const char *what)
{
	_Alignas(struct inotify_event) char buffer[8192];
	struct pollfd poll_fd = {.fd = watcher, .events = POLLIN};

	printf("%s:\n", what);
	while (poll(&poll_fd, 1, 0) > 0) {
		long n = MUST(read(watcher, buffer, sizeof(buffer)));

		for (char *at = buffer; at < buffer + n;) {
			const struct inotify_event *event = (const void *)at;

			printf("  watch %d", event->wd);
			for (size_t i = 0; i < sizeof(bits) / sizeof(*bits); i++)
				if (event->mask & bits[i].bit)
					printf(" %s", bits[i].name);
			printf(" %s\n", event->len ? event->name : "");
			at += sizeof(*event) + event->len;
		}
	}
}

static void write_to(const char *name)
{
	int fd = (int)MUST(open(name, O_WRONLY | O_APPEND));

	MUST(write(fd, "more", 4));
	close(fd);
}

int main(void)
{
	int watcher = (int)MUST(inotify_init1(IN_NONBLOCK));
	int fd;

	SAY(inotify_add_watch(watcher, ".", IN_ALL_EVENTS));
	SAY(inotify_add_watch(watcher, "given_dir", IN_ALL_EVENTS));
	SAY(inotify_add_watch(watcher, "given", IN_ALL_EVENTS & ~(uint32_t)IN_ACCESS));
	fd = (int)MUST(open("made", O_WRONLY | O_CREAT, 0644));
	MUST(write(fd, "made", 4));
	close(fd);
	show(watcher, "a file is made");
	write_to("given");
	show(watcher, "a given file is written to");
	MUST(chmod("given", 0600));
	MUST(truncate("given", 1));
	show(watcher, "and changed");
	if (MUST(fork()) == 0) {
		write_to("given");
		MUST(rename("made", "given_dir/moved"));
		_exit(0);
	}
	MUST(wait(NULL));
	show(watcher, "by another process");
	MUST(mkdir("made_dir", 0755));
	MUST(rename("given", "renamed"));
	MUST(symlink("x", "link"));
	MUST(link("renamed", "hard"));
	MUST(unlink("hard"));
	show(watcher, "names change");
	MUST(unlink("given_dir/moved"));
	MUST(rmdir("given_dir"));
	MUST(rmdir("made_dir"));
	MUST(unlink("link"));
	MUST(unlink("renamed"));
	show(watcher, "all goes");
	return 0;
}
