/* SPDX-License-Identifier: MIT */
/*
 * Random numbers of a seed: splitmix64. Each operation has a generator of its own, made from the
 * run's seed and its number, so that leaving one out changes none of the others.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct random {
	uint64_t state;
};

static inline uint64_t random_next(struct random *random)
{
	uint64_t z = (random->state += 0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
	return z ^ (z >> 31);
}

static inline void random_init(struct random *random, uint64_t seed, uint64_t number)
{
	random->state = seed;
	random->state = random_next(random) ^ number;
	random_next(random);
}

/* 0 <= result < limit. */
static inline uint64_t random_below(struct random *random, uint64_t limit)
{
	return random_next(random) % limit;
}

static inline bool random_chance(struct random *random, unsigned percent)
{
	return random_below(random, 100) < percent;
}

/* One of the elements of an array. */
#define RANDOM_OF(random, array)                                                                   \
	((array)[random_below((random), sizeof(array) / sizeof((array)[0]))])
