/* Changes of users in the store, against a real server: one effect each, nobody is overwritten
 * unseen, an admin stays, and sessions follow in the same transaction. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <sodium.h>
#include <stdlib.h>

#include "tests/integration/db/ask_store.h"
#include "tests/integration/db/store_fixture.h"

#define NOW 1700000000000

static struct ask_store *store;
static struct store_changed changed;

/* Of testuser, with a key that nobody has used. */
static struct store_change new_change(void)
{
    static uint64_t keys;
    struct store_change change = {.user_id = fixture.user_id, .now_unix_ms = NOW};
    keys++;
    memcpy(change.key, &keys, sizeof(keys));
    return change;
}

static struct store_change role_change(uint64_t user_id, enum role role)
{
    struct store_change change = new_change();
    change.user_id = user_id;
    change.has_role = true;
    change.role = role;
    return change;
}

static struct store_change disabling(uint64_t user_id, bool is_disabled)
{
    struct store_change change = new_change();
    change.user_id = user_id;
    change.has_disabled = true;
    change.is_disabled = is_disabled;
    return change;
}

static struct store_change naming(const char *display_name)
{
    struct store_change change = new_change();
    change.has_display_name = true;
    (void)str_copy(change.display_name, sizeof(change.display_name), str_of(display_name));
    return change;
}

static void applies(struct store_change change)
{
    assert_int_equal(ask_change_user(store, &change, &changed), ERR_OK);
}

static void fails(struct store_change change, enum err err)
{
    assert_int_equal(ask_change_user(store, &change, &changed), err);
}

static struct store_user user_now(uint64_t user_id)
{
    struct store_user user;
    bool is_there = false;
    assert_int_equal(ask_get_user(store, user_id, &user, &is_there), ERR_OK);
    assert_true(is_there);
    return user;
}

static struct store_draft draft(uint64_t n)
{
    return (struct store_draft){.token = token(n),
                                .user_id = fixture.user_id,
                                .kind = SESSION_WEB,
                                .now_unix_ms = NOW,
                                .expires_unix_ms = NOW + 1000,
                                .sessions_max = 10};
}

static enum err open_session(uint64_t n)
{
    struct store_opened opened;
    const struct store_draft d = draft(n);
    return ask_open_session(store, &d, &opened);
}

static void a_user_is_found_by_his_id(void **state)
{
    (void)state;
    struct store_user user = user_now(fixture.user_id);
    assert_string_equal(user.username, "testuser");
    assert_string_equal(user.display_name, "testuser");
    assert_int_equal(user.role, ROLE_MEMBER);
    assert_int_equal(user.is_disabled, 0);
    assert_int_equal(user.version, 1);
    bool is_there = true;
    assert_int_equal(ask_get_user(store, 999, &user, &is_there), ERR_OK);
    assert_false(is_there);
}

static void each_change_is_a_version(void **state)
{
    (void)state;
    applies(naming("Zo\xc3\xab \xf0\x9f\x93\xb1"));
    assert_int_equal(changed.user.version, 2);
    assert_string_equal(user_now(fixture.user_id).display_name, "Zo\xc3\xab \xf0\x9f\x93\xb1");
    applies(role_change(fixture.user_id, ROLE_ADMIN));
    assert_int_equal(changed.user.version, 3);
    assert_string_equal(changed.user.display_name, "Zo\xc3\xab \xf0\x9f\x93\xb1");
    applies(role_change(fixture.user_id, ROLE_ADMIN)); /* which he is already */
    assert_int_equal(changed.user.version, 3);
    applies(naming(""));
    const struct store_user user = user_now(fixture.user_id);
    assert_int_equal(user.version, 4);
    assert_int_equal(user.role, ROLE_ADMIN);
    assert_string_equal(user.display_name, "testuser");
    value_is("SELECT COUNT(*) FROM users WHERE display_name IS NULL", "2");
    assert_int_equal(user_now(fixture.other_id).version, 1);
    struct store_change none = naming("x");
    none.user_id = 999;
    fails(none, ERR_NOT_FOUND);
}

