/* SPDX-License-Identifier: MIT */
/*
 * What a caller is about to do with a name that it looked up.
 *
 * Where a lock's file is there, the kernel asks for the name only and answers the acquiring call
 * by itself (EEXIST, measured), so the call is read from /proc/<tid>/syscall.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/proc.h"
#include "lock/lock.h"

enum caller_intent {
	CALLER_PROBES,   /* looks, opens, or cannot be told */
	CALLER_ACQUIRES, /* would have taken the name with `idiom` */
	CALLER_REMOVES,  /* unlinks it, or renames it away or over */
};

struct caller_call {
	enum caller_intent intent;
	enum lock_idiom idiom; /* CALLER_ACQUIRES */
	uint64_t taken;        /* address of the path that is acquired, 0: none */
	uint64_t removed;      /* address of the path that is removed, 0: none */
};

/*
 * What the call means for the names in its arguments. how_flags: the flags in the struct open_how
 * of openat2, which is in the caller's memory. Pure.
 *
 * Numbers are those of our own ABI. A 32-bit caller's number names another call: at worst its
 * readlink is taken for creat without O_EXCL (a probe), and its symlink for mkdir (a denial too).
 */
struct caller_call caller_classify(const struct proc_syscall *call, uint64_t how_flags);

/*
 * Whether thread `tid`, which looked up a name whose last component is `name`, acquires, removes
 * or probes that name: a call may have two paths, and look up components on its way. The idiom is
 * set with CALLER_ACQUIRES. Reads /proc and the caller's memory; where that is denied, the call's
 * kind alone decides.
 */
enum caller_intent caller_intent(pid_t tid, const char *name, enum lock_idiom *ret_idiom);
