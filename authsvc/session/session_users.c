#include "authsvc/session/session_users.h"

#include <sodium.h>

#include "proto/base/lru.h"

struct known_user {
    uint64_t era;     /* of another one than the table's: he is not known any more */
    uint64_t read_ms; /* monotonic */
    struct store_user user;
};

struct session_users {
    const struct clock *clock;
    struct store store;
    struct lru *known; /* by id */
    uint64_t era;
    uint64_t forgets; /* how often somebody was forgotten */
};

struct user_question {
    struct session_users *users;
    uint64_t forgets; /* when it was asked */
    store_user_fn *fn;
    void *arg;
};

struct session_users *session_users_new(const struct clock *clock, struct store store,
                                        size_t users_max)
{
    struct session_users *users = mem_alloc(sizeof(*users));
    users->clock = clock;
    users->store = store;
    users->known = lru_new(sizeof(uint64_t), sizeof(struct known_user), users_max);
    return users;
}

void session_users_free(struct session_users **users)
{
    if (*users != NULL) {
        lru_free(&(*users)->known);
        mem_free(users);
    }
}

const struct store_user *session_users_find(struct session_users *users, uint64_t user_id)
{
    const struct known_user *known = lru_find(users->known, &user_id);
    const uint64_t now_ms = clock_mono_ms(users->clock);
    return known != NULL && known->era == users->era &&
                   now_ms - known->read_ms < SESSION_USERS_AGE_MS
               ? &known->user
               : NULL;
}

static void on_user_answered(void *arg, enum err err, const struct store_user *user)
{
    struct user_question question = *(struct user_question *)arg;
    struct session_users *users = question.users;
    mem_free(&arg);
    if (err == ERR_OK && user != NULL && question.forgets == users->forgets) {
        bool added;
        struct known_user *known = lru_put(users->known, &user->id, &added);
        known->era = users->era;
        known->read_ms = clock_mono_ms(users->clock);
        known->user = *user;
        sodium_memzero(known->user.password, sizeof(known->user.password));
    }
    question.fn(question.arg, err, user);
}

enum err session_users_ask(struct session_users *users, uint64_t user_id, uint64_t deadline_ms,
                           store_user_fn *fn, void *arg)
{
    struct user_question *question = mem_alloc(sizeof(*question));
    *question =
        (struct user_question){.users = users, .forgets = users->forgets, .fn = fn, .arg = arg};
    const enum err err = users->store.ops->get_user(users->store.self, user_id, deadline_ms,
                                                    on_user_answered, question);
    if (err != ERR_OK) {
        mem_free(&question);
    }
    return err;
}

void session_users_forget(struct session_users *users, uint64_t user_id)
{
    users->forgets++;
    lru_remove(users->known, &user_id);
}

void session_users_forget_all(struct session_users *users)
{
    users->forgets++;
    users->era++;
}