static void what_was_not_seen_is_not_overwritten(void **state)
{
    (void)state;
    struct store_change change = naming("First");
    change.has_version = true;
    change.version = 1;
    applies(change);
    /* The same once more, as the bus does it: it is done. */
    applies(change);
    assert_int_equal(changed.user.version, 2);
    struct store_change late = naming("Second");
    late.has_version = true;
    late.version = 1;
    fails(late, ERR_STALE);
    assert_string_equal(user_now(fixture.user_id).display_name, "First");
    /* What was refused has not used up its key. */
    late.version = 2;
    applies(late);
    assert_string_equal(changed.user.display_name, "Second");
}

static void what_comes_twice_is_one_effect(void **state)
{
    (void)state;
    const struct store_change first = naming("First");
    applies(first);
    applies(naming("Second"));
    applies(first);
    assert_string_equal(changed.user.display_name, "Second");
    assert_int_equal(changed.user.version, 3);
    must_run(fixture.db, "UPDATE user_commands SET created_unix_ms = created_unix_ms - 86400001"
                         " ORDER BY command_key LIMIT 1");
    bool more = true;
    assert_int_equal(ask_sweep(store, 0, 0, &more), ERR_OK);
    assert_false(more);
    value_is("SELECT COUNT(*) FROM user_commands", "1");
}

static void the_same_at_once_is_one_effect(void **state)
{
    (void)state;
    struct store_change changes[32];
    changes[0] = role_change(fixture.user_id, ROLE_ADMIN);
    changes[0].has_version = true;
    changes[0].version = 1;
    for (size_t i = 1; i < ARRAY_LEN(changes); i++) {
        changes[i] = changes[0];
    }
    AUTO(ask_store_free) struct ask_store *many = ask_store_new(&fixture.config, 4);
    assert_int_equal(ask_change_users(many, changes, ARRAY_LEN(changes)), 0);
    assert_int_equal(user_now(fixture.user_id).version, 2);
}

static void of_many_who_saw_the_same_one_wins(void **state)
{
    (void)state;
    struct store_change changes[32];
    for (size_t i = 0; i < ARRAY_LEN(changes); i++) {
        AUTO(mem_free) char *name = mem_printf("Name %zu", i);
        changes[i] = naming(name);
        changes[i].has_version = true;
        changes[i].version = 1;
    }
    AUTO(ask_store_free) struct ask_store *many = ask_store_new(&fixture.config, 4);
    assert_int_equal(ask_change_users(many, changes, ARRAY_LEN(changes)), ARRAY_LEN(changes) - 1);
    assert_int_equal(user_now(fixture.user_id).version, 2);
}

static void disabling_ends_his_sessions(void **state)
{
    (void)state;
    struct session found;
    assert_int_equal(open_session(1), ERR_OK);
    assert_int_equal(open_session(2), ERR_OK);
    struct store_draft theirs = draft(3);
    struct store_opened opened;
    theirs.user_id = fixture.other_id;
    assert_int_equal(ask_open_session(store, &theirs, &opened), ERR_OK);
    applies(disabling(fixture.user_id, true));
    assert_int_equal(changed.sessions.count, 2);
    assert_int_equal(changed.user.is_disabled, 1);
    assert_false(exists(1, &found));
    assert_false(exists(2, &found));
    assert_true(exists(3, &found));
    value_is("SELECT COUNT(*) FROM session_revocations WHERE user_id = 0", "2");
    value_is("SELECT COUNT(*) FROM session_revocations WHERE news = 3", "1");
    assert_int_equal(open_session(4), ERR_BAD_CREDENTIALS);
    applies(disabling(fixture.user_id, false));
    assert_int_equal(changed.sessions.count, 0);
    assert_int_equal(open_session(1), ERR_CONFLICT); /* its token stays revoked */
    assert_int_equal(open_session(4), ERR_OK);
}

static void another_role_ends_nothing(void **state)
{
    (void)state;
    struct session found;
    bool is_there = false;
    const struct token_hash first = token(1);
    assert_int_equal(open_session(1), ERR_OK);
    applies(role_change(fixture.user_id, ROLE_ADMIN));
    assert_int_equal(changed.sessions.count, 1);
    /* Replicas look it up anew. */
    value_is("SELECT COUNT(*) FROM session_revocations WHERE user_id = 0", "1");
    value_is("SELECT COUNT(*) FROM session_revocations WHERE news = 4", "1");
    assert_int_equal(ask_find_session(store, &first, &found, &is_there), ERR_OK);
    assert_true(is_there);
    assert_int_equal(found.role, ROLE_ADMIN);
    assert_int_equal(open_session(1), ERR_OK); /* its sign-in, once more */
    applies(naming("Somebody"));
    assert_int_equal(changed.sessions.count, 0);
}

