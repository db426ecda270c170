/* The audit in the store, against a real server: in the command's own transaction, once, with the
 * names of that moment; and no more of it than is kept. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "tests/integration/db/ask_store.h"
#include "tests/integration/db/store_fixture.h"

#define NOW 1700000000000
#define ADDRESS "\0\0\0\0\0\0\0\0\0\0\xff\xff\xc0\x00\x02\x07"

static struct ask_store *store;
static struct store_acts_found found;

static void draw_key(unsigned char key[STORE_KEY_BYTES])
{
    static uint64_t keys;
    keys++;
    memset(key, 0, STORE_KEY_BYTES);
    memcpy(key, &keys, sizeof(keys));
}

/* By other, an admin. */
static struct store_origin by_admin(void)
{
    struct store_origin origin = {.is_kept = true,
                                  .kind = PRINCIPAL_USER,
                                  .user_id = fixture.other_id,
                                  .request_id = "0123456789abcdef"};
    memcpy(origin.address, ADDRESS, sizeof(origin.address));
    return origin;
}

static size_t acts(const struct store_acts_page *page)
{
    assert_int_equal(ask_find_acts(store, page, &found), ERR_OK);
    return found.count;
}

static const struct store_act *only_act(void)
{
    const struct store_acts_page page = {.limit = AUDIT_PAGE};
    assert_int_equal(acts(&page), 1);
    return &found.items[0];
}

static void no_acts(void)
{
    const struct store_acts_page page = {.limit = AUDIT_PAGE};
    assert_int_equal(acts(&page), 0);
}

static void change(struct store_change *change, enum err err)
{
    struct store_changed changed;
    change->user_id = fixture.user_id;
    change->now_unix_ms = NOW;
    assert_int_equal(ask_change_user(store, change, &changed), err);
}

static void a_change_is_kept_once_and_with_names(void **state)
{
    (void)state;
    struct store_change promotion = {.has_role = true,
                                     .role = ROLE_ADMIN,
                                     .has_display_name = true,
                                     .display_name = "Ann",
                                     .has_version = true,
                                     .version = 9,
                                     .origin = by_admin()};
    draw_key(promotion.key);
    change(&promotion, ERR_STALE);
    no_acts();
    promotion.version = 1;
    change(&promotion, ERR_OK);
    change(&promotion, ERR_OK); /* as the bus repeats it */
    const struct store_act *act = only_act();
    assert_int_equal(act->act, ACT_USER_CHANGED);
    assert_int_equal(act->by_kind, PRINCIPAL_USER);
    assert_int_equal(act->by_id, fixture.other_id);
    assert_int_equal(act->user_id, fixture.user_id);
    assert_string_equal(act->username, "testuser");
    assert_string_equal(act->detail, "role admin, display name Ann");
    assert_string_equal(act->request_id, "0123456789abcdef");
    assert_memory_equal(act->address, ADDRESS, sizeof(act->address));
    AUTO(mem_free)
    char *name = must_select(fixture.db, "SELECT a.by_name = u.username AND a.created_unix_ms >"
                                         " UNIX_TIMESTAMP() * 1000 - 60000 FROM audit a"
                                         " JOIN users u ON u.id = a.by_id");
    assert_string_equal(name, "1");
}

static void what_is_nobody_elses_business_is_not_kept(void **state)
{
    (void)state;
    struct store_change naming = {.has_display_name = true, .display_name = "Ann"};
    draw_key(naming.key);
    change(&naming, ERR_OK);
    /* Nor is what changes nothing. */
    naming.origin = by_admin();
    draw_key(naming.key);
    change(&naming, ERR_OK);
    no_acts();
}

static void who_is_gone_stands_in_it_by_name(void **state)
{
    (void)state;
    size_t ended = 0;
    struct store_removal removal = {
        .user_id = fixture.user_id,
        .has_heir = true,
        .heir_id = 999,
        .now_unix_ms = NOW,
        .origin = {.is_kept = true, .kind = PRINCIPAL_ADMIN_TOOL, .operator_name = "root"}};
    draw_key(removal.key);
    assert_int_equal(ask_remove_user(store, &removal, &ended), ERR_NO_HEIR);
    no_acts();
    removal.has_heir = false;
    assert_int_equal(ask_remove_user(store, &removal, &ended), ERR_OK);
    assert_int_equal(ask_remove_user(store, &removal, &ended), ERR_OK);
    const struct store_act *act = only_act();
    assert_int_equal(act->act, ACT_USER_REMOVED);
    assert_int_equal(act->by_kind, PRINCIPAL_ADMIN_TOOL);
    assert_int_equal(act->by_id, 0);
    assert_string_equal(act->by_name, "root");
    assert_string_equal(act->username, "testuser");
    assert_string_equal(act->detail, "rooms end");
}

