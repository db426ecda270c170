/* The table of sessions: sliding, bounds, what has to be written. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <sodium.h>

#include "authsvc/session/session_table.h"

#define MAX 4
#define T0 1700000000000
#define IDLE UINT64_C(300000)
#define WEB_IDLE UINT64_C(604800000)
#define LIFETIME 43200000
#define OUTAGE 600000

static const struct session_rules rules = {
    .original = {.idle_ms = IDLE, .lifetime_ms = LIFETIME},
    .web = {.idle_ms = WEB_IDLE, .lifetime_ms = 4 * WEB_IDLE},
    .outage_ms = OUTAGE};

static struct moment at(uint64_t ms)
{
    return (struct moment){.mono_ms = 1000000 + ms, .unix_ms = T0 + ms};
}

static struct token_hash token(uint64_t n)
{
    struct token_hash hash = {{0}};
    memcpy(hash.bytes, &n, sizeof(n));
    return hash;
}

static struct session stored(uint64_t id, uint64_t expires_ms)
{
    return (struct session){
        .id = id, .user_id = 7, .created_unix_ms = T0, .expires_unix_ms = T0 + expires_ms};
}

static enum err add(struct session_table *t, uint64_t n, uint64_t expires_ms, uint64_t now_ms)
{
    struct token_hash hash = token(n);
    struct session session = stored(n, expires_ms);
    struct session_view view;
    return session_table_add(t, &hash, &session, false, at(now_ms), &view);
}

static bool use(struct session_table *t, uint64_t n, uint64_t now_ms, uint64_t *ret_expires_ms)
{
    struct token_hash hash = token(n);
    struct session_view view = {0};
    bool live = session_table_find(t, &hash, /* slide= */ true, at(now_ms), &view);
    *ret_expires_ms = view.expires_unix_ms - T0;
    return live;
}

static int setup(void **state)
{
    *state = session_table_new(&rules, MAX);
    return 0;
}

static int teardown(void **state)
{
    struct session_table *t = *state;
    session_table_free(&t);
    return 0;
}

static void forgets_all_at_once(void **state)
{
    uint64_t expires = 0;
    assert_int_equal(add(*state, 1, IDLE, 0), ERR_OK);
    assert_true(use(*state, 1, 1, &expires));
    session_table_forget_all(*state);
    assert_false(use(*state, 1, 1, &expires));
    /* Nor is anything of the one before left when it is there again. */
    assert_int_equal(add(*state, 1, 10, 1), ERR_OK);
    struct session_view view;
    struct token_hash hash = token(1);
    struct session session = stored(1, 10);
    assert_int_equal(session_table_add(*state, &hash, &session, false, at(1), &view), ERR_OK);
    assert_int_equal(view.expires_unix_ms, T0 + 10);
    assert_int_equal(session_table_count(*state), 1);
}

static void slides(void **state)
{
    uint64_t expires = 0;
    assert_false(use(*state, 1, 0, &expires));
    assert_int_equal(add(*state, 1, IDLE, 0), ERR_OK);
    assert_true(use(*state, 1, IDLE - 1, &expires));
    assert_int_equal(expires, 2 * IDLE - 1);
    assert_true(use(*state, 1, 2 * IDLE - 2, &expires));
    assert_false(use(*state, 1, 3 * IDLE, &expires));
}

static void ends_at_its_lifetime(void **state)
{
    uint64_t expires = 0;
    assert_int_equal(add(*state, 1, LIFETIME - 1000, LIFETIME - 2000), ERR_OK);
    assert_true(use(*state, 1, LIFETIME - 1500, &expires));
    assert_int_equal(expires, LIFETIME);
    assert_false(use(*state, 1, LIFETIME, &expires));
    assert_int_equal(add(*state, 2, LIFETIME + 5000, LIFETIME), ERR_UNAUTHORIZED);
}

/* Also of one whose expiry cannot grow any more. */
static void the_last_use_is_written(void **state)
{
    struct store_extension items[STORE_BATCH_MAX];
    uint64_t expires = 0;
    assert_int_equal(add(*state, 1, LIFETIME, LIFETIME - 100000), ERR_OK);
    assert_int_equal(session_table_waiting(*state), 0);
    assert_true(use(*state, 1, LIFETIME - 90000, &expires));
    assert_int_equal(session_table_due_ms(*state, at(LIFETIME - 90000)), 30000);
    assert_int_equal(session_table_take(*state, true, at(LIFETIME - 90000), items), 1);
    assert_int_equal(items[0].used_unix_ms, T0 + LIFETIME - 90000);
    assert_true(use(*state, 1, LIFETIME - 80000, &expires));
    session_table_written(*state, (bool[]){false}, at(LIFETIME - 80000));
    assert_int_equal(session_table_take(*state, true, at(LIFETIME - 80000), items), 1);
    assert_int_equal(items[0].used_unix_ms, T0 + LIFETIME - 80000);
    session_table_written(*state, (bool[]){false}, at(LIFETIME - 80000));
    assert_int_equal(session_table_waiting(*state), 0);
}