static void an_admin_stays(void **state)
{
    (void)state;
    applies(role_change(fixture.user_id, ROLE_ADMIN));
    fails(role_change(fixture.user_id, ROLE_MEMBER), ERR_CONFLICT);
    fails(disabling(fixture.user_id, true), ERR_CONFLICT);
    applies(naming("Still here"));
    applies(role_change(fixture.other_id, ROLE_ADMIN));
    applies(disabling(fixture.other_id, true)); /* who is no help then */
    fails(role_change(fixture.user_id, ROLE_MEMBER), ERR_CONFLICT);
    applies(disabling(fixture.other_id, false));
    applies(role_change(fixture.user_id, ROLE_MEMBER));
    fails(disabling(fixture.other_id, true), ERR_CONFLICT);
    value_is("SELECT COUNT(*) FROM users WHERE role = 2 AND disabled = 0", "1");
}

/* Each takes it from the other, in both ways, at the same time. */
static void two_admins_leave_one(void **state)
{
    (void)state;
    AUTO(ask_store_free) struct ask_store *many = ask_store_new(&fixture.config, 4);
    for (unsigned round = 0; round < 20; round++) {
        must_run(fixture.db, "UPDATE users SET role = 2, disabled = 0");
        const struct store_change changes[] = {
            role_change(fixture.user_id, ROLE_MEMBER), role_change(fixture.other_id, ROLE_MEMBER),
            disabling(fixture.user_id, true), disabling(fixture.other_id, true)};
        (void)ask_change_users(many, changes + 2 * (round % 2), 2);
        value_is("SELECT COUNT(*) FROM users WHERE role = 2 AND disabled = 0", "1");
        must_run(fixture.db, "UPDATE users SET role = 2, disabled = 0");
        assert_true(ask_change_users(many, changes, ARRAY_LEN(changes)) >= 1);
        value_is("SELECT COUNT(*) FROM users WHERE role = 2 AND disabled = 0", "1");
    }
}

/* ---- passwords ---- */

static struct store_password new_password(const char *to)
{
    const struct store_change change = new_change();
    struct store_password password = {.user_id = change.user_id, .now_unix_ms = NOW};
    memcpy(password.key, change.key, sizeof(password.key));
    (void)str_copy(password.to, sizeof(password.to), str_of(to));
    return password;
}

static void password_is(const char *expected)
{
    const struct store_user user = user_now(fixture.user_id);
    assert_string_equal(user.password, expected);
}

static void another_password_ends_the_other_sessions(void **state)
{
    (void)state;
    struct session found;
    size_t ended = 0;
    for (uint64_t n = 1; n <= 3; n++) {
        assert_int_equal(open_session(n), ERR_OK);
    }
    struct store_password change = new_password("$first$");
    const struct token_hash own = token(2);
    store_session_ref_set(&change.except,
                          (struct str){.data = (const char *)own.bytes, .bytes = SESSION_ID_BYTES});
    assert_false(ask_is_done(store, change.key));
    assert_int_equal(ask_change_password(store, &change, &ended), ERR_OK);
    assert_int_equal(ended, 2);
    assert_true(ask_is_done(store, change.key));
    assert_true(exists(2, &found));
    value_is("SELECT COUNT(*) FROM sessions", "1");
    value_is("SELECT COUNT(*) FROM session_revocations", "2");
    password_is("$first$");
    assert_int_equal(user_now(fixture.user_id).password_changes, 1);
    assert_int_equal(user_now(fixture.user_id).version, 1);
    /* A sign-in with the one before, which was found to be right in time. */
    assert_int_equal(open_session(4), ERR_BAD_CREDENTIALS);
    /* Once more: one effect. */
    assert_int_equal(ask_change_password(store, &change, &ended), ERR_OK);
    assert_int_equal(ended, 0);
    assert_int_equal(user_now(fixture.user_id).password_changes, 1);
}

