/* A raw TCP client on the loop, for testing an HTTP server in the same process: it sends any bytes
 * and keeps whatever comes back. */
#ifndef LYNKS_TESTS_SUPPORT_C_HTTP_CLIENT_H
#define LYNKS_TESTS_SUPPORT_C_HTTP_CLIENT_H

#include "proto/loop/loop.h"

struct http_client;

/* Connects to 127.0.0.1:port, from address ("127.0.0.1", or any of 127.0.0.0/8; NULL: the
 * kernel's choice). */
struct http_client *http_client_new(struct loop *loop, uint16_t port, const char *from);
void http_client_free(struct http_client **client); /* closes */

/* Sends what the kernel takes now and the rest as it takes more. */
void http_client_send(struct http_client *client, struct str data);
void http_client_sendf(struct http_client *client, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
size_t http_client_unsent(const struct http_client *client);
void http_client_shutdown(struct http_client *client); /* half close */
void http_client_reset(struct http_client *client);    /* RST; the client reads nothing more */
/* Stops or goes on reading; a client that does not read fills the server's send buffer. */
void http_client_read(struct http_client *client, bool on);

/* Turns the loop until count whole answers with a Content-Length are there, false after
 * timeout_ms. */
bool http_client_await(struct http_client *client, size_t count, uint64_t timeout_ms);
/* Turns the loop until the server has closed the connection. */
bool http_client_await_close(struct http_client *client, uint64_t timeout_ms);
bool http_client_is_closed(const struct http_client *client);
/* Has the server answered with RST? It may have cost a client the answer. */
bool http_client_was_reset(const struct http_client *client);

/* Of what has come: everything; the status of the answer index (0: it is not there); its body and
 * a header of it ("" if absent). Views are valid until more is received. */
struct str http_client_received(const struct http_client *client);
int http_client_status(const struct http_client *client, size_t index);
struct str http_client_body(const struct http_client *client, size_t index);
struct str http_client_header(const struct http_client *client, size_t index, const char *name);

#endif
