#include "tests/hostile/janusbridge/hostile.h"

#include <malloc.h>

#define SLACK_MS 5000
#define CONTROL_TIMEOUT_MS 400

const char *fault_name(enum peer_fault fault)
{
    static const char *const names[PEER_FAULT_COUNT] = {
        [PEER_WELL] = "well",
        [PEER_SILENT] = "silent",
        [PEER_CLOSE] = "close",
        [PEER_RESET] = "reset",
        [PEER_HALF_CLOSE] = "half an answer, then close",
        [PEER_HALF_SILENT] = "half an answer, then nothing",
        [PEER_DRIP] = "byte by byte",
        [PEER_NOT_HTTP] = "not HTTP",
        [PEER_LENGTH_LONG] = "Content-Length too long",
        [PEER_LENGTH_SHORT] = "Content-Length too short",
        [PEER_LENGTH_HUGE] = "Content-Length huge",
        [PEER_HUGE] = "20 MB",
        [PEER_ENDLESS_CHUNKS] = "chunks without end",
        [PEER_ENDLESS_HEADERS] = "headers without end",
        [PEER_TWICE] = "the answer twice",
        [PEER_STATUS_500] = "status 500",
        [PEER_HTML] = "HTML",
        [PEER_REDIRECT] = "redirect",
        [PEER_DEEP] = "deep JSON",
        [PEER_EMPTY] = "no body",
    };
    return names[fault];
}

/* Of AddressSanitizer, where it is there. */
size_t __sanitizer_get_current_allocated_bytes(void) __attribute__((weak));

size_t live_bytes(void)
{
    return __sanitizer_get_current_allocated_bytes != NULL
               ? __sanitizer_get_current_allocated_bytes()
               : mallinfo2().uordblks;
}

enum err answer_in_time(struct rig *rig, struct mock_call *call)
{
    assert_true(rig_wait_answer(rig, call, rig->call_ms + SLACK_MS));
    assert_int_equal(call->answers, 1);
    return call->err;
}

void expect_recovery(struct rig *rig)
{
    const uint64_t end_ms = rig_now_ms(rig) + RIG_PATIENCE_MS;
    enum err err = ERR_UNAVAILABLE;
    scripted_janus_set_fault(rig->janus, SCRIPTED_ALL, PEER_WELL);
    while (err != ERR_OK && rig_now_ms(rig) < end_ms) {
        rig_wait_ready(rig, end_ms - rig_now_ms(rig));
        struct mock_call *call = rig_exists(rig, RIG_ROOM);
        err = answer_in_time(rig, call);
    }
    assert_int_equal(err, ERR_OK);
}

static int expect_trouble(struct rig *rig)
{
    rig->call_ms = CALL_MS;
    log_capture_expect("janus is not ready");
    log_capture_expect("call failed");
    return 0;
}

int hostile_setup(void **state)
{
    return rig_setup(state) == 0 ? expect_trouble(*state) : -1;
}

int hostile_setup_in_doubt(void **state)
{
    return rig_setup_in_doubt(state, CONTROL_TIMEOUT_MS) == 0 ? expect_trouble(*state) : -1;
}
