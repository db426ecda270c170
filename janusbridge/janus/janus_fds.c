#include "janusbridge/janus/janus_fds.h"

#include <sys/epoll.h>

#define BUCKETS 64

struct watch {
    struct janus_fds *fds;
    int fd;
    bool is_kept;        /* while it is idle */
    uint32_t wanted;     /* by the library; 0: idle */
    uint32_t registered; /* with the loop; 0: not there */
    struct watch *next;  /* in the bucket */
};

struct janus_fds {
    struct loop *loop;
    janus_fds_fn *fn;
    void *arg;
    size_t kept;
    struct watch *buckets[BUCKETS];
};

struct janus_fds *janus_fds_new(struct loop *loop, janus_fds_fn *fn, void *arg)
{
    struct janus_fds *fds = mem_alloc(sizeof(*fds));
    *fds = (struct janus_fds){.loop = loop, .fn = fn, .arg = arg};
    return fds;
}

void janus_fds_free(struct janus_fds **fds_ref)
{
    for (size_t i = 0; *fds_ref != NULL && i < BUCKETS; i++) {
        while ((*fds_ref)->buckets[i] != NULL) {
            janus_fds_remove(*fds_ref, (*fds_ref)->buckets[i]->fd);
        }
    }
    mem_free(fds_ref);
}

static struct watch **find(struct janus_fds *fds, int fd)
{
    struct watch **at = &fds->buckets[(unsigned)fd % BUCKETS];
    while (*at != NULL && (*at)->fd != fd) {
        at = &(*at)->next;
    }
    return at;
}

static struct watch *get(struct janus_fds *fds, int fd)
{
    struct watch **at = find(fds, fd);
    if (*at == NULL) {
        *at = mem_alloc(sizeof(**at));
        **at = (struct watch){.fds = fds, .fd = fd};
    }
    return *at;
}

/* An idle connection that becomes readable was closed by the peer (or it sends what nobody asked
 * for). The library notices when it takes the connection out of its pool; until then it is not
 * watched. */
static void on_event(void *arg, uint32_t events)
{
    struct watch *watch = arg;
    struct janus_fds *fds = watch->fds;
    const bool broken = events & (EPOLLERR | EPOLLHUP);
    if (watch->wanted == 0) {
        loop_fd_remove(fds->loop, watch->fd);
        watch->registered = 0;
        return;
    }
    fds->fn(fds->arg, watch->fd, (watch->wanted & EPOLLIN) && (broken || events & EPOLLIN),
            (watch->wanted & EPOLLOUT) && (broken || events & EPOLLOUT));
}

static void set_events(struct watch *watch, uint32_t events)
{
    struct loop *loop = watch->fds->loop;
    if (watch->registered == events) {
        return;
    }
    if (watch->registered == 0) {
        loop_fd_add(loop, watch->fd, events, on_event, watch);
    } else {
        loop_fd_modify(loop, watch->fd, events);
    }
    watch->registered = events;
}

void janus_fds_want(struct janus_fds *fds, int fd, uint32_t events)
{
    struct watch *watch = get(fds, fd);
    watch->wanted = events;
    if (events != 0) {
        set_events(watch, events);
    } else if (!watch->is_kept) {
        janus_fds_remove(fds, fd);
    } else if (watch->registered != 0) {
        set_events(watch, EPOLLIN);
    }
}

void janus_fds_keep(struct janus_fds *fds, int fd)
{
    struct watch *watch = get(fds, fd);
    fds->kept += !watch->is_kept;
    watch->is_kept = true;
}

void janus_fds_remove(struct janus_fds *fds, int fd)
{
    struct watch **at = find(fds, fd);
    struct watch *watch = *at;
    if (watch == NULL) {
        return;
    }
    if (watch->registered != 0) {
        loop_fd_remove(fds->loop, fd);
    }
    fds->kept -= watch->is_kept;
    *at = watch->next;
    mem_free(&watch);
}

size_t janus_fds_kept(const struct janus_fds *fds)
{
    return fds->kept;
}
