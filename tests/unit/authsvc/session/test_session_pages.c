/* Pages of sessions with a mocked store: what is asked, and what becomes of the answer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <sodium.h>
#include <stdlib.h>

#include "authsvc/session/session_pages.h"
#include "tests/support/c/fake_clock.h"
#include "tests/support/c/log_capture.h"
#include "tests/support/c/mock_call.h"
#include "tests/unit/authsvc/some_sessions.h"

#define T0 UINT64_C(1700000000000)

static const char id[] = "0123456789abcdef";
static const struct str id_str = {.data = id, .bytes = SESSION_ID_BYTES};

struct fixture {
    struct fake_clock *clock;
    struct mock_store store;
    struct metrics *metrics;
    struct sessions *sessions;
    struct session_pages *pages;
    struct mock_call call;
};

static int setup(void **state)
{
    log_capture_setup(state);
    struct fixture *f = mem_alloc(sizeof(*f));
    f->clock = fake_clock_new();
    mock_store_init(&f->store);
    f->metrics = metrics_new();
    f->sessions = some_sessions(f->clock, &f->store, f->metrics);
    f->pages =
        session_pages_new(mock_store_store(&f->store), f->sessions, fake_clock_clock(f->clock));
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    sessions_stop(f->sessions);
    session_pages_free(&f->pages);
    sessions_free(&f->sessions);
    metrics_free(&f->metrics);
    mock_store_fini(&f->store);
    mock_call_fini(&f->call);
    fake_clock_free(&f->clock);
    free(f);
    return log_capture_teardown(state);
}

static void ask(struct fixture *f, struct str session)
{
    const struct msg request = {.id = MSG_session_page,
                                .session_page = {.user_id = 41,
                                                 .limit = 7,
                                                 .session = session,
                                                 .after_created_unix_ms = 5,
                                                 .after_session = id_str}};
    mock_call_init(&f->call, fake_clock_clock(f->clock), &request);
    session_pages_start(f->pages, &f->call.call);
}

static void found(struct fixture *f, enum err err, size_t count)
{
    struct mock_store_call *asked = mock_store_take(&f->store, MOCK_FIND_SESSIONS);
    assert_non_null(asked);
    assert_int_equal(asked->deadline_ms, f->call.call.context.deadline_ms);
    struct store_page_found *answer = mem_alloc(sizeof(*answer));
    answer->count = count;
    for (size_t i = 0; i < count; i++) {
        struct store_session_row *row = &answer->items[i];
        *row = (struct store_session_row){.kind = SESSION_WEB,
                                          .created_unix_ms = 10 - i,
                                          .used_unix_ms = 20,
                                          .expires_unix_ms = 30};
        memset(row->token.bytes, (int)i + 1, sizeof(row->token.bytes));
        (void)str_copy(row->device, sizeof(row->device), STR_LIT("her phone"));
        row->address[15] = 9;
    }
    asked->fn.sessions(asked->arg, err, err == ERR_OK ? answer : NULL);
    mem_free(&answer);
}

static void a_page(void **state)
{
    struct fixture *f = *state;
    ask(f, STR_NONE);
    const struct store_page *page = &f->store.calls[0]->page;
    assert_int_equal(page->user_id, 41);
    assert_int_equal(page->now_unix_ms, T0);
    assert_int_equal(page->limit, 7);
    assert_false(page->session.is_there);
    assert_int_equal(page->after_created_unix_ms, 5);
    assert_memory_equal(page->after.bytes, id, SESSION_ID_BYTES);
    found(f, ERR_OK, 2);
    assert_int_equal(f->call.err, ERR_OK);
    const struct msg_session_list *sessions = &f->call.reply.session_page_reply.sessions;
    assert_int_equal(sessions->count, 2);
    assert_int_equal(sessions->items[1].id.bytes, SESSION_ID_BYTES);
    assert_int_equal(sessions->items[1].id.data[0], 2);
    assert_int_equal(sessions->items[1].kind, SESSION_WEB);
    assert_true(str_eq(sessions->items[1].device, STR_LIT("her phone")));
    assert_int_equal(sessions->items[1].address.data[15], 9);
    assert_int_equal(sessions->items[1].created_unix_ms, 9);
    assert_int_equal(sessions->items[1].used_unix_ms, 20);
    assert_int_equal(sessions->items[1].expires_unix_ms, 30);
}

static void no_sessions_are_an_empty_page(void **state)
{
    struct fixture *f = *state;
    ask(f, STR_NONE);
    found(f, ERR_OK, 0);
    assert_int_equal(f->call.err, ERR_OK);
    assert_int_equal(f->call.reply.session_page_reply.sessions.count, 0);
}

static void one_that_is_not_there(void **state)
{
    struct fixture *f = *state;
    ask(f, id_str);
    assert_memory_equal(f->store.calls[0]->page.session.id.bytes, id, SESSION_ID_BYTES);
    found(f, ERR_OK, 0);
    assert_int_equal(f->call.err, ERR_NOT_FOUND);
}

static void no_database(void **state)
{
    struct fixture *f = *state;
    log_capture_expect("sessions not listed");
    f->store.refuse = ERR_UNAVAILABLE;
    ask(f, STR_NONE);
    assert_int_equal(f->call.err, ERR_UNAVAILABLE);
}

static void the_database_is_lost(void **state)
{
    struct fixture *f = *state;
    log_capture_expect("sessions not listed");
    ask(f, STR_NONE);
    found(f, ERR_DEADLINE, 0);
    assert_int_equal(f->call.err, ERR_DEADLINE);
}

static void stopped(void **state)
{
    struct fixture *f = *state;
    log_capture_expect("sessions not listed");
    session_pages_stop(f->pages);
    ask(f, STR_NONE);
    assert_int_equal(f->call.err, ERR_DRAINING);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    if (sodium_init() < 0) {
        return 1;
    }
    const struct CMUnitTest tests[] = {
        TEST(a_page),      TEST(no_sessions_are_an_empty_page), TEST(one_that_is_not_there),
        TEST(no_database), TEST(the_database_is_lost),          TEST(stopped),
    };
    return cmocka_run_group_tests_name("session_pages", tests, NULL, NULL);
}
