#include "tests/support/c/mock_call.h"

#include <assert.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

/* A reply lives only until finish returns, so it is kept by sending it through the codec. */
static void finish(struct call *call, enum err err, const struct msg *reply)
{
    struct mock_call *mock = CONTAINER_OF(call, struct mock_call, call);
    mock->answers++;
    mock->err = err;
    if (err != ERR_OK) {
        assert(reply == NULL);
        return;
    }
    const struct envelope out = {.correlation_id = 1, .request_id = STR_LIT("test")};
    enum err encoded = codec_encode(mock->frame, &out, reply);
    assert(encoded == ERR_OK);
    struct envelope in;
    enum codec_fault fault = codec_decode(mock->arena, frame_bytes(mock->frame), &in, &mock->reply);
    assert(fault == CODEC_OK);
}

void mock_call_init(struct mock_call *mock, const struct clock *clock, const struct msg *request)
{
    *mock = (struct mock_call){
        .call = {.request = *request,
                 .context = {.request_id = STR_LIT("test"),
                             .principal = {.kind = PRINCIPAL_USER,
                                           .role = ROLE_MEMBER,
                                           .user_id = 1,
                                           .session_id = 1},
                             .deadline_ms = clock_mono_ms(clock) + 4000},
                 .peer_role = "test",
                 .finish = finish},
        .arena = arena_new(),
        .frame = frame_new(),
    };
}

void mock_call_fini(struct mock_call *mock)
{
    if (mock->arena != NULL) {
        assert_int_equal(mock->answers, 1);
    }
    arena_free(&mock->arena);
    frame_free(&mock->frame);
}