static void additions_and_passwords_are_kept(void **state)
{
    (void)state;
    struct store_user added;
    size_t ended = 0;
    struct store_new_user user = {
        .username = "carol", .role = ROLE_ADMIN, .password = "$x$", .origin = by_admin()};
    draw_key(user.key);
    assert_int_equal(ask_add_user(store, &user, &added), ERR_OK);
    assert_int_equal(ask_add_user(store, &user, &added), ERR_OK);
    assert_int_equal(only_act()->act, ACT_USER_ADDED);
    assert_int_equal(found.items[0].user_id, added.id);
    assert_string_equal(found.items[0].username, "carol");
    assert_string_equal(found.items[0].detail, "role admin");
    struct store_password password = {.user_id = added.id,
                                      .now_unix_ms = NOW,
                                      .to = "$y$",
                                      .is_forced = true,
                                      .origin = by_admin()};
    draw_key(password.key);
    assert_int_equal(ask_change_password(store, &password, &ended), ERR_OK);
    assert_int_equal(ask_change_password(store, &password, &ended), ERR_OK);
    const struct store_acts_page page = {.limit = AUDIT_PAGE};
    assert_int_equal(acts(&page), 2);
    assert_int_equal(found.items[0].act, ACT_PASSWORD_GIVEN); /* the newest first */
    assert_string_equal(found.items[0].detail, "");
}

static void ended_sessions_are_kept_if_there_were_any(void **state)
{
    (void)state;
    size_t ended = 0;
    struct store_opened opened;
    const struct store_target all = {
        .user_id = fixture.user_id, .now_unix_ms = NOW, .origin = by_admin()};
    assert_int_equal(ask_revoke(store, &all, &ended), ERR_OK);
    no_acts();
    for (uint64_t n = 1; n <= 3; n++) {
        const struct store_draft draft = {.token = token(n),
                                          .user_id = fixture.user_id,
                                          .kind = SESSION_WEB,
                                          .now_unix_ms = NOW,
                                          .expires_unix_ms = NOW + 1000,
                                          .sessions_max = 10};
        assert_int_equal(ask_open_session(store, &draft, &opened), ERR_OK);
    }
    assert_int_equal(ask_revoke(store, &all, &ended), ERR_OK);
    assert_int_equal(ended, 3);
    assert_int_equal(ask_revoke(store, &all, &ended), ERR_OK);
    assert_int_equal(only_act()->act, ACT_SESSIONS_ENDED);
    assert_string_equal(found.items[0].detail, "sessions: 3");
}

static void fill(unsigned first, unsigned last)
{
    AUTO(mem_free)
    char *insert = mem_printf(
        "INSERT INTO audit (id, created_unix_ms, act, by_kind, by_id, by_name, address, user_id,"
        " username, request_id) SELECT seq, UNIX_TIMESTAMP() * 1000 - 3600000 + seq, 1, 1, 7,"
        " IF(seq %% 10 = 0, 'zo\xc3\xab', 'ann'), REPEAT(CHAR(0), 16), 8,"
        " IF(seq %% 10 = 5, 'zo\xc3\xab', 'bob'), '' FROM seq_%u_to_%u",
        first, last);
    must_run(fixture.db, insert);
}

static void pages_of_it(void **state)
{
    (void)state;
    fill(1, 100);
    struct store_acts_page page = {.limit = 40};
    size_t seen = 0;
    for (size_t count = 40; count == 40;) {
        count = acts(&page);
        for (size_t i = 0; i < count; i++) {
            assert_int_equal(found.items[i].id, 100 - seen++);
        }
        page.before_id = found.items[count > 0 ? count - 1 : 0].id;
    }
    assert_int_equal(seen, 100);
    page = (struct store_acts_page){.limit = 40, .name = "zo\xc3\xab"};
    assert_int_equal(acts(&page), 20);
    page = (struct store_acts_page){.limit = 40, .name = "zoe"};
    assert_int_equal(acts(&page), 0);
    page = (struct store_acts_page){.limit = 40, .before_id = 12};
    assert_int_equal(acts(&page), 11);
    page.since_unix_ms = found.items[1].created_unix_ms; /* of the tenth */
    assert_int_equal(acts(&page), 2);
}

static void it_is_kept_for_a_year_and_bounded(void **state)
{
    (void)state;
    bool more = false;
    fill(1, 30);
    must_run(fixture.db, "UPDATE audit SET created_unix_ms = created_unix_ms - 367 * 86400000"
                         " WHERE id <= 10");
    assert_int_equal(ask_sweep(store, 0, 0, &more), ERR_OK);
    AUTO(mem_free) char *left = must_select(fixture.db, "SELECT MIN(id) FROM audit");
    assert_string_equal(left, "11");
    must_run(fixture.db, "UPDATE audit SET id = id + 100000 WHERE id > 20");
    assert_int_equal(ask_sweep(store, 0, 0, &more), ERR_OK);
    AUTO(mem_free) char *least = must_select(fixture.db, "SELECT MIN(id) FROM audit");
    assert_string_equal(least, "100021");
    fill(1, 700);
    must_run(fixture.db, "UPDATE audit SET id = id + 1000 WHERE id > 100000");
    assert_int_equal(ask_sweep(store, 0, 0, &more), ERR_OK);
    assert_true(more);
}

static int setup(void **state)
{
    const int failed = store_fixture_setup(state);
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
    const struct CMUnitTest tests[] = {
        TEST(a_change_is_kept_once_and_with_names),
        TEST(what_is_nobody_elses_business_is_not_kept),
        TEST(who_is_gone_stands_in_it_by_name),
        TEST(additions_and_passwords_are_kept),
        TEST(ended_sessions_are_kept_if_there_were_any),
        TEST(pages_of_it),
        TEST(it_is_kept_for_a_year_and_bounded),
    };
    return cmocka_run_group_tests_name("audit store", tests, server_setup, server_teardown);
}
