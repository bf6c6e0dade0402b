/* SPDX-License-Identifier: MIT */
#include "lock/caller.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/fs.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#include "base/cleanup.h"
#include "base/path.h"

enum call_kind { CALL_OPEN, CALL_OPENAT2, CALL_MAKE, CALL_REMOVE, CALL_RENAME };

/* Indices of arguments; -1: there is none. */
struct call_shape {
	long nr;
	enum call_kind kind;
	enum lock_idiom idiom;
	int path;  /* CALL_RENAME: the new name */
	int flags; /* CALL_OPEN, CALL_RENAME, CALL_OPENAT2 (address of the how) */
	int old_path;
};

#define MAKE(nr, idiom, path)                                                                      \
	{                                                                                          \
		nr, CALL_MAKE, LOCK_IDIOM_##idiom, path, -1, -1                                    \
	}
#define REMOVE(nr, path)                                                                           \
	{                                                                                          \
		nr, CALL_REMOVE, LOCK_IDIOM_NONE, path, -1, -1                                     \
	}

static const struct call_shape call_shapes[] = {
	{SYS_openat, CALL_OPEN, LOCK_IDIOM_CREATE, 1, 2, -1},
#ifdef SYS_openat2
	{SYS_openat2, CALL_OPENAT2, LOCK_IDIOM_CREATE, 1, 2, -1},
#endif
	MAKE(SYS_mkdirat, MKDIR, 1),
	MAKE(SYS_mknodat, CREATE, 1),
	MAKE(SYS_linkat, LINK, 3),
	MAKE(SYS_symlinkat, SYMLINK, 2),
	REMOVE(SYS_unlinkat, 1),
#ifdef SYS_renameat
	{SYS_renameat, CALL_RENAME, LOCK_IDIOM_RENAME, 3, -1, 1},
#endif
	{SYS_renameat2, CALL_RENAME, LOCK_IDIOM_RENAME, 3, 4, 1},
/* Calls that older architectures (x86_64) have besides. */
#ifdef SYS_open
	{SYS_open, CALL_OPEN, LOCK_IDIOM_CREATE, 0, 1, -1},
#endif
#ifdef SYS_mkdir
	MAKE(SYS_mkdir, MKDIR, 0),
#endif
#ifdef SYS_mknod
	MAKE(SYS_mknod, CREATE, 0),
#endif
#ifdef SYS_link
	MAKE(SYS_link, LINK, 1),
#endif
#ifdef SYS_symlink
	MAKE(SYS_symlink, SYMLINK, 1),
#endif
#ifdef SYS_unlink
	REMOVE(SYS_unlink, 0),
#endif
#ifdef SYS_rmdir
	REMOVE(SYS_rmdir, 0),
#endif
#ifdef SYS_rename
	{SYS_rename, CALL_RENAME, LOCK_IDIOM_RENAME, 1, -1, 0},
#endif
};

static struct caller_call classify_open(const struct call_shape *shape, uint64_t path,
					uint64_t flags)
{
	const uint64_t exclusive = O_CREAT | O_EXCL;

	if ((flags & exclusive) != exclusive)
		return (struct caller_call){.intent = CALLER_PROBES};
	return (struct caller_call){
		.intent = CALLER_ACQUIRES, .idiom = shape->idiom, .taken = path};
}

static struct caller_call classify_rename(const struct call_shape *shape, uint64_t old_path,
					  uint64_t new_path, uint64_t flags)
{
	if (!(flags & RENAME_NOREPLACE)) {
		/* Either name ceases to be what it was: the caller is a remover of both. */
		return (struct caller_call){.intent = CALLER_REMOVES};
	}
	return (struct caller_call){.intent = CALLER_ACQUIRES,
				    .idiom = shape->idiom,
				    .taken = new_path,
				    .removed = old_path};
}

