/* SPDX-License-Identifier: MIT */
#include "cli/run/views.h"

#include <string.h>

#include "base/buf.h"
#include "base/path.h"
#include "cli/run/passthrough.h"

static const char *share_path(const json_t *share)
{
	return json_string_value(json_object_get(share, "path"));
}

const char *views_share_of(const json_t *shares, const char *path)
{
	const char *found = NULL;
	json_t *share;
	size_t i;

	json_array_foreach(shares, i, share)
	{
		const char *candidate = share_path(share);

		if (candidate && path_is_below(path, candidate) &&
		    (!found || strlen(candidate) > strlen(found)))
			found = candidate;
	}
	return found;
}

static int add_view(const char *mountpoint, const json_t *share, struct binds *binds,
		    struct err *err)
{
	const char *path = share_path(share);
	const char *view = json_string_value(json_object_get(share, "view"));
	_cleanup_buf_ struct buf source = {0};
	int r;

	if (!path || !view)
		return err_set(err, ERR_INTERNAL_ERROR,
			       "the daemon named a share without its view");
	buf_add_format(&source, "%s/%s", mountpoint, view);
	if (buf_failed(&source))
		return err_set(err, ERR_INTERNAL_ERROR, "out of memory");
	r = binds_add(binds, source.data, path, false, false);
	if (r < 0)
		return err_set_errno(err, ERR_IO_ERROR, -r, "cannot take the view %s", source.data);
	return 0;
}

/* Shares by length of their paths: one inside another comes after it. Indices into shares. */
static void sort_by_depth(const json_t *shares, size_t *order, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const char *path = share_path(json_array_get(shares, i));
		size_t at = i;

		for (; at > 0 && path; at--) {
			const char *before = share_path(json_array_get(shares, order[at - 1]));

			if (!before || strlen(before) <= strlen(path))
				break;
			order[at] = order[at - 1];
		}
		order[at] = i;
	}
}

int views_collect(const char *mountpoint, const json_t *shares, struct binds *binds,
		  struct err *err)
{
	size_t count = json_array_size(shares);
	_cleanup_free_ size_t *order = calloc(count ? count : 1, sizeof(*order));

	if (!order)
		return err_set(err, ERR_INTERNAL_ERROR, "out of memory");
	sort_by_depth(shares, order, count);
	for (size_t i = 0; i < count; i++) {
		if (add_view(mountpoint, json_array_get(shares, order[i]), binds, err) < 0)
			return -1;
	}
	/* Locks and views are looked up at the mount point from within a run too. */
	if (views_share_of(shares, mountpoint))
		binds_add(binds, mountpoint, mountpoint, true, true);
	for (size_t i = 0; i < count; i++)
		passthrough_add_share(json_array_get(shares, order[i]), binds);
	passthrough_add_environment(shares, binds);
	return 0;
}
