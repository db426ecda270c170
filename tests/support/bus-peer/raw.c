#include "tests/support/bus-peer/raw.h"

#include <arpa/inet.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>
#include <zmq.h>

#include "proto/base/base.h"
#include "proto/bus/keys.h"

#define FRAME_BYTES_MAX (1024 * 1024) /* twice what the bus takes */
#define PATIENCE_MS 1000
#define LINGER_MS 2000

/* The 5 bytes of a msgpack array of 2^31 items. */
static const unsigned char array_header[] = {0xdd, 0x80, 0x00, 0x00, 0x00};

static size_t make_frame(const char *kind, unsigned char *frame)
{
    if (strcmp(kind, "empty") == 0) {
        return 0;
    }
    if (strcmp(kind, "array") == 0) {
        memcpy(frame, array_header, sizeof(array_header));
        return sizeof(array_header);
    }
    size_t bytes = strcmp(kind, "tiny") == 0 ? 1 : strcmp(kind, "large") == 0 ? FRAME_BYTES_MAX : 0;
    if (bytes == 0) {
        bytes = 1 + randombytes_uniform(600);
    }
    randombytes_buf(frame, bytes);
    return bytes;
}

static bool set_keys(void *socket, const char *secret, const char *server_public)
{
    char public_z85[KEY_Z85_BYTES + 1];
    return zmq_curve_public(public_z85, secret) == 0 &&
           zmq_setsockopt(socket, ZMQ_CURVE_SERVERKEY, server_public, KEY_Z85_BYTES) == 0 &&
           zmq_setsockopt(socket, ZMQ_CURVE_PUBLICKEY, public_z85, KEY_Z85_BYTES) == 0 &&
           zmq_setsockopt(socket, ZMQ_CURVE_SECRETKEY, secret, KEY_Z85_BYTES) == 0;
}

static void read_away(void *socket)
{
    char ignored[1];
    while (zmq_recv(socket, ignored, sizeof(ignored), ZMQ_DONTWAIT) >= 0) {
    }
}

static unsigned long send_frames(void *socket, const char *kind, unsigned long count)
{
    AUTO(mem_free) unsigned char *frame = mem_alloc(FRAME_BYTES_MAX);
    unsigned long sent = 0;
    while (sent < count) {
        size_t bytes = make_frame(kind, frame);
        if (zmq_send(socket, frame, bytes, 0) < 0) {
            break;
        }
        sent++;
        read_away(socket);
    }
    return sent;
}

int raw_send(const char *endpoint, const char *secret, const char *server_public, const char *kind,
             unsigned long count)
{
    void *context = zmq_ctx_new();
    void *socket = zmq_socket(context, ZMQ_DEALER);
    const int patience_ms = PATIENCE_MS;
    const int linger_ms = LINGER_MS;
    const int yes = 1;
    bool ok = zmq_setsockopt(socket, ZMQ_SNDTIMEO, &patience_ms, sizeof(patience_ms)) == 0 &&
              zmq_setsockopt(socket, ZMQ_LINGER, &linger_ms, sizeof(linger_ms)) == 0 &&
              zmq_setsockopt(socket, ZMQ_IMMEDIATE, &yes, sizeof(yes)) == 0 &&
              (secret == NULL || set_keys(socket, secret, server_public)) &&
              zmq_connect(socket, endpoint) == 0;
    if (ok) {
        printf("SENT %lu\n", send_frames(socket, kind, count));
    } else {
        (void)fprintf(stderr, "bus-peer: %s\n", zmq_strerror(zmq_errno()));
    }
    zmq_close(socket);
    zmq_ctx_term(context);
    return ok ? EXIT_SUCCESS : EXIT_FAILURE;
}

static bool reset_one(const struct sockaddr_in *address, size_t bytes)
{
    static const char request[] = "POST /create HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\n{}";
    const struct linger reset = {.l_onoff = 1, .l_linger = 0};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool ok = fd >= 0 && connect(fd, (const struct sockaddr *)address, sizeof(*address)) == 0;
    if (ok) {
        (void)send(fd, request, bytes % sizeof(request), MSG_NOSIGNAL);
        (void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
    }
    if (fd >= 0) {
        close(fd);
    }
    return ok;
}

int raw_reset(unsigned long port, unsigned long count)
{
    const struct sockaddr_in address = {.sin_family = AF_INET,
                                        .sin_port = htons((uint16_t)port),
                                        .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    unsigned long made = 0;
    for (unsigned long i = 0; i < count; i++) {
        made += reset_one(&address, i);
    }
    printf("SENT %lu\n", made);
    return EXIT_SUCCESS;
}