static void who_may_not_have_another_password(void **state)
{
    (void)state;
    size_t ended = 0;
    struct store_password change = new_password("$x$");
    change.password_changes = 7; /* it was changed since */
    assert_int_equal(ask_change_password(store, &change, &ended), ERR_BAD_CREDENTIALS);
    assert_false(ask_is_done(store, change.key));
    change.is_forced = true;
    assert_int_equal(ask_change_password(store, &change, &ended), ERR_OK);
    password_is("$x$");
    applies(disabling(fixture.user_id, true));
    struct store_password again = new_password("$y$");
    again.password_changes = 1;
    assert_int_equal(ask_change_password(store, &again, &ended), ERR_BAD_CREDENTIALS);
    again.is_forced = true;
    assert_int_equal(ask_change_password(store, &again, &ended), ERR_OK);
    password_is("$y$");
    struct store_password none = new_password("$z$");
    none.user_id = 999;
    none.is_forced = true;
    assert_int_equal(ask_change_password(store, &none, &ended), ERR_NOT_FOUND);
}

/* All have seen the same old one. */
static void of_a_hundred_changes_one_wins(void **state)
{
    (void)state;
    struct store_password changes[100];
    for (size_t i = 0; i < ARRAY_LEN(changes); i++) {
        AUTO(mem_free) char *to = mem_printf("$%zu$", i);
        changes[i] = new_password(to);
    }
    for (uint64_t n = 1; n <= 5; n++) {
        assert_int_equal(open_session(n), ERR_OK);
    }
    AUTO(ask_store_free) struct ask_store *many = ask_store_new(&fixture.config, 4);
    assert_int_equal(ask_change_passwords(many, changes, ARRAY_LEN(changes)),
                     ARRAY_LEN(changes) - 1);
    size_t done = 0;
    for (size_t i = 0; i < ARRAY_LEN(changes); i++) {
        if (ask_is_done(store, changes[i].key)) {
            done++;
            password_is(changes[i].to);
        }
    }
    assert_int_equal(done, 1);
    assert_int_equal(user_now(fixture.user_id).password_changes, 1);
    value_is("SELECT COUNT(*) FROM sessions", "0");
    value_is("SELECT COUNT(*) FROM session_revocations", "5");
}

/* The bus repeats one: all are told the same. */
static void one_change_a_hundred_times_is_one(void **state)
{
    (void)state;
    struct store_password changes[100];
    changes[0] = new_password("$new$");
    for (size_t i = 1; i < ARRAY_LEN(changes); i++) {
        changes[i] = changes[0];
    }
    AUTO(ask_store_free) struct ask_store *many = ask_store_new(&fixture.config, 4);
    assert_int_equal(ask_change_passwords(many, changes, ARRAY_LEN(changes)), 0);
    assert_int_equal(user_now(fixture.user_id).password_changes, 1);
}

/* ---- new ones ---- */

static struct store_new_user new_user(const char *username)
{
    const struct store_change change = new_change();
    struct store_new_user user = {.role = ROLE_MEMBER, .password = "$new$"};
    memcpy(user.key, change.key, sizeof(user.key));
    (void)str_copy(user.username, sizeof(user.username), str_of(username));
    return user;
}

static void a_user_is_added_once(void **state)
{
    (void)state;
    struct store_user added;
    struct store_user again;
    struct store_new_user user = new_user("carol");
    (void)str_copy(user.display_name, sizeof(user.display_name), STR_LIT("Carol"));
    assert_int_equal(ask_add_user(store, &user, &added), ERR_OK);
    assert_string_equal(added.username, "carol");
    assert_string_equal(added.display_name, "Carol");
    assert_int_equal(added.role, ROLE_MEMBER);
    assert_int_equal(added.version, 1);
    assert_int_equal(ask_add_user(store, &user, &again), ERR_OK);
    assert_int_equal(again.id, added.id);
    user = new_user("carol");
    assert_int_equal(ask_add_user(store, &user, &again), ERR_CONFLICT);
    user = new_user("Carol");
    user.role = ROLE_ADMIN;
    assert_int_equal(ask_add_user(store, &user, &added), ERR_OK);
    assert_string_equal(added.display_name, "Carol");
    assert_int_equal(added.role, ROLE_ADMIN);
}

