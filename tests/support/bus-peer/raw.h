/* What no honest caller does. Each prints "SENT n": how many got as far as the wire. */
#ifndef LYNKS_TESTS_SUPPORT_BUS_PEER_RAW_H
#define LYNKS_TESTS_SUPPORT_BUS_PEER_RAW_H

/* Sends count frames of a kind ("tiny", "empty", "garbage", "array", "large") to endpoint
 * ("tcp://..."), with this key pair and this idea of the server's key; without CURVE if secret is
 * NULL. Gives up after a second in which nothing can be sent. Exit code. */
int raw_send(const char *endpoint, const char *secret, const char *server_public, const char *kind,
             unsigned long count);

/* Opens count TCP connections to port on 127.0.0.1, one after the other, each with a part of an
 * HTTP request in it or nothing, and resets them. Exit code. */
int raw_reset(unsigned long port, unsigned long count);

#endif
