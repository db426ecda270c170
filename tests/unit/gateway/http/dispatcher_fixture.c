#include "tests/unit/gateway/http/dispatcher_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

void dispatcher_fixture_init(struct dispatcher_fixture *f, const struct route *rows, size_t count,
                             void *self)
{
    const struct public_url url = public_url_default("meet.example.org", "127.0.0.1", 60000);
    log_capture_setup(NULL);
    f->clock = fake_clock_new();
    f->metrics = metrics_new();
    mock_bus_init(&f->bus);
    f->auth = auth_new(fake_clock_clock(f->clock), f->metrics,
                       &(struct auth_config){.token_key = TOKEN_KEY,
                                             .unknown_burst = 3,
                                             .unknown_per_minute = 6,
                                             .unknown_table_max = 64,
                                             .good_tokens_max = 64});
    f->resource =
        (struct resource){.dialect = DIALECT_V1, .routes = rows, .count = count, .self = self};
    f->dispatcher =
        dispatcher_new(f->metrics, &(struct dispatcher_config){
                                       .exchanges = {.clock = fake_clock_clock(f->clock),
                                                     .bus = &f->bus.bus,
                                                     .budget_ms = 4000,
                                                     .cors_origins = "https://a.example",
                                                     .files = f->files,
                                                     .content_policy = "policy",
                                                     .auth = f->auth},
                                       .url = &url,
                                       .resources = &f->resource,
                                       .count = 1,
                                   });
    assert_non_null(f->dispatcher);
}

int dispatcher_fixture_fini(struct dispatcher_fixture *f)
{
    dispatcher_free(&f->dispatcher);
    auth_free(&f->auth);
    mock_bus_fini(&f->bus);
    metrics_free(&f->metrics);
    fake_clock_free(&f->clock);
    return log_capture_teardown(NULL);
}

struct ask *dispatcher_fixture_send(struct dispatcher_fixture *f, struct ask *ask)
{
    dispatcher_handle(f->dispatcher, &ask->request);
    return ask;
}

void dispatcher_fixture_answer_session(struct dispatcher_fixture *f, uint64_t user_id)
{
    const struct msg reply = {.id = MSG_session_check_reply,
                              .session_check_reply = {.user_id = user_id, .expires_unix_ms = 1}};
    struct mock_bus_call *call = mock_bus_pending(&f->bus, MSG_session_check);
    assert_non_null(call);
    mock_bus_answer(call, ERR_OK, &reply);
}
