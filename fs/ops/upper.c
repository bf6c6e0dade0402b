/* SPDX-License-Identifier: MIT */
#include "ops/upper.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "ops/hidden.h"
#include "ops/locking.h"
#include "ops/notifier.h"
#include "ops/room.h"

/* What is larger is copied by a thread of its own: copying this takes under half a millisecond. */
#define COPIED_AT_ONCE_MAX (1 << 20)

static int make_dir_upper(struct fs *fs, struct node_info *node)
{
	_cleanup_layer_dir_ struct layer_dir *dir = NULL;
	int r = node_dir(fs->nodes, node->index, &dir);

	if (r < 0)
		return r;
	return dir->inherited != CLASS_PRIVATE ? 0 : layer_dir_copy_up(dir);
}

/* How a node is told of what is in the upper now; as node_copied_up(). */
static int tell_node(struct fs *fs, struct node_info *node, const struct node_place *place,
		     int path_fd, bool changes_data)
{
	int backing_id, r;

	r = node_copied_up(fs->nodes, node->index, place, changes_data, &backing_id);
	/*
	 * The kernel reads the lower's data for who has it open: the node leaves its name to a new
	 * one. What such a reader asks of or does to the file itself still goes to the copy.
	 */
	if (r == -ESTALE) {
		fs_detach(fs, node, fcntl(path_fd, F_DUPFD_CLOEXEC, 3));
		node_moved_layer(fs->nodes, node->index, place);
	}
	if (backing_id)
		passthrough_release(fs, backing_id);
	return r < 0 ? r : node_get(fs->nodes, node->nodeid, node);
}

int fs_data_came(struct fs *fs, struct node_info *node, int path_fd, bool changes_data)
{
	struct node_place place = {
		.layer = LAYER_UPPER, .dev = node->backing_dev, .ino = node->backing_ino};

	return tell_node(fs, node, &place, path_fd, changes_data);
}