struct caller_call caller_classify(const struct proc_syscall *call, uint64_t how_flags)
{
	const struct call_shape *shape = NULL;
	uint64_t path;

	for (size_t i = 0; i < ARRAY_SIZE(call_shapes) && !shape; i++)
		if (call_shapes[i].nr == call->nr)
			shape = &call_shapes[i];
	if (!shape)
		return (struct caller_call){.intent = CALLER_PROBES};
	path = call->args[shape->path];
	switch (shape->kind) {
	case CALL_OPEN:
		return classify_open(shape, path, call->args[shape->flags]);
	case CALL_OPENAT2:
		return classify_open(shape, path, how_flags);
	case CALL_MAKE:
		return (struct caller_call){
			.intent = CALLER_ACQUIRES, .idiom = shape->idiom, .taken = path};
	case CALL_REMOVE:
		return (struct caller_call){.intent = CALLER_REMOVES, .removed = path};
	case CALL_RENAME:
		return classify_rename(shape, call->args[shape->old_path], path,
				       shape->flags < 0 ? 0 : call->args[shape->flags]);
	}
	return (struct caller_call){.intent = CALLER_PROBES};
}

/* Reads what is mapped, page by page: a path may end just before a hole. Returns bytes. */
static size_t read_memory(pid_t tid, uint64_t address, void *ret, size_t size)
{
	size_t done = 0;

	while (done < size) {
		size_t piece = 4096 - (address + done) % 4096;
		struct iovec local, remote;
		ssize_t n;

		if (piece > size - done)
			piece = size - done;
		local = (struct iovec){(char *)ret + done, piece};
		remote = (struct iovec){(void *)(uintptr_t)(address + done), piece};
		n = process_vm_readv(tid, &local, 1, &remote, 1, 0);
		if (n <= 0)
			break;
		if (memchr((char *)ret + done, '\0', (size_t)n))
			return done + (size_t)n;
		done += (size_t)n;
	}
	return done;
}

/* openat2's flags are binary: read them in one piece. */
static uint64_t read_how_flags(pid_t tid, const struct proc_syscall *call)
{
	uint64_t flags = 0;
#ifdef SYS_openat2
	struct iovec local = {&flags, sizeof(flags)};
	struct iovec remote = {(void *)(uintptr_t)call->args[2], sizeof(flags)};

	if (call->nr == SYS_openat2 &&
	    process_vm_readv(tid, &local, 1, &remote, 1, 0) != (ssize_t)sizeof(flags))
		flags = 0;
#else
	(void)tid;
	(void)call;
#endif
	return flags;
}

/* Whether the path at `address` ends in `name`; true where it cannot be read. */
static bool path_ends_in(pid_t tid, uint64_t address, const char *name)
{
	char path[PATH_MAX + 1];
	size_t len = read_memory(tid, address, path, PATH_MAX);

	if (len == 0)
		return true;
	path[len] = '\0';
	len = strlen(path);
	while (len > 1 && path[len - 1] == '/') /* mkdir("lock/") */
		path[--len] = '\0';
	return strcmp(path_base(path), name) == 0;
}

enum caller_intent caller_intent(pid_t tid, const char *name, enum lock_idiom *ret_idiom)
{
	struct proc_syscall call;
	struct caller_call means;

	if (tid <= 0 || proc_syscall_read(tid, &call) < 0)
		return CALLER_PROBES;
	means = caller_classify(&call, read_how_flags(tid, &call));
	if (means.intent == CALLER_ACQUIRES) {
		if (path_ends_in(tid, means.taken, name)) {
			*ret_idiom = means.idiom;
			return CALLER_ACQUIRES;
		}
		return means.removed && path_ends_in(tid, means.removed, name) ? CALLER_REMOVES
									       : CALLER_PROBES;
	}
	if (means.intent == CALLER_REMOVES && means.removed &&
	    !path_ends_in(tid, means.removed, name))
		return CALLER_PROBES;
	return means.intent;
}
