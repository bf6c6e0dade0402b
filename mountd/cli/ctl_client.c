/* SPDX-License-Identifier: MIT */
#include "cli/ctl_client.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/vfs.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/config.h"
#include "base/probe.h"
#include "base/sys.h"

#define ANSWER_PIECE (64u << 10)

static int fail_unmounted(const char *mountpoint, struct err *err)
{
	_cleanup_buf_ struct buf command = {0};

	buf_add_str(&command, "Mount it: sessionfs mount");
	if (strcmp(mountpoint, CONFIG_DEFAULT_MOUNTPOINT) != 0) {
		buf_add_str(&command, " ");
		buf_add_shell_quoted(&command, mountpoint);
	}
	err_set(err, ERR_UNAVAILABLE, "no sessionfs is mounted at %s", mountpoint);
	return err_suggest(err, "%s", command.data);
}

static int fail_dead(const char *mountpoint, struct err *err)
{
	_cleanup_buf_ struct buf quoted = {0};

	buf_add_shell_quoted(&quoted, mountpoint);
	err_set(err, ERR_UNAVAILABLE, "the sessionfs at %s does not answer: its daemon is gone",
		mountpoint);
	return err_suggest(err, "Mount it anew: sessionfs mount %s",
			   quoted.data ? quoted.data : "");
}

static int fail_mute(const char *mountpoint, struct err *err)
{
	_cleanup_buf_ struct buf quoted = {0};

	buf_add_shell_quoted(&quoted, mountpoint);
	err_set(err, ERR_UNAVAILABLE, "the sessionfs at %s does not answer", mountpoint);
	return err_suggest(err,
			   "Its daemon hangs or is stopped; end it: sessionfs umount --force %s",
			   quoted.data ? quoted.data : "");
}

static int fail_open(const char *mountpoint, int errno_value, struct err *err)
{
	switch (errno_value) {
	case ENOENT:
	case ENOTDIR:
		return fail_unmounted(mountpoint, err);
	case ENOTCONN:
	case ECONNABORTED:
		return fail_dead(mountpoint, err);
	case EACCES:
	case EPERM:
		return err_set_errno(err, ERR_PERMISSION_DENIED, errno_value, "cannot open %s/ctl",
				     mountpoint);
	default:
		return err_set_errno(err, ERR_UNAVAILABLE, errno_value, "cannot open %s/ctl",
				     mountpoint);
	}
}

int ctl_open(const char *mountpoint, struct err *err)
{
	_cleanup_buf_ struct buf path = {0};
	_cleanup_close_ int fd = -1;
	struct statfs fs;

	buf_add_format(&path, "%s/ctl", mountpoint);
	if (buf_failed(&path))
		return err_set(err, ERR_INTERNAL_ERROR, "out of memory");
	fd = open(path.data, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY);
	if (fd < 0)
		return fail_open(mountpoint, errno, err);
	if (fstatfs(fd, &fs) < 0 || fs.f_type != FUSE_SUPER_MAGIC)
		return fail_unmounted(mountpoint, err);
	return TAKE_FD(fd);
}

int ctl_check(const char *mountpoint, struct err *err)
{
	switch (probe_statfs(mountpoint, CTL_ANSWER_MS)) {
	case -ETIMEDOUT:
		return fail_mute(mountpoint, err);
	case -ENOTCONN:
	case -ECONNABORTED:
		return fail_dead(mountpoint, err);
	default:
		return 0;
	}
}

json_t *ctl_request(const char *op)
{
	json_t *request = json_object();

	json_object_set_new(request, "op", json_string(op));
	return request;
}

/* As often a worker may be killed while it has our request. */
#define ASK_AGAIN_MAX 8
#define ASK_LOST 1

/*
 * A worker that is killed takes the requests that it has with it: its successor has nothing to
 * answer, and the read gives end of file. Whether the request was run cannot be told; these may be
 * run twice.
 */
static bool is_repeatable(const json_t *request)
{
	static const char *const ops[] = {"status",       "sessions", "session.show",
					  "session.diff", "whoami",   "locks",
					  "lock.wait",    "events",   "run.finish",
					  "umount.check"};
	const char *op = json_string_value(json_object_get(request, "op"));

	for (size_t i = 0; op && i < ARRAY_SIZE(ops); i++)
		if (strcmp(op, ops[i]) == 0)
			return true;
	return false;
}