/* The copy is there: the node follows it. */
static int follow_copy(struct fs *fs, struct node_info *node, struct layer_dir *dir,
		       const struct stat *lower, bool changes_data)
{
	_cleanup_close_ int fd =
		openat(layer_dir_upper(dir), node->name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	struct node_place place = {.layer = LAYER_UPPER};
	uint64_t old_ino = node->ino;
	struct stat st;
	int r;

	if (fd < 0 || fstatat(fd, "", &st, AT_EMPTY_PATH))
		return -errno;
	r = metacopy_is(&fs->views.names, fd, "");
	if (r < 0)
		return r;
	room_made(fs, node->session, LAYER_UPPER, &st);
	place.metacopy = r;
	place.dev = st.st_dev;
	place.ino = st.st_ino;
	if (lower->st_nlink > 1) {
		node_renumber(fs->nodes, node->index,
			      view_inode_number(dir->view, st.st_dev, st.st_ino));
		notifier_attributes(fs->notifier, node->nodeid, 0);
		if (node_get(fs->nodes, node->nodeid, node) == 0)
			locking_renumbered(fs, node, old_ino);
	}
	/* A metacopy changes no data: they are brought in next. */
	return tell_node(fs, node, &place, fd, changes_data && !place.metacopy);
}

/* What was removed from the view, or left its name to its copy, must not be changed in the lower. */
static int make_nameless_upper(struct fs *fs, struct node_info *node, bool changes_data)
{
	struct node_place place = {.layer = LAYER_UPPER};
	_cleanup_close_ int lower = fs_open_path(fs, node, NULL);
	int fd, backing_id, r;
	struct stat st;

	if (lower < 0)
		return lower;
	if (fstatat(lower, "", &st, AT_EMPTY_PATH))
		return -errno;
	r = room_check(fs, node->session, (uint64_t)st.st_blocks * 512);
	fd = r < 0 ? r : hidden_copy(fs, node, lower);
	if (fd < 0)
		return fd;
	if (fstatat(fd, "", &st, AT_EMPTY_PATH)) {
		r = -errno;
		close(fd);
		return r;
	}
	place.dev = st.st_dev;
	place.ino = st.st_ino;
	r = node_copied_nameless(fs->nodes, node->index, fd, &place, changes_data, &backing_id);
	if (backing_id)
		passthrough_release(fs, backing_id);
	return r < 0 ? r : node_get(fs->nodes, node->nodeid, node);
}

/* A copy-up, or the data of a metacopy; as the job of a flight. */
struct copy_job {
	struct layer_dir *dir; /* a reference; NULL for a metacopy */
	char name[NAME_MAX + 1];
	struct metacopy_world world;
	int fd; /* of the metacopy, else -1 */
	enum copyup_data data;
};

static int fly_copy(void *context, const _Atomic bool *cancelled)
{
	const struct copy_job *job = context;

	if (job->dir)
		return copyup_entry(job->dir, job->name, job->data, cancelled);
	if (job->data == COPYUP_EMPTY)
		return metacopy_cut(job->world.names, job->fd);
	return metacopy_complete(&job->world, job->fd, cancelled);
}

static void release_copy(void *context)
{
	struct copy_job *job = context;

	layer_dir_unref(job->dir);
	cleanup_close(&job->fd);
	free(job);
}

/* Hands a reference to who waits, or lets the copy go on without anybody. */
static void wait_for(struct flight *flight, struct flight **ret_flight)
{
	if (ret_flight)
		*ret_flight = flight;
	else
		flight_leave_going(flight);
}

/* Does the job, alone for its file: now where it is short, else in a thread. As fs_make_upper(). */
static int copy_alone_consume(struct fs *fs, const struct flight_key *key, bool is_short,
			      struct copy_job *job, struct flight **ret_flight)
{
	struct flight_job flight_job = {.fly = fly_copy, .release = release_copy, .context = job};
	struct flight *flight;
	int r = flights_board(fs->flights, key, &flight);

	if (r == 1 && is_short) {
		r = fly_copy(job, NULL);
		flight_land(flight, r);
		flight_leave(flight);
		release_copy(job);
		return r;
	}
	if (r == 1)
		flights_spawn(fs->flights, flight, &flight_job);
	else
		release_copy(job);
	if (r < 0)
		return r;
	wait_for(flight, ret_flight);
	return -EINPROGRESS;
}

static struct copy_job *copy_job_new(enum copyup_data data)
{
	struct copy_job *job = calloc(1, sizeof(*job));

	if (job) {
		job->fd = -1;
		job->data = data;
	}
	return job;
}

/*
 * What is long to copy becomes a metacopy first: what others do to it meanwhile then goes to one
 * file. What cannot be one is copied aside.
 */
static int copy_file(struct fs *fs, const struct node_info *node, struct layer_dir *dir,
		     const struct stat *st, enum copyup_data data, struct flight **ret_flight)
{
	struct flight_key key = {
		.nodeid = node->nodeid, .dev = node->backing_dev, .ino = node->backing_ino};
	struct copy_job *job;
	struct stat there;

	bool is_long = S_ISREG(st->st_mode) && data == COPYUP_WHOLE &&
		       st->st_size > COPIED_AT_ONCE_MAX;
	int r;

	r = copyup_entry(dir, node->name, is_long ? COPYUP_DEFERRED_ONLY : data, NULL);
	if (!is_long || r != -EOPNOTSUPP)
		return r;
	/* A flight that is over has left it there. */
	if (layer_dir_upper(dir) >= 0 &&
	    fstatat(layer_dir_upper(dir), node->name, &there, AT_SYMLINK_NOFOLLOW) == 0)
		return layout_is_whiteout(&there) ? -ESTALE : 0;
	job = copy_job_new(data);
	if (!job)
		return -ENOMEM;
	job->dir = layer_dir_ref(dir);
	strcpy(job->name, node->name);
	return copy_alone_consume(fs, &key, false, job, ret_flight);
}

static int copy_named(struct fs *fs, struct node_info *node, struct upper_need need,
		      struct flight **ret_flight)
{
	_cleanup_layer_dir_ struct layer_dir *dir = NULL;
	struct stat st = {0};
	bool merged;
	int r = node_dir(fs->nodes, node->parent, &dir);

	if (r == 0)
		r = fs_stat(fs, node, &st, &merged);
	/* Another has copied it up, or put something else there. */
	if (r == 0 && (st.st_dev != node->backing_dev || st.st_ino != node->backing_ino)) {
		r = node_get(fs->nodes, node->nodeid, node);
		return r < 0 || node->layer == LAYER_UPPER ? r : -ESTALE;
	}
	/* What is not copied yet, or never, takes no room to speak of. */
	if (r == 0)
		r = room_check(fs, node->session,
			       need.data == COPYUP_WHOLE ? (uint64_t)st.st_blocks * 512 : 0);
	if (r == 0)
		r = copy_file(fs, node, dir, &st, need.data, ret_flight);
	return r < 0 ? r : follow_copy(fs, node, dir, &st, need.changes_data);
}

/* Brings in the data of a metacopy, or cuts them off. As fs_make_upper(). */
static int bring_data(struct fs *fs, struct node_info *node, struct upper_need need,
		      struct flight **ret_flight)
{
	struct flight_key key = {.dev = node->backing_dev, .ino = node->backing_ino};
	_cleanup_close_ int fd = fs_open_path(fs, node, NULL);
	struct copy_job *job;
	struct stat st = {0};
	bool is_short;
	int r;

	if (fd < 0)
		return fd;
	r = metacopy_is(&fs->views.names, fd, "");
	if (r == 1) {
		job = copy_job_new(need.data);
		if (!job)
			return -ENOMEM;
		job->world = fs_metacopy_world(fs, node);
		job->fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
		r = job->fd < 0 ? -errno : metacopy_stat(&job->world, fd, "", &st);
		if (r < 0) {
			release_copy(job);
			return r;
		}
		r = room_check(fs, node->session,
			       need.data == COPYUP_WHOLE ? (uint64_t)st.st_size : 0);
		if (r < 0) {
			release_copy(job);
			return r;
		}
		is_short = need.data == COPYUP_EMPTY || st.st_size <= COPIED_AT_ONCE_MAX;
		r = copy_alone_consume(fs, &key, is_short, job, ret_flight);
	}
	return r < 0 ? r : fs_data_came(fs, node, fd, need.changes_data);
}

int fs_make_upper(struct fs *fs, struct node_info *node, struct upper_need need,
		  struct flight **ret_flight)
{
	int r = 0;

	if (S_ISDIR(node->type))
		return make_dir_upper(fs, node);
	if (node->flags & NODE_LOWER_CLASS)
		return 0;
	if (node->layer != LAYER_UPPER && (node->flags & NODE_NAMELESS))
		return make_nameless_upper(fs, node, need.changes_data);
	if (node->layer != LAYER_UPPER)
		r = copy_named(fs, node, need, ret_flight);
	if (r == 0 && need.data != COPYUP_DEFERRED && (node->flags & NODE_METACOPY))
		r = bring_data(fs, node, need, ret_flight);
	return r;
}
