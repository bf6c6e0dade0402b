/* SPDX-License-Identifier: MIT */
/* Maps of files. A touch that the kernel answers by a signal says its name. */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "verbs.h"

static sigjmp_buf escape;
static volatile sig_atomic_t caught;

static void on_signal(int number)
{
	caught = number;
	siglongjmp(escape, 1);
}

static void guard(void)
{
	struct sigaction action = {.sa_handler = on_signal};

	sigaction(SIGBUS, &action, NULL);
	sigaction(SIGSEGV, &action, NULL);
}

static struct map *map_of(struct world *world, const char *slot)
{
	struct map *map = &world->map[word_slot(slot)];

	if (!map->at)
		broken("no map in slot %s", slot);
	return map;
}

/* mmap MAP FD SIZE PROT FLAGS [OFFSET]: PROT of r, w, x; FLAGS SHARED or PRIVATE */
static void do_mmap(struct world *world, char **arg)
{
	static const struct flag_name names[] = {
		{"SHARED", MAP_SHARED},
		{"PRIVATE", MAP_PRIVATE},
		{"VALIDATE", MAP_SHARED_VALIDATE},
		{"SYNC", MAP_SYNC},
		{NULL, 0},
	};
	struct map *map = &world->map[word_slot(arg[0])];
	size_t size = (size_t)word_number(arg[2]);
	int prot = PROT_NONE;
	void *at;

	for (const char *c = arg[3]; *c; c++)
		prot |= *c == 'r' ? PROT_READ : *c == 'w' ? PROT_WRITE : *c == 'x' ? PROT_EXEC : 0;
	at = mmap(NULL, size, prot, (int)word_flags(names, arg[4]), world->fd[word_slot(arg[1])],
		  arg[5] ? word_number(arg[5]) : 0);
	say_done(world, at == MAP_FAILED ? -1 : 0);
	if (at != MAP_FAILED)
		*map = (struct map){at, size};
}

static void say_signal(struct world *world)
{
	say(world, "%s", caught == SIGBUS ? "SIGBUS" : "SIGSEGV");
}

/* peek MAP AT SIZE */
static void do_peek(struct world *world, char **arg)
{
	struct map *map = map_of(world, arg[0]);
	char copy[256];
	size_t size = (size_t)word_number(arg[2]);

	guard();
	if (sigsetjmp(escape, 1)) {
		say_signal(world);
		return;
	}
	memcpy(copy, map->at + word_number(arg[1]), size < sizeof(copy) ? size : sizeof(copy));
	say_bytes(world, copy, size);
}

/* poke MAP AT TEXT */
static void do_poke(struct world *world, char **arg)
{
	struct map *map = map_of(world, arg[0]);

	guard();
	if (sigsetjmp(escape, 1)) {
		say_signal(world);
		return;
	}
	memcpy(map->at + word_number(arg[1]), arg[2], strlen(arg[2]));
	say(world, "ok");
}

/* msync MAP */
static void do_msync(struct world *world, char **arg)
{
	struct map *map = map_of(world, arg[0]);

	say_done(world, msync(map->at, map->size, MS_SYNC));
}

static void do_munmap(struct world *world, char **arg)
{
	struct map *map = map_of(world, arg[0]);

	say_done(world, munmap(map->at, map->size));
	map->at = NULL;
}

/* mprotect MAP PROT */
static void do_mprotect(struct world *world, char **arg)
{
	struct map *map = map_of(world, arg[0]);
	int prot = PROT_NONE;

	for (const char *c = arg[1]; *c; c++)
		prot |= *c == 'r' ? PROT_READ : *c == 'w' ? PROT_WRITE : *c == 'x' ? PROT_EXEC : 0;
	say_done(world, mprotect(map->at, map->size, prot));
}

const struct verb verbs_map[] = {
	{"mmap", 5, 6, do_mmap},   {"peek", 3, 3, do_peek},     {"poke", 3, 3, do_poke},
	{"msync", 1, 1, do_msync}, {"munmap", 1, 1, do_munmap}, {"mprotect", 2, 2, do_mprotect},
	{NULL, 0, 0, NULL},
};
