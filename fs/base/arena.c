/* SPDX-License-Identifier: MIT */
#include "base/arena.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
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
	/* Per table. */
	struct mark {
		/*
		 * Records above this index were never used. Raised before an index is given out,
		 * never lowered, so that scans touch no page that was never written.
		 */
		_Atomic uint32_t high_water;
		/* The first generation of a record of memory that is new, or was given back. */
		_Atomic uint32_t first_generation;
	} marks[];
};

/* What is given back at once, and looked at as a whole. */
#define CHUNK_SIZE (64u << 10)
/* Given back are records of a table once so many bytes of them were freed. */
#define TRIM_WORTH (256u << 10)
/* Chunks that are looked at with the mutex held. */
#define TRIM_STEP 16
/* More than there are threads. */
#define SPARE_MAX 256

struct arena_table {
	/* Set by arena_new(), constant. */
	unsigned char *records; /* shared memory */
	struct mark *mark;      /* likewise */
	size_t record_size;
	uint32_t capacity;

	/* Private to the worker, made by arena_attach(). */
	_Atomic uint32_t live;
	pthread_mutex_t mutex;
	/*
	 * Written under the mutex, read by scans without it. Bit set: free, and not above high_water.
	 * The record of a bit that is set need not be looked at, and its memory may have been given back.
	 */
	_Atomic uint64_t *free_bits;
	uint64_t *given_back; /* guarded by: mutex. A bit for each chunk */
	_Atomic size_t n_given_back;
	uint32_t n_freed; /* guarded by: mutex. Since the last trim */
	uint32_t n_free;  /* guarded by: mutex. Bits set */
	uint32_t hint;    /* guarded by: mutex. No bit is set in words before this one */
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
	size_t offset = sizeof(struct head) + arena->n_tables * sizeof(struct mark);
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
		arena->tables[i].mark = &arena->head->marks[i];
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
		free(arena->tables[i].given_back);
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
	atomic_fetch_or_explicit(&table->free_bits[word], bit, memory_order_release);
	table->n_free++;
	table->n_freed++;
	if (word < table->hint)
		table->hint = word;
}

static size_t n_chunks(const struct arena_table *table)
{
	return (table->record_size * table->capacity + CHUNK_SIZE - 1) / CHUNK_SIZE;
}

