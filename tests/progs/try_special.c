/* SPDX-License-Identifier: MIT */
/*
 * Tries FIFOs, sockets, devices and running programs in the working directory, where `given_fifo`,
 * `given_program` (a copy of this program) and `given_socket` are. Prints what came of each.
 */
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "say.h"

#define BIG (1 << 20)

static int finish(pid_t child)
{
	int status = 0;

	MUST(waitpid(child, &status, 0));
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

/* One process writes more than a pipe holds, another reads it. */
static void try_fifo(const char *name)
{
	char *data = malloc(BIG), byte;
	long sum = 0, n;
	struct stat st;
	pid_t child;
	int fd;

	printf("fifo %s\n", name);
	SAY(open(name, O_WRONLY | O_NONBLOCK) < 0 ? -1 : 0);
	child = (pid_t)MUST(fork());
	if (child == 0) {
		memset(data, 'f', BIG);
		fd = open(name, O_WRONLY);
		_exit(fd < 0 || write(fd, data, BIG) != BIG);
	}
	fd = (int)MUST(open(name, O_RDONLY));
	while ((n = read(fd, data, BIG)) > 0)
		sum += n;
	printf("  read %ld, the writer ended with %d\n", sum, finish(child));
	SAY(lseek(fd, 0, SEEK_CUR));
	MUST(fstat(fd, &st));
	printf("  mode %o\n", st.st_mode);
	SAY(fchmod(fd, 0622));
	close(fd);
	fd = (int)MUST(open(name, O_RDWR | O_NONBLOCK));
	SAY(read(fd, &byte, 1));
	SAY(write(fd, "x", 1));
	SAY(read(fd, &byte, 1));
	SAY(unlink(name));
	SAY(write(fd, "x", 1));
	SAY(fstat(fd, &st));
	printf("  mode %o, links %ld\n", st.st_mode, (long)st.st_nlink);
	close(fd);
	free(data);
}

static struct sockaddr_un address(const char *name)
{
	struct sockaddr_un un = {.sun_family = AF_UNIX};

	snprintf(un.sun_path, sizeof(un.sun_path), "%s", name);
	return un;
}

static void try_socket(void)
{
	struct sockaddr_un un = address("made_socket"), given = address("given_socket");
	int server = (int)MUST(socket(AF_UNIX, SOCK_STREAM, 0));
	int client = (int)MUST(socket(AF_UNIX, SOCK_STREAM, 0));
	char reply[6] = "";
	struct stat st;
	pid_t child;
	int peer;

	SAY(connect(client, (struct sockaddr *)&given, sizeof(given)));
	SAY(bind(server, (struct sockaddr *)&given, sizeof(given)));
	SAY(connect(client, (struct sockaddr *)&un, sizeof(un)));
	SAY(bind(server, (struct sockaddr *)&un, sizeof(un)));
	MUST(stat("made_socket", &st));
	printf("socket mode %o\n", st.st_mode);
	MUST(listen(server, 1));
	child = (pid_t)MUST(fork());
	if (child == 0) {
		MUST(connect(client, (struct sockaddr *)&un, sizeof(un)));
		_exit(write(client, "hello", 5) != 5);
	}
	peer = (int)MUST(accept(server, NULL, NULL));
	MUST(recv(peer, reply, 5, MSG_WAITALL));
	printf("the client said %s and ended with %d\n", reply, finish(child));
	SAY(rename("made_socket", "moved_socket"));
	un = address("moved_socket");
	SAY(connect(client, (struct sockaddr *)&un, sizeof(un)));
	SAY(open("moved_socket", O_RDWR) < 0 ? -1 : 0);
	SAY(unlink("moved_socket"));
}

static void try_devices(void)
{
	struct stat st;

	SAY(mknod("regular", S_IFREG | 0640, 0));
	SAY(mknod("null", S_IFCHR | 0666, makedev(1, 3)));
	SAY(mknod("loop", S_IFBLK | 0600, makedev(7, 0)));
	SAY(mknod("fifo_by_mknod", S_IFIFO | 0600, 0));
	SAY(mknod("socket_by_mknod", S_IFSOCK | 0600, 0));
	SAY(mknod("directory", S_IFDIR | 0700, 0));
	SAY(mknod("link", S_IFLNK | 0700, 0));
	SAY(mknod("given_fifo", S_IFREG | 0600, 0));
	if (SAY(stat("null", &st)), stat("null", &st) == 0)
		printf("null: mode %o, device %d:%d\n", st.st_mode, (int)major(st.st_rdev),
		       (int)minor(st.st_rdev));
	SAY(chmod("null", 0600));
	SAY(unlink("null"));
	SAY(unlink("loop"));
}

static int run(const char *name)
{
	pid_t child = (pid_t)MUST(fork());

	if (child == 0) {
		execl(name, name, "--ended", (char *)NULL);
		_exit(errno == ETXTBSY ? 98 : 99);
	}
	return finish(child);
}

/* Starts it, and returns once it runs; it ends when `stop` is closed. */
static pid_t start(const char *name, int *ret_stop)
{
	int in[2], out[2];
	pid_t child;
	char byte;

	MUST(pipe(in));
	MUST(pipe(out));
	child = (pid_t)MUST(fork());
	if (child == 0) {
		dup2(in[0], 0);
		dup2(out[1], 1);
		close(in[1]);
		close(out[0]);
		execl(name, name, "--wait", (char *)NULL);
		_exit(99);
	}
	close(in[0]);
	close(out[1]);
	MUST(read(out[0], &byte, 1));
	close(out[0]);
	*ret_stop = in[1];
	return child;
}

/* `copied`: whether the file is changed while it runs, for which a view may copy it. */
static void try_program(const char *name, int copied)
{
	int fd, stop;
	pid_t child;

	printf("program %s\n", name);
	SAY(run(name));
	child = start(name, &stop);
	SAY(open(name, O_WRONLY) < 0 ? -1 : 0);
	SAY(open(name, O_RDONLY | O_TRUNC) < 0 ? -1 : 0);
	SAY(truncate(name, 5));
	if (copied) {
		SAY(chmod(name, 0755));
		SAY(run(name));
		SAY(link(name, "second"));
		SAY(open("second", O_WRONLY) < 0 ? -1 : 0);
		SAY(rename("second", "third"));
		SAY(unlink("third"));
	}
	close(stop);
	SAY(finish(child));
	fd = (int)MUST(open(name, O_WRONLY | O_APPEND));
	SAY(run(name));
	close(fd);
	SAY(run(name));
	child = start(name, &stop);
	SAY(unlink(name));
	SAY(run(name));
	close(stop);
	SAY(finish(child));
}

static void copy_program(void)
{
	int in = (int)MUST(open("given_program", O_RDONLY));
	int out = (int)MUST(open("made_program", O_WRONLY | O_CREAT | O_EXCL, 0755));
	struct stat st;

	MUST(fstat(in, &st));
	while (st.st_size > 0)
		st.st_size -= MUST(copy_file_range(in, NULL, out, NULL, (size_t)st.st_size, 0));
	close(in);
	close(out);
}

int main(int argc, char **argv)
{
	char byte;

	if (argc > 1 && strcmp(argv[1], "--ended") == 0)
		return 7;
	if (argc > 1 && strcmp(argv[1], "--wait") == 0)
		return write(1, "r", 1) == 1 && read(0, &byte, 1) == 0 ? 8 : 1;
	setvbuf(stdout, NULL, _IONBF, 0);
	umask(022);
	copy_program();
	try_devices();
	MUST(mkfifo("made_fifo", 0666));
	try_fifo("given_fifo");
	try_fifo("made_fifo");
	try_socket();
	try_program("given_program", 0);
	try_program("made_program", 1);
	return 0;
}