/* As when the bus sends a call to another replica while the first one is still at it: whoever
 * answers first, he is there. */
static void one_addition_at_once_is_one(void **state)
{
    (void)state;
    AUTO(ask_store_free) struct ask_store *many = ask_store_new(&fixture.config, 4);
    for (unsigned round = 0; round < 20; round++) {
        AUTO(mem_free) char *name = mem_printf("user %u", round);
        struct store_new_user users[4];
        users[0] = new_user(name);
        for (size_t i = 1; i < ARRAY_LEN(users); i++) {
            users[i] = users[0];
        }
        assert_int_equal(ask_add_users(many, users, ARRAY_LEN(users)), 0);
    }
    value_is("SELECT COUNT(*) FROM users WHERE username LIKE 'user %'", "20");
}

static const unsigned char one_body[STORE_KEY_BYTES] = "one body",
                           other_body[STORE_KEY_BYTES] = "other";

static void a_clients_key_is_for_one_body(void **state)
{
    (void)state;
    struct store_user added;
    struct store_user again;
    struct store_new_user user = new_user("keyed");
    memcpy(user.body_hash, one_body, sizeof(user.body_hash));
    assert_int_equal(ask_add_user(store, &user, &added), ERR_OK);
    assert_int_equal(ask_add_user(store, &user, &again), ERR_OK);
    assert_int_equal(again.id, added.id);
    memcpy(user.body_hash, other_body, sizeof(user.body_hash));
    assert_int_equal(ask_add_user(store, &user, &again), ERR_KEY_REUSED);
    (void)str_copy(user.username, sizeof(user.username), STR_LIT("keyed too"));
    assert_int_equal(ask_add_user(store, &user, &again), ERR_KEY_REUSED);
    value_is("SELECT COUNT(*) FROM users WHERE username LIKE 'keyed%'", "1");
    /* What failed was not done: the key is free again. */
    user = new_user("keyed");
    memcpy(user.body_hash, one_body, sizeof(user.body_hash));
    assert_int_equal(ask_add_user(store, &user, &again), ERR_CONFLICT);
    (void)str_copy(user.username, sizeof(user.username), STR_LIT("keyed too"));
    memcpy(user.body_hash, other_body, sizeof(user.body_hash));
    assert_int_equal(ask_add_user(store, &user, &again), ERR_OK);
}

/* Somebody is at the same command, and stays at it. */
static void a_clients_key_that_is_in_use_is_told(void **state)
{
    (void)state;
    struct store_user added;
    struct store_new_user user = new_user("busy");
    const struct db_value values[] = {
        DB_V_BIN(((struct str){.data = (const char *)user.key, .bytes = sizeof(user.key)}))};
    const struct db_statement insert = {
        .sql = "INSERT INTO user_commands (command_key, created_unix_ms) VALUES (?, 0)",
        .values = values,
        .value_count = 1};
    assert_int_equal(db_begin(fixture.db), ERR_OK);
    assert_int_equal(db_run(fixture.db, &insert, NULL), ERR_OK);
    assert_int_equal(ask_add_user(store, &user, &added), ERR_OVERLOADED);
    must_run(fixture.db, "DO 0"); /* or the server ends a transaction in which nothing happens */
    memcpy(user.body_hash, one_body, sizeof(user.body_hash));
    assert_int_equal(ask_add_user(store, &user, &added), ERR_IN_FLIGHT);
    db_rollback(fixture.db);
    assert_int_equal(ask_add_user(store, &user, &added), ERR_OK);
}

static size_t found(const char *search, uint64_t after_id, uint64_t limit)
{
    struct store_users_page page = {.after_id = after_id, .limit = limit};
    struct store_users_found *users = mem_alloc(sizeof(*users));
    (void)str_copy(page.search, sizeof(page.search), str_of(search));
    assert_int_equal(ask_find_users(store, &page, users), ERR_OK);
    for (size_t i = 0; i < users->count; i++) {
        assert_true(users->items[i].id > (i == 0 ? after_id : users->items[i - 1].id));
        assert_string_equal(users->items[i].password, "");
    }
    const size_t count = users->count;
    mem_free(&users);
    return count;
}

