/* SPDX-License-Identifier: MIT */
#include "supervisor/oom.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/sys.h"

#define OOM_FILE "/proc/self/oom_score_adj"

/* Written once before the first fork; "" where it could not be read. */
static char inherited[16];

static void oom_write(const char *text)
{
	_cleanup_close_ int fd = open(OOM_FILE, O_WRONLY | O_CLOEXEC);

	if (fd >= 0)
		sys_write_all(fd, text, strlen(text));
}

void oom_protect(void)
{
	_cleanup_free_ char *text = NULL;

	if (sys_read_file(AT_FDCWD, OOM_FILE, sizeof(inherited) - 1, &text) > 0)
		strncpy(inherited, text, sizeof(inherited) - 1);
	oom_write("-1000");
}

void oom_restore(void)
{
	if (inherited[0])
		oom_write(inherited);
}
