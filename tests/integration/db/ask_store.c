#include "tests/integration/db/ask_store.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define WAIT_MS 15000

struct ask_store {
    struct loop *loop;
    struct metrics *metrics;
    struct health *health;
    struct store_mysql *mysql;
    struct store store;
};

/* What is out, and where what it brings goes. */
struct asked {
    size_t waits;
    size_t failures;
    enum err err;
    void *ret;
    size_t ret_bytes;
    bool is_there;
};

static bool is_answered(void *arg)
{
    const struct asked *asked = arg;
    return asked->waits == 0;
}

static enum err wait_for(struct ask_store *store, struct asked *asked, enum err started)
{
    assert_int_equal(started, ERR_OK);
    assert_true(loop_run_until(store->loop, is_answered, asked, WAIT_MS));
    return asked->err;
}

static void take(void *arg, enum err err, const void *result)
{
    struct asked *asked = arg;
    asked->waits--;
    asked->err = err;
    asked->failures += err != ERR_OK;
    asked->is_there = result != NULL;
    if (result != NULL && asked->ret != NULL) {
        memcpy(asked->ret, result, asked->ret_bytes);
    }
}

struct ask_store *ask_store_new(const struct db_config *config, unsigned login_threads)
{
    struct ask_store *store = mem_alloc(sizeof(*store));
    store->loop = loop_new();
    store->metrics = metrics_new();
    store->health = health_new();
    const struct store_mysql_config mysql = {.db = config,
                                             .session_threads = 1,
                                             .session_queue_max = 64,
                                             .login_threads = login_threads,
                                             .login_queue_max = 128};
    store->mysql = store_mysql_new(store->loop, store->metrics, store->health, &mysql);
    store->store = store_mysql_store(store->mysql);
    return store;
}

void ask_store_free(struct ask_store **store)
{
    if (*store != NULL) {
        store_mysql_free(&(*store)->mysql);
        health_free(&(*store)->health);
        metrics_free(&(*store)->metrics);
        loop_free(&(*store)->loop);
        mem_free(store);
    }
}

static void on_user(void *arg, enum err err, const struct store_user *user)
{
    take(arg, err, user);
}

enum err ask_find_user(struct ask_store *store, const char *username, struct store_user *ret,
                       bool *ret_found)
{
    struct asked asked = {.waits = 1, .ret = ret, .ret_bytes = sizeof(*ret)};
    enum err err = wait_for(
        store, &asked,
        store->store.ops->find_user(store->store.self, str_of(username), 0, on_user, &asked));
    *ret_found = asked.is_there;
    return err;
}

enum err ask_get_user(struct ask_store *store, uint64_t user_id, struct store_user *ret,
                      bool *ret_found)
{
    struct asked asked = {.waits = 1, .ret = ret, .ret_bytes = sizeof(*ret)};
    enum err err = wait_for(
        store, &asked, store->store.ops->get_user(store->store.self, user_id, 0, on_user, &asked));
    *ret_found = asked.is_there;
    return err;
}

enum err ask_add_user(struct ask_store *store, const struct store_new_user *user,
                      struct store_user *ret)
{
    struct asked asked = {.waits = 1, .ret = ret, .ret_bytes = sizeof(*ret)};
    return wait_for(store, &asked,
                    store->store.ops->add_user(store->store.self, user, 0, on_user, &asked));
}

size_t ask_add_users(struct ask_store *store, const struct store_new_user *users, size_t count)
{
    struct asked asked = {.waits = count};
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(
            store->store.ops->add_user(store->store.self, &users[i], 0, on_user, &asked), ERR_OK);
    }
    (void)wait_for(store, &asked, ERR_OK);
    return asked.failures;
}

static void on_users(void *arg, enum err err, const struct store_users_found *found)
{
    take(arg, err, found);
}

enum err ask_find_users(struct ask_store *store, const struct store_users_page *page,
                        struct store_users_found *ret)
{
    struct asked asked = {.waits = 1, .ret = ret, .ret_bytes = sizeof(*ret)};
    return wait_for(store, &asked,
                    store->store.ops->find_users(store->store.self, page, 0, on_users, &asked));
}

