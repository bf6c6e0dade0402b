/* SPDX-License-Identifier: MIT */
/*
 * Where a view is known to differ from a local directory (docs/differences.md), and what the test
 * does about it. Whatever is not in this table must be the same.
 *
 *	X(name, what the test does, why)
 */
#pragma once

#define DIFFERENCES(X)                                                                             \
	X(OLD_CONTENT,                                                                             \
	  "content by a descriptor or map that was opened for reading before the "                 \
	  "first change may be what it was then",                                                  \
	  "it is open from the lower, and the change went to a copy")                              \
	X(LATE_ATTRIBUTES, "fstat by such a descriptor is asked again for half a second",          \
	  "the kernel is told of the change, and forgets its attributes, a moment later")          \
	X(REOPEN,                                                                                  \
	  "to open such a descriptor anew for writing, by /proc, may be ESTALE; it is not cut",    \
	  "while the kernel reads the lower's file for it, the same inode can show no copy")       \
	X(SET_ID, "root writes without CAP_FSETID",                                                \
	  "a view takes set-id bits away at every write, whoever writes")                          \
	X(SET_GROUP, "set-group-id of a file that its group may not execute is not compared",      \
	  "whether a write takes it away depends on the groups of who opened the file first")      \
	X(HARD_LINKS_OF_LOWER, "the lower has none", "a copy-up breaks them")                      \
	X(DIRECTORY_LINKS, "link counts and sizes of directories are not compared",                \
	  "to count subdirectories would mean to read both layers")                                \
	X(NUMBERS, "inode numbers are compared by which objects share one",                        \
	  "sessions must not share them")                                                          \
	X(CHANGE_TIMES, "st_ctime is not compared, nor st_atime but after it was set",             \
	  "a copy-up is a change; reads that the page cache serves touch no access time")          \
	X(MAP_TIMES, "st_mtime of a file that was written to by a map is not compared",            \
	  "the kernel tells of such a write when it likes")                                        \
	X(FIFO_TIMES, "st_mtime of FIFOs is not compared",                                         \
	  "the kernel lets FUSE's inodes have no times of their own; as in overlayfs")             \
	X(DEVICES, "none are made", "the mount is nodev")                                          \
	X(FALLOCATE, "no collapse, insert", "FUSE has no such modes")                              \
	X(HOLES, "SEEK_DATA and SEEK_HOLE may see more data than the model, never less",           \
	  "how the file system lays out what it was given")                                        \
	X(PRIVATE_ATTRIBUTES, "trusted.overlay.* and trusted.sessionfs.* are not used",            \
	  "they describe the layers")                                                              \
	X(LOCK_NAMES, "no name is of class lock", "such names live in the lower")