static void users_are_found_in_pages(void **state)
{
    (void)state;
    struct store_user added;
    struct store_new_user user = new_user("50% _off_");
    assert_int_equal(ask_add_user(store, &user, &added), ERR_OK);
    user = new_user("dora");
    (void)str_copy(user.display_name, sizeof(user.display_name), STR_LIT("Mrs. Zo\xc3\xab"));
    assert_int_equal(ask_add_user(store, &user, &added), ERR_OK);
    assert_int_equal(found("", 0, 2), 2);
    assert_int_equal(found("", 0, 100), 4);
    assert_int_equal(found("", added.id, 100), 0);
    assert_int_equal(found("", added.id - 1, 100), 1);
    assert_int_equal(found("%", 0, 100), 1);
    assert_int_equal(found("_OFF_", 0, 100), 1);
    assert_int_equal(found("mrs. zo\xc3\xab", 0, 100), 1);
    assert_int_equal(found("nobody", 0, 100), 0);
}

/* ---- removal ---- */

static struct store_removal removal_of(uint64_t user_id)
{
    const struct store_change change = new_change();
    struct store_removal removal = {.user_id = user_id, .now_unix_ms = NOW};
    memcpy(removal.key, change.key, sizeof(removal.key));
    return removal;
}

static enum err removing(struct store_removal removal)
{
    size_t ended = 0;
    return ask_remove_user(store, &removal, &ended);
}

static void who_is_removed_leaves_nothing_but_word(void **state)
{
    (void)state;
    struct session found;
    struct store_user added;
    size_t ended = 0;
    assert_int_equal(open_session(1), ERR_OK);
    assert_int_equal(open_session(2), ERR_OK);
    const struct store_removal removal = removal_of(fixture.user_id);
    assert_int_equal(ask_remove_user(store, &removal, &ended), ERR_OK);
    assert_int_equal(ended, 2);
    assert_false(exists(1, &found));
    value_is("SELECT COUNT(*) FROM session_revocations WHERE user_id = 0", "2");
    value_is("SELECT COUNT(*) FROM session_revocations WHERE news = 6", "1");
    value_is("SELECT COUNT(*) FROM user_removals WHERE heir_id IS NULL", "1");
    assert_int_equal(open_session(3), ERR_BAD_CREDENTIALS);
    assert_int_equal(removing(removal_of(fixture.user_id)), ERR_NOT_FOUND);
    /* The same once more, as the bus does it, when somebody else has the name. */
    const struct store_new_user again = new_user("testuser");
    assert_int_equal(ask_add_user(store, &again, &added), ERR_OK);
    assert_true(added.id != fixture.user_id);
    assert_int_equal(ask_remove_user(store, &removal, &ended), ERR_OK);
    assert_int_equal(ended, 0);
    value_is("SELECT COUNT(*) FROM users WHERE username = 'testuser'", "1");
    value_is("SELECT COUNT(*) FROM user_removals", "1");
}

static void who_was_not_seen_is_not_removed(void **state)
{
    (void)state;
    struct store_removal removal = removal_of(fixture.user_id);
    removal.has_version = true;
    removal.version = 1;
    applies(naming("Ann"));
    assert_int_equal(removing(removal), ERR_STALE);
    removal.version = 2; /* what was refused has not used up its key */
    assert_int_equal(removing(removal), ERR_OK);
}

static void the_last_admin_is_not_removed(void **state)
{
    (void)state;
    applies(role_change(fixture.user_id, ROLE_ADMIN));
    assert_int_equal(removing(removal_of(fixture.user_id)), ERR_CONFLICT);
    applies(role_change(fixture.other_id, ROLE_ADMIN));
    applies(disabling(fixture.other_id, true));
    assert_int_equal(removing(removal_of(fixture.user_id)), ERR_CONFLICT);
    assert_int_equal(removing(removal_of(fixture.other_id)), ERR_OK);
    assert_int_equal(removing(removal_of(fixture.user_id)), ERR_CONFLICT);
    value_is("SELECT COUNT(*) FROM users WHERE role = 2", "1");
}

