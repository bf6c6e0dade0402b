/* SPDX-License-Identifier: MIT */
#include "base/grow.h"

#include <errno.h>
#include <stdlib.h>

#define FIRST 16

int grow_array(void **items, size_t *capacity, size_t count, size_t size)
{
	size_t wanted = *capacity ? *capacity * 2 : FIRST;
	void *grown;

	if (count < *capacity)
		return 0;
	grown = reallocarray(*items, wanted, size);
	if (!grown)
		return -ENOMEM;
	*items = grown;
	*capacity = wanted;
	return 0;
}
