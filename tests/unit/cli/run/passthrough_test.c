/* SPDX-License-Identifier: MIT */
#include "cli/run/passthrough.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "cli/run/views.h"

static void names(const char *entry, const char *expected)
{
	_cleanup_free_ char *path = passthrough_socket_of(entry);

	if (!expected)
		cr_assert_null(path, "%s", entry);
	else
		cr_assert_str_eq(path, expected, "%s", entry);
}

Test(passthrough, variables_that_name_sockets)
{
	names("SSH_AUTH_SOCK=/tmp/ssh-x/agent.1", "/tmp/ssh-x/agent.1");
	names("TMUX=/tmp/tmux-0/default,1234,0", "/tmp/tmux-0/default");
	names("MY_TOOL_SOCK=/tmp/my.sock", "/tmp/my.sock");
}

Test(passthrough, variables_that_do_not)
{
	names("TMUX_PANE=%1", NULL);
	names("_SOCK=/tmp/x", NULL);
	names("SOCK=/tmp/x", NULL);
	names("SSH_AUTH_SOCKET=/tmp/x", NULL);
	names("SSH_AUTH_SOCK=relative", NULL);
	names("SSH_AUTH_SOCK=", NULL);
	names("SSH_AUTH_SOCK", NULL);
}

Test(views, the_innermost_share_is_the_one)
{
	json_t *shares = json_pack("[{s:s}, {s:s}, {s:s}]", "path", "/tmp", "path", "/tmp/cache",
				   "path", "/srv");

	cr_assert_str_eq(views_share_of(shares, "/tmp/cache/x"), "/tmp/cache");
	cr_assert_str_eq(views_share_of(shares, "/tmp/cachex"), "/tmp");
	cr_assert_str_eq(views_share_of(shares, "/srv"), "/srv");
	cr_assert_null(views_share_of(shares, "/srvx"));
	cr_assert_null(views_share_of(shares, "/"));
	json_decref(shares);
}
