/* SPDX-License-Identifier: MIT */
#include "ops/carrier.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/descriptors.h"
#include "base/user_counts.h"

#define BUCKETS 64

struct carrier {
	struct carrier *next;
	struct advisory_key key;
	enum advisory_kind kind;
	uint64_t owner; /* of an open file: its handle */
	uint32_t uid;
	int fd;
};

struct carriers {
	pthread_mutex_t mutex;
	struct carrier *buckets[BUCKETS]; /* guarded by: mutex */
	uint32_t count;           /* guarded by: mutex; at most max, but for a race of a few */
	struct user_counts users; /* guarded by: mutex; each at most half of max, likewise */
	uint32_t max;
};

static uint64_t owner_of(const struct advisory_request *request)
{
	return request->kind == ADVISORY_POSIX ? request->owner : request->handle;
}

/* The place at which the owner's carrier is linked in, or would be. */
static struct carrier **place_locked(struct carriers *carriers,
				     const struct advisory_request *request)
{
	struct carrier **at = &carriers->buckets[request->key.ino % BUCKETS];

	for (; *at; at = &(*at)->next)
		if ((*at)->key.ino == request->key.ino && (*at)->key.dev == request->key.dev &&
		    (*at)->key.share == request->key.share && (*at)->kind == request->kind &&
		    (*at)->owner == owner_of(request))
			break;
	return at;
}

static int find(struct carriers *carriers, const struct advisory_request *request)
{
	const struct carrier *carrier;
	int fd = -1;

	pthread_mutex_lock(&carriers->mutex);
	carrier = *place_locked(carriers, request);
	if (carrier)
		fd = carrier->fd;
	pthread_mutex_unlock(&carriers->mutex);
	return fd;
}

/* A write lock needs a descriptor that can write, whatever else the owner has opened. */
static int open_file(struct fs *fs, const struct advisory_request *request)
{
	const struct handle_record *handle = handle_at(fs->handles, request->handle);
	struct node_info node;
	int fd;

	if (!handle)
		return -EBADF;
	if (node_get_index(fs->nodes, handle->node, &node) < 0)
		return -ESTALE;
	fd = fs_open_data(fs, &node, O_RDWR | O_NONBLOCK);
	/* A read-only file system, or a program that is running. */
	if (fd < 0 && request->range.type != RANGE_WRITE)
		fd = fs_open_data(fs, &node, O_RDONLY | O_NONBLOCK);
	if (fd < 0 && request->kind == ADVISORY_FLOCK)
		fd = fs_open_data(fs, &node, O_RDONLY | O_NONBLOCK);
	return fd;
}

static bool is_full(struct carriers *carriers, uint32_t uid)
{
	bool full;

	pthread_mutex_lock(&carriers->mutex);
	full = carriers->count >= carriers->max ||
	       user_counts_reached(&carriers->users, uid, (carriers->max + 1) / 2);
	pthread_mutex_unlock(&carriers->mutex);
	return full;
}

static int find_or_open(struct fs *fs, const struct advisory_request *request)
{
	struct carriers *carriers = fs->carriers;
	int fd = find(carriers, request);
	struct carrier *made;
	int r;

	if (fd >= 0)
		return fd;
	if (is_full(carriers, request->uid))
		return -ENOLCK;
	fd = open_file(fs, request);
	if (fd < 0)
		return fd;
	made = calloc(1, sizeof(*made));
	if (!made) {
		close(fd);
		return -ENOMEM;
	}
	*made = (struct carrier){.key = request->key,
				 .kind = request->kind,
				 .owner = owner_of(request),
				 .uid = request->uid,
				 .fd = fd};
	pthread_mutex_lock(&carriers->mutex);
	r = user_counts_add(&carriers->users, made->uid);
	if (r == 0) {
		*place_locked(carriers, request) = made;
		carriers->count++;
	}
	pthread_mutex_unlock(&carriers->mutex);
	if (r == 0)
		return fd;
	close(fd);
	free(made);
	return r;
}

