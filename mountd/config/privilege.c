/* SPDX-License-Identifier: MIT */
#include "config/privilege.h"

#include <linux/capability.h>
#include <sys/syscall.h>
#include <unistd.h>

int privilege_check(const char *verb, struct err *err)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];

	if (syscall(SYS_capget, &header, data) == 0 &&
	    (data[CAP_TO_INDEX(CAP_SYS_ADMIN)].effective & CAP_TO_MASK(CAP_SYS_ADMIN)))
		return 0;
	err_set(err, ERR_PERMISSION_DENIED, "%s needs CAP_SYS_ADMIN", verb);
	return err_suggest(err, "Run it as root: sudo sessionfs %s", verb);
}
