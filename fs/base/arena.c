/* SPDX-License-Identifier: MIT */
#include "base/arena.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/cleanup.h"

/*
 * In shared memory: struct head, then the tables, each on a page of its own. Only this and the
 * records outlive a worker.
 */
struct head {
	struct arena_globals globals;
	/*
	 * Per table: records above this index were never used. Raised before an index is given
	 * out, never lowered, so that scans touch no page that was never written.
	 */
	_Atomic uint32_t high_water[];
};

struct arena_table {
	/* Set by arena_new(), constant. */
	unsigned char *records; /* shared memory */
	_Atomic uint32_t *high_water;
	size_t record_size;
	uint32_t capacity;

	/* Private to the worker, made by arena_attach(). */
	_Atomic uint32_t live;
	pthread_mutex_t mutex;
	uint64_t *free_bits; /* guarded by: mutex. Bit set: free, and not above high_water */
	uint32_t n_free;     /* guarded by: mutex. Bits set */
	uint32_t hint;       /* guarded by: mutex. No bit is set in words before this one */
};

struct arena {
	struct head *head;
	size_t size_bytes;
	size_t head_bytes;
	size_t page_size;
	size_t n_tables;
	struct arena_table tables[];
};

static int round_up(size_t size, size_t page, size_t *ret)
{
	size_t sum;

	if (__builtin_add_overflow(size, page - 1, &sum))
		return -EOVERFLOW;
	*ret = sum & ~(page - 1);
	return 0;
}

/* Where each table begins (its offset is kept in `records` until there is a mapping). */
static int plan(struct arena *arena, const struct arena_table_spec *specs)
{
	size_t offset = sizeof(struct head) + arena->n_tables * sizeof(_Atomic uint32_t);
	int r = round_up(offset, arena->page_size, &offset);

	arena->head_bytes = offset;
	for (size_t i = 0; !r && i < arena->n_tables; i++) {
		struct arena_table *table = &arena->tables[i];
		size_t bytes;

		if (specs[i].record_size < sizeof(struct arena_record) ||
		    specs[i].record_size % 8 || !specs[i].capacity)
			return -EINVAL;
		table->record_size = specs[i].record_size;
		table->capacity = specs[i].capacity;
		table->records = (unsigned char *)offset;
		if (__builtin_mul_overflow(table->record_size, table->capacity, &bytes) ||
		    __builtin_add_overflow(offset, bytes, &offset))
			return -EOVERFLOW;
		r = round_up(offset, arena->page_size, &offset);
	}
	arena->size_bytes = offset;
	return r;
}

static int map(struct arena *arena)
{
	_cleanup_close_ int fd = memfd_create("sessionfs-arena", MFD_CLOEXEC);
	void *base;

	if (fd < 0)
		return -errno;
	if (ftruncate(fd, (off_t)arena->size_bytes))
		return -errno;
	base = mmap(NULL, arena->size_bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, fd,
		    0);
	if (base == MAP_FAILED)
		return -errno;
	arena->head = base;
	for (size_t i = 0; i < arena->n_tables; i++) {
		arena->tables[i].records =
			(unsigned char *)base + (uintptr_t)arena->tables[i].records;
		arena->tables[i].high_water = &arena->head->high_water[i];
	}
	return 0;
}

int arena_new(const struct arena_table_spec *specs, size_t n_specs, struct arena **ret_arena)
{
	_cleanup_free_ struct arena *arena =
		calloc(1, sizeof(*arena) + n_specs * sizeof(struct arena_table));
	int r;

	if (!arena)
		return -ENOMEM;
	arena->page_size = (size_t)sysconf(_SC_PAGESIZE);
	arena->n_tables = n_specs;
	r = plan(arena, specs);
	if (!r)
		r = map(arena);
	if (r)
		return r;
	*ret_arena = TAKE_PTR(arena);
	return 0;
}

void arena_free_all(struct arena *arena)
{
	if (!arena)
		return;
	for (size_t i = 0; i < arena->n_tables; i++) {
		if (!arena->tables[i].free_bits)
			continue;
		free(arena->tables[i].free_bits);
		pthread_mutex_destroy(&arena->tables[i].mutex);
	}
	munmap(arena->head, arena->size_bytes);
	free(arena);
}

struct arena_globals *arena_globals(struct arena *arena)
{
	return &arena->head->globals;
}

struct arena_table *arena_table(struct arena *arena, size_t index)
{
	return &arena->tables[index];
}

void *arena_at(const struct arena_table *table, uint32_t index)
{
	return table->records + (size_t)(index - 1) * table->record_size;
}