static int attach_table(struct arena_table *table)
{
	uint32_t high = atomic_load(&table->mark->high_water);
	_Atomic uint64_t *bits = calloc(((size_t)table->capacity + 63) / 64, sizeof(*bits));
	uint64_t *given_back = calloc(n_chunks(table) / 64 + 1, sizeof(*given_back));
	uint32_t live = 0;

	if (!bits || !given_back) {
		free(bits);
		free(given_back);
		return -ENOMEM;
	}
	if (table->free_bits)
		free(table->free_bits);
	else
		pthread_mutex_init(&table->mutex, NULL);
	free(table->given_back);
	table->free_bits = bits;
	table->given_back = given_back;
	table->n_given_back = 0;
	table->n_freed = 0;
	table->n_free = 0;
	table->hint = 0;
	for (uint32_t index = 1; index <= high; index++) {
		struct arena_record *record = arena_at(table, index);

		if (atomic_load(&record->state)) {
			live++;
			continue;
		}
		/*
		 * The last worker may have died between freeing the record and raising this. Memory
		 * that was given back has none until it is used: first_generation().
		 */
		if (record->generation)
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

/* The first and the last chunk that a record lies in. */
static void chunks_of(const struct arena_table *table, uint32_t index, size_t *ret_first,
		      size_t *ret_last)
{
	size_t begin = (size_t)(index - 1) * table->record_size;

	*ret_first = begin / CHUNK_SIZE;
	*ret_last = (begin + table->record_size - 1) / CHUNK_SIZE;
}

/* The record is written to from now on. */
static void note_use_locked(struct arena_table *table, uint32_t index)
{
	size_t chunk, last;

	for (chunks_of(table, index, &chunk, &last); chunk <= last; chunk++) {
		if (!(table->given_back[chunk / 64] & 1ULL << chunk % 64))
			continue;
		table->given_back[chunk / 64] &= ~(1ULL << chunk % 64);
		table->n_given_back--;
	}
}

/* The lowest free index, or 0. The caller holds table->mutex. */
static uint32_t take_free_locked(struct arena_table *table)
{
	uint32_t high = atomic_load_explicit(&table->mark->high_water, memory_order_relaxed);
	uint32_t word = table->hint;
	uint32_t bit;

	if (!table->n_free) {
		if (high == table->capacity)
			return 0;
		atomic_store_explicit(&table->mark->high_water, high + 1, memory_order_release);
		return high + 1;
	}
	while (!table->free_bits[word])
		word++;
	bit = (uint32_t)__builtin_ctzll(table->free_bits[word]);
	atomic_fetch_and_explicit(&table->free_bits[word], ~(1ULL << bit), memory_order_relaxed);
	table->n_free--;
	table->hint = word;
	return word * 64 + bit + 1;
}

static uint32_t first_generation(const struct arena_table *table)
{
	uint32_t first = atomic_load(&table->mark->first_generation);

	return first ? first : 1;
}

uint32_t arena_alloc(struct arena_table *table)
{
	struct arena_record *record;
	uint32_t index;

	pthread_mutex_lock(&table->mutex);
	index = take_free_locked(table);
	if (index)
		note_use_locked(table, index);
	pthread_mutex_unlock(&table->mutex);
	if (!index)
		return 0;
	record = arena_at(table, index);
	if (!record->generation)
		record->generation = first_generation(table);
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

static bool is_free(const struct arena_table *table, uint32_t index)
{
	uint64_t word =
		atomic_load_explicit(&table->free_bits[(index - 1) / 64], memory_order_acquire);

	return word & 1ULL << (index - 1) % 64;
}

uint32_t arena_next(const struct arena_table *table, uint32_t index)
{
	uint32_t high = atomic_load_explicit(&table->mark->high_water, memory_order_acquire);

	while (index++ < high) {
		struct arena_record *record = arena_at(table, index);

		if (is_free(table, index))
			continue;
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

bool arena_has_room(const struct arena_table *table)
{
	uint32_t spare = table->capacity / 16 < SPARE_MAX ? table->capacity / 16 : SPARE_MAX;

	return arena_count(table) < table->capacity - spare;
}

size_t arena_used_bytes(const struct arena *arena)
{
	size_t sum = arena->head_bytes;

	for (size_t i = 0; i < arena->n_tables; i++) {
		const struct arena_table *table = &arena->tables[i];
		size_t bytes = table->record_size * atomic_load(&table->mark->high_water);
		size_t given_back = table->n_given_back * CHUNK_SIZE;

		bytes -= given_back < bytes ? given_back : bytes;
		/* Fits: the whole table was rounded up the same way. */
		sum += (bytes + arena->page_size - 1) & ~(arena->page_size - 1);
	}
	return sum;
}

/* The records that lie in a chunk, in whole or in part. */
static void records_of(const struct arena_table *table, size_t chunk, uint32_t *ret_first,
		       uint32_t *ret_last)
{
	*ret_first = (uint32_t)(chunk * CHUNK_SIZE / table->record_size) + 1;
	*ret_last = (uint32_t)(((chunk + 1) * CHUNK_SIZE - 1) / table->record_size) + 1;
}

/* Whether the chunk was used, and nothing in it is. Raises *generation above all that are in it. */
static bool is_disused_locked(const struct arena_table *table, size_t chunk, uint32_t high,
			      uint32_t *generation)
{
	uint32_t highest = *generation;
	uint32_t index, last;

	if (table->given_back[chunk / 64] & 1ULL << chunk % 64)
		return false;
	records_of(table, chunk, &index, &last);
	if (last > high)
		return false;
	for (; index <= last; index++) {
		if (!is_free(table, index))
			return false;
		if (((struct arena_record *)arena_at(table, index))->generation >= highest)
			highest = ((struct arena_record *)arena_at(table, index))->generation + 1;
	}
	*generation = highest;
	return true;
}

static size_t give_back_locked(struct arena_table *table, size_t chunk, uint32_t generation)
{
	/* Before the generations go, for a worker that is killed in between. */
	atomic_store(&table->mark->first_generation, generation);
	if (madvise(table->records + chunk * CHUNK_SIZE, CHUNK_SIZE, MADV_REMOVE))
		return 0;
	table->given_back[chunk / 64] |= 1ULL << chunk % 64;
	table->n_given_back++;
	return CHUNK_SIZE;
}

static size_t trim_table(struct arena_table *table)
{
	uint32_t high = atomic_load(&table->mark->high_water);
	size_t chunks = table->record_size * high / CHUNK_SIZE;
	size_t sum = 0;

	for (size_t chunk = 0; chunk < chunks;) {
		pthread_mutex_lock(&table->mutex);
		for (size_t i = 0; i < TRIM_STEP && chunk < chunks; i++, chunk++) {
			uint32_t generation = first_generation(table);

			if (is_disused_locked(table, chunk, high, &generation))
				sum += give_back_locked(table, chunk, generation);
		}
		pthread_mutex_unlock(&table->mutex);
	}
	return sum;
}

size_t arena_trim(struct arena *arena)
{
	size_t sum = 0;

	for (size_t i = 0; i < arena->n_tables; i++) {
		struct arena_table *table = &arena->tables[i];
		bool worth;

		pthread_mutex_lock(&table->mutex);
		worth = table->n_freed * table->record_size >= TRIM_WORTH;
		if (worth)
			table->n_freed = 0;
		pthread_mutex_unlock(&table->mutex);
		if (worth)
			sum += trim_table(table);
	}
	return sum;
}
