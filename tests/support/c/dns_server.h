/* A name server on 127.0.0.1 and the test's loop: every name stands for the same addresses, and
 * names that begin with "silent" are never answered. */
#ifndef LYNKS_TESTS_SUPPORT_C_DNS_SERVER_H
#define LYNKS_TESTS_SUPPORT_C_DNS_SERVER_H

#include "proto/loop/loop.h"

#define DNS_ADDRESSES_MAX 4

struct dns_server {
    struct loop *loop;
    int fd;
    char endpoint[32];                        /* "127.0.0.1:port" */
    const char *addresses[DNS_ADDRESSES_MAX]; /* IPv4, up to the first NULL; none: no such name */
    unsigned answered; /* questions for IPv4 addresses; the test's to reset */
    unsigned ignored;
};

void dns_server_init(struct dns_server *server, struct loop *loop);
void dns_server_fini(struct dns_server *server);

#endif
