/* SPDX-License-Identifier: MIT */
/*
 * The player of the conformance cases.
 *
 *	conform list FILE.cases...			their names
 *	conform make DIR WHO ORIGIN FILE.cases...	the fixtures, in DIR/WHO.ORIGIN/CASE
 *	conform play DIR WHO ORIGIN FILE.cases...	plays them there; transcripts to stdout
 *
 * WHO: root, user, or group (the user with a supplementary group). ORIGIN: where the objects come
 * from: "lower": made beforehand. "copied": so too, and copied up by play. "upper": made by play.
 * CONFORM_ONLY: a glob of the names of the cases to take.
 *
 * A transcript is "== NAME", a line "CALL = RESULT" for each line of the case, and a line "~ ..."
 * for each object that there is afterwards. A case that hangs ends the program.
 */
#include <fcntl.h>
#include <fnmatch.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "dump.h"
#include "fixture.h"
#include "helper.h"
#include "table.h"
#include "world.h"

/* In seconds, on the slowest machine. */
#define CASE_TIMEOUT 20

struct stage {
	struct table table;
	char dir[PATH_MAX]; /* of this person and origin */
	const struct person *who;
	enum origin origin;
};

/* The directory of a case: its name with ":" for "/". */
static void path_of(const struct stage *stage, const struct conform_case *c, char path[PATH_MAX])
{
	size_t n = strlen(stage->dir) + 1;

	if (snprintf(path, PATH_MAX, "%s/%s", stage->dir, c->name) >= PATH_MAX)
		broken("too long a path: %s", c->name);
	for (char *slash = path + n; (slash = strchr(slash, '/'));)
		*slash = ':';
}

static bool wanted(const struct stage *stage, const struct conform_case *c)
{
	const char *only = getenv("CONFORM_ONLY");

	if (only && fnmatch(only, c->name, 0) != 0)
		return false;
	return (c->who & 1u << (stage->who - persons)) && (c->origin & 1u << stage->origin);
}

static void enter(const struct stage *stage, const struct conform_case *c, bool make,
		  struct world *world, char path[PATH_MAX])
{
	path_of(stage, c, path);
	if (make && (mkdir(path, 0755) || chown(path, stage->who->uid, stage->who->gid)))
		broken("%s: %m", path);
	if (chdir(path))
		broken("%s: %m", path);
	world_init(world, stage->who, path);
}

static void make_all(const struct stage *stage)
{
	struct world world;
	char path[PATH_MAX];

	if (mkdir(stage->dir, 0755))
		broken("%s: %m", stage->dir);
	for (size_t i = 0; i < stage->table.n; i++) {
		const struct conform_case *c = &stage->table.cases[i];

		if (!wanted(stage, c))
			continue;
		enter(stage, c, true, &world, path);
		fixture_make(&world, c);
	}
}

static void act(struct world *world, const struct conform_case *c)
{
	umask(022);
	for (size_t i = 0; i < c->n_lines; i++) {
		if (!helper_do(world, c->line[i]))
			world_do(world, c->line[i]);
		printf("%s = %s\n", c->line[i], world->said);
	}
	umask(022);
}

/* A case that leaves more behind than descriptors is played by a process of its own. */
static bool needs_own_process(const struct conform_case *c)
{
	static const char *const verbs[] = {"limit ", "drop ", "start "};

	for (size_t i = 0; i < c->n_lines; i++)
		for (size_t k = 0; k < sizeof(verbs) / sizeof(*verbs); k++)
			if (strncmp(c->line[i], verbs[k], strlen(verbs[k])) == 0)
				return true;
	return helpers_named(c);
}

/* What it says comes through a pipe, which no limit on files cuts. */
static void act_in_child(struct world *world, const struct conform_case *c)
{
	char text[4096];
	int status, ends[2];
	ssize_t n;
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC) || (pid = fork()) < 0)
		broken("pipe, fork: %m");
	if (pid == 0) {
		dup2(ends[1], STDOUT_FILENO);
		close(ends[0]);
		close(ends[1]);
		helpers_start(world, c);
		person_become(world->me);
		alarm(CASE_TIMEOUT);
		act(world, c);
		fflush(stdout);
		_exit(0);
	}
	close(ends[1]);
	while ((n = read(ends[0], text, sizeof(text))) > 0)
		fwrite(text, 1, (size_t)n, stdout);
	close(ends[0]);
	if (waitpid(pid, &status, 0) != pid || status)
		broken("%s: status %x", c->name, status);
}

static void play(const struct stage *stage, const struct conform_case *c)
{
	struct world world;
	char path[PATH_MAX];

	alarm(2 * CASE_TIMEOUT);
	enter(stage, c, stage->origin == ORIGIN_UPPER, &world, path);
	if (stage->origin == ORIGIN_UPPER)
		fixture_make(&world, c);
	if (stage->origin == ORIGIN_COPIED)
		fixture_copy_up(&world, c);
	printf("== %s\n", c->name);
	/* Where a case hangs, or kills us, the transcript ends with its name. */
	fflush(stdout);
	if (needs_own_process(c)) {
		act_in_child(&world, c);
	} else {
		person_act_as(stage->who);
		act(&world, c);
		world_release(&world);
		person_act_as(&persons[PERSON_ROOT]);
	}
	if (chdir(path))
		broken("%s: %m", path);
	dump_tree(&world, stdout);
}

static void play_all(const struct stage *stage)
{
	if (stage->origin == ORIGIN_UPPER && mkdir(stage->dir, 0755))
		broken("%s: %m", stage->dir);
	for (size_t i = 0; i < stage->table.n; i++)
		if (wanted(stage, &stage->table.cases[i]))
			play(stage, &stage->table.cases[i]);
	fflush(stdout);
}

static void stage_init(struct stage *stage, char **arg)
{
	stage->who = person_find(arg[1]);
	if (!stage->who)
		broken("nobody is called %s", arg[1]);
	while (stage->origin < N_ORIGINS && strcmp(origin_names[stage->origin], arg[2]) != 0)
		stage->origin++;
	if (stage->origin == N_ORIGINS)
		broken("no such origin: %s", arg[2]);
	snprintf(stage->dir, sizeof(stage->dir), "%s/%s.%s", arg[0], arg[1], arg[2]);
}

/* As the programs that cases execute: prints whom it runs as, or waits to be killed. */
static int as_program(char **arg)
{
	if (strcmp(arg[0], "wait") == 0)
		return pause();
	printf("uid %u euid %s egid %s\n", getuid(), geteuid() == getuid() ? "same" : "other",
	       getegid() == getgid() ? "same" : "other");
	return 0;
}

int main(int argc, char **argv)
{
	struct stage stage = {0};
	bool list = argc >= 3 && strcmp(argv[1], "list") == 0;

	if (argc == 2)
		return as_program(argv + 1);
	if (!list && argc < 6)
		broken("usage: conform list FILE... | make|play DIR WHO ORIGIN FILE...");
	for (int i = list ? 2 : 5; i < argc; i++)
		table_read(&stage.table, argv[i]);
	for (size_t i = 0; list && i < stage.table.n; i++)
		printf("%s\n", stage.table.cases[i].name);
	if (list)
		return 0;
	umask(022);
	stage_init(&stage, argv + 2);
	if (strcmp(argv[1], "make") == 0)
		make_all(&stage);
	else
		play_all(&stage);
	return 0;
}
