/* Users that are added, with a mocked store and hasher: who may, which names and passwords, once.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdlib.h>

#include "authsvc/account/additions.h"
#include "tests/support/c/fake_clock.h"
#include "tests/support/c/log_capture.h"
#include "tests/support/c/mock_call.h"
#include "tests/unit/authsvc/mock_hasher.h"
#include "tests/unit/authsvc/mock_store.h"

#define KEY "0123456789abcdef"

static const struct principal admin = {
    .kind = PRINCIPAL_USER, .role = ROLE_ADMIN, .user_id = 7, .session_id = 1};
static const struct principal member = {
    .kind = PRINCIPAL_USER, .role = ROLE_MEMBER, .user_id = 8, .session_id = 2};
static const struct principal nobody = {.kind = PRINCIPAL_NONE};
static const struct principal tool = {.kind = PRINCIPAL_ADMIN_TOOL};

static const struct store_user carol = {
    .id = 41, .username = "carol", .display_name = "Carol", .role = ROLE_MEMBER, .version = 1};

struct fixture {
    struct fake_clock *clock;
    struct mock_store store;
    struct mock_hasher hasher;
    struct metrics *metrics;
    struct additions *additions;
    struct mock_call calls[16];
    size_t call_count;
};

static void begin_additions(struct fixture *f, bool takes_everybody)
{
    const struct additions_parts parts = {.clock = fake_clock_clock(f->clock),
                                          .store = mock_store_store(&f->store),
                                          .hasher = mock_hasher_hasher(&f->hasher),
                                          .metrics = f->metrics};
    additions_free(&f->additions);
    f->additions = additions_new(&parts, takes_everybody);
}

static int setup(void **state)
{
    log_capture_setup(state);
    struct fixture *f = mem_alloc(sizeof(*f));
    f->clock = fake_clock_new();
    f->metrics = metrics_new();
    mock_store_init(&f->store);
    begin_additions(f, /* takes_everybody= */ false);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    additions_stop(f->additions);
    additions_free(&f->additions);
    metrics_free(&f->metrics);
    mock_store_fini(&f->store);
    for (size_t i = 0; i < f->call_count; i++) {
        mock_call_fini(&f->calls[i]);
    }
    fake_clock_free(&f->clock);
    free(f);
    return log_capture_teardown(state);
}

static struct mock_call *add(struct fixture *f, const struct principal *principal,
                             const struct msg_user_add *user)
{
    struct msg request = {.id = MSG_user_add, .user_add = *user};
    struct mock_call *call = &f->calls[f->call_count++];
    request.user_add.idempotency_key = STR_LIT(KEY);
    mock_call_init(call, fake_clock_clock(f->clock), &request);
    call->call.context.principal = *principal;
    additions_start(f->additions, &call->call);
    return call;
}

static const struct msg_user_add wanted = {.username = STR_LIT("carol"),
                                           .password = STR_LIT("open it now"),
                                           .display_name = STR_LIT("Carol")};

static void hashed(struct fixture *f)
{
    assert_string_equal(f->hasher.password, "open it now");
    f->hasher.hashed(f->hasher.arg, ERR_OK, "$new$");
}

static struct mock_store_call *stored(struct fixture *f)
{
    struct mock_store_call *asked = mock_store_take(&f->store, MOCK_ADD_USER);
    assert_non_null(asked);
    return asked;
}

static void an_admin_and_the_tool_add_users(void **state)
{
    struct fixture *f = *state;
    const struct principal *who[] = {&admin, &tool};
    for (size_t i = 0; i < ARRAY_LEN(who); i++) {
        struct mock_call *call = add(f, who[i], &wanted);
        hashed(f);
        const struct mock_store_call *asked = stored(f);
        assert_memory_equal(asked->new_user.key, KEY, sizeof(asked->new_user.key));
        assert_string_equal(asked->new_user.username, "carol");
        assert_string_equal(asked->new_user.display_name, "Carol");
        assert_string_equal(asked->new_user.password, "$new$");
        assert_int_equal(asked->new_user.role, ROLE_MEMBER);
        asked->fn.user(asked->arg, ERR_OK, &carol);
        assert_int_equal(call->err, ERR_OK);
        assert_int_equal(call->reply.user_add_reply.user.id, 41);
    }
    assert_int_equal(log_capture_count("open it now"), 0);
}

static void others_may_not(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(add(f, &member, &wanted)->err, ERR_FORBIDDEN);
    assert_int_equal(add(f, &nobody, &wanted)->err, ERR_FORBIDDEN);
    assert_int_equal(f->hasher.hashes, 0);
}

static void a_role_is_given(void **state)
{
    struct fixture *f = *state;
    struct msg_user_add user = wanted;
    user.role = ROLE_ADMIN;
    user.has_role = true;
    user.display_name = STR_NONE;
    struct mock_call *call = add(f, &admin, &user);
    hashed(f);
    const struct mock_store_call *asked = stored(f);
    assert_int_equal(asked->new_user.role, ROLE_ADMIN);
    assert_string_equal(asked->new_user.display_name, "");
    asked->fn.user(asked->arg, ERR_CONFLICT, NULL);
    assert_int_equal(call->err, ERR_CONFLICT);
}

