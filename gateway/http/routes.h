/* The route table: one row per path and method. An endpoint is a row, plus two small functions when
 * it needs more than what the client sent or answers in a shape of its own. */
#ifndef LYNKS_GATEWAY_HTTP_ROUTES_H
#define LYNKS_GATEWAY_HTTP_ROUTES_H

#include "proto/base/err.h"
#include "proto/schema/msg.h"

struct exchange;
struct strbuf;

struct route {
    const char *path;
    const char *method;
    bool needs_session;
    enum msg_id message;        /* what is asked on the bus */
    const char *const *members; /* fields of it that the client's body gives; NULL-terminated */
    /* Fills in the rest of exchange->msg, before anything is sent; may refuse. NULL: nothing to do.
     */
    enum err (*prepare)(struct exchange *exchange);
    /* Sees how it ended, good or bad; NULL: nothing to do. */
    void (*settle)(struct exchange *exchange, enum err err);
    /* Writes the JSON of a success. */
    void (*write)(const struct exchange *exchange, const struct msg *reply, struct strbuf *text);
};

const struct route *routes_at(size_t index); /* NULL past the end */
size_t routes_count(void);
/* ERR_NOT_FOUND: no such path; ERR_METHOD_NOT_ALLOWED: *ret_route is a row of that path. */
enum err routes_find(const char *path, const char *method, const struct route **ret_route);
/* "POST" or "GET, POST": the methods of that path. */
void routes_write_allow(const char *path, struct strbuf *text);

#endif
