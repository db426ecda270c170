/* Reads a ZeroMQ socket on the loop, of which it is an ordinary client.
 *
 * A socket's descriptor (ZMQ_FD) tells of news, not of a state: after it, and after anything else
 * was done with the socket, the socket must be emptied, or nothing tells of what is left. So the
 * socket is read at the end of each turn in which there was news or use, at most LOOP_BATCH
 * messages; then again at the end of the next turn, which comes at once, until it is empty. */
#ifndef LYNKS_PROTO_BUS_BUS_READER_H
#define LYNKS_PROTO_BUS_BUS_READER_H

#include "proto/loop/loop.h"

#include <czmq.h>

/* Takes at most LOOP_BATCH messages. True: there may be more (then the reader is still there). May
 * free the reader. */
typedef bool bus_reader_fn(void *arg);

struct bus_reader;
/* Both are borrowed. */
struct bus_reader *bus_reader_new(struct loop *loop, zsock_t *socket, bus_reader_fn *fn, void *arg);
void bus_reader_free(struct bus_reader **reader); /* before its socket */

/* Whoever does anything but receive with the socket says so: libzmq may have noticed messages by
 * the way, of which its descriptor does not tell any more. */
void bus_reader_look(struct bus_reader *reader);

#endif
