#include "proto/loop/loop_lookup.h"

#include <ares.h>
#include <netdb.h>
#include <stdlib.h>
#include <sys/epoll.h>

#define TRY_MS 2000 /* for the first try; c-ares doubles it for the second */
#define TRIES 2

struct loop_lookup {
    struct loop *loop;
    ares_channel channel; /* NULL: none could be made */
    uint64_t timer;       /* of the try that is under way */
    bool is_ended;        /* what c-ares says from here on is that it was stopped */
    const char *failure;
    struct loop_address addresses[LOOP_LOOKUP_MAX];
    size_t count;
    struct loop_late tell; /* outside c-ares, since fn may free the look-up */
    loop_lookup_fn *fn;
    void *arg;
};

static void on_try_timeout(void *arg);

/* After everything that c-ares has done. */
static void set_timer(struct loop_lookup *lookup)
{
    const struct clock *clock = loop_clock(lookup->loop);
    struct timeval wait;
    clock_cancel(clock, lookup->timer);
    lookup->timer = 0;
    if (ares_timeout(lookup->channel, NULL, &wait) != NULL) {
        uint64_t wait_ms = (uint64_t)wait.tv_sec * 1000 + (uint64_t)wait.tv_usec / 1000 + 1;
        lookup->timer = clock_after(clock, wait_ms, on_try_timeout, lookup);
    }
}

static void on_try_timeout(void *arg)
{
    struct loop_lookup *lookup = arg;
    ares_process_fd(lookup->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
    set_timer(lookup);
}

/* Which of the few sockets it was need not be known: c-ares' reads do not block. */
static void on_socket(void *arg, uint32_t events)
{
    struct loop_lookup *lookup = arg;
    ares_socket_t sockets[ARES_GETSOCK_MAXNUM];
    const unsigned wanted = (unsigned)ares_getsock(lookup->channel, sockets, ARES_GETSOCK_MAXNUM);
    (void)events;
    for (int i = 0; i < ARES_GETSOCK_MAXNUM; i++) {
        /* ARES_GETSOCK_WRITABLE shifts a signed 1 by 31 for the last one. */
        bool reads = (wanted >> i & 1) != 0;
        bool writes = (wanted >> (i + ARES_GETSOCK_MAXNUM) & 1) != 0;
        if (reads || writes) {
            ares_process_fd(lookup->channel, reads ? sockets[i] : ARES_SOCKET_BAD,
                            writes ? sockets[i] : ARES_SOCKET_BAD);
        }
    }
    set_timer(lookup);
}

/* c-ares tells of a socket when it opens it, and, without any wish, before it closes it. */
static void on_wish(void *arg, ares_socket_t fd, int reads, int writes)
{
    struct loop_lookup *lookup = arg;
    loop_fd_remove(lookup->loop, fd);
    if (reads || writes) {
        loop_fd_add(lookup->loop, fd, (reads ? EPOLLIN : 0u) | (writes ? EPOLLOUT : 0u), on_socket,
                    lookup);
    }
}

static void add_address(struct loop_lookup *lookup, const struct ares_addrinfo_node *node)
{
    char *text = lookup->addresses[lookup->count].text;
    if (getnameinfo(node->ai_addr, node->ai_addrlen, text, LOOP_ADDRESS_BYTES, NULL, 0,
                    NI_NUMERICHOST) == 0) {
        lookup->count++;
    }
}

static void on_ares_found(void *arg, int status, int timeouts, struct ares_addrinfo *found)
{
    struct loop_lookup *lookup = arg;
    (void)timeouts;
    if (lookup->is_ended) {
        ares_freeaddrinfo(found); /* half of an answer had come */
        return;
    }
    for (const struct ares_addrinfo_node *node = found != NULL ? found->nodes : NULL;
         node != NULL && lookup->count < LOOP_LOOKUP_MAX; node = node->ai_next) {
        add_address(lookup, node);
    }
    ares_freeaddrinfo(found);
    if (lookup->count == 0) {
        lookup->failure = status != ARES_SUCCESS ? ares_strerror(status) : "no address";
    }
    loop_late_add(lookup->loop, &lookup->tell);
}

static void tell_found(void *arg)
{
    struct loop_lookup *lookup = arg;
    lookup->fn(lookup->arg, lookup->failure, lookup->addresses, lookup->count);
}

static int start_lookup(struct loop_lookup *lookup, const char *name, const char *servers)
{
    struct ares_options options = {
        .timeout = TRY_MS, .tries = TRIES, .sock_state_cb = on_wish, .sock_state_cb_data = lookup};
    int status = ares_init_options(&lookup->channel, &options,
                                   ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_SOCK_STATE_CB);
    if (status != ARES_SUCCESS) {
        lookup->channel = NULL;
        return status;
    }
    if (servers != NULL) {
        status = ares_set_servers_ports_csv(lookup->channel, servers);
    }
    if (status == ARES_SUCCESS) {
        /* Unsorted, because sorting connects a socket to each address. */
        const struct ares_addrinfo_hints hints = {
            .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = ARES_AI_NOSORT};
        ares_getaddrinfo(lookup->channel, name, NULL, &hints, on_ares_found, lookup);
        set_timer(lookup);
    }
    return status;
}

struct loop_lookup *loop_lookup_new(struct loop *loop, const char *name, const char *servers,
                                    loop_lookup_fn *fn, void *arg)
{
    struct loop_lookup *lookup = mem_alloc(sizeof(*lookup));
    lookup->loop = loop;
    lookup->fn = fn;
    lookup->arg = arg;
    loop_late_init(&lookup->tell, tell_found, lookup);
    int status = start_lookup(lookup, name, servers);
    if (status != ARES_SUCCESS) {
        lookup->failure = ares_strerror(status);
        loop_late_add(loop, &lookup->tell);
    }
    return lookup;
}

void loop_lookup_free(struct loop_lookup **lookup)
{
    struct loop_lookup *self = *lookup;
    if (self == NULL) {
        return;
    }
    self->is_ended = true;
    if (self->channel != NULL) {
        ares_destroy(self->channel);
    }
    clock_cancel(loop_clock(self->loop), self->timer);
    loop_late_remove(&self->tell);
    mem_free(lookup);
}
