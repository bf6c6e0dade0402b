/* SPDX-License-Identifier: MIT */
/*
 * The globs that every share of a kind has before its own: one line each, the last match wins.
 * docs/locks.md lists the excluded names for users; a name is added to both.
 */
#pragma once

/* In temp and lock directories, and in mode `direct`: these hold locks. */
#define RULES_LOCK_DIRECTORIES(X)                                                                  \
	X("/tmp")                                                                                  \
	X("/var/tmp")                                                                              \
	X("/dev/shm")                                                                              \
	X("/run/lock")                                                                             \
	X("/var/lock")

#define RULES_LOCK_DEFAULTS(X)                                                                     \
	X("*.lock")                                                                                \
	X("*.lck")                                                                                 \
	X("*.pid")                                                                                 \
	X("*.lockfile")                                                                            \
	X(".lock")                                                                                 \
	X("lock")                                                                                  \
	X("LOCK")                                                                                  \
	/* Pinned dependencies: data that merely bears the name. */                                \
	X("!Cargo.lock")                                                                           \
	X("!yarn.lock")                                                                            \
	X("!poetry.lock")                                                                          \
	X("!uv.lock")                                                                              \
	X("!flake.lock")                                                                           \
	X("!Gemfile.lock")                                                                         \
	X("!composer.lock")                                                                        \
	X("!Pipfile.lock")                                                                         \
	X("!bun.lock")                                                                             \
	X("!deno.lock")                                                                            \
	X("!mix.lock")                                                                             \
	X("!pdm.lock")                                                                             \
	X("!pixi.lock")                                                                            \
	X("!Podfile.lock")                                                                         \
	X("!Berksfile.lock")                                                                       \
	X("!Chart.lock")                                                                           \
	X("!MODULE.bazel.lock")                                                                    \
	X("!buf.lock")                                                                             \
	X("!conan.lock")                                                                           \
	X("!devenv.lock")                                                                          \
	X("!dvc.lock")                                                                             \
	X("!mise.lock")                                                                            \
	X("!nimble.lock")                                                                          \
	X("!paket.lock")                                                                           \
	X("!pubspec.lock")                                                                         \
	X("!rebar.lock")                                                                           \
	X("!renv.lock")                                                                            \
	X("!requirements.lock")                                                                    \
	X("!shard.lock")                                                                           \
	X("!spago.lock")                                                                           \
	X("!stack.yaml.lock")                                                                      \
	X("!symfony.lock")                                                                         \
	X("!gradle.lockfile")                                                                      \
	X("!buildscript-gradle.lockfile")

/* Not in mode `direct`: what these protect is private, so they are too. */
#define RULES_LOCK_DEFAULTS_INDIRECT(X) X("!**/.git/**")
