/* Answers that do not end: event streams, each on a socket of its own that no HTTP library knows.
 *
 * A producer (struct http_producer and its own state) makes what a stream sends; it is called from
 * the loop. It is never ahead of its reader by more than HTTP_STREAM_CHUNKS chunks: the rest it
 * keeps to itself, and goes on where it was when it is told that there is room. What many streams
 * send is written in slices, between which the loop does everything else.
 *
 * A client that closes its connection, or its half of it, has gone. One that is silent goes after
 * HTTP_STREAM_SILENT_MS, one that does not take a chunk within the time of the server's
 * configuration is dropped and counted (lynks_http_cut_connections_total, reason "stalled"). */
#ifndef LYNKS_PROTO_HTTP_HTTP_STREAM_H
#define LYNKS_PROTO_HTTP_HTTP_STREAM_H

#include "proto/base/list.h"
#include "proto/base/metrics.h"
#include "proto/http/http_conns.h"
#include "proto/loop/loop.h"

#define HTTP_STREAM_CHUNKS 8
#define HTTP_STREAM_SILENT_MS 20000
/* Of an event that goes to many, this much of the loop's time is taken at a time. */
#define HTTP_STREAM_SLICE_US 2000

struct http_stream;

struct http_producer {
    /* There is room: first when the stream begins, then after a send was refused, when all that
     * was sent is with the kernel. */
    void (*on_room)(void *arg, struct http_stream *stream);
    /* The server drains: send a last chunk if that is of use, and end the stream. NULL: the server
     * ends it. */
    void (*on_drain)(void *arg, struct http_stream *stream);
    /* The last call: the client has gone, or the server has closed the stream, which is no more.
     * Not called after http_stream_end. */
    void (*on_gone)(void *arg);
};

/* Bytes that any number of streams send, kept once. Made with one reference. */
struct http_chunk;
struct http_chunk *http_chunk_new(struct str data); /* not empty */
struct http_chunk *http_chunk_ref(struct http_chunk *chunk);
void http_chunk_unref(struct http_chunk **chunk); /* sets it to NULL */
struct str http_chunk_data(const struct http_chunk *chunk);

/* Sends chunk, of which the stream takes a reference of its own. false: there is no room, nothing
 * was taken, and on_room will be called. Never calls the producer. */
bool http_stream_send(struct http_stream *stream, struct http_chunk *chunk);
/* No more will be sent: the stream closes when its reader has taken the rest, in its time. Takes
 * *stream; its producer is not called any more. */
void http_stream_end(struct http_stream **stream);

/* ---- for the server ---- */

struct http_streams;
struct http_streams *http_streams_new(struct loop *loop, struct metrics *metrics,
                                      const char *listener, struct http_conns *conns);
void http_streams_free(struct http_streams **streams); /* closes them, on_gone is called */

/* Begins a stream on this connection, with the head of its answer. Takes the connection with its
 * descriptor. is_chunked: frame what is sent (HTTP/1.1); otherwise the end of the connection is the
 * end of the stream. */
void http_streams_open(struct http_streams *streams, struct http_conn *conn, struct str head,
                       bool is_chunked, const struct http_producer *producer, void *arg);
/* From now on every producer is told to end, those of streams that begin later too. */
void http_streams_drain(struct http_streams *streams);
/* Closes them all, with what their readers take at once. */
void http_streams_close(struct http_streams *streams);
size_t http_streams_count(const struct http_streams *streams);

#endif