static struct flock as_flock(const struct range *range)
{
	static const short types[] = {
		[RANGE_NONE] = F_UNLCK, [RANGE_READ] = F_RDLCK, [RANGE_WRITE] = F_WRLCK};
	struct flock lock = {
		.l_type = types[range->type], .l_whence = SEEK_SET, .l_start = (off_t)range->start};

	if (range->end != RANGE_END)
		lock.l_len = (off_t)(range->end - range->start + 1);
	return lock;
}

static int set_flock(int fd, enum range_type type)
{
	static const int operations[] = {
		[RANGE_NONE] = LOCK_UN, [RANGE_READ] = LOCK_SH, [RANGE_WRITE] = LOCK_EX};

	return flock(fd, operations[type] | LOCK_NB) ? -errno : 0;
}

int carrier_set(struct fs *fs, const struct advisory_request *request)
{
	struct flock lock = as_flock(&request->range);
	int fd = request->range.type == RANGE_NONE ? find(fs->carriers, request)
						   : find_or_open(fs, request);
	int r;

	if (fd < 0)
		return request->range.type == RANGE_NONE ? 0 : fd;
	if (request->kind == ADVISORY_FLOCK)
		return set_flock(fd, request->range.type);
	r = fcntl(fd, F_OFD_SETLK, &lock) ? -errno : 0;
	return r == -EACCES ? -EAGAIN : r;
}

void carrier_close(struct fs *fs, const struct advisory_request *request)
{
	struct carriers *carriers = fs->carriers;
	struct carrier **at, *carrier;

	pthread_mutex_lock(&carriers->mutex);
	at = place_locked(carriers, request);
	carrier = *at;
	if (carrier) {
		*at = carrier->next;
		carriers->count--;
		user_counts_remove(&carriers->users, carrier->uid);
	}
	pthread_mutex_unlock(&carriers->mutex);
	if (!carrier)
		return;
	close(carrier->fd);
	free(carrier);
}

/* A second descriptor of what carries the owner's locks, which may be closed meanwhile; -1: none. */
static int find_dup(struct carriers *carriers, const struct advisory_request *request)
{
	const struct carrier *carrier;
	int fd = -1;

	pthread_mutex_lock(&carriers->mutex);
	carrier = *place_locked(carriers, request);
	if (carrier)
		fd = fcntl(carrier->fd, F_DUPFD_CLOEXEC, 3);
	pthread_mutex_unlock(&carriers->mutex);
	return fd;
}

int carrier_test(struct fs *fs, const struct advisory_request *request, struct flock *ret_lock)
{
	_cleanup_close_ int fd = find_dup(fs->carriers, request);

	if (fd < 0)
		fd = open_file(fs, request);
	if (fd < 0)
		return fd;
	*ret_lock = as_flock(&request->range);
	return fcntl(fd, F_OFD_GETLK, ret_lock) ? -errno : 0;
}

int carriers_new(struct carriers **ret_carriers)
{
	struct carriers *carriers = calloc(1, sizeof(*carriers));

	if (!carriers)
		return -ENOMEM;
	pthread_mutex_init(&carriers->mutex, NULL);
	carriers->max = descriptors_share(DESCRIPTORS_CARRIERS);
	*ret_carriers = carriers;
	return 0;
}

void carriers_free(struct carriers *carriers)
{
	if (!carriers)
		return;
	for (size_t i = 0; i < BUCKETS; i++) {
		while (carriers->buckets[i]) {
			struct carrier *next = carriers->buckets[i]->next;

			close(carriers->buckets[i]->fd);
			free(carriers->buckets[i]);
			carriers->buckets[i] = next;
		}
	}
	user_counts_release(&carriers->users);
	pthread_mutex_destroy(&carriers->mutex);
	free(carriers);
}
