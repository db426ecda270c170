#include "janusbridge/lease/fenced_transport.h"

struct fenced_transport {
    const struct janus_transport *transport;
    const struct clock *clock;
    struct lease *lease;
    uint64_t timer;
};

struct janus_transfer {
    struct fenced_transport *guard;
    struct janus_transfer *inner; /* NULL: held back, or answered and not believed */
    janus_answer_fn *fn;
    void *arg;
};

/* The session is suspended, which cancels all that is under way. */
static void on_check(void *arg)
{
    struct fenced_transport *guard = arg;
    guard->timer = 0;
    (void)lease_check(guard->lease);
}

static bool is_stale(const struct fenced_transport *guard)
{
    return guard->lease != NULL && lease_is_over(guard->lease);
}

static void on_answer(void *arg, const struct janus_answer *answer)
{
    struct janus_transfer *transfer = arg;
    struct fenced_transport *guard = transfer->guard;
    transfer->inner = NULL;
    if (is_stale(guard)) {
        (void)lease_check(guard->lease); /* cancels this one too */
        return;
    }
    janus_answer_fn *fn = transfer->fn;
    void *fn_arg = transfer->arg;
    mem_free(&transfer);
    fn(fn_arg, answer);
}

/* Whoever sends is in the middle of something, and is suspended when that is done. */
static struct janus_transfer *send_guarded(void *self, const struct janus_request *request,
                                           janus_answer_fn *fn, void *arg)
{
    struct fenced_transport *guard = self;
    struct janus_transfer *transfer = mem_alloc(sizeof(*transfer));
    *transfer = (struct janus_transfer){.guard = guard, .fn = fn, .arg = arg};
    if (!is_stale(guard)) {
        transfer->inner =
            guard->transport->ops->send(guard->transport->self, request, on_answer, transfer);
        return transfer;
    }
    char *body = request->body;
    mem_free(&body);
    if (guard->timer == 0) {
        guard->timer = clock_after(guard->clock, 0, on_check, guard);
    }
    return transfer;
}

static void cancel(void *self, struct janus_transfer *transfer)
{
    const struct fenced_transport *guard = self;
    if (transfer->inner != NULL) {
        guard->transport->ops->cancel(guard->transport->self, transfer->inner);
    }
    mem_free(&transfer);
}

struct fenced_transport *fenced_transport_new(const struct janus_transport *transport,
                                              const struct clock *clock)
{
    struct fenced_transport *guard = mem_alloc(sizeof(*guard));
    *guard = (struct fenced_transport){.transport = transport, .clock = clock};
    return guard;
}

void fenced_transport_free(struct fenced_transport **guard)
{
    if (*guard != NULL) {
        clock_cancel((*guard)->clock, (*guard)->timer);
        mem_free(guard);
    }
}

struct janus_transport fenced_transport_transport(struct fenced_transport *guard)
{
    static const struct janus_transport_ops ops = {send_guarded, cancel};
    return (struct janus_transport){.ops = &ops, .self = guard};
}

void fenced_transport_set(struct fenced_transport *guard, struct lease *lease)
{
    guard->lease = lease;
}
