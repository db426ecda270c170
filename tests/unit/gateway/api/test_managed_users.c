/* /v1/users for admins: what is asked of authsvc, what clients are told, and that nobody else is.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "tests/unit/gateway/api/api_fixture.h"

#define CAROL                                                                                      \
    "{\"id\":\"41\",\"username\":\"carol\",\"display_name\":\"Carol\",\"role\":\"member\","        \
    "\"disabled\":false}"

#define SESSION "000102030405060708090a0b0c0d0e0f"

static const struct msg_user carol = {.id = 41,
                                      .username = STR_LIT("carol"),
                                      .display_name = STR_LIT("Carol"),
                                      .role = ROLE_MEMBER,
                                      .version = 7};

static void answer_as(struct api_fixture *f, enum role role)
{
    const struct msg reply = {
        .id = MSG_session_check_reply,
        .session_check_reply = {
            .user_id = 1, .expires_unix_ms = 1, .role = role, .has_role = true}};
    mock_bus_answer(mock_bus_pending(&f->bus, MSG_session_check), ERR_OK, &reply);
}

/* target: a path, and a query after a "?". */
static struct ask *begin(struct api_fixture *f, const char *method, const char *target,
                         const char *body, enum role role)
{
    const size_t bytes = strcspn(target, "?");
    static char path[64]; /* until the next one */
    (void)str_copy(path, sizeof(path), (struct str){.data = target, .bytes = bytes});
    struct ask *ask = ask_new(method, path, TOKEN, str_of(body));
    ask->request.query = target[bytes] == '?' ? target + bytes + 1 : NULL;
    ask_set_header(ask, "Content-Type", body == NULL ? NULL : "application/json");
    const bool changes_one = strcmp(method, "PATCH") == 0 || strcmp(method, "DELETE") == 0;
    ask_set_header(ask, "If-Match", changes_one ? "\"7\"" : NULL);
    api_handle(f->api, &ask->request);
    answer_as(f, role);
    return ask;
}

static void test_members_are_told_nothing(void **state)
{
    static const struct {
        const char *method, *path, *body;
    } rows[] = {
        {"GET", "/v1/users", NULL},
        {"POST", "/v1/users", "{\"username\":\"carol\",\"password\":\"open it now\"}"},
        {"GET", "/v1/users/41", NULL},
        {"GET", "/v1/users/none", NULL},
        {"PATCH", "/v1/users/41", "{\"disabled\":true}"},
        {"DELETE", "/v1/users/41", NULL},
        {"PUT", "/v1/users/41/password", "{\"new_password\":\"open it now\"}"},
        {"GET", "/v1/users/41/sessions", NULL},
        {"DELETE", "/v1/users/41/sessions", NULL},
        {"DELETE", "/v1/users/41/sessions/" SESSION, NULL},
    };
    struct api_fixture *f = *state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct ask *ask = begin(f, rows[i].method, rows[i].path, rows[i].body, ROLE_MEMBER);
        assert_int_equal(ask->status, 403);
        assert_null(mock_bus_pending(&f->bus, MSG_user_page));
        assert_null(mock_bus_pending(&f->bus, MSG_user_add));
        assert_null(mock_bus_pending(&f->bus, MSG_user_get));
        assert_null(mock_bus_pending(&f->bus, MSG_user_change));
        assert_null(mock_bus_pending(&f->bus, MSG_user_remove));
        assert_null(mock_bus_pending(&f->bus, MSG_user_password));
        assert_null(mock_bus_pending(&f->bus, MSG_session_page));
        assert_null(mock_bus_pending(&f->bus, MSG_session_revoke));
        ask_free(&ask);
    }
}

static void test_one_is_added(void **state)
{
    struct api_fixture *f = *state;
    struct ask *ask = begin(f, "POST", "/v1/users",
                            "{\"username\":\"carol\",\"password\":\"open it now\","
                            "\"display_name\":\"Carol\",\"role\":\"admin\"}",
                            ROLE_ADMIN);
    struct mock_bus_call *call = mock_bus_pending(&f->bus, MSG_user_add);
    const struct msg_user_add *add = &call->request.user_add;
    assert_true(str_eq(add->username, STR_LIT("carol")));
    assert_true(str_eq(add->password, STR_LIT("open it now")));
    assert_true(str_eq(add->display_name, STR_LIT("Carol")));
    assert_true(add->has_role);
    assert_int_equal(add->role, ROLE_ADMIN);
    assert_int_equal(add->idempotency_key.bytes, 16);
    assert_int_equal(call->context.principal.role, ROLE_ADMIN);
    const struct msg reply = {.id = MSG_user_add_reply, .user_add_reply = {.user = carol}};
    mock_bus_answer(call, ERR_OK, &reply);
    assert_int_equal(ask->status, 201);
    assert_string_equal(ask->body, CAROL);
    char location[64];
    assert_string_equal(ask_header(ask, "Location", location, sizeof(location)), "/v1/users/41");
    ask_free(&ask);
}