static void on_changed(void *arg, enum err err, const struct store_changed *changed)
{
    const struct asked *asked = arg;
    take(arg, err, changed);
    if (changed != NULL && asked->ret != NULL) {
        ((struct store_changed *)asked->ret)->sessions.tokens = NULL;
    }
}

enum err ask_change_user(struct ask_store *store, const struct store_change *change,
                         struct store_changed *ret)
{
    struct asked asked = {.waits = 1, .ret = ret, .ret_bytes = sizeof(*ret)};
    return wait_for(
        store, &asked,
        store->store.ops->change_user(store->store.self, change, 0, on_changed, &asked));
}

size_t ask_change_users(struct ask_store *store, const struct store_change *changes, size_t count)
{
    struct asked asked = {.waits = count};
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(
            store->store.ops->change_user(store->store.self, &changes[i], 0, on_changed, &asked),
            ERR_OK);
    }
    (void)wait_for(store, &asked, ERR_OK);
    return asked.failures;
}

void ask_set_password(struct ask_store *store, uint64_t user_id, const char *from, const char *to)
{
    store->store.ops->set_password(store->store.self, user_id, from, to);
}

static void on_session(void *arg, enum err err, const struct session *session)
{
    take(arg, err, session);
}

enum err ask_find_session(struct ask_store *store, const struct token_hash *token,
                          struct session *ret, bool *ret_found)
{
    struct asked asked = {.waits = 1, .ret = ret, .ret_bytes = sizeof(*ret)};
    enum err err =
        wait_for(store, &asked,
                 store->store.ops->find_session(store->store.self, token, 0, on_session, &asked));
    *ret_found = asked.is_there;
    return err;
}

static void on_page(void *arg, enum err err, const struct store_page_found *found)
{
    take(arg, err, found);
}

enum err ask_find_sessions(struct ask_store *store, const struct store_page *page,
                           struct store_page_found *ret)
{
    struct asked asked = {.waits = 1, .ret = ret, .ret_bytes = sizeof(*ret)};
    return wait_for(store, &asked,
                    store->store.ops->find_sessions(store->store.self, page, 0, on_page, &asked));
}

static void on_opened(void *arg, enum err err, const struct store_opened *opened)
{
    take(arg, err, opened);
}

enum err ask_open_session(struct ask_store *store, const struct store_draft *draft,
                          struct store_opened *ret)
{
    struct asked asked = {.waits = 1, .ret = ret, .ret_bytes = sizeof(*ret)};
    return wait_for(store, &asked,
                    store->store.ops->open_session(store->store.self, draft, 0, on_opened, &asked));
}

size_t ask_open_sessions(struct ask_store *store, const struct store_draft *drafts, size_t count)
{
    struct asked asked = {.waits = count};
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(
            store->store.ops->open_session(store->store.self, &drafts[i], 0, on_opened, &asked),
            ERR_OK);
    }
    (void)wait_for(store, &asked, ERR_OK);
    return asked.failures;
}

static void on_extended(void *arg, enum err err, const bool *gone)
{
    take(arg, err, gone);
}

enum err ask_extend(struct ask_store *store, const struct store_extension *items, size_t count,
                    bool *ret_gone)
{
    struct asked asked = {.waits = 1, .ret = ret_gone, .ret_bytes = count * sizeof(*ret_gone)};
    return wait_for(store, &asked,
                    store->store.ops->extend(store->store.self, items, count, on_extended, &asked));
}

static void on_ended(void *arg, enum err err, const struct store_ended *ended)
{
    take(arg, err, ended != NULL ? &ended->count : NULL);
}

enum err ask_change_password(struct ask_store *store, const struct store_password *change,
                             size_t *ret_ended)
{
    struct asked asked = {.waits = 1, .ret = ret_ended, .ret_bytes = sizeof(*ret_ended)};
    return wait_for(
        store, &asked,
        store->store.ops->change_password(store->store.self, change, 0, on_ended, &asked));
}

