/* Takes a request through everything that follows from the rows of its route, and to the route's
 * handler, or to a file of the web client where no route has its path. Lives on the loop; knows no
 * socket. */
#ifndef LYNKS_GATEWAY_HTTP_DISPATCHER_H
#define LYNKS_GATEWAY_HTTP_DISPATCHER_H

#include "gateway/http/exchange.h"
#include "proto/base/public_url.h"
#include "proto/base/metrics.h"

struct dispatcher_config {
    struct exchanges_config exchanges;
    const struct public_url *url;     /* copied */
    const struct resource *resources; /* borrowed, and their rows too */
    size_t count;
};

struct dispatcher;

/* NULL (logged): a row is wrong. */
struct dispatcher *dispatcher_new(struct metrics *metrics, const struct dispatcher_config *config);
/* Requests without an answer get 503; what the bus says about them later is ignored. */
void dispatcher_free(struct dispatcher **dispatcher);

const struct routes *dispatcher_routes(const struct dispatcher *dispatcher);

/* Sees to it that request->ops->finish is called exactly once, now or later. Checks in this order:
 * what the server refused, Host (of files, too), path, method, whose page a cookie came from,
 * whether a stream may begin here, check value of the token and limit of its address, coding of the
 * body, media type, body, session, rights, Idempotency-Key, the guard. */
void dispatcher_handle(struct dispatcher *dispatcher, struct request *request);

/* Is there a row for it whose answer is a stream? path is as sent, without the query. */
bool dispatcher_wants_stream(const struct dispatcher *dispatcher, struct str method,
                             struct str path);

/* How large the body of such a request may be, where most are smaller; 0: no larger than those. */
size_t dispatcher_body_bytes_max(const struct dispatcher *dispatcher, struct str method,
                                 struct str path);

#endif