static void test_one_that_cannot_be_added(void **state)
{
    static const char *const wrong[] = {
        "{\"username\":\"carol\",\"password\":\"too short\"}",
        "{\"username\":\"ca\\u202erol\",\"password\":\"open it now\"}",
        "{\"username\":\"carol\",\"password\":\"open it now\",\"role\":\"king\"}",
        "{\"username\":\"carol\",\"password\":\"open it now\",\"rule\":\"admin\"}",
        "{\"password\":\"open it now\"}",
    };
    static const struct {
        enum err err;
        int status;
    } refusals[] = {{ERR_CONFLICT, 409}, {ERR_WEAK_PASSWORD, 422}};
    struct api_fixture *f = *state;
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        struct ask *ask = ask_new("POST", "/v1/users", TOKEN, str_of(wrong[i]));
        ask_set_header(ask, "Content-Type", "application/json");
        api_handle(f->api, &ask->request);
        assert_int_equal(ask->status, 422);
        ask_free(&ask);
    }
    for (size_t i = 0; i < ARRAY_LEN(refusals); i++) {
        struct ask *ask =
            begin(f, "POST", "/v1/users", "{\"username\":\"carol\",\"password\":\"open it now\"}",
                  ROLE_ADMIN);
        fail_call(f, MSG_user_add, refusals[i].err);
        assert_int_equal(ask->status, refusals[i].status);
        ask_free(&ask);
    }
}

/* Two characters of four bytes that are one in normal form: short enough then, but not as they
 * came. */
static void test_a_name_that_is_too_long_before_it_is_composed(void **state)
{
    struct api_fixture *f = *state;
    struct strbuf body = {0};
    strbuf_add_z(&body, "{\"password\":\"open it now\",\"username\":\"");
    for (size_t i = 0; i < 33; i++) {
        strbuf_add_z(&body, "\xf0\x91\x82\x99\xf0\x91\x82\xba");
    }
    strbuf_add_z(&body, "\"}");
    struct ask *ask = ask_new("POST", "/v1/users", TOKEN, strbuf_str(&body));
    ask_set_header(ask, "Content-Type", "application/json");
    api_handle(f->api, &ask->request);
    assert_int_equal(ask->status, 422);
    ask_free(&ask);
    strbuf_fini(&body);
}

static void answer_page(struct api_fixture *f, size_t count)
{
    struct msg_user users[3] = {carol, carol, carol};
    const struct msg reply = {.id = MSG_user_page_reply,
                              .user_page_reply = {.users = {.items = users, .count = count}}};
    mock_bus_answer(mock_bus_pending(&f->bus, MSG_user_page), ERR_OK, &reply);
}

static void test_pages(void **state)
{
    struct api_fixture *f = *state;
    struct ask *ask = begin(f, "GET", "/v1/users?limit=2&search=car%25", NULL, ROLE_ADMIN);
    const struct msg_user_page *page = &mock_bus_pending(&f->bus, MSG_user_page)->request.user_page;
    assert_int_equal(page->limit, 2);
    assert_int_equal(page->after_id, 0);
    assert_true(str_eq(page->search, STR_LIT("car%")));
    answer_page(f, 2);
    assert_string_equal(ask->body, "{\"items\":[" CAROL "," CAROL
                                   "],\"next_page_token\":\"0000000000000029\"}");
    ask_free(&ask);
    ask = begin(f, "GET", "/v1/users?page_token=0000000000000029", NULL, ROLE_ADMIN);
    assert_int_equal(mock_bus_pending(&f->bus, MSG_user_page)->request.user_page.after_id, 41);
    answer_page(f, 1);
    assert_string_equal(ask->body, "{\"items\":[" CAROL "]}");
    ask_free(&ask);
    static const char *const wrong[] = {"limit=0", "limit=101", "page_token=29",
                                        "page_token=ffffffffffffffff"};
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        AUTO(mem_free) char *path = mem_printf("/v1/users?%s", wrong[i]);
        ask = begin(f, "GET", path, NULL, ROLE_ADMIN);
        assert_int_equal(ask->status, 400);
        ask_free(&ask);
    }
}

