#include "janusbridge/janus/janus_calls.h"

#include <assert.h>
#include <stdio.h>

#include "proto/base/list.h"
#include "proto/base/slots.h"

/* One use of a slot, whose id is also the transaction. */
struct janus_call {
    struct janus_calls *calls;
    struct janus_transfer *transfer; /* NULL once the POST was answered */
    janus_call_fn *fn;               /* NULL once called */
    void *arg;
    uint64_t deadline_ms;
    uint64_t timer;        /* set while an event is waited for after an ack */
    const char *path;      /* while queued */
    char *body;            /* while queued */
    bool is_aside;         /* not to the session's own handle */
    bool has_body;         /* the plugin answers */
    struct list_link link; /* in the queue, or in none */
};

struct janus_calls {
    struct janus_calls_parts parts;
    struct slots *slots;    /* of struct janus_call */
    struct list_link queue; /* likewise, oldest first */
    size_t sent;            /* POSTs not answered yet */
    struct metric *dropped, *mismatched, *queued_gauge;
    int64_t queued;
};

static void write_transaction(char dest[TRANSACTION_BYTES + 1], uint64_t id)
{
    (void)snprintf(dest, TRANSACTION_BYTES + 1, "%016" PRIx64, id);
}

void janus_transaction_draw(char dest[TRANSACTION_BYTES + 1])
{
    write_transaction(dest, (uint64_t)random_u32() << 32 | random_u32());
}

struct janus_calls *janus_calls_new(const struct janus_calls_parts *parts)
{
    struct janus_calls *calls = mem_alloc(sizeof(*calls));
    calls->parts = *parts;
    calls->slots = slots_new(sizeof(struct janus_call), parts->calls_max, random_u32);
    list_init(&calls->queue);
    calls->dropped =
        metrics_counter(parts->metrics, "lynks_janus_late_answers_total",
                        "Answers of Janus that nobody waited for any more; dropped", NULL);
    calls->mismatched =
        metrics_counter(parts->metrics, "lynks_janus_wrong_transactions_total",
                        "Answers of Janus with another transaction than the request's", NULL);
    calls->queued_gauge = metrics_gauge(parts->metrics, "lynks_janus_queued",
                                        "Requests that wait for a connection to Janus", NULL);
    return calls;
}

void janus_calls_free(struct janus_calls **calls_ref)
{
    if (*calls_ref != NULL) {
        janus_calls_fail_all(*calls_ref, ERR_UNAVAILABLE);
        slots_free(&(*calls_ref)->slots);
        mem_free(calls_ref);
    }
}

/* ---- slots ---- */

static void drop_call(struct janus_call *call)
{
    clock_cancel(call->calls->parts.clock, call->timer);
    mem_free(&call->body);
    slots_release(call->calls->slots, call);
}

static struct janus_call *find_transaction(struct janus_calls *calls, struct str text)
{
    uint8_t bytes[8];
    if (text.bytes != TRANSACTION_BYTES || !hex_decode(bytes, sizeof(bytes), text)) {
        return NULL;
    }
    uint64_t id = 0;
    for (size_t i = 0; i < sizeof(bytes); i++) {
        id = id << 8 | bytes[i];
    }
    return slots_find(calls->slots, id);
}

/* ---- the queue ---- */

static void enqueue(struct janus_call *call)
{
    struct janus_calls *calls = call->calls;
    list_add(&calls->queue, &call->link);
    metric_set(calls->queued_gauge, ++calls->queued);
}

static void unqueue(struct janus_call *call)
{
    struct janus_calls *calls = call->calls;
    list_remove(&call->link);
    metric_set(calls->queued_gauge, --calls->queued);
}

static void on_call_answer(void *arg, const struct janus_answer *answer);

static void send_now(struct janus_call *call, uint64_t timeout_ms)
{
    const struct janus_transport *transport = call->calls->parts.transport;
    const struct janus_request request = {
        .path = call->path, .body = STEAL(call->body), .timeout_ms = timeout_ms};
    call->calls->sent++;
    call->transfer = transport->ops->send(transport->self, &request, on_call_answer, call);
}

