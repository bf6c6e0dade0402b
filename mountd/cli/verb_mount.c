/* SPDX-License-Identifier: MIT */
/* sessionfs mount: starts sessionfsd and waits for its word. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/sys.h"
#include "cli/output.h"
#include "cli/text.h"
#include "cli/verb.h"
#include "config/options.h"

#define DAEMON "sessionfsd"
#define WORD_MAX 65536

static const struct option_spec options[] = {
	{"store", 0, OPTION_TEXT, "DIR", "Where sessions are kept", NULL, "/var/lib/sessionfs"},
	{"share", 0, OPTION_LIST, "PATH[,mode=MODE][,lock=GLOB][,merge=GLOB]",
	 "A directory to virtualise, with its rules; may be repeated", NULL, "/tmp"},
	{"config", 0, OPTION_TEXT, "FILE", "Read this file instead of /etc/sessionfs", NULL, NULL},
	{"foreground", 0, OPTION_FLAG, NULL, "Stay in the foreground and log to stderr", NULL,
	 NULL},
	{"no-passthrough", 0, OPTION_FLAG, NULL,
	 "Move all data through the daemon, even where the kernel could do without", NULL, NULL},
	{0},
};

static const struct verb_example examples[] = {
	{"Give each session its own /tmp", "sessionfs mount"},
	{"Two shares; *.lck in the second are locks",
	 "sessionfs mount --share /tmp --share '/srv/cache,mode=direct,lock=*.lck'"},
	{"A second instance beside the first", "sessionfs mount /run/other --store /var/lib/other"},
	{0},
};

/* Where the daemon is: beside this program, where packages put it, or in PATH. An owned path. */
static char *find_daemon(void)
{
	static const char *const places[] = {"", "../libexec/", "../lib/sessionfs/", "../sbin/"};
	char self[4096];
	ssize_t len = readlink("/proc/self/exe", self, sizeof(self) - 1);
	char *slash, *path;

	if (len > 0) {
		self[len] = '\0';
		slash = strrchr(self, '/');
		for (size_t i = 0; slash && i < ARRAY_SIZE(places); i++) {
			if (asprintf(&path, "%.*s%s" DAEMON, (int)(slash + 1 - self), self,
				     places[i]) < 0)
				return NULL;
			if (access(path, X_OK) == 0)
				return path;
			free(path);
		}
	}
	return strdup(DAEMON);
}

static int read_options(const struct call *call, struct mount_options *ret, struct err *err)
{
	const char *operand = args_operand(call->args, 0), *share;
	size_t cursor = 0;

	*ret = (struct mount_options){.ready_fd = -1};
	if (operand && args_given(call->args, "mountpoint") &&
	    strcmp(operand, call->mountpoint) != 0)
		return err_set(err, ERR_VALIDATION_ERROR,
			       "more than one mount point: %.256s, %.256s", operand,
			       call->mountpoint);
	/* Without any of these the configuration decides. */
	ret->mountpoint = operand ? operand : call->mountpoint_is_default ? NULL : call->mountpoint;
	ret->store = args_text(call->args, "store");
	ret->config_file = args_text(call->args, "config");
	ret->foreground = args_given(call->args, "foreground");
	ret->no_passthrough = args_given(call->args, "no-passthrough");
	while (args_next(call->args, "share", &cursor))
		ret->n_shares++;
	ret->shares = calloc(ret->n_shares + 1, sizeof(*ret->shares));
	if (!ret->shares)
		return err_set(err, ERR_INTERNAL_ERROR, "out of memory");
	cursor = 0;
	for (size_t i = 0; (share = args_next(call->args, "share", &cursor)); i++)
		ret->shares[i] = share;
	return 0;
}

static void free_argv(char **argv)
{
	for (size_t i = 0; argv && argv[i]; i++)
		free(argv[i]);
	free(argv);
}

static int fail_exec(int errno_value, const char *daemon, struct err *err)
{
	err_set_errno(err, errno_value == ENOENT ? ERR_NOT_FOUND : ERR_IO_ERROR, errno_value,
		      "cannot run %.256s", daemon);
	return err_suggest(err, "Install " DAEMON " beside sessionfs, or in a folder of PATH.");
}

/* Becomes the daemon. Where envelopes are wanted it writes its one to stdout. */
static int mount_foreground(const struct call *call, struct mount_options *mount_options,
			    const char *daemon, struct err *err)
{
	char **argv;

	mount_options->ready_fd = call->json ? STDOUT_FILENO : -1;
	argv = mount_options_argv(mount_options, daemon);
	if (!argv)
		return err_set(err, ERR_INTERNAL_ERROR, "out of memory");
	execvp(daemon, argv);
	fail_exec(errno, daemon, err);
	free_argv(argv);
	return -1;
}

/* In a child: becomes the daemon, with the word's fd and a second one that tells a failed exec. */
static void exec_daemon(const struct mount_options *mount_options, const char *daemon, int errno_fd)
{
	char **argv = mount_options_argv(mount_options, daemon);
	int error = ENOMEM;

	fcntl(mount_options->ready_fd, F_SETFD, 0);
	if (argv) {
		execvp(daemon, argv);
		error = errno;
	}
	sys_write_all(errno_fd, &error, sizeof(error));
	_exit(127);
}

