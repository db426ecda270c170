#include "authsvc/session/session_table.h"

#include "proto/base/list.h"
#include "proto/base/lru.h"

#include <assert.h>

#define SPILL_MAX 256
/* What a crash forgets of the sliding at most; a session in steady use costs one write in this
 * time. A stored expiry that has come nearer than half the idle time is written at once, so that a
 * crash never ends a session that was in use. */
#define WRITE_DELAY_MAX_MS 30000
/* With the first that is due goes what is due within this part of the delay: many sessions in use
 * would else make as many small batches. */
#define GATHERED_PART 16
#define FORGET_MAX 1000

struct cached {
    struct token_hash token;
    uint64_t id;
    uint64_t user_id;
    const struct session_span *span; /* of its kind */
    uint64_t ends_unix_ms;           /* however much it is used */
    uint64_t expires_unix_ms;        /* as this replica knows it */
    uint64_t stored_unix_ms;         /* as the database knows it */
    uint64_t used_unix_ms;           /* the last use; 0: none by this replica */
    struct list_link link;           /* in waiting */
    uint64_t due_mono_ms;            /* of what waits: when it is to be written */
    bool is_urgent;                  /* likewise: it was due when it began to wait */
    uint8_t role;                    /* of the user: an enum role */
    uint16_t place;                  /* in the batch, from 1; 0: is not in it */
    uint32_t generation;             /* of the table, when it came into it */
};

struct session_table {
    struct session_rules rules;
    uint64_t delay_ms;
    uint32_t generation; /* sessions of another one are not vouched for any more */
    struct lru *sessions;

    struct list_link waiting; /* to be written, the urgent ones first */
    size_t waiting_count;
    /* Of sessions that had to make place while they waited. */
    struct store_extension spill[SPILL_MAX];
    size_t spilled;

    /* The batch being written: first the spilled ones. */
    struct cached *batch[STORE_BATCH_MAX]; /* NULL: spilled, or removed meanwhile */
    uint64_t batch_expires[STORE_BATCH_MAX];
    uint64_t batch_used[STORE_BATCH_MAX];
    size_t batch_count;
    size_t batch_spilled;
};