static void end_janus_call(struct janus_call *call, enum err err,
                           const struct janus_message *message);

/* What waited past its time need not be sent. */
static void send_queued(struct janus_calls *calls)
{
    while (!list_is_empty(&calls->queue) && calls->sent < calls->parts.parallel_max) {
        struct janus_call *call = LIST_FIRST(struct janus_call, &calls->queue, link);
        const uint64_t now_ms = clock_mono_ms(calls->parts.clock);
        unqueue(call);
        if (now_ms < call->deadline_ms) {
            send_now(call, call->deadline_ms - now_ms);
        } else {
            end_janus_call(call, ERR_DEADLINE, NULL);
        }
    }
}

/* ---- answers ---- */

/* Calls back, once. The slot stays until its POST is answered too. */
static void end_janus_call(struct janus_call *call, enum err err,
                           const struct janus_message *message)
{
    janus_call_fn *fn = call->fn;
    void *arg = call->arg;
    call->fn = NULL;
    if (call->transfer == NULL) {
        drop_call(call);
    }
    if (fn != NULL) {
        fn(arg, err, message);
    }
}

static void end_janus_call_with(struct janus_call *call, const struct janus_message *message)
{
    enum err err = janus_fault_err(message->fault);
    if (err == ERR_OK && call->has_body && message->data == NULL) {
        err = ERR_PROTOCOL;
    }
    end_janus_call(call, err, message);
}

static void on_no_event(void *arg)
{
    struct janus_call *call = arg;
    call->timer = 0;
    end_janus_call(call, ERR_DEADLINE, NULL);
}

/* The real answer is an event, which may have been here before this. */
static void on_ack(struct janus_call *call)
{
    if (call->fn == NULL) {
        drop_call(call);
        return;
    }
    const uint64_t now_ms = clock_mono_ms(call->calls->parts.clock);
    const uint64_t left_ms = call->deadline_ms > now_ms ? call->deadline_ms - now_ms : 0;
    call->timer = clock_after(call->calls->parts.clock, left_ms, on_no_event, call);
}

static void tell_trouble(struct janus_calls *calls, enum janus_trouble trouble)
{
    calls->parts.fn(calls->parts.arg, trouble);
}

static void on_call_message(struct janus_call *call, const struct janus_message *message)
{
    struct janus_calls *calls = call->calls;
    char transaction[TRANSACTION_BYTES + 1];
    write_transaction(transaction, slots_id(call));
    if (!str_eq(message->transaction, str_of(transaction))) {
        metric_inc(calls->mismatched);
        end_janus_call(call, ERR_PROTOCOL, NULL);
        tell_trouble(calls, JANUS_TROUBLE_DOUBT);
        return;
    }
    if (message->kind == JANUS_ACK) {
        on_ack(call);
        return;
    }
    const enum janus_fault fault = message->fault;
    const bool is_aside = call->is_aside;
    if (message->kind != JANUS_SUCCESS && message->kind != JANUS_ERROR) {
        end_janus_call(call, ERR_PROTOCOL, NULL);
        tell_trouble(calls, JANUS_TROUBLE_DOUBT);
        return;
    }
    end_janus_call_with(call, message);
    if (fault == JANUS_FAULT_SESSION) {
        tell_trouble(calls, JANUS_TROUBLE_SESSION);
    } else if (fault == JANUS_FAULT_HANDLE && !is_aside) {
        tell_trouble(calls, JANUS_TROUBLE_HANDLE);
    } else if (fault == JANUS_FAULT_SECRET) {
        tell_trouble(calls, JANUS_TROUBLE_DOUBT);
    }
}

