#include "proto/bus/bus_reader.h"

#include <assert.h>
#include <sys/epoll.h>

struct bus_reader {
    struct loop *loop;
    int fd; /* the socket's ZMQ_FD */
    struct loop_late read;
    bus_reader_fn *fn;
    void *arg;
};

static void read_socket(void *arg)
{
    struct bus_reader *reader = arg;
    if (reader->fn(reader->arg)) {
        loop_late_add_next(reader->loop, &reader->read);
    }
}

static void on_news(void *arg, uint32_t events)
{
    (void)events;
    bus_reader_look(arg);
}

struct bus_reader *bus_reader_new(struct loop *loop, zsock_t *socket, bus_reader_fn *fn, void *arg)
{
    struct bus_reader *reader = mem_alloc(sizeof(*reader));
    *reader = (struct bus_reader){.loop = loop, .fn = fn, .arg = arg};
    size_t bytes = sizeof(reader->fd);
    int rc = zmq_getsockopt(zsock_resolve(socket), ZMQ_FD, &reader->fd, &bytes);
    assert(rc == 0);
    (void)rc;
    loop_late_init(&reader->read, read_socket, reader);
    loop_fd_add(loop, reader->fd, EPOLLIN, on_news, reader);
    bus_reader_look(reader); /* what came before is told by nobody any more */
    return reader;
}

void bus_reader_free(struct bus_reader **reader)
{
    struct bus_reader *self = *reader;
    if (self != NULL) {
        loop_late_remove(&self->read);
        loop_fd_remove(self->loop, self->fd);
        mem_free(reader);
    }
}

void bus_reader_look(struct bus_reader *reader)
{
    loop_late_add(reader->loop, &reader->read);
}
