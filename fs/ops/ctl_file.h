/* SPDX-License-Identifier: MIT */
/*
 * The control file as an open file: a handle is a conversation (ctl/), reads of an answer that waits
 * are parked. read and write reply.
 */
#pragma once

#include "ops/fs.h"

void ctl_file_read(struct fs *fs, fuse_req_t req, uint64_t fh, size_t size);
void ctl_file_write(struct fs *fs, fuse_req_t req, uint64_t fh, const void *data, size_t size);
/* Ends the conversation, and with it the run that it began. The handle is closed by the caller. */
void ctl_file_release(struct fs *fs, const struct handle_record *handle, uint64_t fh);