static uint64_t min_u64(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static uint64_t max_u64(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

struct session_table *session_table_new(const struct session_rules *rules, size_t sessions_max)
{
    struct session_table *table = mem_alloc(sizeof(*table));
    table->rules = *rules;
    uint64_t idle_ms = min_u64(rules->original.idle_ms, rules->web.idle_ms);
    table->delay_ms = min_u64(idle_ms / 10, WRITE_DELAY_MAX_MS);
    list_init(&table->waiting);
    table->sessions = lru_new(sizeof(struct token_hash), sizeof(struct cached), sessions_max);
    return table;
}

void session_table_free(struct session_table **table)
{
    if (*table != NULL) {
        lru_free(&(*table)->sessions);
        mem_free(table);
    }
}

/* ---- what waits to be written ---- */

static bool waits(const struct cached *cached)
{
    return !list_is_empty(&cached->link);
}

static void wait_no_more(struct session_table *t, struct cached *cached)
{
    if (waits(cached)) {
        list_remove(&cached->link);
        t->waiting_count--;
    }
}

static void wait_to_be_written(struct session_table *t, struct cached *cached, struct moment now)
{
    /* One that is close to the end of its lifetime has nothing to gain. */
    const bool at_once = cached->expires_unix_ms > cached->stored_unix_ms &&
                         cached->stored_unix_ms <= now.unix_ms + cached->span->idle_ms / 2;
    if (waits(cached) && (!at_once || cached->is_urgent)) {
        return;
    }
    wait_no_more(t, cached);
    cached->is_urgent = at_once;
    cached->due_mono_ms = now.mono_ms + (at_once ? 0 : t->delay_ms);
    if (at_once) {
        list_add_first(&t->waiting, &cached->link);
    } else {
        list_add(&t->waiting, &cached->link);
    }
    t->waiting_count++;
}

static void leave_batch(struct session_table *t, struct cached *cached)
{
    if (cached->place != 0) {
        t->batch[cached->place - 1] = NULL;
        cached->place = 0;
    }
}

static void forget(struct session_table *t, struct cached *cached)
{
    const struct token_hash token = cached->token;
    leave_batch(t, cached);
    wait_no_more(t, cached);
    lru_remove(t->sessions, &token);
}

/* ---- finding and sliding ---- */

static bool is_live(const struct session_table *t, const struct cached *cached, struct moment now)
{
    return cached->generation == t->generation && now.unix_ms < cached->expires_unix_ms &&
           now.unix_ms < cached->stored_unix_ms + t->rules.outage_ms;
}

static void slide_cached(struct session_table *t, struct cached *cached, struct moment now)
{
    uint64_t expires = min_u64(now.unix_ms + cached->span->idle_ms, cached->ends_unix_ms);
    cached->expires_unix_ms = max_u64(cached->expires_unix_ms, expires);
    cached->used_unix_ms = max_u64(cached->used_unix_ms, now.unix_ms);
    /* Near the end of its lifetime only its last use is news. */
    if (cached->expires_unix_ms > cached->stored_unix_ms || expires == cached->ends_unix_ms) {
        wait_to_be_written(t, cached, now);
    }
}

static void view(const struct cached *cached, struct session_view *ret)
{
    *ret = (struct session_view){.id = cached->id,
                                 .user_id = cached->user_id,
                                 .role = cached->role,
                                 .expires_unix_ms = cached->expires_unix_ms};
}

bool session_table_find(struct session_table *t, const struct token_hash *token, bool slide,
                        struct moment now, struct session_view *ret)
{
    struct cached *cached = lru_find(t->sessions, token);
    if (cached == NULL || !is_live(t, cached, now)) {
        return false;
    }
    if (slide) {
        slide_cached(t, cached, now);
    }
    view(cached, ret);
    return true;
}

/* ---- coming and going ---- */

static struct store_extension extension_of(const struct cached *cached)
{
    return (struct store_extension){.id = cached->id,
                                    .token = cached->token,
                                    .expires_unix_ms = cached->expires_unix_ms,
                                    .used_unix_ms = cached->used_unix_ms};
}

/* The one used longest ago goes; what it has to have written is kept. */
static bool make_place_in_cache(struct session_table *t)
{
    if (!lru_is_full(t->sessions)) {
        return true;
    }
    const void *key = NULL;
    struct cached *oldest = lru_oldest(t->sessions, &key);
    if (waits(oldest) && t->spilled == SPILL_MAX) {
        return false;
    }
    if (waits(oldest)) {
        t->spill[t->spilled++] = extension_of(oldest);
    }
    forget(t, oldest);
    return true;
}

static struct cached *get_cached(struct session_table *t, const struct token_hash *token,
                                 uint64_t id)
{
    struct cached *cached = lru_find(t->sessions, token);
    if (cached != NULL && (cached->id != id || cached->generation != t->generation)) {
        forget(t, cached);
        cached = NULL;
    }
    if (cached == NULL) {
        if (!make_place_in_cache(t)) {
            return NULL;
        }
        bool added = false;
        cached = lru_put(t->sessions, token, &added);
        list_init(&cached->link);
        cached->token = *token;
        cached->id = id;
        cached->generation = t->generation;
    }
    return cached;
}

enum err session_table_add(struct session_table *t, const struct token_hash *token,
                           const struct session *stored, bool slide, struct moment now,
                           struct session_view *ret)
{
    struct cached *cached = get_cached(t, token, stored->id);
    if (cached == NULL) {
        return ERR_OVERLOADED;
    }
    cached->user_id = stored->user_id;
    cached->role = (uint8_t)stored->role;
    cached->span = session_rules_span(&t->rules, stored->kind);
    cached->ends_unix_ms = stored->created_unix_ms + cached->span->lifetime_ms;
    cached->stored_unix_ms = stored->expires_unix_ms;
    uint64_t expires = max_u64(cached->expires_unix_ms, stored->expires_unix_ms);
    cached->expires_unix_ms = min_u64(expires, cached->ends_unix_ms);
    if (!is_live(t, cached, now)) {
        forget(t, cached);
        return ERR_UNAUTHORIZED;
    }
    if (slide) {
        slide_cached(t, cached, now);
    }
    view(cached, ret);
    return ERR_OK;
}

uint64_t session_table_user(const struct session_table *t, const struct token_hash *token)
{
    const struct cached *cached = lru_peek(t->sessions, token);
    return cached != NULL ? cached->user_id : 0;
}

void session_table_remove(struct session_table *t, const struct token_hash *token)
{
    struct cached *cached = lru_find(t->sessions, token);
    if (cached != NULL) {
        forget(t, cached);
    }
}

void session_table_forget_all(struct session_table *t)
{
    t->generation++;
}

void session_table_forget_dead(struct session_table *t, struct moment now)
{
    for (unsigned i = 0; i < FORGET_MAX; i++) {
        const void *key = NULL;
        struct cached *oldest = lru_oldest(t->sessions, &key);
        if (oldest == NULL || waits(oldest) || now.unix_ms < oldest->expires_unix_ms) {
            return;
        }
        forget(t, oldest);
    }
}

size_t session_table_count(const struct session_table *t)
{
    return lru_count(t->sessions);
}

/* ---- batches ---- */

size_t session_table_waiting(const struct session_table *t)
{
    return t->waiting_count + t->spilled;
}

uint64_t session_table_due_ms(const struct session_table *t, struct moment now)
{
    if (t->spilled > 0) {
        return 0;
    }
    const struct cached *first = LIST_FIRST(struct cached, &t->waiting, link);
    if (first == NULL) {
        return SESSION_TABLE_NEVER;
    }
    return first->due_mono_ms > now.mono_ms ? first->due_mono_ms - now.mono_ms : 0;
}

static void take_spilled(struct session_table *t, struct store_extension *items)
{
    t->batch_spilled = t->spilled < STORE_BATCH_MAX ? t->spilled : STORE_BATCH_MAX;
    memcpy(items, t->spill, t->batch_spilled * sizeof(*items));
    memset(t->batch, 0, sizeof(t->batch));
    t->batch_count = t->batch_spilled;
}

size_t session_table_take(struct session_table *t, bool all, struct moment now,
                          struct store_extension items[STORE_BATCH_MAX])
{
    assert(t->batch_count == 0);
    bool is_due = session_table_due_ms(t, now) == 0;
    uint64_t until_ms = now.mono_ms + (is_due ? t->delay_ms / GATHERED_PART : 0);
    take_spilled(t, items);
    LIST_EACH (struct cached, cached, &t->waiting, link) {
        const bool is_ripe = all || cached->due_mono_ms <= until_ms;
        if (t->batch_count == STORE_BATCH_MAX || !is_ripe) {
            break;
        }
        size_t i = t->batch_count++;
        items[i] = extension_of(cached);
        t->batch[i] = cached;
        t->batch_expires[i] = cached->expires_unix_ms;
        t->batch_used[i] = cached->used_unix_ms;
        cached->place = (uint16_t)(i + 1);
    }
    return t->batch_count;
}

/* It may have been used while it was being written. */
static void note_written(struct session_table *t, size_t i, struct moment now)
{
    struct cached *cached = t->batch[i];
    cached->place = 0;
    cached->stored_unix_ms = max_u64(cached->stored_unix_ms, t->batch_expires[i]);
    wait_no_more(t, cached);
    if (cached->used_unix_ms > t->batch_used[i]) {
        wait_to_be_written(t, cached, now);
    }
}

void session_table_written(struct session_table *t, const bool *gone, struct moment now)
{
    t->spilled -= t->batch_spilled;
    memmove(t->spill, t->spill + t->batch_spilled, t->spilled * sizeof(t->spill[0]));
    for (size_t i = t->batch_spilled; i < t->batch_count; i++) {
        struct cached *cached = t->batch[i];
        if (cached != NULL && gone[i]) {
            forget(t, cached);
        } else if (cached != NULL) {
            note_written(t, i, now);
        }
    }
    t->batch_count = 0;
}

void session_table_not_written(struct session_table *t)
{
    for (size_t i = 0; i < t->batch_count; i++) {
        if (t->batch[i] != NULL) {
            t->batch[i]->place = 0;
        }
    }
    t->batch_count = 0;
}