static void a_web_session_lives_for_days(void **state)
{
    const struct token_hash hash = token(1);
    struct session web = stored(1, WEB_IDLE);
    struct session_view view;
    web.kind = SESSION_WEB;
    web.role = ROLE_ADMIN;
    uint64_t expires = 0;
    assert_int_equal(session_table_add(*state, &hash, &web, false, at(0), &view), ERR_OK);
    assert_int_equal(view.role, ROLE_ADMIN);
    assert_true(use(*state, 1, WEB_IDLE - 1, &expires));
    assert_int_equal(expires, 2 * WEB_IDLE - 1);
    web.expires_unix_ms = T0 + 4 * WEB_IDLE;
    assert_int_equal(session_table_add(*state, &hash, &web, true, at(4 * WEB_IDLE - 1), &view),
                     ERR_OK);
    assert_int_equal(view.expires_unix_ms, T0 + 4 * WEB_IDLE);
    assert_false(use(*state, 1, 4 * WEB_IDLE, &expires));
}

static void what_is_over_is_not_taken(void **state)
{
    assert_int_equal(add(*state, 1, 1000, 1000), ERR_UNAUTHORIZED);
    assert_int_equal(session_table_count(*state), 0);
}

static void goes_on_for_a_while_without_the_database(void **state)
{
    uint64_t expires = 0;
    assert_int_equal(add(*state, 1, IDLE, 0), ERR_OK);
    for (uint64_t now = 0; now < IDLE + OUTAGE; now += IDLE / 3) {
        assert_true(use(*state, 1, now, &expires));
    }
    assert_false(use(*state, 1, IDLE + OUTAGE, &expires));
    /* The database is back and has the old expiry: this replica knows better. */
    assert_int_equal(add(*state, 1, IDLE, IDLE + OUTAGE - 1), ERR_OK);
}

static void is_written_after_a_while(void **state)
{
    struct store_extension items[STORE_BATCH_MAX];
    uint64_t expires = 0;
    assert_int_equal(add(*state, 1, IDLE, 0), ERR_OK);
    assert_int_equal(session_table_due_ms(*state, at(0)), SESSION_TABLE_NEVER);
    assert_true(use(*state, 1, 1000, &expires));
    assert_true(use(*state, 1, 3000, &expires));
    assert_int_equal(session_table_waiting(*state), 1);
    assert_int_equal(session_table_due_ms(*state, at(3000)), 28000);
    assert_int_equal(session_table_take(*state, false, at(30999), items), 0);
    session_table_not_written(*state);
    assert_int_equal(session_table_take(*state, false, at(31000), items), 1);
    assert_int_equal(items[0].id, 1);
    assert_int_equal(items[0].expires_unix_ms, T0 + 3000 + IDLE);
    session_table_written(*state, (bool[]){false}, at(31000));
    assert_int_equal(session_table_waiting(*state), 0);
}

static void is_written_at_once_when_the_stored_expiry_is_near(void **state)
{
    uint64_t expires = 0;
    assert_int_equal(add(*state, 1, IDLE, 0), ERR_OK);
    assert_int_equal(add(*state, 2, IDLE, 0), ERR_OK);
    assert_true(use(*state, 2, IDLE / 2 - 1000, &expires));
    assert_int_equal(session_table_due_ms(*state, at(IDLE / 2 - 1000)), 30000);
    assert_true(use(*state, 1, IDLE / 2, &expires));
    assert_int_equal(session_table_due_ms(*state, at(IDLE / 2)), 0);
    struct store_extension items[STORE_BATCH_MAX];
    assert_int_equal(session_table_take(*state, false, at(IDLE / 2), items), 1);
    assert_int_equal(items[0].id, 1);
}

/* The machine has just started, and the session is from before. What is due is taken then, or who
 * writes it would ask without end. */
static void what_is_due_right_after_boot_is_taken(void **state)
{
    struct store_extension items[STORE_BATCH_MAX];
    const struct moment boot = {.mono_ms = 1, .unix_ms = T0 + IDLE / 2};
    struct session_view view;
    const struct token_hash hash = token(1);
    const struct session session = stored(1, IDLE);
    assert_int_equal(session_table_add(*state, &hash, &session, true, boot, &view), ERR_OK);
    assert_int_equal(session_table_due_ms(*state, boot), 0);
    assert_int_equal(session_table_take(*state, false, boot, items), 1);
    assert_int_equal(items[0].expires_unix_ms, T0 + IDLE / 2 + IDLE);
}

