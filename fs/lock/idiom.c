/* SPDX-License-Identifier: MIT */
#include "lock/idiom.h"

static const char *const idiom_names[] = {[LOCK_IDIOM_NONE] = "none",
#define X(name, text) [LOCK_IDIOM_##name] = text,
					  LOCK_IDIOMS(X)
#undef X
};

const char *lock_idiom_name(enum lock_idiom idiom)
{
	return idiom_names[idiom];
}

bool idiom_is_existence(enum lock_idiom idiom)
{
	switch (idiom) {
	case LOCK_IDIOM_CREATE:
	case LOCK_IDIOM_MKDIR:
	case LOCK_IDIOM_LINK:
	case LOCK_IDIOM_SYMLINK:
	case LOCK_IDIOM_RENAME:
		return true;
	case LOCK_IDIOM_FLOCK:
	case LOCK_IDIOM_FCNTL:
	case LOCK_IDIOM_PRESENCE:
	case LOCK_IDIOM_NONE:
		break;
	}
	return false;
}

enum lock_idiom idiom_of_file(const struct stat *st)
{
	if (S_ISDIR(st->st_mode))
		return LOCK_IDIOM_MKDIR;
	return S_ISLNK(st->st_mode) ? LOCK_IDIOM_SYMLINK : LOCK_IDIOM_CREATE;
}
