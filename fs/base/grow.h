/* SPDX-License-Identifier: MIT */
/*
 * Arrays that grow as items come: `struct { T *items; size_t count, capacity; }`.
 */
#pragma once

#include <stddef.h>

/*
 * Makes room for one item more than `count`, of `size` bytes; the array is moved where it must be. 0, or -ENOMEM
 * with the array as it was.
 */
int grow_array(void **items, size_t *capacity, size_t count, size_t size);

#define GROW(array)                                                                                \
	grow_array((void **)&(array)->items, &(array)->capacity, (array)->count,                   \
		   sizeof(*(array)->items))
