/* SPDX-License-Identifier: MIT */
#include "cli/run/descendants.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

Test(descendants, grandchildren_count_and_strangers_do_not)
{
	static const struct descendants_link links[] = {
		{1, 0}, {20, 12}, {10, 1}, {11, 10}, {12, 10}, {30, 1}, {21, 20},
	};
	size_t found[7], n = descendants_of(10, links, 7, found);
	bool is[7] = {0};

	cr_assert_eq(n, 4);
	for (size_t i = 0; i < n; i++)
		is[found[i]] = true;
	cr_assert(is[1] && is[3] && is[4] && is[6]);
}

Test(descendants, a_process_is_not_its_own)
{
	static const struct descendants_link links[] = {{5, 5}, {6, 7}, {7, 6}};
	size_t found[3];

	cr_assert_eq(descendants_of(5, links, 3, found), 0);
	cr_assert_leq(descendants_of(7, links, 3, found), 3);
}

/* A tree of three: the root, its child, and a grandchild that left it by a double fork. */
Test(descendants, a_daemon_of_a_subreaper_is_reached, .timeout = 20)
{
	int ready[2];
	pid_t root;
	char byte;

	cr_assert_eq(pipe(ready), 0);
	root = fork();
	if (root == 0) {
		prctl(PR_SET_CHILD_SUBREAPER, 1);
		if (fork() == 0) {
			if (fork() == 0) {
				setsid();
				(void)!write(ready[1], "x", 1);
				pause();
			}
			_exit(0);
		}
		while (wait(NULL) > 0)
			;
		_exit(7);
	}
	cr_assert_eq(read(ready[0], &byte, 1), 1);
	cr_assert_geq(descendants_signal(root, SIGKILL), 1);
	int status;

	/* The root lives, and ends only because nobody is left below it. */
	cr_assert_eq(waitpid(root, &status, 0), root);
	cr_assert(WIFEXITED(status));
	cr_assert_eq(WEXITSTATUS(status), 7);
	cr_assert_eq(descendants_signal(root, 0), 0);
}
