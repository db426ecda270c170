#include "janusbridge/rooms/room_calls.h"

#include <assert.h>

#include "proto/base/list.h"

#define BUCKETS 1024
/* How much longer than its callers a request is waited for: so that its connection lives on, its
 * lateness is counted, and what stands in line behind it does not overtake it inside Janus. */
#define LATE_MS 1000

struct caller {
    struct call *call;
    struct pending *pending;
    uint64_t timer;
    struct list_link link; /* in pending's callers */
};

/* One request to Janus, and who waits for its answer. */
struct pending {
    struct room *room;
    struct room_request request;
    struct list_link callers; /* empty: nobody waits for it any more; the latest is the first */
    uint64_t call_id;         /* of the session; 0: not sent yet */
    uint64_t token;           /* of the listener */
    unsigned tries;           /* how often it was sent: a question changes nothing */
    struct list_link link;    /* in the room's line, or in none */
};

/* A room for which something is under way. */
struct room {
    struct room_calls *calls;
    uint64_t room_id;
    struct pending *shared; /* the one that can be joined */
    struct list_link line;  /* of struct pending; the first one is sent */
    size_t users;           /* requests, and who is in the middle of one; freed with the last */
    struct room *next;      /* in the bucket */
};

struct room_calls {
    struct janus_session *session;
    const struct clock *clock;
    size_t callers_max;
    size_t callers;
    void *arg;
    uint64_t stamp; /* of the request being answered */
    struct room *buckets[BUCKETS];
    struct metric *late, *shared, *repeated;
    struct room_listener listener; /* its functions are NULL: there is none */
};

struct room_calls *room_calls_new(struct janus_session *session, const struct clock *clock,
                                  struct metrics *metrics, size_t callers_max, void *arg)
{
    struct room_calls *calls = mem_alloc(sizeof(*calls));
    calls->session = session;
    calls->clock = clock;
    calls->callers_max = callers_max;
    calls->arg = arg;
    calls->late =
        metrics_counter(metrics, "lynks_janus_late_answers_total",
                        "Answers of Janus that nobody waited for any more; dropped", NULL);
    calls->shared = metrics_counter(metrics, "lynks_janusbridge_shared_calls_total",
                                    "Calls that joined a request that was under way", NULL);
    calls->repeated =
        metrics_counter(metrics, "lynks_janusbridge_repeated_questions_total",
                        "Questions to Janus asked again because their connection broke", NULL);
    return calls;
}

void room_calls_free(struct room_calls **calls_ref)
{
    assert(*calls_ref == NULL || (*calls_ref)->callers == 0);
    mem_free(calls_ref);
}

void room_calls_listen(struct room_calls *calls, const struct room_listener *listener)
{
    calls->listener = *listener;
}

uint64_t room_calls_stamp(const struct room_calls *calls)
{
    return calls->stamp;
}

/* ---- rooms ---- */

static struct room **find_room(struct room_calls *calls, uint64_t room_id)
{
    /* Fibonacci hashing: room ids may be consecutive or have a common factor. */
    struct room **at = &calls->buckets[(room_id * UINT64_C(0x9e3779b97f4a7c15)) >> 54];
    while (*at != NULL && (*at)->room_id != room_id) {
        at = &(*at)->next;
    }
    return at;
}

bool room_calls_has_line(struct room_calls *calls, uint64_t room_id)
{
    const struct room *room = *find_room(calls, room_id);
    return room != NULL && !list_is_empty(&room->line);
}

static void leave_room(struct room *room)
{
    if (--room->users == 0) {
        *find_room(room->calls, room->room_id) = room->next;
        mem_free(&room);
    }
}

static struct pending *add_pending(struct room_calls *calls, struct room_request request)
{
    struct room **at = find_room(calls, request.room_id);
    if (*at == NULL) {
        *at = mem_alloc(sizeof(**at));
        **at = (struct room){.calls = calls, .room_id = request.room_id};
        list_init(&(*at)->line);
    }
    struct room *room = *at;
    struct pending *pending = mem_alloc(sizeof(*pending));
    *pending = (struct pending){.room = room, .request = request};
    list_init(&pending->callers);
    list_init(&pending->link);
    room->users++;
    if (request.order == ROOM_SHARED) {
        room->shared = pending;
    } else if (request.order == ROOM_IN_LINE) {
        list_add(&room->line, &pending->link);
    }
    return pending;
}

static void remove_pending(struct pending *pending)
{
    struct room *room = pending->room;
    if (room->shared == pending) {
        room->shared = NULL;
    }
    list_remove(&pending->link);
    mem_free(&pending->request.body);
    mem_free(&pending);
    leave_room(room);
}

/* ---- callers ---- */

static void on_caller_deadline(void *arg);

static void add_caller(struct pending *pending, struct call *call)
{
    struct room_calls *calls = pending->room->calls;
    struct caller *caller = mem_alloc(sizeof(*caller));
    *caller = (struct caller){.call = call, .pending = pending};
    list_add_first(&pending->callers, &caller->link);
    calls->callers++;
    const uint64_t now_ms = clock_mono_ms(calls->clock);
    const uint64_t left_ms =
        call->context.deadline_ms > now_ms ? call->context.deadline_ms - now_ms : 0;
    caller->timer = clock_after(calls->clock, left_ms, on_caller_deadline, caller);
}

static struct caller *first_caller(const struct pending *pending)
{
    return LIST_FIRST(struct caller, &pending->callers, link);
}

