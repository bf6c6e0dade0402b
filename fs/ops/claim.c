/* SPDX-License-Identifier: MIT */
#include "ops/claim.h"

#include <errno.h>

#include "ops/serial.h"

int claim_begin(struct fs *fs, fuse_req_t req, const struct layer_dir *dir, const char *name,
		enum lock_idiom idiom, struct claim *claim)
{
	int r;

	claim->is_lock = layer_dir_class(dir, name) == CLASS_LOCK;
	claim->number = 0;
	claim->idiom = idiom;
	if (!claim->is_lock)
		return 0;
	r = fs_lock_key(dir, name, claim->path, sizeof(claim->path), &claim->key);
	if (r < 0)
		return r;
	fs_actor(fs, req, dir->view->session, &claim->actor);
	if (idiom == LOCK_IDIOM_NONE)
		return 0;
	claim->number = lock_claim(fs->instance->locks, &claim->key, idiom, &claim->actor);
	return claim->number ? 0 : -ENOLCK;
}

void claim_end(struct fs *fs, struct claim *claim, int r, const struct stat *st)
{
	if (!claim->is_lock || !claim->number)
		return;
	if (r >= 0 && st) {
		lock_claim_commit(fs->instance->locks, claim->number, st);
		return;
	}
	lock_claim_abort(fs->instance->locks, claim->number);
	if (r == -EEXIST)
		lock_denied(fs->instance->locks, &claim->key, claim->idiom, &claim->actor);
}

bool claim_is_lost(struct fs *fs, const struct claim *claim)
{
	return claim->is_lock &&
	       lock_removal_is_void(fs->instance->locks, &claim->key, &claim->actor);
}

bool claim_was_done(const struct claim *claim, int r, int expected)
{
	return r == expected && !claim->is_lock && serial_is_resent();
}

void claim_removed(struct fs *fs, const struct claim *claim)
{
	if (claim->is_lock)
		lock_removed(fs->instance->locks, &claim->key, &claim->actor);
}

void claim_present(struct fs *fs, const struct claim *claim, const struct stat *st)
{
	if (claim->is_lock)
		lock_present(fs->instance->locks, &claim->key, &claim->actor, st);
}