static void on_call_answer(void *arg, const struct janus_answer *answer)
{
    struct janus_call *call = arg;
    struct janus_calls *calls = call->calls;
    call->transfer = NULL;
    calls->sent--;
    send_queued(calls);
    if (answer->err != ERR_OK) {
        end_janus_call(call, answer->err, NULL);
        tell_trouble(calls, JANUS_TROUBLE_DOUBT);
        return;
    }
    AUTO(janus_document_free)
    struct janus_document *document =
        answer->status == 200 ? janus_document_parse(answer->body) : NULL;
    struct janus_message message;
    if (document == NULL || janus_document_count(document) != 1 ||
        !janus_document_get(document, 0, &message)) {
        end_janus_call(call, ERR_PROTOCOL, NULL);
        tell_trouble(calls, JANUS_TROUBLE_DOUBT);
        return;
    }
    on_call_message(call, &message);
}

bool janus_calls_on_event(struct janus_calls *calls, const struct janus_message *message)
{
    struct janus_call *call = find_transaction(calls, message->transaction);
    if (call != NULL && call->fn != NULL) {
        end_janus_call_with(call, message);
        return true;
    }
    if (message->transaction.bytes > 0) {
        metric_inc(calls->dropped);
    }
    return false;
}

/* ---- calls ---- */

/* Takes ownership of nothing; the text is made once the transaction is known. */
static enum err send_call(struct janus_calls *calls, const struct janus_aside *request,
                          bool is_aside, janus_call_fn *fn, void *arg, uint64_t *ret_id)
{
    assert(request->body != NULL || request->verb != NULL);
    struct janus_call *call = slots_take(calls->slots);
    if (call == NULL) {
        return ERR_OVERLOADED;
    }
    *call =
        (struct janus_call){.calls = calls,
                            .fn = fn,
                            .arg = arg,
                            .path = request->path,
                            .is_aside = is_aside,
                            .has_body = request->body != NULL,
                            .deadline_ms = clock_mono_ms(calls->parts.clock) + request->timeout_ms};
    list_init(&call->link);
    char transaction[TRANSACTION_BYTES + 1];
    write_transaction(transaction, slots_id(call));
    if (request->body != NULL) {
        call->body =
            janus_json_message(transaction, calls->parts.auth, request->body, request->jsep);
    } else if (strcmp(request->verb, "attach") == 0) {
        call->body = janus_json_attach(transaction, calls->parts.auth);
    } else {
        call->body = janus_json_request(request->verb, transaction, calls->parts.auth);
    }
    *ret_id = slots_id(call);
    if (calls->sent >= calls->parts.parallel_max) {
        enqueue(call);
    } else {
        send_now(call, request->timeout_ms);
    }
    return ERR_OK;
}

enum err janus_calls_send(struct janus_calls *calls, const char *path, const char *body,
                          uint64_t timeout_ms, janus_call_fn *fn, void *arg, uint64_t *ret_id)
{
    const struct janus_aside request = {.path = path, .body = body, .timeout_ms = timeout_ms};
    return send_call(calls, &request, false, fn, arg, ret_id);
}

enum err janus_calls_send_aside(struct janus_calls *calls, const struct janus_aside *request,
                                janus_call_fn *fn, void *arg, uint64_t *ret_id)
{
    return send_call(calls, request, true, fn, arg, ret_id);
}

bool janus_calls_withdraw(struct janus_calls *calls, uint64_t id)
{
    struct janus_call *call = slots_find(calls->slots, id);
    if (call == NULL || list_is_empty(&call->link)) {
        return false;
    }
    unqueue(call);
    drop_call(call);
    return true;
}

void janus_calls_fail_all(struct janus_calls *calls, enum err err)
{
    const struct janus_transport *transport = calls->parts.transport;
    for (struct janus_call *call = NULL; (call = slots_next(calls->slots, call)) != NULL;) {
        if (call->transfer != NULL) {
            transport->ops->cancel(transport->self, call->transfer);
            call->transfer = NULL;
            calls->sent--;
        }
        if (!list_is_empty(&call->link)) {
            unqueue(call);
        }
        end_janus_call(call, err, NULL);
    }
}
