#include "janusbridge/janus/janus_handle.h"

#include <assert.h>
#include <stdio.h>

#include "proto/base/log.h"
#include "proto/base/lru.h"

#define STRAYS_MAX 8 /* handles being detached that nobody knew */
/* Handles that are being detached, besides those that have an owner. */
#define DETACHING_MAX 65536

enum handle_state {
    HANDLE_ATTACHING, /* Janus is asked for it */
    HANDLE_OPEN,      /* Janus has it */
    HANDLE_DETACHING, /* Janus is asked to end it; it has no owner */
    HANDLE_GONE,      /* Janus does not have it */
};

struct janus_handle {
    struct janus_handles *all;
    enum handle_state state;
    const struct janus_handle_ops *ops; /* NULL of a stray */
    void *owner;                        /* NULL: released, or a stray */
    bool is_stray;
    uint64_t session_id, id; /* 0: not yet */
    char path[48];
    unsigned users; /* requests under way that use it */
};

struct janus_handles {
    struct janus_handles_parts parts;
    struct lru *by_id; /* handle id -> struct janus_handle * */
    size_t strays;
    bool spares_strays;
    struct metric *stray;
};

/* A request of an owner. */
struct sent {
    struct janus_handle *handle;
    janus_call_fn *fn;
    void *arg;
};

/* The only place that sets the state. */
static void handle_enter(struct janus_handle *handle, enum handle_state state)
{
    static const char *const names[] = {[HANDLE_ATTACHING] = "attaching",
                                        [HANDLE_OPEN] = "open",
                                        [HANDLE_DETACHING] = "detaching",
                                        [HANDLE_GONE] = "gone"};
    log_debug("janus handle", LOG_U64("id", handle->id), LOG_Z("was", names[handle->state]),
              LOG_Z("is", names[state]));
    handle->state = state;
}

static void name_handle(struct janus_handle *handle, uint64_t id)
{
    bool is_new;
    handle->session_id = janus_session_id(handle->all->parts.session);
    handle->id = id;
    (void)snprintf(handle->path, sizeof(handle->path), "/%" PRIu64 "/%" PRIu64, handle->session_id,
                   id);
    *(struct janus_handle **)lru_put(handle->all->by_id, &id, &is_new) = handle;
}

/* ---- the end ---- */

static void free_handle(struct janus_handle *handle)
{
    struct janus_handles *all = handle->all;
    struct janus_handle *const *at = handle->id != 0 ? lru_peek(all->by_id, &handle->id) : NULL;
    if (at != NULL && *at == handle) {
        lru_remove(all->by_id, &handle->id);
    }
    if (handle->is_stray) {
        all->strays--;
    }
    mem_free(&handle);
}

/* Whatever the answer was, the handle is not ours any more. */
static void on_detached(void *arg, enum err err, const struct janus_message *message)
{
    (void)err;
    (void)message;
    free_handle(arg);
}

/* Goes on with the end of a handle that has no owner, if nothing is under way on it. Handles of
 * another session went with it. */
static void settle(struct janus_handle *handle)
{
    struct janus_session *session = handle->all->parts.session;
    if (handle->users > 0) {
        return;
    }
    const struct janus_aside request = {
        .path = handle->path, .verb = "detach", .timeout_ms = handle->all->parts.timeout_ms};
    if (handle->state != HANDLE_OPEN || handle->session_id != janus_session_id(session) ||
        janus_session_aside(session, &request, on_detached, handle) != ERR_OK) {
        free_handle(handle);
        return;
    }
    handle_enter(handle, HANDLE_DETACHING);
}

void janus_handle_release(struct janus_handle **handle_ref)
{
    struct janus_handle *handle = *handle_ref;
    *handle_ref = NULL;
    if (handle != NULL) {
        handle->owner = NULL;
        settle(handle);
    }
}

const char *janus_handle_use(struct janus_handle *handle)
{
    assert(handle->state == HANDLE_OPEN);
    handle->users++;
    return handle->path;
}

void janus_handle_leave(struct janus_handle *handle)
{
    assert(handle->users > 0);
    handle->users--;
    if (handle->owner == NULL) {
        settle(handle);
    }
}

void *janus_handle_owner(const struct janus_handle *handle)
{
    return handle->owner;
}

/* ---- requests ---- */

static void on_handle_attached(void *arg, enum err err, const struct janus_message *message)
{
    struct janus_handle *handle = arg;
    const bool is_good = err == ERR_OK && message->data_id != 0;
    handle->users--;
    if (is_good) {
        name_handle(handle, message->data_id);
    }
    handle_enter(handle, is_good ? HANDLE_OPEN : HANDLE_GONE);
    if (handle->owner != NULL) {
        handle->ops->on_attached(handle->owner, is_good);
    } else {
        settle(handle);
    }
}

