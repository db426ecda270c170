/* The whole gateway on loopback TCP, with a bus that answers every call well a moment later. */
#ifndef LYNKS_TESTS_HOSTILE_GATEWAY_HTTP_HTTP_FIXTURE_H
#define LYNKS_TESTS_HOSTILE_GATEWAY_HTTP_HTTP_FIXTURE_H

#include "gateway/gateway.h"
#include "tests/support/c/http_client.h"
#include "tests/support/c/log_capture.h"
#include "tests/support/c/test_token.h"

#define WAIT_MS 20000 /* what is expected has happened by then, on the slowest machine */
#define BODY_MAX 65536
#define REQUEST_TIMEOUT_MS 1000 /* of http_fixture_setup_brief */
#define IDLE_TIMEOUT_MS 3000
#define HEAD(path) "POST " path " HTTP/1.1\r\nHost: x\r\nAuthorization: " TOKEN "\r\n"
#define LIST_BODY "{\"room_id\":123456}"
#define LIST HEAD("/list_participants") "Content-Length: 18\r\n\r\n" LIST_BODY

struct http_fixture {
    struct loop *loop;
    struct metrics *metrics;
    struct bus bus;
    struct gateway_config defaults, config; /* config has strings of defaults, and of the tests */
    struct gateway *gateway;
    struct http_client *client; /* one to begin with */
    size_t calls;               /* made on the bus */
    char key[16];               /* idempotency key of the last room_create */
    bool hold;                  /* calls are not answered for now */
    struct held *held;
};

/* Its time-outs are longer than anything here takes. */
int http_fixture_setup(void **state);
/* They are brief. */
int http_fixture_setup_brief(void **state);
int http_fixture_teardown(void **state);
#define HTTP_TEST(fn) cmocka_unit_test_setup_teardown(fn, http_fixture_setup, http_fixture_teardown)
#define BRIEF_TEST(fn)                                                                             \
    cmocka_unit_test_setup_teardown(fn, http_fixture_setup_brief, http_fixture_teardown)
/* Makes the gateway and f->client anew from f->config. */
void http_fixture_restart(struct http_fixture *f);
/* Answers the calls held back, and those that follow. */
void http_fixture_release(struct http_fixture *f);

struct http_client *http_fixture_connect(struct http_fixture *f, const char *from);
/* A new client gets its answer: the service goes on. */
void assert_serves(struct http_fixture *f);
/* Turns the loop until the gateway has this many connections. */
void assert_connections(struct http_fixture *f, size_t count);
/* f->client got this status, then the connection was closed. status 0: nothing, only closed. */
void assert_closed_with(struct http_fixture *f, int status);
/* Makes a new f->client and sends it request. */
void send_anew(struct http_fixture *f, struct str request);
void turn_for(struct http_fixture *f, uint64_t ms);
uint64_t now_ms(struct http_fixture *f);
size_t open_descriptors(void);
size_t resident_kib(void);

#endif