static void raise_generation(struct arena_record *record)
{
	if (++record->generation == 0)
		record->generation = 1;
}

/* The caller holds table->mutex, or is alone. */
static void mark_free_locked(struct arena_table *table, uint32_t index)
{
	uint32_t word = (index - 1) / 64;
	uint64_t bit = 1ULL << ((index - 1) % 64);

	if (table->free_bits[word] & bit)
		return;
	table->free_bits[word] |= bit;
	table->n_free++;
	if (word < table->hint)
		table->hint = word;
}

static int attach_table(struct arena_table *table)
{
	uint32_t high = atomic_load(table->high_water);
	uint64_t *bits = calloc(((size_t)table->capacity + 63) / 64, sizeof(*bits));
	uint32_t live = 0;

	if (!bits)
		return -ENOMEM;
	if (table->free_bits)
		free(table->free_bits);
	else
		pthread_mutex_init(&table->mutex, NULL);
	table->free_bits = bits;
	table->n_free = 0;
	table->hint = 0;
	for (uint32_t index = 1; index <= high; index++) {
		struct arena_record *record = arena_at(table, index);

		if (atomic_load(&record->state)) {
			live++;
			continue;
		}
		/* The last worker may have died between freeing the record and raising this. */
		raise_generation(record);
		mark_free_locked(table, index);
	}
	atomic_store(&table->live, live);
	return 0;
}

int arena_attach(struct arena *arena)
{
	for (size_t i = 0; i < arena->n_tables; i++) {
		int r = attach_table(&arena->tables[i]);

		if (r)
			return r;
	}
	return 0;
}

/* The lowest free index, or 0. The caller holds table->mutex. */
static uint32_t take_free_locked(struct arena_table *table)
{
	uint32_t high = atomic_load_explicit(table->high_water, memory_order_relaxed);
	uint32_t word = table->hint;
	uint32_t bit;

	if (!table->n_free) {
		if (high == table->capacity)
			return 0;
		atomic_store_explicit(table->high_water, high + 1, memory_order_release);
		return high + 1;
	}
	while (!table->free_bits[word])
		word++;
	bit = (uint32_t)__builtin_ctzll(table->free_bits[word]);
	table->free_bits[word] &= ~(1ULL << bit);
	table->n_free--;
	table->hint = word;
	return word * 64 + bit + 1;
}

uint32_t arena_alloc(struct arena_table *table)
{
	struct arena_record *record;
	uint32_t index;

	pthread_mutex_lock(&table->mutex);
	index = take_free_locked(table);
	pthread_mutex_unlock(&table->mutex);
	if (!index)
		return 0;
	record = arena_at(table, index);
	if (!record->generation)
		record->generation = 1;
	memset(record + 1, 0, table->record_size - sizeof(*record));
	return index;
}

void arena_publish(struct arena_table *table, uint32_t index, uint32_t state)
{
	struct arena_record *record = arena_at(table, index);

	if (!atomic_exchange_explicit(&record->state, state, memory_order_acq_rel))
		atomic_fetch_add_explicit(&table->live, 1, memory_order_relaxed);
}

void arena_free(struct arena_table *table, uint32_t index)
{
	struct arena_record *record = arena_at(table, index);

	if (atomic_exchange_explicit(&record->state, 0, memory_order_acq_rel))
		atomic_fetch_sub_explicit(&table->live, 1, memory_order_relaxed);
	raise_generation(record);
	pthread_mutex_lock(&table->mutex);
	mark_free_locked(table, index);
	pthread_mutex_unlock(&table->mutex);
}

uint32_t arena_next(const struct arena_table *table, uint32_t index)
{
	uint32_t high = atomic_load_explicit(table->high_water, memory_order_acquire);

	while (index++ < high) {
		struct arena_record *record = arena_at(table, index);

		if (atomic_load_explicit(&record->state, memory_order_acquire))
			return index;
	}
	return 0;
}

uint32_t arena_count(const struct arena_table *table)
{
	return atomic_load_explicit(&table->live, memory_order_relaxed);
}

uint32_t arena_capacity(const struct arena_table *table)
{
	return table->capacity;
}

size_t arena_used_bytes(const struct arena *arena)
{
	size_t sum = arena->head_bytes;

	for (size_t i = 0; i < arena->n_tables; i++) {
		const struct arena_table *table = &arena->tables[i];
		size_t bytes = table->record_size * atomic_load(table->high_water);

		/* Fits: the whole table was rounded up the same way. */
		sum += (bytes + arena->page_size - 1) & ~(arena->page_size - 1);
	}
	return sum;
}