enum err janus_handle_new(struct janus_handles *all, const struct janus_handle_ops *ops,
                          void *owner, struct janus_handle **ret_handle)
{
    const struct janus_aside request = {.verb = "attach", .timeout_ms = all->parts.timeout_ms};
    struct janus_handle *handle = mem_alloc(sizeof(*handle));
    *handle = (struct janus_handle){.all = all, .ops = ops, .owner = owner, .users = 1};
    const enum err err =
        janus_session_aside(all->parts.session, &request, on_handle_attached, handle);
    if (err != ERR_OK) {
        mem_free(&handle);
        return err;
    }
    *ret_handle = handle;
    return ERR_OK;
}

struct janus_handle *janus_handle_adopt(struct janus_handles *all, uint64_t id,
                                        const struct janus_handle_ops *ops, void *owner)
{
    if (lru_peek(all->by_id, &id) != NULL) {
        return NULL;
    }
    struct janus_handle *handle = mem_alloc(sizeof(*handle));
    *handle = (struct janus_handle){.all = all, .ops = ops, .owner = owner, .state = HANDLE_OPEN};
    name_handle(handle, id);
    return handle;
}

void janus_handles_spare(struct janus_handles *all, bool is_on)
{
    all->spares_strays = is_on;
}

uint64_t janus_handle_id(const struct janus_handle *handle)
{
    return handle->id;
}

static void on_sent(void *arg, enum err err, const struct janus_message *message)
{
    struct sent *sent = arg;
    struct janus_handle *handle = sent->handle;
    janus_call_fn *fn = sent->fn;
    void *fn_arg = sent->arg;
    mem_free(&sent);
    handle->users--;
    if (handle->owner != NULL) {
        fn(fn_arg, err, message);
    } else {
        settle(handle);
    }
}

enum err janus_handle_send(struct janus_handle *handle, const char *body, const char *jsep,
                           uint64_t timeout_ms, janus_call_fn *fn, void *arg)
{
    assert(handle->state == HANDLE_OPEN);
    const struct janus_aside request = {
        .path = handle->path, .body = body, .jsep = jsep, .timeout_ms = timeout_ms};
    struct sent *sent = mem_alloc(sizeof(*sent));
    *sent = (struct sent){.handle = handle, .fn = fn, .arg = arg};
    const enum err err = janus_session_aside(handle->all->parts.session, &request, on_sent, sent);
    if (err != ERR_OK) {
        mem_free(&sent);
        return err;
    }
    handle->users++;
    return ERR_OK;
}

/* ---- what Janus tells ---- */

static void detach_stray(struct janus_handles *all, uint64_t id)
{
    if (all->strays == STRAYS_MAX || id == 0 || id == janus_session_handle(all->parts.session)) {
        return;
    }
    struct janus_handle *handle = mem_alloc(sizeof(*handle));
    *handle = (struct janus_handle){.all = all, .is_stray = true, .state = HANDLE_OPEN};
    name_handle(handle, id);
    const size_t others = all->strays++;
    settle(handle);
    if (all->strays > others) {
        metric_inc(all->stray);
    }
}

static void tell_owner(struct janus_handle *handle, const struct janus_message *message)
{
    switch (message->kind) {
    case JANUS_EVENT:
        handle->ops->on_event(handle->owner, message);
        break;
    case JANUS_WEBRTCUP:
    case JANUS_MEDIA:
    case JANUS_HANGUP:
        if (handle->ops->on_media != NULL) {
            handle->ops->on_media(handle->owner, message);
        }
        break;
    default:
        break;
    }
}

static void on_handle_event(void *arg, const struct janus_message *message)
{
    struct janus_handles *all = arg;
    struct janus_handle *const *at = lru_find(all->by_id, &message->sender);
    struct janus_handle *handle = at != NULL ? *at : NULL;
    if (handle == NULL) {
        if (message->kind == JANUS_EVENT && !all->spares_strays) {
            detach_stray(all, message->sender);
        }
    } else if (message->kind != JANUS_DETACHED) {
        if (handle->owner != NULL) {
            tell_owner(handle, message);
        }
    } else if (handle->state == HANDLE_OPEN) {
        handle_enter(handle, HANDLE_GONE);
        if (handle->owner != NULL) {
            handle->ops->on_gone(handle->owner);
        }
    }
}

/* ---- life ---- */

struct janus_handles *janus_handles_new(const struct janus_handles_parts *parts)
{
    struct janus_handles *all = mem_alloc(sizeof(*all));
    *all = (struct janus_handles){.parts = *parts};
    all->by_id = lru_new(sizeof(uint64_t), sizeof(struct janus_handle *),
                         parts->handles_max + DETACHING_MAX);
    all->stray = metrics_counter(parts->metrics, "lynks_janusbridge_stray_handles_total",
                                 "Handles of an earlier bridge on our session; detached", NULL);
    const struct janus_listener listener = {.on_event = on_handle_event, .arg = all};
    janus_session_listen(parts->session, &listener);
    return all;
}

void janus_handles_free(struct janus_handles **handles)
{
    if (*handles != NULL) {
        while (lru_count((*handles)->by_id) > 0) {
            const void *id;
            free_handle(*(struct janus_handle **)lru_oldest((*handles)->by_id, &id));
        }
        lru_free(&(*handles)->by_id);
        mem_free(handles);
    }
}