size_t ask_change_passwords(struct ask_store *store, const struct store_password *changes,
                            size_t count)
{
    struct asked asked = {.waits = count};
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(
            store->store.ops->change_password(store->store.self, &changes[i], 0, on_ended, &asked),
            ERR_OK);
    }
    (void)wait_for(store, &asked, ERR_OK);
    return asked.failures;
}

enum err ask_remove_user(struct ask_store *store, const struct store_removal *removal,
                         size_t *ret_ended)
{
    struct asked asked = {.waits = 1, .ret = ret_ended, .ret_bytes = sizeof(*ret_ended)};
    return wait_for(store, &asked,
                    store->store.ops->remove_user(store->store.self, removal, 0, on_ended, &asked));
}

size_t ask_remove_users(struct ask_store *store, const struct store_removal *removals, size_t count)
{
    struct asked asked = {.waits = count};
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(
            store->store.ops->remove_user(store->store.self, &removals[i], 0, on_ended, &asked),
            ERR_OK);
    }
    (void)wait_for(store, &asked, ERR_OK);
    return asked.failures;
}

static void on_command(void *arg, enum err err, bool is_done)
{
    take(arg, err, is_done ? &is_done : NULL);
}

bool ask_is_done(struct ask_store *store, const unsigned char key[STORE_KEY_BYTES])
{
    struct asked asked = {.waits = 1};
    assert_int_equal(
        wait_for(store, &asked,
                 store->store.ops->find_command(store->store.self, key, 0, on_command, &asked)),
        ERR_OK);
    return asked.is_there;
}

enum err ask_revoke(struct ask_store *store, const struct store_target *target, size_t *ret_count)
{
    struct asked asked = {.waits = 1, .ret = ret_count, .ret_bytes = sizeof(*ret_count)};
    return wait_for(store, &asked,
                    store->store.ops->revoke(store->store.self, target, 0, on_ended, &asked));
}

struct revoked {
    struct asked asked;
    bool was_done;
};

static void on_ended_or_done(void *arg, enum err err, const struct store_ended *ended)
{
    struct revoked *revoked = arg;
    revoked->was_done = ended != NULL && ended->was_done;
    on_ended(&revoked->asked, err, ended);
}

enum err ask_revoke_again(struct ask_store *store, const struct store_target *target,
                          size_t *ret_count, bool *ret_was_done)
{
    struct revoked revoked = {
        .asked = {.waits = 1, .ret = ret_count, .ret_bytes = sizeof(*ret_count)}};
    const enum err err = wait_for(
        store, &revoked.asked,
        store->store.ops->revoke(store->store.self, target, 0, on_ended_or_done, &revoked));
    *ret_was_done = revoked.was_done;
    return err;
}

static void on_revoked(void *arg, enum err err, const struct store_revocations *revoked)
{
    take(arg, err, revoked);
}

enum err ask_find_revoked(struct ask_store *store, const struct store_revocation *after,
                          struct store_revocations *ret)
{
    struct asked asked = {.waits = 1, .ret = ret, .ret_bytes = sizeof(*ret)};
    return wait_for(store, &asked,
                    store->store.ops->find_revoked(store->store.self, after, on_revoked, &asked));
}

static void on_acts(void *arg, enum err err, const struct store_acts_found *found)
{
    take(arg, err, found);
}

enum err ask_find_acts(struct ask_store *store, const struct store_acts_page *page,
                       struct store_acts_found *ret)
{
    struct asked asked = {.waits = 1, .ret = ret, .ret_bytes = sizeof(*ret)};
    return wait_for(store, &asked,
                    store->store.ops->find_acts(store->store.self, page, 0, on_acts, &asked));
}

static void on_swept(void *arg, enum err err, bool more)
{
    take(arg, err, &more);
}

enum err ask_sweep(struct ask_store *store, uint64_t expired_before_unix_ms,
                   uint64_t revoked_before_unix_ms, bool *ret_more)
{
    struct asked asked = {.waits = 1, .ret = ret_more, .ret_bytes = sizeof(*ret_more)};
    return wait_for(store, &asked,
                    store->store.ops->sweep(store->store.self, expired_before_unix_ms,
                                            revoked_before_unix_ms, on_swept, &asked));
}
