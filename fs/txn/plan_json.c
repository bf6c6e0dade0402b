/* SPDX-License-Identifier: MIT */
#include "txn/plan_json.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/path.h"
#include "base/sys.h"
#include "txn/json_merge.h"
#include "view/base_text.h"
#include "view/metacopy.h"

/* 1 and the text, 0 where it is none to merge, or negative errno. */
static int read_text(int root_fd, const char *path, const struct layout_names *names,
		     struct buf *ret_text)
{
	const char *name;
	_cleanup_close_ int parent = plan_open_parent(root_fd, path, &name);
	_cleanup_free_ char *content = NULL;
	ssize_t size;

	if (parent < 0)
		return parent == -ENOENT ? 0 : parent;
	if (names && metacopy_is(names, parent, name) == 1)
		return 0;
	size = sys_read_file(parent, name, JSON_MERGE_SIZE_MAX, &content);
	if (size < 0)
		return size == -EFBIG || size == -ENOENT ? 0 : (int)size;
	buf_add(ret_text, content, (size_t)size);
	return buf_failed(ret_text) ? -ENOMEM : 1;
}

static struct json_text text_of(const struct buf *buf)
{
	return (struct json_text){.at = buf->data ? buf->data : "", .len = buf->len};
}

static int take_clashes(const struct json_merge_report *report, struct plan_item *item)
{
	item->clashes = calloc(report->n_clashes + 1, sizeof(*item->clashes));
	if (!item->clashes)
		return -ENOMEM;
	for (size_t i = 0; i < report->n_clashes; i++) {
		item->clashes[i] = strdup(report->clashes[i].pointer);
		if (!item->clashes[i])
			return -ENOMEM;
	}
	return 0;
}

int plan_merge_json(const struct layout_names *names, const struct plan_share *share,
		    const struct layout_base *base, struct plan_item *item)
{
	_cleanup_json_merge_report_ struct json_merge_report report = {0};
	_cleanup_buf_ struct buf base_text = {0}, our_text = {0}, their_text = {0}, merged = {0};
	struct json_text texts[3];
	int r;

	if (item->change != 'M' || item->source || !S_ISREG(item->mode) ||
	    !S_ISREG(item->lower.st_mode) || !base_text_is_wanted(path_base(item->path)))
		return 0;
	r = base_text_read(share->work_fd, item->path, base, &base_text);
	if (r < 0)
		return r == -ENOENT ? 0 : r;
	r = read_text(share->upper_fd, item->path, names, &our_text);
	if (r == 1)
		r = read_text(share->lower_fd, item->path, NULL, &their_text);
	if (r <= 0)
		return r;
	texts[0] = text_of(&base_text);
	texts[1] = text_of(&our_text);
	texts[2] = text_of(&their_text);
	r = json_merge(&texts[0], &texts[1], &texts[2], NULL, &merged, &report);
	if (r == JSON_MERGE_CLASH)
		return take_clashes(&report, item);
	if (r != JSON_MERGED)
		return r < 0 ? r : 0;
	item->merged_len = merged.len;
	item->merged = TAKE_PTR(merged.data);
	return 0;
}