/* What becomes due soon after goes along, what becomes due later does not. */
static void a_batch_is_gathered(void **state)
{
    struct store_extension items[STORE_BATCH_MAX];
    uint64_t expires = 0;
    for (uint64_t n = 1; n <= 3; n++) {
        assert_int_equal(add(*state, n, IDLE, 0), ERR_OK);
    }
    assert_true(use(*state, 1, 1000, &expires));
    assert_true(use(*state, 2, 2800, &expires));
    assert_true(use(*state, 3, 2900, &expires));
    assert_int_equal(session_table_take(*state, false, at(30999), items), 0);
    session_table_not_written(*state);
    assert_int_equal(session_table_take(*state, false, at(31000), items), 2);
    session_table_written(*state, (bool[]){false, false}, at(31000));
    assert_int_equal(session_table_due_ms(*state, at(31000)), 1900);
}

static void used_while_it_is_written(void **state)
{
    struct store_extension items[STORE_BATCH_MAX];
    uint64_t expires = 0;
    assert_int_equal(add(*state, 1, IDLE, 0), ERR_OK);
    assert_true(use(*state, 1, 1000, &expires));
    assert_int_equal(session_table_take(*state, true, at(1000), items), 1);
    assert_true(use(*state, 1, 2000, &expires));
    session_table_written(*state, (bool[]){false}, at(2100));
    assert_int_equal(session_table_waiting(*state), 1);
    assert_int_equal(session_table_take(*state, true, at(2100), items), 1);
    assert_int_equal(items[0].expires_unix_ms, T0 + 2000 + IDLE);
}

static void not_written_waits_on(void **state)
{
    struct store_extension items[STORE_BATCH_MAX];
    uint64_t expires = 0;
    assert_int_equal(add(*state, 1, IDLE, 0), ERR_OK);
    assert_true(use(*state, 1, 1000, &expires));
    assert_int_equal(session_table_take(*state, true, at(1000), items), 1);
    session_table_not_written(*state);
    assert_int_equal(session_table_waiting(*state), 1);
    assert_int_equal(session_table_take(*state, true, at(1000), items), 1);
    session_table_written(*state, (bool[]){false}, at(1000));
    assert_int_equal(session_table_waiting(*state), 0);
}

static void gone_from_the_database(void **state)
{
    struct store_extension items[STORE_BATCH_MAX];
    uint64_t expires = 0;
    for (uint64_t n = 1; n <= 3; n++) {
        assert_int_equal(add(*state, n, IDLE, 0), ERR_OK);
        assert_true(use(*state, n, 1000, &expires));
    }
    assert_int_equal(session_table_take(*state, true, at(1000), items), 3);
    struct token_hash first = token(1);
    session_table_remove(*state, &first); /* meanwhile */
    session_table_written(*state, (bool[]){true, true, false}, at(1000));
    assert_false(use(*state, 1, 1000, &expires));
    assert_false(use(*state, 2, 1000, &expires));
    assert_true(use(*state, 3, 1000, &expires));
}

static void the_one_used_longest_ago_makes_place(void **state)
{
    uint64_t expires = 0;
    for (uint64_t n = 1; n <= MAX; n++) {
        assert_int_equal(add(*state, n, IDLE, 0), ERR_OK);
    }
    assert_true(use(*state, 1, 1000, &expires));
    assert_int_equal(add(*state, 9, IDLE, 0), ERR_OK);
    assert_int_equal(session_table_count(*state), MAX);
    assert_true(use(*state, 1, 1000, &expires));
    assert_false(use(*state, 2, 1000, &expires));
    assert_true(use(*state, 9, 1000, &expires));
}

static void what_makes_place_is_still_written(void **state)
{
    struct store_extension items[STORE_BATCH_MAX];
    uint64_t expires = 0;
    for (uint64_t n = 1; n <= MAX; n++) {
        assert_int_equal(add(*state, n, IDLE, 0), ERR_OK);
        assert_true(use(*state, n, 1000, &expires));
    }
    assert_int_equal(add(*state, 9, IDLE, 0), ERR_OK);
    assert_int_equal(session_table_waiting(*state), MAX);
    assert_int_equal(session_table_due_ms(*state, at(1000)), 0);
    assert_int_equal(session_table_take(*state, false, at(1000), items), 1);
    assert_int_equal(items[0].id, 1);
    session_table_not_written(*state);
    assert_int_equal(session_table_take(*state, true, at(1000), items), MAX);
    session_table_written(*state, (bool[MAX]){false}, at(1000));
    assert_int_equal(session_table_waiting(*state), 0);
}