static json_t *take_part(json_t *envelope, const char *key)
{
	json_t *part = json_object_get(envelope, key);

	return json_is_object(part) ? json_incref(part) : NULL;
}

static int take_word(const char *word, size_t len, int status, struct answer *answer,
		     struct err *err)
{
	_cleanup_json_ json_t *envelope = NULL;

	if (len == 0)
		return err_set(err, ERR_INTERNAL_ERROR,
			       "the daemon ended without a word (wait status 0x%x)",
			       (unsigned int)status);
	envelope = json_parse(word, len, "the daemon's word", err);
	if (!envelope)
		return -1;
	answer->data = take_part(envelope, "data");
	answer->error = take_part(envelope, "error");
	if (!answer->data && !answer->error)
		return err_set(err, ERR_INTERNAL_ERROR, "the daemon's word says nothing");
	return 0;
}

static int wait_for_word(int word_fd, int errno_fd, pid_t child, const char *daemon,
			 struct answer *answer, struct err *err)
{
	static char word[WORD_MAX];
	size_t len = 0;
	int error = 0, status = 0;
	ssize_t n;

	if (sys_read_all(errno_fd, &error, sizeof(error)) == sizeof(error)) {
		waitpid(child, NULL, 0);
		return fail_exec(error, daemon, err);
	}
	/* One line; the daemon goes on with its end of the pipe closed. */
	while (len < sizeof(word) && (len == 0 || word[len - 1] != '\n')) {
		n = read(word_fd, word + len, sizeof(word) - len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		len += (size_t)n;
	}
	waitpid(child, &status, 0);
	return take_word(word, len, status, answer, err);
}

static int mount_background(struct mount_options *mount_options, const char *daemon,
			    struct answer *answer, struct err *err)
{
	_cleanup_close_ int word_in = -1, word_out = -1, errno_in = -1, errno_out = -1;
	int fds[2];
	pid_t child;

	if (pipe2(fds, O_CLOEXEC) < 0)
		return err_set_errno(err, ERR_INTERNAL_ERROR, errno, "pipe");
	word_in = fds[0];
	word_out = fds[1];
	if (pipe2(fds, O_CLOEXEC) < 0)
		return err_set_errno(err, ERR_INTERNAL_ERROR, errno, "pipe");
	errno_in = fds[0];
	errno_out = fds[1];
	mount_options->ready_fd = word_out;
	child = fork();
	if (child < 0)
		return err_set_errno(err, ERR_INTERNAL_ERROR, errno, "fork");
	if (child == 0)
		exec_daemon(mount_options, daemon, errno_out);
	close(TAKE_FD(word_out));
	close(TAKE_FD(errno_out));
	return wait_for_word(word_in, errno_in, child, daemon, answer, err);
}

static int mount_act(struct call *call, struct answer *answer, struct err *err)
{
	_cleanup_free_ char *daemon = find_daemon();
	struct mount_options mount_options;
	int r;

	if (!daemon)
		return err_set(err, ERR_INTERNAL_ERROR, "out of memory");
	r = read_options(call, &mount_options, err);
	if (r == 0 && mount_options.foreground)
		r = mount_foreground(call, &mount_options, daemon, err);
	else if (r == 0)
		r = mount_background(&mount_options, daemon, answer, err);
	mount_options_release(&mount_options);
	return r;
}

static const char *text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "";
}

/* mounted /run/sessionfs (store /var/lib/sessionfs, shares /tmp, /srv/cache) */
static void mount_show(const struct call *call, const struct answer *answer)
{
	const json_t *data = answer->data;
	const json_t *shares = json_object_get(data, "shares");
	(void)call;

	fputs(json_is_true(json_object_get(data, "noop")) ? "already mounted " : "mounted ",
	      stdout);
	text_put(stdout, text_of(data, "mountpoint"));
	fputs(" (store ", stdout);
	text_put(stdout, text_of(data, "store"));
	fputs(json_array_size(shares) == 1 ? ", share " : ", shares ", stdout);
	for (size_t i = 0; i < json_array_size(shares); i++) {
		fputs(i ? ", " : "", stdout);
		text_put(stdout, text_of(json_array_get(shares, i), "path"));
	}
	fputs(")\n", stdout);
}

const struct verb verb_mount = {
	.name = "mount",
	.summary = "Mount the file system and start its daemon",
	.usage = "[MOUNTPOINT]",
	.description =
		"Returns when the mount answers. MOUNTPOINT (default /run/sessionfs) is made where it\n"
		"is missing; a dead FUSE mount there is cleared away. An equal mount that already\n"
		"stands is success. Needs CAP_SYS_ADMIN.\n"
		"\n"
		"Without --config, /etc/sessionfs/config.json and /etc/sessionfs/config.d/*.json are\n"
		"read; options win. MODE is overlay, empty or direct. GLOBs are added to the defaults,\n"
		"\"!GLOB\" excludes. A comma in a path or glob is written \"\\,\".",
	.options = options,
	.examples = examples,
	.max_operands = 1,
	.danger = VERB_MUTATING,
	.exits = EXITS(PRECONDITION) | EXITS(NOT_FOUND) | EXITS(PERMISSION) | EXITS(UNAVAILABLE),
	.act = mount_act,
	.show = mount_show,
};
