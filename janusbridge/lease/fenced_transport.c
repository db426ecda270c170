#include "janusbridge/lease/fenced_transport.h"

struct fenced_transport {
    const struct janus_transport *transport;
    const struct clock *clock;
    struct lease *lease;
    uint64_t timer;
};

struct janus_transfer {
    struct fenced_transport *fence;
    struct janus_transfer *inner; /* NULL: held back, or answered and not believed */
    janus_answer_fn *fn;
    void *arg;
};

/* Suspends the session, which cancels all that is under way. */
static void on_fence_check(void *arg)
{
    struct fenced_transport *fence = arg;
    fence->timer = 0;
    (void)lease_check(fence->lease);
}

static bool is_fenced_off(const struct fenced_transport *fence)
{
    return fence->lease != NULL && lease_is_over(fence->lease);
}

static void on_fenced_answer(void *arg, const struct janus_answer *answer)
{
    struct janus_transfer *transfer = arg;
    struct fenced_transport *fence = transfer->fence;
    transfer->inner = NULL;
    if (is_fenced_off(fence)) {
        (void)lease_check(fence->lease); /* cancels this one too */
        return;
    }
    janus_answer_fn *fn = transfer->fn;
    void *fn_arg = transfer->arg;
    mem_free(&transfer);
    fn(fn_arg, answer);
}

/* Without the lease the request is held back. The session is suspended, which cancels it, only in
 * the next turn of the loop: the sender is in the middle of something. */
static struct janus_transfer *send_fenced(void *self, const struct janus_request *request,
                                          janus_answer_fn *fn, void *arg)
{
    struct fenced_transport *fence = self;
    struct janus_transfer *transfer = mem_alloc(sizeof(*transfer));
    *transfer = (struct janus_transfer){.fence = fence, .fn = fn, .arg = arg};
    if (!is_fenced_off(fence)) {
        transfer->inner = fence->transport->ops->send(fence->transport->self, request,
                                                      on_fenced_answer, transfer);
        return transfer;
    }
    char *body = request->body;
    mem_free(&body);
    if (fence->timer == 0) {
        fence->timer = clock_after(fence->clock, 0, on_fence_check, fence);
    }
    return transfer;
}

static void cancel_fenced(void *self, struct janus_transfer *transfer)
{
    const struct fenced_transport *fence = self;
    if (transfer->inner != NULL) {
        fence->transport->ops->cancel(fence->transport->self, transfer->inner);
    }
    mem_free(&transfer);
}

struct fenced_transport *fenced_transport_new(const struct janus_transport *transport,
                                              const struct clock *clock)
{
    struct fenced_transport *fence = mem_alloc(sizeof(*fence));
    *fence = (struct fenced_transport){.transport = transport, .clock = clock};
    return fence;
}

void fenced_transport_free(struct fenced_transport **fence)
{
    if (*fence != NULL) {
        clock_cancel((*fence)->clock, (*fence)->timer);
        mem_free(fence);
    }
}

struct janus_transport fenced_transport_transport(struct fenced_transport *fence)
{
    static const struct janus_transport_ops ops = {send_fenced, cancel_fenced};
    return (struct janus_transport){.ops = &ops, .self = fence};
}

void fenced_transport_set(struct fenced_transport *fence, struct lease *lease)
{
    fence->lease = lease;
}