static struct call *remove_caller(struct caller *caller)
{
    struct room_calls *calls = caller->pending->room->calls;
    struct call *call = caller->call;
    list_remove(&caller->link);
    clock_cancel(calls->clock, caller->timer);
    calls->callers--;
    mem_free(&caller);
    return call;
}

/* ---- requests ---- */

static void on_room_answer(void *arg, enum err err, const struct janus_message *message);

/* What all who ask have in common, before any of them is answered. */
static void take_room_answer(const struct pending *pending, enum err err,
                             const struct janus_message *message)
{
    struct room_calls *calls = pending->room->calls;
    const struct room_listener *listener = &calls->listener;
    calls->stamp = pending->request.stamp;
    if (listener->on_answer != NULL && pending->request.order == ROOM_SHARED) {
        listener->on_answer(listener->arg, pending->room->room_id, pending->token, err, message);
    }
}

/* Has a caller. */
static enum err send_pending(struct pending *pending)
{
    const struct room_calls *calls = pending->room->calls;
    const uint64_t now_ms = clock_mono_ms(calls->clock);
    const uint64_t deadline_ms = first_caller(pending)->call->context.deadline_ms;
    const uint64_t left_ms = deadline_ms > now_ms ? deadline_ms - now_ms : 0;
    if (calls->listener.on_send != NULL && pending->request.order == ROOM_SHARED) {
        pending->token = calls->listener.on_send(calls->listener.arg, pending->room->room_id);
    }
    pending->tries++;
    const enum err err =
        janus_session_call(calls->session, pending->request.body, left_ms + LATE_MS, on_room_answer,
                           pending, &pending->call_id);
    if (err != ERR_OK) {
        take_room_answer(pending, err, NULL);
    }
    return err;
}

/* Answers everybody and ends the request. Then the next in line goes out; one that cannot be sent
 * is answered, and the one behind it is the next. */
static void end_pending(struct pending *pending, enum err err, const struct janus_message *message)
{
    struct room *room = pending->room;
    struct room_calls *calls = room->calls;
    room_reply_fn *fn = pending->request.fn;
    if (room->shared == pending) {
        room->shared = NULL; /* an answer may bring the next request for this room at once */
    }
    room->users++;
    for (struct caller *caller; (caller = first_caller(pending)) != NULL;) {
        fn(calls->arg, remove_caller(caller), err, message);
    }
    remove_pending(pending);
    for (struct pending *next;
         (next = LIST_FIRST(struct pending, &room->line, link)) != NULL && next->call_id == 0;) {
        err = send_pending(next);
        if (err == ERR_OK) {
            break;
        }
        fn = next->request.fn;
        struct call *call = remove_caller(first_caller(next));
        remove_pending(next);
        fn(calls->arg, call, err, NULL);
    }
    leave_room(room);
}

static void on_room_answer(void *arg, enum err err, const struct janus_message *message)
{
    struct pending *pending = arg;
    struct room_calls *calls = pending->room->calls;
    const bool is_wanted = !list_is_empty(&pending->callers);
    if (!is_wanted) {
        metric_inc(calls->late);
    }
    take_room_answer(pending, err, message);
    if (err == ERR_UNAVAILABLE && is_wanted && pending->request.order != ROOM_IN_LINE &&
        pending->tries < JANUS_TRIES_MAX) {
        metric_inc(calls->repeated);
        err = send_pending(pending);
        if (err == ERR_OK) {
            return;
        }
    }
    end_pending(pending, err, message);
}

/* The caller is answered. A request that nobody waits for is taken back if it was not sent yet; one
 * that was cannot be joined any more, because it may never be answered. */
static void on_caller_deadline(void *arg)
{
    struct caller *caller = arg;
    struct pending *pending = caller->pending;
    struct room_calls *calls = pending->room->calls;
    room_reply_fn *fn = pending->request.fn;
    caller->timer = 0;
    struct call *call = remove_caller(caller);
    if (pending->room->shared == pending) {
        pending->room->shared = NULL;
    }
    if (list_is_empty(&pending->callers) &&
        (pending->call_id == 0 || janus_session_withdraw(calls->session, pending->call_id))) {
        take_room_answer(pending, ERR_DEADLINE, NULL);
        end_pending(pending, ERR_DEADLINE, NULL);
    }
    fn(calls->arg, call, ERR_DEADLINE, NULL);
    janus_session_doubt(calls->session);
}

enum err room_calls_add(struct room_calls *calls, struct call *call, struct room_request request)
{
    AUTO(mem_free) char *body = STEAL(request.body);
    const enum err refusal = janus_session_refusal(calls->session);
    if (refusal != ERR_OK) {
        return refusal;
    }
    if (call->context.deadline_ms <= clock_mono_ms(calls->clock)) {
        return ERR_DEADLINE;
    }
    if (calls->callers >= calls->callers_max) {
        return ERR_OVERLOADED;
    }
    const struct room *there = *find_room(calls, request.room_id);
    if (request.order == ROOM_SHARED && there != NULL && there->shared != NULL &&
        there->shared->request.fn == request.fn) {
        metric_inc(calls->shared);
        add_caller(there->shared, call);
        return ERR_OK;
    }
    request.body = STEAL(body);
    struct pending *pending = add_pending(calls, request);
    add_caller(pending, call);
    if (request.order == ROOM_IN_LINE &&
        LIST_FIRST(struct pending, &pending->room->line, link) != pending) {
        return ERR_OK;
    }
    const enum err err = send_pending(pending);
    if (err != ERR_OK) {
        (void)remove_caller(first_caller(pending));
        remove_pending(pending);
    }
    return err;
}