static void names_and_passwords_that_are_none(void **state)
{
    struct fixture *f = *state;
    static char long_name[66];
    memset(long_name, 'x', sizeof(long_name) - 1);
    const struct {
        struct str username, display_name, password;
        enum err err;
    } rows[] = {
        {STR_LIT("a\xe2\x80\xae"
                 "b"),
         STR_NONE, STR_LIT("open it now"), ERR_WRONG_MEMBER},
        {STR_LIT("carol"), STR_LIT("\x1b[2J"), STR_LIT("open it now"), ERR_WRONG_MEMBER},
        {{long_name, 65}, STR_NONE, STR_LIT("open it now"), ERR_WRONG_MEMBER},
        {STR_LIT("carol"), STR_NONE, STR_LIT("too short"), ERR_WEAK_PASSWORD},
        {STR_LIT("carolcarol"), STR_NONE, STR_LIT("CarolCarol"), ERR_WEAK_PASSWORD},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const struct msg_user_add user = {.username = rows[i].username,
                                          .display_name = rows[i].display_name,
                                          .password = rows[i].password};
        assert_int_equal(add(f, &admin, &user)->err, rows[i].err);
    }
    assert_int_equal(f->hasher.hashes, 0);
}

static void what_fails_on_the_way_is_told(void **state)
{
    struct fixture *f = *state;
    log_capture_expect("user not added");
    f->hasher.refuse = ERR_OVERLOADED;
    assert_int_equal(add(f, &admin, &wanted)->err, ERR_OVERLOADED);
    f->hasher.refuse = ERR_OK;
    struct mock_call *call = add(f, &admin, &wanted);
    f->hasher.hashed(f->hasher.arg, ERR_DEADLINE, NULL);
    assert_int_equal(call->err, ERR_DEADLINE);
    f->store.refuse = ERR_UNAVAILABLE;
    call = add(f, &admin, &wanted);
    hashed(f);
    assert_int_equal(call->err, ERR_UNAVAILABLE);
    call = add(f, &admin, &wanted);
    additions_stop(f->additions);
    hashed(f);
    assert_int_equal(call->err, ERR_DRAINING);
    assert_int_equal(add(f, &admin, &wanted)->err, ERR_DRAINING);
}

static struct mock_call *register_as(struct fixture *f, const struct principal *principal)
{
    const struct msg request = {.id = MSG_user_register,
                                .user_register = {.idempotency_key = STR_LIT(KEY),
                                                  .username = STR_LIT("carol"),
                                                  .password = STR_LIT("open it now"),
                                                  .display_name = STR_LIT("Carol")}};
    struct mock_call *call = &f->calls[f->call_count++];
    mock_call_init(call, fake_clock_clock(f->clock), &request);
    call->call.context.principal = *principal;
    additions_start(f->additions, &call->call);
    return call;
}

static void nobody_registers_unless_it_is_open(void **state)
{
    struct fixture *f = *state;
    const struct principal *who[] = {&nobody, &member, &admin, &tool};
    for (size_t i = 0; i < ARRAY_LEN(who); i++) {
        assert_int_equal(register_as(f, who[i])->err, ERR_REGISTRATION_CLOSED);
    }
    assert_int_equal(f->hasher.hashes, 0);
}

/* Whoever asks: an admin who registers somebody adds no admin. */
static void who_registers_is_a_member(void **state)
{
    struct fixture *f = *state;
    const struct principal *who[] = {&nobody, &admin};
    begin_additions(f, /* takes_everybody= */ true);
    for (size_t i = 0; i < ARRAY_LEN(who); i++) {
        struct mock_call *call = register_as(f, who[i]);
        hashed(f);
        const struct mock_store_call *asked = stored(f);
        assert_memory_equal(asked->new_user.key, KEY, sizeof(asked->new_user.key));
        assert_string_equal(asked->new_user.username, "carol");
        assert_string_equal(asked->new_user.display_name, "Carol");
        assert_int_equal(asked->new_user.role, ROLE_MEMBER);
        asked->fn.user(asked->arg, ERR_OK, &carol);
        assert_int_equal(call->err, ERR_OK);
        assert_int_equal(call->reply.id, MSG_user_register_reply);
        assert_int_equal(call->reply.user_register_reply.user.id, 41);
    }
    /* Adding others is still for admins. */
    assert_int_equal(add(f, &nobody, &wanted)->err, ERR_FORBIDDEN);
    assert_int_equal(log_capture_count("open it now"), 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(an_admin_and_the_tool_add_users),
        TEST(others_may_not),
        TEST(a_role_is_given),
        TEST(names_and_passwords_that_are_none),
        TEST(what_fails_on_the_way_is_told),
        TEST(nobody_registers_unless_it_is_open),
        TEST(who_registers_is_a_member),
    };
    return cmocka_run_group_tests_name("additions", tests, NULL, NULL);
}