static void test_one_is_shown_and_changed(void **state)
{
    struct api_fixture *f = *state;
    struct ask *ask = begin(f, "GET", "/v1/users/41", NULL, ROLE_ADMIN);
    const struct msg got = {.id = MSG_user_get_reply, .user_get_reply = {.user = carol}};
    struct mock_bus_call *call = mock_bus_pending(&f->bus, MSG_user_get);
    assert_int_equal(call->request.user_get.user_id, 41);
    mock_bus_answer(call, ERR_OK, &got);
    assert_string_equal(ask->body, CAROL);
    ask_free(&ask);
    ask = begin(f, "PATCH", "/v1/users/41",
                "{\"display_name\":null,\"role\":\"admin\",\"disabled\":false}", ROLE_ADMIN);
    call = mock_bus_pending(&f->bus, MSG_user_change);
    const struct msg_user_change *change = &call->request.user_change;
    assert_int_equal(change->user_id, 41);
    assert_true(change->has_display_name && change->display_name.bytes == 0);
    assert_true(change->has_role && change->role == ROLE_ADMIN);
    assert_true(change->has_disabled && !change->disabled);
    assert_true(change->has_version && change->version == 7);
    const struct msg changed = {.id = MSG_user_change_reply, .user_change_reply = {.user = carol}};
    mock_bus_answer(call, ERR_OK, &changed);
    assert_int_equal(ask->status, 200);
    assert_string_equal(ask->body, CAROL);
    ask_free(&ask);
}

static void test_one_gets_a_password(void **state)
{
    static const struct {
        enum err err;
        int status;
    } refusals[] = {{ERR_NOT_FOUND, 404}, {ERR_WEAK_PASSWORD, 422}};
    static const char body[] = "{\"new_password\":\"open it now\"}";
    struct api_fixture *f = *state;
    struct ask *ask = begin(f, "PUT", "/v1/users/41/password", body, ROLE_ADMIN);
    struct mock_bus_call *call = mock_bus_pending(&f->bus, MSG_user_password);
    const struct msg_user_password *password = &call->request.user_password;
    assert_int_equal(password->user_id, 41);
    assert_int_equal(password->idempotency_key.bytes, 16);
    assert_int_equal(password->current_password.bytes, 0);
    assert_true(str_eq(password->new_password, STR_LIT("open it now")));
    assert_true(password->has_origin);
    const struct msg reply = {.id = MSG_user_password_reply, .user_password_reply = {.revoked = 2}};
    mock_bus_answer(call, ERR_OK, &reply);
    assert_int_equal(ask->status, 204);
    ask_free(&ask);
    for (size_t i = 0; i < ARRAY_LEN(refusals); i++) {
        ask = begin(f, "PUT", "/v1/users/41/password", body, ROLE_ADMIN);
        fail_call(f, MSG_user_password, refusals[i].err);
        assert_int_equal(ask->status, refusals[i].status);
        ask_free(&ask);
    }
    ask = begin(f, "PUT", "/v1/users/none/password", body, ROLE_ADMIN);
    assert_int_equal(ask->status, 404);
    ask_free(&ask);
}

/* Who finds an admin's browser open cannot take over his account by it. */
static void test_ones_own_password_is_not_given(void **state)
{
    struct api_fixture *f = *state;
    struct ask *ask =
        begin(f, "PUT", "/v1/users/1/password", "{\"new_password\":\"open it now\"}", ROLE_ADMIN);
    assert_int_equal(ask->status, 403);
    assert_null(mock_bus_pending(&f->bus, MSG_user_password));
    ask_free(&ask);
}

static void test_sessions_of_one(void **state)
{
    static const uint8_t id[16] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    struct api_fixture *f = *state;
    struct ask *ask = begin(f, "GET", "/v1/users/41/sessions?limit=2", NULL, ROLE_ADMIN);
    struct mock_bus_call *call = mock_bus_pending(&f->bus, MSG_session_page);
    assert_int_equal(call->request.session_page.user_id, 41);
    assert_int_equal(call->request.session_page.limit, 2);
    const struct msg page = {.id = MSG_session_page_reply};
    mock_bus_answer(call, ERR_OK, &page);
    assert_string_equal(ask->body, "{\"items\":[]}");
    ask_free(&ask);
    const struct msg revoked = {.id = MSG_session_revoke_reply,
                                .session_revoke_reply = {.revoked = 1}};
    for (size_t is_named = 0; is_named < 2; is_named++) {
        ask = begin(f, "DELETE",
                    is_named ? "/v1/users/41/sessions/" SESSION : "/v1/users/41/sessions", NULL,
                    ROLE_ADMIN);
        call = mock_bus_pending(&f->bus, MSG_session_revoke);
        const struct msg_session_revoke *revoke = &call->request.session_revoke;
        assert_int_equal(revoke->user_id, 41);
        assert_int_equal(revoke->session.bytes, is_named ? 16 : 0);
        assert_true(!is_named || memcmp(revoke->session.data, id, sizeof(id)) == 0);
        assert_int_equal(revoke->idempotency_key.bytes, 16);
        mock_bus_answer(call, ERR_OK, &revoked);
        assert_int_equal(ask->status, 204);
        ask_free(&ask);
    }
    static const char *const none[][2] = {{"GET", "/v1/users/x/sessions"},
                                          {"DELETE", "/v1/users/x/sessions"},
                                          {"DELETE", "/v1/users/x/sessions/" SESSION},
                                          {"DELETE", "/v1/users/41/sessions/x"}};
    for (size_t i = 0; i < ARRAY_LEN(none); i++) {
        ask = begin(f, none[i][0], none[i][1], NULL, ROLE_ADMIN);
        assert_int_equal(ask->status, 404);
        ask_free(&ask);
    }
}