/* Takes the time that has gone by from a request that has a limit. */
static void spend_time(json_t *request, uint64_t started_ns)
{
	json_t *timeout = json_object_get(request, "timeout_ms");
	json_int_t gone_ms = (json_int_t)((clock_boot_ns() - started_ns) / NSEC_PER_MSEC);
	json_int_t left_ms = json_integer_value(timeout) - gone_ms;

	if (timeout)
		json_object_set_new(request, "timeout_ms", json_integer(left_ms > 0 ? left_ms : 0));
}

/* Returns 0, ASK_LOST, or -1 with err. */
static int read_answer(int fd, struct buf *text, struct err *err)
{
	static char piece[ANSWER_PIECE];

	for (;;) {
		ssize_t n = read(fd, piece, sizeof(piece));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_set_errno(err, ERR_UNAVAILABLE, errno,
					     "the sessionfs daemon did not answer");
		if (n == 0)
			break;
		buf_add(text, piece, (size_t)n);
	}
	if (buf_failed(text))
		return err_set(err, ERR_INTERNAL_ERROR, "out of memory");
	/* Each answer is a line. */
	return text->len && text->data[text->len - 1] == '\n' ? 0 : ASK_LOST;
}

/* Returns 0 with the answer in ret_text, ASK_LOST, or -1 with err. */
static int ask_once(int fd, const json_t *request, struct buf *ret_text, struct err *err)
{
	_cleanup_buf_ struct buf text = {0};
	int r;

	json_render_line(request, &text);
	if (!request || buf_failed(&text))
		return err_set(err, ERR_INTERNAL_ERROR, "out of memory");
	r = sys_write_all(fd, text.data, text.len);
	if (r < 0)
		return err_set_errno(err, ERR_UNAVAILABLE, -r,
				     "the sessionfs daemon took no request");
	buf_release(ret_text);
	*ret_text = (struct buf){0};
	return read_answer(fd, ret_text, err);
}

static json_t *take_part(json_t *envelope, const char *key)
{
	json_t *part = json_object_get(envelope, key);

	return part && !json_is_null(part) ? json_incref(part) : NULL;
}

/*
 * What the daemon warned of is added to what was warned of before: an answer may be used for
 * several requests.
 */
static void take_envelope(json_t *envelope, struct answer *answer)
{
	json_t *warnings = json_object_get(envelope, "warnings");

	json_decref(answer->data);
	json_decref(answer->error);
	json_decref(answer->meta);
	answer->data = take_part(envelope, "data");
	answer->error = take_part(envelope, "error");
	answer->meta = take_part(envelope, "meta");
	if (!answer->warnings)
		answer->warnings = json_array();
	if (json_is_array(warnings))
		json_array_extend(answer->warnings, warnings);
}

int ctl_ask_consume(int fd, json_t *request, struct answer *answer, struct err *err)
{
	_cleanup_json_ json_t *owned = request, *envelope = NULL;
	_cleanup_buf_ struct buf text = {0};
	uint64_t started_ns = clock_boot_ns();
	int r = ask_once(fd, owned, &text, err);

	for (int i = 0; r == ASK_LOST && i < ASK_AGAIN_MAX && is_repeatable(owned); i++) {
		spend_time(owned, started_ns);
		r = ask_once(fd, owned, &text, err);
	}
	if (r == ASK_LOST)
		err_set(err, ERR_UNAVAILABLE, "the sessionfs daemon gave an empty answer");
	if (r != 0)
		return -1;
	envelope = json_parse(text.data, text.len, "the daemon's answer", err);
	if (!envelope || !json_is_object(envelope)) {
		err->code = ERR_INTERNAL_ERROR;
		return -1;
	}
	take_envelope(envelope, answer);
	if (!answer->error && !json_is_true(json_object_get(envelope, "ok")))
		return err_set(err, ERR_INTERNAL_ERROR,
			       "the sessionfs daemon refused without saying why");
	return 0;
}

int ctl_call_consume(const struct call *call, json_t *request, struct answer *answer,
		     struct err *err)
{
	_cleanup_json_ json_t *owned = request;
	_cleanup_close_ int fd = ctl_check(call->mountpoint, err);

	if (fd == 0)
		fd = ctl_open(call->mountpoint, err);
	if (fd < 0)
		return -1;
	return ctl_ask_consume(fd, TAKE_PTR(owned), answer, err);
}
