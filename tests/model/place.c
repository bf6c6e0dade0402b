/* SPDX-License-Identifier: MIT */
#include "place.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

/* One that a node record has no room for, and one that is no UTF-8. */
const char *const place_names[PLACE_NAMES] = {
	"a", "b", "c", "d", "e", "a name that is longer than most", "\xff\xfe"};

#define DEPTH_MAX 5

int place_fd(const struct world *world, const struct place *place, int side)
{
	return place->dir ? place->dir->fd[side] : world->root[side];
}

static void append(char *path, const char *text)
{
	size_t len = strlen(path);

	snprintf(path + len, PLACE_PATH - len, "%s", text);
}

/* Oddities of paths that the kernel's walk must see through alike. */
static void append_slash(struct random *random, char *path)
{
	if (!*path)
		return;
	append(path, random_chance(random, 1) ? "/./" : random_chance(random, 1) ? "//" : "/");
}

static void draw(struct world *world, struct place *place)
{
	struct random *random = &world->random;
	struct stat st;
	int fd;

	memset(place, 0, sizeof(*place));
	place->dir = random_chance(random, 20) ? world_dir(world) : NULL;
	fd = place_fd(world, place, MODEL);
	if (random_chance(random, 1)) {
		append(place->path, ".");
		return;
	}
	for (int depth = 0; depth < DEPTH_MAX; depth++) {
		bool dir;

		append_slash(random, place->path);
		append(place->path, place_names[random_below(random, PLACE_NAMES)]);
		dir = fstatat(fd, place->path, &st, 0) == 0 && S_ISDIR(st.st_mode);
		if (!random_chance(random, dir ? 60 : 2))
			break;
		/* Up again, but not from where a link leads: that may be the root. */
		if (dir && random_chance(random, 1) &&
		    fstatat(fd, place->path, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode))
			append(place->path, "/..");
	}
	if (random_chance(random, 1))
		append(place->path, "/");
}

static bool fits(const struct world *world, const struct place *place, enum want want)
{
	struct stat st;
	bool there =
		fstatat(place_fd(world, place, MODEL), place->path, &st, AT_SYMLINK_NOFOLLOW) == 0;

	switch (want) {
	case WANT_ANY:
		return true;
	case WANT_THERE:
		return there;
	case WANT_ABSENT:
		return !there;
	case WANT_FILE:
		return there && S_ISREG(st.st_mode);
	case WANT_DIR:
		return there && S_ISDIR(st.st_mode);
	}
	return true;
}

void place_pick(struct world *world, enum want want, struct place *ret_place)
{
	if (random_chance(&world->random, 10))
		want = WANT_ANY;
	for (int tries = 0; tries < 8; tries++) {
		draw(world, ret_place);
		if (fits(world, ret_place, want))
			return;
	}
}

void place_parent(const struct place *place, struct place *ret_parent)
{
	char *end;

	*ret_parent = *place;
	end = ret_parent->path + strlen(ret_parent->path);
	while (end > ret_parent->path && end[-1] == '/')
		*--end = '\0';
	end = strrchr(ret_parent->path, '/');
	if (end)
		end[1] = '\0';
	else
		strcpy(ret_parent->path, ".");
}

void place_show(const struct world *world, const struct place *place, char *ret, size_t size)
{
	if (place->dir)
		snprintf(ret, size, "d%d:\"%s\"", (int)(place->dir - world->dirs), place->path);
	else
		snprintf(ret, size, "\"%s\"", place->path);
}
