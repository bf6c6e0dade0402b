/* SPDX-License-Identifier: MIT */
/*
 * A view and a plain directory in step.
 *
 *	model populate DIR SEED			a tree to be the lower
 *	model run VIEW MODEL SEED OPS [OPTION]...	the same operations to both, compared after each
 *	model compare VIEW MODEL		the trees as they are
 *
 *	--no-mmap	no maps; for compare: there were none
 *	--trace		each operation to stderr
 *	--skip LIST	leaves operations out: "3,10-20" (tests/model/shrink finds out which)
 *	--kill PID	kills the worker of that supervisor before every 200th operation
 *	--every N	... before every Nth
 *
 * MODEL holds a copy of the lower (cp -a). Exits with 1 where the two differ, and says where.
 */
#include <err.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kill.h"
#include "op.h"
#include "populate.h"

/* Whole trees are compared every so many operations. */
#define TREE_EVERY 1000

static bool skipped(const char *ranges, uint64_t number)
{
	while (ranges && *ranges) {
		char *end;
		uint64_t first = strtoull(ranges, &end, 10), last = first;

		if (*end == '-')
			last = strtoull(end + 1, &end, 10);
		if (number >= first && number <= last)
			return true;
		ranges = *end ? end + 1 : end;
	}
	return false;
}

static int run(struct world *world)
{
	const struct options *options = &world->options;

	for (uint64_t i = 1; i <= options->ops; i++) {
		world->number = i;
		random_init(&world->random, options->seed, i);
		if (skipped(options->skip, i))
			continue;
		if (options->supervisor && i % options->kill_every == 0)
			kill_worker(world);
		op_run(world);
		if (i % TREE_EVERY == 0)
			verify_trees(world);
	}
	verify_trees(world);
	return 0;
}

static uint64_t number(const char *text)
{
	char *end;
	uint64_t value = strtoull(text, &end, 0);

	if (!*text || *end)
		errx(2, "no number: %s", text);
	return value;
}

static void parse(int argc, char **argv, struct options *options)
{
	static const struct option longs[] = {
		{"no-mmap", no_argument, NULL, 'm'},     {"trace", no_argument, NULL, 't'},
		{"skip", required_argument, NULL, 's'},  {"kill", required_argument, NULL, 'k'},
		{"every", required_argument, NULL, 'e'}, {0},
	};
	int option;

	options->kill_every = 200;
	while ((option = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		switch (option) {
		case 'm':
			options->no_mmap = true;
			break;
		case 't':
			options->trace = true;
			break;
		case 's':
			options->skip = optarg;
			break;
		case 'k':
			options->supervisor = (int)number(optarg);
			break;
		case 'e':
			options->kill_every = number(optarg);
			break;
		default:
			exit(2);
		}
	}
}

int main(int argc, char **argv)
{
	static struct world world;
	int r = 0;

	/* A FIFO whose readers are gone says so by its error. */
	signal(SIGPIPE, SIG_IGN);
	parse(argc, argv, &world.options);
	argc -= optind;
	argv += optind;
	if (argc == 3 && strcmp(argv[0], "populate") == 0) {
		populate(argv[1], number(argv[2]));
		return 0;
	}
	if (argc < 3 || world_open(&world, argv[1], argv[2]))
		return 2;
	if (argc == 5 && strcmp(argv[0], "run") == 0) {
		world.options.seed = number(argv[3]);
		world.options.ops = number(argv[4]);
		r = run(&world);
	} else if (argc == 3 && strcmp(argv[0], "compare") == 0) {
		verify_trees(&world);
	} else {
		errx(2, "see the head of main.c");
	}
	world_close(&world);
	return r;
}
