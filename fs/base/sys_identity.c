/* SPDX-License-Identifier: MIT */
#include "base/sys.h"

#include <errno.h>
#include <linux/capability.h>
#include <sys/fsuid.h>
#include <sys/syscall.h>
#include <unistd.h>

#define CAP_BIT(cap) (1ULL << (cap))
#define WRITE_CAPS (CAP_BIT(CAP_FSETID) | CAP_BIT(CAP_SYS_RESOURCE))
/* Those that override what a file's owner, mode, ACL and directory allow. */
#define FILE_CAPS                                                                                  \
	(CAP_BIT(CAP_CHOWN) | CAP_BIT(CAP_DAC_OVERRIDE) | CAP_BIT(CAP_DAC_READ_SEARCH) |           \
	 CAP_BIT(CAP_FOWNER) | CAP_BIT(CAP_LINUX_IMMUTABLE) | WRITE_CAPS)
#define ID_KEEP ((uid_t)-1) /* set*id changes nothing and tells the present one */

/*
 * What the calling thread is, so that nothing needs to be asked of the kernel at each switch. No
 * other code changes these of a thread.
 */
struct identity {
	bool known;
	uid_t own_uid, fsuid, proven_uid;
	gid_t own_gid, fsgid, proven_gid;
	uint64_t permitted, inheritable;
	uint64_t own_effective; /* as it was at first */
	uint64_t effective;     /* as it is between our calls: the same, or less WRITE_CAPS */
};

static _Thread_local struct identity self;

/* glibc has no wrapper; libcap would work on the whole process under its psx wrappers. */
static int capabilities_get(struct identity *identity)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2];

	if (syscall(SYS_capget, &header, data))
		return -errno;
	identity->permitted = data[0].permitted | (uint64_t)data[1].permitted << 32;
	identity->inheritable = data[0].inheritable | (uint64_t)data[1].inheritable << 32;
	identity->effective = data[0].effective | (uint64_t)data[1].effective << 32;
	return 0;
}

static int capabilities_set(const struct identity *identity, uint64_t effective)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2] = {
		{.effective = (uint32_t)effective,
		 .permitted = (uint32_t)identity->permitted,
		 .inheritable = (uint32_t)identity->inheritable},
		{.effective = (uint32_t)(effective >> 32),
		 .permitted = (uint32_t)(identity->permitted >> 32),
		 .inheritable = (uint32_t)(identity->inheritable >> 32)},
	};
	int r = sys_fault("capset");

	if (r)
		return r;
	return syscall(SYS_capset, &header, data) ? -errno : 0;
}

static int identity_learn(void)
{
	int r;

	if (self.known)
		return 0;
	r = capabilities_get(&self);
	if (r)
		return r;
	self.own_effective = self.effective;
	self.own_uid = self.proven_uid = self.fsuid = (uid_t)setfsuid(ID_KEEP);
	self.own_gid = self.proven_gid = self.fsgid = (gid_t)setfsgid(ID_KEEP);
	self.known = true;
	return 0;
}

/*
 * The calls return the previous identity and never an error. Whether a switch worked (it does not
 * to an id that our user namespace lacks) is asked once per id, not each time.
 */
static int group_switch(gid_t gid)
{
	if (gid == self.fsgid)
		return 0;
	setfsgid(gid);
	if (gid != self.proven_gid && gid != self.own_gid) {
		if ((gid_t)setfsgid(ID_KEEP) != gid)
			return -EPERM;
		self.proven_gid = gid;
	}
	self.fsgid = gid;
	return 0;
}

static int user_switch(uid_t uid)
{
	if (uid == self.fsuid)
		return 0;
	setfsuid(uid);
	if (uid != self.proven_uid && uid != self.own_uid) {
		if ((uid_t)setfsuid(ID_KEEP) != uid)
			return -EPERM;
		self.proven_uid = uid;
	}
	self.fsuid = uid;
	return 0;
}

/*
 * The kernel takes the file capabilities from the effective set when fsuid leaves 0, and adds those
 * that are permitted when it comes back to 0 (capabilities(7)); both are put right here.
 */
static int identity_switch(uid_t uid, gid_t gid)
{
	bool crossed = (uid == 0) != (self.fsuid == 0);
	int r = group_switch(gid);

	if (!r)
		r = user_switch(uid);
	if (!r && crossed && (uid != 0 || self.effective != self.permitted))
		r = capabilities_set(&self, self.effective);
	return r;
}

int sys_as_root(void)
{
	int r = identity_learn();

	if (r || (self.fsuid == self.own_uid && self.fsgid == self.own_gid))
		return r;
	return identity_switch(self.own_uid, self.own_gid);
}

int sys_as_user(uid_t uid, gid_t gid)
{
	int r = identity_learn();

	if (r || (uid == self.fsuid && gid == self.fsgid))
		return r;
	if (uid == ID_KEEP || gid == (gid_t)ID_KEEP)
		return -EINVAL;
	r = sys_fault("setfsuid");
	if (r)
		return r;
	r = identity_switch(uid, gid);
	if (r)
		identity_switch(self.own_uid, self.own_gid);
	return r;
}

static int effective_change(uint64_t effective)
{
	int r = 0;

	if (effective != self.effective)
		r = capabilities_set(&self, effective);
	if (!r)
		self.effective = effective;
	return r;
}

int sys_drop_write_caps(void)
{
	int r = identity_learn();

	return r ? r : effective_change(self.own_effective & ~WRITE_CAPS);
}

int sys_drop_file_caps(void)
{
	int r = identity_learn();

	return r ? r : effective_change(self.own_effective & ~FILE_CAPS);
}

int sys_restore_caps(void)
{
	int r = identity_learn();

	return r ? r : effective_change(self.own_effective);
}
