#include "gateway/api/sse.h"

#include <stdio.h>

#include "proto/base/random.h"

struct http_chunk *sse_comment(void)
{
    return http_chunk_new(STR_LIT(":\n\n"));
}

/* before: lines that come first. */
static struct http_chunk *write_event(const char *before, const char *name, struct str id,
                                      struct str data)
{
    struct strbuf text = {0};
    strbuf_add_z(&text, before);
    strbuf_add_z(&text, "event: ");
    strbuf_add_z(&text, name);
    if (id.bytes > 0) {
        strbuf_add_z(&text, "\nid: ");
        strbuf_add(&text, id);
    }
    strbuf_add_z(&text, "\ndata: ");
    strbuf_add(&text, data);
    strbuf_add_z(&text, "\n\n");
    struct http_chunk *chunk = http_chunk_new(strbuf_str(&text));
    strbuf_fini(&text);
    return chunk;
}

struct http_chunk *sse_event(const char *name, struct str id, struct str data)
{
    return write_event("", name, id, data);
}

struct http_chunk *sse_end(const char *reason, bool comes_again)
{
    char retry[32] = "";
    struct strbuf data = {0};
    struct json_out out;
    json_out_init(&out, &data);
    json_out_open(&out, '{');
    json_out_member_z(&out, "reason", reason);
    json_out_close(&out, "}");
    if (comes_again) {
        (void)snprintf(retry, sizeof(retry), "retry: %" PRIu32 "\n",
                       SSE_RETRY_MIN_MS + random_u32() % (SSE_RETRY_MAX_MS - SSE_RETRY_MIN_MS));
    }
    struct http_chunk *chunk = write_event(retry, "end", STR_NONE, strbuf_str(&data));
    strbuf_fini(&data);
    return chunk;
}

void sse_respond(struct exchange *exchange, const struct http_producer *producer, void *arg)
{
    struct http_response *response = http_response_new(200);
    (void)http_response_add_header(response, "Cache-Control", "no-store, no-transform");
    (void)http_response_add_header(response, "X-Accel-Buffering", "no");
    http_response_set_stream(response, "text/event-stream", producer, arg);
    exchange_respond(exchange, &response);
}