/* Each removes the other, at the same time. */
static void of_two_admins_one_stays(void **state)
{
    (void)state;
    AUTO(ask_store_free) struct ask_store *many = ask_store_new(&fixture.config, 4);
    must_run(fixture.db, "UPDATE users SET role = 2");
    const struct store_removal removals[] = {removal_of(fixture.user_id),
                                             removal_of(fixture.other_id)};
    assert_int_equal(ask_remove_users(many, removals, 2), 1);
    value_is("SELECT COUNT(*) FROM users WHERE role = 2", "1");
}

static void the_heir_is_there_and_may_sign_in(void **state)
{
    (void)state;
    struct store_removal removal = removal_of(fixture.user_id);
    removal.has_heir = true;
    removal.heir_id = 999;
    assert_int_equal(removing(removal), ERR_NO_HEIR);
    removal.heir_id = fixture.user_id;
    assert_int_equal(removing(removal), ERR_NO_HEIR);
    removal.heir_id = fixture.other_id;
    applies(disabling(fixture.other_id, true));
    assert_int_equal(removing(removal), ERR_NO_HEIR);
    value_is("SELECT COUNT(*) FROM user_removals", "0");
    applies(disabling(fixture.other_id, false));
    assert_int_equal(removing(removal), ERR_OK);
    value_is("SELECT heir_id = (SELECT id FROM users) FROM user_removals", "1");
}

/* Everybody hands over to the next one at the same time. */
static void heirs_who_are_removed_themselves(void **state)
{
    (void)state;
    AUTO(ask_store_free) struct ask_store *many = ask_store_new(&fixture.config, 4);
    must_run(fixture.db, "INSERT INTO users (id, username, password)"
                         " SELECT seq, CONCAT('user ', seq), 'x' FROM seq_1001_to_1020");
    struct store_removal removals[20];
    for (size_t i = 0; i < ARRAY_LEN(removals); i++) {
        removals[i] = removal_of(1001 + i);
        removals[i].has_heir = true;
        removals[i].heir_id = 1001 + (i + 1) % ARRAY_LEN(removals);
    }
    assert_true(ask_remove_users(many, removals, ARRAY_LEN(removals)) >= 1);
    value_is("SELECT COUNT(*) >= 1 FROM users WHERE id > 1000", "1");
    value_is("SELECT COUNT(*) FROM user_removals r JOIN users u ON u.id = r.user_id", "0");
}

static int setup(void **state)
{
    int failed = store_fixture_setup(state);
    store = ask_store_new(&fixture.config, 1);
    return failed;
}

static int teardown(void **state)
{
    ask_store_free(&store);
    return store_fixture_teardown(state);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    if (sodium_init() < 0) {
        return 1;
    }
    const struct CMUnitTest tests[] = {
        TEST(a_user_is_found_by_his_id),
        TEST(each_change_is_a_version),
        TEST(what_was_not_seen_is_not_overwritten),
        TEST(what_comes_twice_is_one_effect),
        TEST(the_same_at_once_is_one_effect),
        TEST(of_many_who_saw_the_same_one_wins),
        TEST(disabling_ends_his_sessions),
        TEST(another_role_ends_nothing),
        TEST(an_admin_stays),
        TEST(two_admins_leave_one),
        TEST(another_password_ends_the_other_sessions),
        TEST(who_may_not_have_another_password),
        TEST(of_a_hundred_changes_one_wins),
        TEST(one_change_a_hundred_times_is_one),
        TEST(a_user_is_added_once),
        TEST(one_addition_at_once_is_one),
        TEST(users_are_found_in_pages),
        TEST(who_is_removed_leaves_nothing_but_word),
        TEST(who_was_not_seen_is_not_removed),
        TEST(the_last_admin_is_not_removed),
        TEST(of_two_admins_one_stays),
        TEST(the_heir_is_there_and_may_sign_in),
        TEST(heirs_who_are_removed_themselves),
        TEST(a_clients_key_is_for_one_body),
        TEST(a_clients_key_that_is_in_use_is_told),
    };
    return cmocka_run_group_tests_name("user_store", tests, server_setup, server_teardown);
}