static void test_one_is_removed(void **state)
{
    static const struct {
        const char *target;
        uint64_t heir_id;
    } rows[] = {{"/v1/users/41", 0},
                {"/v1/users/41?rooms=end", 0},
                {"/v1/users/41?rooms=transfer:42", 42},
                {"/v1/users/41?rooms=transfer%3A42", 42}};
    struct api_fixture *f = *state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct ask *ask = begin(f, "DELETE", rows[i].target, NULL, ROLE_ADMIN);
        struct mock_bus_call *call = mock_bus_pending(&f->bus, MSG_user_remove);
        const struct msg_user_remove *removal = &call->request.user_remove;
        assert_int_equal(removal->user_id, 41);
        assert_int_equal(removal->heir_id, rows[i].heir_id);
        assert_true(removal->has_version && removal->version == 7);
        assert_int_equal(removal->idempotency_key.bytes, 16);
        const struct msg removed = {.id = MSG_user_remove_reply,
                                    .user_remove_reply = {.revoked = 3}};
        mock_bus_answer(call, ERR_OK, &removed);
        assert_int_equal(ask->status, 204);
        ask_free(&ask);
    }
}

static void test_one_that_cannot_be_removed(void **state)
{
    static const struct {
        const char *target;
        int status;
    } rows[] = {{"/v1/users/41?rooms=", 400},           {"/v1/users/41?rooms=keep", 400},
                {"/v1/users/41?rooms=%ff%zz", 400},     {"/v1/users/41?rooms=transfer:", 422},
                {"/v1/users/41?rooms=transfer:x", 422}, {"/v1/users/none?rooms=transfer:x", 404}};
    static const struct {
        enum err err;
        int status;
    } refusals[] = {
        {ERR_NOT_FOUND, 404}, {ERR_CONFLICT, 409}, {ERR_NO_HEIR, 422}, {ERR_STALE, 412}};
    struct api_fixture *f = *state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct ask *ask = begin(f, "DELETE", rows[i].target, NULL, ROLE_ADMIN);
        assert_int_equal(ask->status, rows[i].status);
        assert_null(mock_bus_pending(&f->bus, MSG_user_remove));
        ask_free(&ask);
    }
    for (size_t i = 0; i < ARRAY_LEN(refusals); i++) {
        struct ask *ask = begin(f, "DELETE", "/v1/users/41", NULL, ROLE_ADMIN);
        fail_call(f, MSG_user_remove, refusals[i].err);
        assert_int_equal(ask->status, refusals[i].status);
        ask_free(&ask);
    }
}

static void test_ids_that_are_none(void **state)
{
    static const char *const wrong[] = {"0", "-1", "4x", "99999999999999999999", "none"};
    struct api_fixture *f = *state;
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        AUTO(mem_free) char *path = mem_printf("/v1/users/%s", wrong[i]);
        struct ask *ask = begin(f, "GET", path, NULL, ROLE_ADMIN);
        assert_int_equal(ask->status, 404);
        assert_null(mock_bus_pending(&f->bus, MSG_user_get));
        ask_free(&ask);
    }
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, api_fixture_setup, api_fixture_teardown)
    const struct CMUnitTest tests[] = {
        T(test_members_are_told_nothing),
        T(test_one_is_added),
        T(test_one_that_cannot_be_added),
        T(test_a_name_that_is_too_long_before_it_is_composed),
        T(test_pages),
        T(test_one_is_shown_and_changed),
        T(test_one_gets_a_password),
        T(test_ones_own_password_is_not_given),
        T(test_sessions_of_one),
        T(test_one_is_removed),
        T(test_one_that_cannot_be_removed),
        T(test_ids_that_are_none),
    };
    return cmocka_run_group_tests_name("managed users", tests, NULL, NULL);
}
