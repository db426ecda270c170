/* The body of a client's request through the whole API, up to the message on the bus and back: the
 * first byte picks the path, the token and how the services answer, the rest is the body.
 *
 * Aims at: gateway/http/request_json.c gateway/http/api.c gateway/http/routes.c
 * gateway/http/exchange.c Links: gateway_core Dictionary: http_body.dict */
#include <sodium.h>
#include <stdlib.h>

#include "gateway/http/api.h"
#include "proto/schema/codec.h"
#include "proto/base/log.h"

#define TOKEN "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1eff"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

/* The call that waits for its answer, at most one: there is one request at a time. */
static struct {
    enum msg_id asked;
    bus_reply_fn *fn;
    void *arg;
} out;
static enum err refuse;
static unsigned answers;
static uint64_t now_ms = 1000000;

/* What the API sends must be within the schema, whatever came in. */
static enum err call(void *self, const struct msg *request, const struct call_context *context,
                     bus_reply_fn *fn, void *arg)
{
    (void)self;
    (void)context;
    if (msg_validate(request) != ERR_OK) {
        abort();
    }
    if (refuse != ERR_OK) {
        return refuse;
    }
    out.asked = request->id;
    out.fn = fn;
    out.arg = arg;
    return ERR_OK;
}

static void answer(enum err err)
{
    static const uint64_t publishers[] = {1, 2};
    bus_reply_fn *fn = out.fn;
    struct msg reply = {.id = msg_type_find(out.asked)->reply};
    if (reply.id == MSG_room_participants_reply) {
        reply.room_participants_reply.publishers =
            (struct u64_list){.items = publishers, .count = ARRAY_LEN(publishers)};
    }
    out.fn = NULL;
    fn(out.arg, err, err == ERR_OK ? &reply : NULL);
}

static void finish(struct web_request *request, struct http_response **response)
{
    int status = http_response_status(*response);
    (void)request;
    http_response_free(response);
    if (status < 200 || status > 504) {
        abort();
    }
    answers++;
}

static uint64_t mono_ms(void *self)
{
    (void)self;
    return now_ms++;
}

static const struct clock_ops clock_ops = {.mono_ms = mono_ms, .unix_ms = mono_ms};
static const struct clock clock_of_test = {.ops = &clock_ops};
static const struct bus_ops bus_ops = {call};
static const struct bus bus = {.ops = &bus_ops};

static struct api *make_api(void)
{
    const struct api_parts parts = {.clock = &clock_of_test, .bus = &bus, .metrics = metrics_new()};
    const struct api_config config = {.budget_ms = 4000,
                                      .cors_origins = "https://a.example",
                                      .login_address_burst = 1000,
                                      .login_address_per_minute = 60000,
                                      .login_name_burst = 10,
                                      .login_name_per_minute = 60,
                                      .login_table_max = 64};
    log_init("fuzz", LOG_LEVEL_ERROR, LOG_FORMAT_LOGFMT);
    return api_new(&parts, &config);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    static const char *const paths[] = {"/login", "/create", "/list_participants", "/other"};
    static struct api *api;
    if (api == NULL) {
        api = make_api();
    }
    if (bytes == 0) {
        return 0;
    }
    struct web_request request = {
        .method = (data[0] & 4) != 0 ? "POST" : "OPTIONS",
        .path = paths[data[0] & 3],
        .authorization = (data[0] & 8) != 0 ? "Bearer " TOKEN : NULL,
        .origin = (data[0] & 16) != 0 ? "https://a.example" : NULL,
        .preflight_method = "POST",
        .body = {.data = (const char *)data + 1, .bytes = bytes - 1},
        .finish = finish,
    };
    refuse = (data[0] & 32) != 0 ? ERR_UNAVAILABLE : ERR_OK;
    answers = 0;
    api_handle(api, &request);
    while (out.fn != NULL) {
        answer((data[0] & 64) != 0 ? ERR_UNAUTHORIZED : ERR_OK);
    }
    if (answers != 1) {
        abort();
    }
    return 0;
}