/* The database is away and more sessions come than can be remembered: refused, not forgotten. */
static void nothing_that_waits_is_lost(void **state)
{
    uint64_t expires = 0;
    uint64_t n = 1;
    enum err err = ERR_OK;
    while (err == ERR_OK && n < 10000) {
        err = add(*state, n, IDLE, 0);
        if (err == ERR_OK) {
            assert_true(use(*state, n, 1000, &expires));
            n++;
        }
    }
    assert_int_equal(err, ERR_OVERLOADED);
    assert_int_equal(session_table_waiting(*state), n - 1);
    struct store_extension items[STORE_BATCH_MAX];
    static const bool none_gone[STORE_BATCH_MAX];
    uint64_t ids = 0;
    for (size_t count; (count = session_table_take(*state, true, at(1000), items)) > 0;) {
        for (size_t i = 0; i < count; i++) {
            ids += items[i].id;
        }
        session_table_written(*state, none_gone, at(1000));
    }
    assert_int_equal(ids, n * (n - 1) / 2);
}

static void another_session_with_that_token(void **state)
{
    struct token_hash hash = token(1);
    struct session_view view;
    uint64_t expires = 0;
    struct session old = stored(1, IDLE);
    struct session new = stored(2, IDLE);
    new.user_id = 8;
    assert_int_equal(session_table_add(*state, &hash, &old, true, at(1000), &view), ERR_OK);
    assert_int_equal(session_table_add(*state, &hash, &new, false, at(1000), &view), ERR_OK);
    assert_int_equal(view.user_id, 8);
    assert_int_equal(view.expires_unix_ms, T0 + IDLE);
    assert_int_equal(session_table_waiting(*state), 0);
    assert_true(use(*state, 1, 1000, &expires));
}

static void forgets_the_dead(void **state)
{
    uint64_t expires = 0;
    assert_int_equal(add(*state, 1, 1000, 0), ERR_OK);
    assert_int_equal(add(*state, 2, IDLE, 0), ERR_OK);
    session_table_forget_dead(*state, at(999));
    assert_int_equal(session_table_count(*state), 2);
    session_table_forget_dead(*state, at(1000));
    assert_int_equal(session_table_count(*state), 1);
    assert_true(use(*state, 2, 1000, &expires));
}

/* Its place in a batch that is over is no place in the next one. */
static void who_goes_after_its_batch_takes_nobody_out_of_the_next(void **state)
{
    struct store_extension items[STORE_BATCH_MAX];
    const struct token_hash first = token(1);
    uint64_t expires = 0;
    for (int was_written = 0; was_written < 2; was_written++) {
        const uint64_t now_ms = was_written ? 2000 : 1000;
        session_table_remove(*state, &first);
        assert_int_equal(add(*state, 1, IDLE, 0), ERR_OK);
        assert_int_equal(add(*state, 2, IDLE, 0), ERR_OK);
        assert_true(use(*state, 1, now_ms, &expires));
        assert_int_equal(session_table_take(*state, true, at(now_ms), items), 1);
        if (was_written) {
            session_table_written(*state, (bool[]){false}, at(now_ms));
        } else {
            session_table_not_written(*state);
            session_table_remove(*state, &first);
            assert_int_equal(add(*state, 1, IDLE, 0), ERR_OK);
        }
        assert_true(use(*state, 2, now_ms + 1, &expires));
        assert_int_equal(session_table_take(*state, true, at(now_ms + 1), items), 1);
        assert_int_equal(items[0].id, 2);
        session_table_remove(*state, &first);
        session_table_written(*state, (bool[]){false}, at(now_ms + 1));
        assert_int_equal(session_table_waiting(*state), 0);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    if (sodium_init() < 0) {
        return 1;
    }
    const struct CMUnitTest tests[] = {
        TEST(forgets_all_at_once),
        TEST(slides),
        TEST(ends_at_its_lifetime),
        TEST(who_goes_after_its_batch_takes_nobody_out_of_the_next),
        TEST(the_last_use_is_written),
        TEST(a_web_session_lives_for_days),
        TEST(what_is_over_is_not_taken),
        TEST(goes_on_for_a_while_without_the_database),
        TEST(is_written_after_a_while),
        TEST(is_written_at_once_when_the_stored_expiry_is_near),
        TEST(what_is_due_right_after_boot_is_taken),
        TEST(a_batch_is_gathered),
        TEST(used_while_it_is_written),
        TEST(not_written_waits_on),
        TEST(gone_from_the_database),
        TEST(the_one_used_longest_ago_makes_place),
        TEST(what_makes_place_is_still_written),
        TEST(nothing_that_waits_is_lost),
        TEST(another_session_with_that_token),
        TEST(forgets_the_dead),
    };
    return cmocka_run_group_tests_name("session_table", tests, NULL, NULL);
}
