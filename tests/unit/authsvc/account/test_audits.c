/* What is kept of commands, of whose, and who may read it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "authsvc/account/audits.h"
#include "proto/base/address.h"
#include "tests/support/c/fake_clock.h"
#include "tests/support/c/log_capture.h"
#include "tests/support/c/mock_call.h"
#include "tests/unit/authsvc/mock_store.h"

#define ANN 41
#define ADDRESS "\0\0\0\0\0\0\0\0\0\0\xff\xff\xc0\x00\x02\x07"

static const struct principal ann = {
    .kind = PRINCIPAL_USER, .role = ROLE_MEMBER, .user_id = ANN, .session_id = 1};
static const struct principal admin = {
    .kind = PRINCIPAL_USER, .role = ROLE_ADMIN, .user_id = 7, .session_id = 1};
static const struct principal tool = {.kind = PRINCIPAL_ADMIN_TOOL};
static const struct principal nobody = {.kind = PRINCIPAL_NONE};

static struct store_origin origin_by(const struct principal *principal, bool is_grave)
{
    const struct msg_origin told = {.address = {ADDRESS, ADDRESS_BYTES},
                                    .operator_name = STR_LIT("ro\x1b"
                                                             "ot")};
    const struct call call = {
        .context = {.principal = *principal, .request_id = STR_LIT("0123456789abcdef")}};
    return origin_of(&call, &told, ANN, is_grave);
}

static void what_is_done_to_others_is_kept(void **state)
{
    static const struct {
        const struct principal *principal;
        bool is_grave, is_kept;
    } rows[] = {{&ann, false, false},   {&ann, true, true},     {&admin, false, true},
                {&admin, true, true},   {&tool, false, true},   {&tool, true, true},
                {&nobody, true, false}, {&nobody, false, false}};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const struct store_origin origin = origin_by(rows[i].principal, rows[i].is_grave);
        assert_int_equal(origin.is_kept, rows[i].is_kept);
        assert_int_equal(origin.user_id, rows[i].principal->user_id);
        assert_int_equal(origin.kind, rows[i].principal->kind);
        assert_string_equal(origin.request_id, "0123456789abcdef");
        assert_memory_equal(origin.address, ADDRESS, sizeof(origin.address));
        assert_string_equal(origin.operator_name, ""); /* it is no label */
    }
}

static void a_line_says_so(void **state)
{
    (void)state;
    const struct store_origin kept = origin_by(&admin, false);
    const struct store_origin own = origin_by(&ann, false);
    origin_log(&own, ACT_USER_CHANGED, ANN);
    assert_int_equal(log_capture_count("user_changed"), 0);
    origin_log(&kept, ACT_USER_CHANGED, ANN);
    assert_int_equal(log_capture_count("act=user_changed user=41 by=7"), 1);
    assert_int_equal(log_capture_count("address=192.0.2.7"), 1);
}

struct fixture {
    struct fake_clock *clock;
    struct mock_store store;
    struct audits *audits;
    struct mock_call call;
};

static int setup(void **state)
{
    static struct fixture fixture;
    fixture = (struct fixture){.clock = fake_clock_new()};
    mock_store_init(&fixture.store);
    fixture.audits = audits_new(fake_clock_clock(fixture.clock), mock_store_store(&fixture.store));
    log_capture_setup(state);
    *state = &fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    audits_stop(f->audits);
    audits_free(&f->audits);
    mock_store_fini(&f->store);
    fake_clock_free(&f->clock);
    return log_capture_teardown(state);
}

static enum err list_as(struct fixture *f, const struct principal *principal, const char *name)
{
    const struct msg request = {
        .id = MSG_audit_page,
        .audit_page = {.limit = 20, .before_id = 9, .since_unix_ms = 5, .name = str_of(name)}};
    mock_call_init(&f->call, fake_clock_clock(f->clock), &request);
    f->call.call.context.principal = *principal;
    audits_list(f->audits, &f->call.call);
    return f->call.answers > 0 ? f->call.err : ERR_OK;
}

static void admins_read_it(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(list_as(f, &ann, ""), ERR_FORBIDDEN);
    mock_call_fini(&f->call);
    assert_int_equal(list_as(f, &nobody, ""), ERR_FORBIDDEN);
    mock_call_fini(&f->call);
    assert_int_equal(list_as(f, &tool, "carol"), ERR_OK);
    struct mock_store_call *asked = mock_store_take(&f->store, MOCK_FIND_ACTS);
    assert_int_equal(asked->acts_page.limit, 20);
    assert_int_equal(asked->acts_page.before_id, 9);
    assert_int_equal(asked->acts_page.since_unix_ms, 5);
    assert_string_equal(asked->acts_page.name, "carol");
    struct store_acts_found *found = mem_alloc(sizeof(*found));
    found->items[0] = (struct store_act){.id = 8,
                                         .created_unix_ms = 6,
                                         .act = ACT_USER_ADDED,
                                         .by_kind = PRINCIPAL_USER,
                                         .by_id = 7,
                                         .by_name = "root",
                                         .user_id = ANN,
                                         .username = "carol",
                                         .detail = "role admin"};
    found->count = 1;
    asked->fn.acts(asked->arg, ERR_OK, found);
    mem_free(&found);
    assert_int_equal(f->call.err, ERR_OK);
    const struct msg_audit_row_list *rows = &f->call.reply.audit_page_reply.rows;
    assert_int_equal(rows->count, 1);
    assert_int_equal(rows->items[0].act, ACT_USER_ADDED);
    assert_true(str_eq(rows->items[0].username, STR_LIT("carol")));
    mock_call_fini(&f->call);
}

static void what_cannot_be_read_is_told(void **state)
{
    static char long_name[STORE_NAME_BYTES + 1];
    struct fixture *f = *state;
    memset(long_name, 'x', sizeof(long_name) - 1);
    log_capture_expect("audit not read");
    assert_int_equal(list_as(f, &admin, long_name), ERR_BAD_REQUEST);
    mock_call_fini(&f->call);
    f->store.refuse = ERR_OVERLOADED;
    assert_int_equal(list_as(f, &admin, ""), ERR_OVERLOADED);
    mock_call_fini(&f->call);
    f->store.refuse = ERR_OK;
    assert_int_equal(list_as(f, &admin, ""), ERR_OK);
    struct mock_store_call *asked = mock_store_take(&f->store, MOCK_FIND_ACTS);
    asked->fn.acts(asked->arg, ERR_UNAVAILABLE, NULL);
    assert_int_equal(f->call.err, ERR_UNAVAILABLE);
    mock_call_fini(&f->call);
    audits_stop(f->audits);
    assert_int_equal(list_as(f, &admin, ""), ERR_DRAINING);
    mock_call_fini(&f->call);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(what_is_done_to_others_is_kept),
        TEST(a_line_says_so),
        TEST(admins_read_it),
        TEST(what_cannot_be_read_is_told),
    };
    return cmocka_run_group_tests_name("audits", tests, NULL, NULL);
}
