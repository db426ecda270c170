#include "janusbridge/rooms/room_calls.h"

#include <assert.h>

#include "proto/base/list.h"

#define BUCKETS 1024
/* How much longer than its callers a request is waited for: so that its connection lives on, its
 * lateness is counted, and what stands in line behind it does not overtake it inside Janus. */
#define LATE_MS 1000
/* A question whose connection broke is asked again at once: it changes nothing, and Janus is likely
 * still there. */
#define REPEATS_MAX 2

struct caller {
    struct call *call;
    struct job *job;
    uint64_t timer;
    struct list_link link; /* in the job's callers */
};

/* One request to Janus. */
struct job {
    struct room *room;
    struct room_request request;
    struct list_link callers; /* empty: nobody waits for it any more; the latest is the first */
    uint64_t call_id;         /* of the session; 0: not sent yet */
    uint64_t token;           /* of the listener */
    unsigned repeats;
    struct list_link link; /* in the room's line, or in none */
};

/* A room for which something is under way. */
struct room {
    struct room_calls *calls;
    uint64_t room_id;
    struct job *shared;    /* the one that can be joined */
    struct list_link line; /* of struct job; the first one is sent */
    size_t jobs;
    struct room *next; /* in the bucket */
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

size_t room_calls_callers(const struct room_calls *calls)
{
    return calls->callers;
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

static struct room *get_room(struct room_calls *calls, uint64_t room_id)
{
    struct room **at = find_room(calls, room_id);
    if (*at == NULL) {
        *at = mem_alloc(sizeof(**at));
        **at = (struct room){.calls = calls, .room_id = room_id};
        list_init(&(*at)->line);
    }
    return *at;
}

static struct job *add_job(struct room *room, struct room_request *request)
{
    struct job *job = mem_alloc(sizeof(*job));
    *job = (struct job){.room = room, .request = *request};
    list_init(&job->callers);
    list_init(&job->link);
    request->body = NULL;
    room->jobs++;
    if (job->request.order == ROOM_SHARED) {
        room->shared = job;
    } else if (job->request.order == ROOM_IN_LINE) {
        list_add(&room->line, &job->link);
    }
    return job;
}

/* Frees the room with its last job. */
static void remove_job(struct job *job)
{
    struct room *room = job->room;
    if (room->shared == job) {
        room->shared = NULL;
    }
    list_remove(&job->link);
    mem_free(&job->request.body);
    mem_free(&job);
    if (--room->jobs == 0) {
        struct room **at = find_room(room->calls, room->room_id);
        *at = room->next;
        mem_free(&room);
    }
}

/* ---- callers ---- */

static void on_deadline(void *arg);

static void add_caller(struct job *job, struct call *call)
{
    struct room_calls *calls = job->room->calls;
    struct caller *caller = mem_alloc(sizeof(*caller));
    *caller = (struct caller){.call = call, .job = job};
    list_add_first(&job->callers, &caller->link);
    calls->callers++;
    const uint64_t now_ms = clock_mono_ms(calls->clock);
    const uint64_t left_ms =
        call->context.deadline_ms > now_ms ? call->context.deadline_ms - now_ms : 0;
    caller->timer = clock_after(calls->clock, left_ms, on_deadline, caller);
}

static struct caller *first_caller(const struct job *job)
{
    return LIST_FIRST(struct caller, &job->callers, link);
}

static struct job *first_in_line(const struct room *room)
{
    return LIST_FIRST(struct job, &room->line, link);
}

static struct call *remove_caller(struct caller *caller)
{
    struct room_calls *calls = caller->job->room->calls;
    struct call *call = caller->call;
    list_remove(&caller->link);
    clock_cancel(calls->clock, caller->timer);
    calls->callers--;
    mem_free(&caller);
    return call;
}

/* ---- requests ---- */

static void send_next(struct room *room);

static void tell_listener(const struct job *job, enum err err, const struct janus_message *message)
{
    const struct room_listener *listener = &job->room->calls->listener;
    if (listener->on_answer != NULL && job->request.order == ROOM_SHARED) {
        listener->on_answer(listener->arg, job->room->room_id, job->token, err, message);
    }
}

/* Answers everybody and ends the job; the next in line goes out. */
static void end_job(struct job *job, enum err err, const struct janus_message *message)
{
    struct room *room = job->room;
    struct room_calls *calls = room->calls;
    room_reply_fn *fn = job->request.fn;
    if (room->shared == job) {
        room->shared = NULL; /* an answer may bring the next request for this room at once */
    }
    room->jobs++; /* the room outlives the job, for the sake of its line */
    for (struct caller *caller; (caller = first_caller(job)) != NULL;) {
        fn(calls->arg, remove_caller(caller), err, message);
    }
    remove_job(job);
    send_next(room);
    if (--room->jobs == 0) {
        struct room **at = find_room(calls, room->room_id);
        *at = room->next;
        mem_free(&room);
    }
}

static void take_answer(const struct job *job, enum err err, const struct janus_message *message)
{
    job->room->calls->stamp = job->request.stamp;
    tell_listener(job, err, message);
}

static enum err send_job(struct job *job);

/* Gives false if err is the answer. */
static bool ask_again(struct job *job, enum err *err)
{
    if (*err != ERR_UNAVAILABLE || job->request.order == ROOM_IN_LINE ||
        list_is_empty(&job->callers) || job->repeats == REPEATS_MAX) {
        return false;
    }
    job->repeats++;
    metric_inc(job->room->calls->repeated);
    *err = send_job(job);
    return *err == ERR_OK;
}

static void on_answer(void *arg, enum err err, const struct janus_message *message)
{
    struct job *job = arg;
    if (list_is_empty(&job->callers)) {
        metric_inc(job->room->calls->late);
    }
    take_answer(job, err, message);
    if (!ask_again(job, &err)) {
        end_job(job, err, message);
    }
}

static enum err send_job(struct job *job)
{
    const struct room_calls *calls = job->room->calls;
    const uint64_t now_ms = clock_mono_ms(calls->clock);
    const uint64_t deadline_ms = first_caller(job)->call->context.deadline_ms;
    const uint64_t left_ms = deadline_ms > now_ms ? deadline_ms - now_ms : 0;
    if (calls->listener.on_send != NULL && job->request.order == ROOM_SHARED) {
        job->token = calls->listener.on_send(calls->listener.arg, job->room->room_id);
    }
    const enum err err = janus_session_call(calls->session, job->request.body, left_ms + LATE_MS,
                                            on_answer, job, &job->call_id);
    if (err != ERR_OK) {
        tell_listener(job, err, NULL);
    }
    return err;
}

/* The head of the line, if it was not sent yet. One that cannot be sent is answered, and then the
 * next one is the head. */
static void send_next(struct room *room)
{
    struct room_calls *calls = room->calls;
    for (struct job *job; (job = first_in_line(room)) != NULL && job->call_id == 0;) {
        room_reply_fn *fn = job->request.fn;
        const enum err err = send_job(job);
        if (err == ERR_OK) {
            return;
        }
        struct call *call = remove_caller(first_caller(job));
        remove_job(job);
        fn(calls->arg, call, err, NULL);
    }
}

/* The caller is answered. A request that nobody waits for is taken back if it was not sent yet; one
 * that was cannot be joined any more, for it may never be answered. */
static void on_deadline(void *arg)
{
    struct caller *caller = arg;
    struct job *job = caller->job;
    struct room *room = job->room;
    struct room_calls *calls = room->calls;
    room_reply_fn *fn = job->request.fn;
    caller->timer = 0;
    struct call *call = remove_caller(caller);
    if (room->shared == job) {
        room->shared = NULL;
    }
    if (list_is_empty(&job->callers) &&
        (job->call_id == 0 || janus_session_withdraw(calls->session, job->call_id))) {
        take_answer(job, ERR_DEADLINE, NULL);
        end_job(job, ERR_DEADLINE, NULL);
    }
    fn(calls->arg, call, ERR_DEADLINE, NULL);
    janus_session_doubt(calls->session);
}

enum err room_calls_add(struct room_calls *calls, struct call *call, struct room_request request)
{
    AUTO(mem_free) char *body = request.body;
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
    struct room *room = get_room(calls, request.room_id);
    if (request.order == ROOM_SHARED && room->shared != NULL &&
        room->shared->request.fn == request.fn) {
        metric_inc(calls->shared);
        add_caller(room->shared, call);
        return ERR_OK;
    }
    request.body = STEAL(body);
    struct job *job = add_job(room, &request);
    add_caller(job, call);
    if (request.order == ROOM_IN_LINE && first_in_line(room) != job) {
        return ERR_OK;
    }
    const enum err err = send_job(job);
    if (err != ERR_OK) {
        (void)remove_caller(first_caller(job));
        remove_job(job);
    }
    return err;
}
