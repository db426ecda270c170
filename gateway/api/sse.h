/* What all streams of events have (text/event-stream: HTML, section 9.2): how an event is written,
 * the comment that keeps a stream open, the last event, and the head of the answer. */
#ifndef LYNKS_GATEWAY_API_SSE_H
#define LYNKS_GATEWAY_API_SSE_H

#include "gateway/http/exchange.h"

/* Proxies and routers cut what is silent for longer; EventSource ignores comments. */
#define SSE_COMMENT_MS 15000
/* Who has too many streams is told to come again after this. */
#define SSE_TOO_MANY_RETRY_MS 10000
/* Who is told to come again comes within this time, not all at once. */
#define SSE_RETRY_MIN_MS 500
#define SSE_RETRY_MAX_MS 3500

struct http_chunk *sse_comment(void);

/* id: "g7.42"; empty: it has none. data: JSON, which has no line end. */
struct http_chunk *sse_event(const char *name, struct str id, struct str data);

/* `end`, with {"reason"}. comes_again: the client is told when to, if it can be. */
struct http_chunk *sse_end(const char *reason, bool comes_again);

/* Answers with a stream. */
void sse_respond(struct exchange *exchange, const struct http_producer *producer, void *arg);

#endif
