#include "janusbridge/janus/janus_calls.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

struct janus_call {
    uint64_t id; /* also the transaction; 0: free. Its low 16 bits are the index of the slot */
    struct janus_calls *calls;
    struct janus_transfer *transfer; /* NULL once the POST was answered */
    janus_call_fn *fn;               /* NULL once called */
    void *arg;
    uint64_t deadline_ms;
    uint64_t timer;   /* set while an event is waited for after an ack */
    const char *path; /* while queued */
    char *body;       /* while queued */
    bool is_queued;
    bool is_aside;                      /* not to the session's own handle */
    bool has_body;                      /* the plugin answers */
    struct janus_call *previous, *next; /* in the queue */
    uint32_t next_free;
};

struct janus_calls {
    struct janus_calls_parts parts;
    struct janus_call *slots;
    uint32_t used; /* slots touched so far: memory is mapped as it is needed */
    uint32_t free; /* head of the free list; calls_max: empty */
    size_t count;
    uint64_t random[32];
    size_t random_left;
    struct janus_call *first, *last; /* the queue */
    size_t sent;                     /* POSTs not answered yet */
    struct metric *dropped, *mismatched, *queued_gauge;
    int64_t queued;
};

static void fill_random(void *dest, size_t bytes)
{
    /* Cannot fail once the kernel's pool is seeded; up to 256 bytes come whole. */
    if (getrandom(dest, bytes, 0) != (ssize_t)bytes) {
        abort();
    }
}

static void write_transaction(char dest[TRANSACTION_BYTES + 1], uint64_t id)
{
    (void)snprintf(dest, TRANSACTION_BYTES + 1, "%016" PRIx64, id);
}

void janus_transaction_draw(char dest[TRANSACTION_BYTES + 1])
{
    uint64_t id;
    fill_random(&id, sizeof(id));
    write_transaction(dest, id);
}

struct janus_calls *janus_calls_new(const struct janus_calls_parts *parts)
{
    assert(parts->calls_max >= 1 && parts->calls_max <= 65536);
    struct janus_calls *calls = mem_alloc(sizeof(*calls));
    calls->parts = *parts;
    calls->slots = mem_alloc(parts->calls_max * sizeof(*calls->slots));
    calls->free = (uint32_t)parts->calls_max;
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
        mem_free(&(*calls_ref)->slots);
        mem_free(calls_ref);
    }
}

size_t janus_calls_count(const struct janus_calls *calls)
{
    return calls->count;
}

/* ---- slots ---- */

static uint64_t draw(struct janus_calls *calls)
{
    if (calls->random_left == 0) {
        fill_random(calls->random, sizeof(calls->random));
        calls->random_left = ARRAY_LEN(calls->random);
    }
    return calls->random[--calls->random_left];
}

static struct janus_call *add(struct janus_calls *calls)
{
    uint32_t index = calls->free;
    if (index < calls->parts.calls_max) {
        calls->free = calls->slots[index].next_free;
    } else if (calls->used < calls->parts.calls_max) {
        index = calls->used++;
    } else {
        return NULL;
    }
    /* The bit above the index keeps an id from being 0, which stands for a free slot. */
    const uint64_t id = (draw(calls) & ~UINT64_C(0x1ffff)) | 0x10000 | index;
    calls->slots[index] = (struct janus_call){.id = id, .calls = calls};
    calls->count++;
    return &calls->slots[index];
}

static void drop(struct janus_call *call)
{
    struct janus_calls *calls = call->calls;
    const uint32_t index = (uint32_t)(call - calls->slots);
    clock_cancel(calls->parts.clock, call->timer);
    mem_free(&call->body);
    *call = (struct janus_call){.next_free = calls->free};
    calls->free = index;
    calls->count--;
}

static struct janus_call *find(struct janus_calls *calls, uint64_t id)
{
    const size_t index = id & 0xffff;
    return id != 0 && index < calls->used && calls->slots[index].id == id ? &calls->slots[index]
                                                                          : NULL;
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
    return find(calls, id);
}

/* ---- the queue ---- */

static void enqueue(struct janus_call *call)
{
    struct janus_calls *calls = call->calls;
    call->is_queued = true;
    call->previous = calls->last;
    *(calls->last != NULL ? &calls->last->next : &calls->first) = call;
    calls->last = call;
    metric_set(calls->queued_gauge, ++calls->queued);
}

static void unqueue(struct janus_call *call)
{
    struct janus_calls *calls = call->calls;
    *(call->previous != NULL ? &call->previous->next : &calls->first) = call->next;
    *(call->next != NULL ? &call->next->previous : &calls->last) = call->previous;
    call->previous = call->next = NULL;
    call->is_queued = false;
    metric_set(calls->queued_gauge, --calls->queued);
}

static void on_answer(void *arg, const struct janus_answer *answer);

static void send_now(struct janus_call *call, uint64_t timeout_ms)
{
    const struct janus_transport *transport = call->calls->parts.transport;
    const struct janus_request request = {
        .path = call->path, .body = STEAL(call->body), .timeout_ms = timeout_ms};
    call->calls->sent++;
    call->transfer = transport->ops->send(transport->self, &request, on_answer, call);
}

static void finish(struct janus_call *call, enum err err, const struct janus_message *message);

/* What waited past its time need not be sent. */
static void send_queued(struct janus_calls *calls)
{
    while (calls->first != NULL && calls->sent < calls->parts.parallel_max) {
        struct janus_call *call = calls->first;
        const uint64_t now_ms = clock_mono_ms(calls->parts.clock);
        unqueue(call);
        if (now_ms < call->deadline_ms) {
            send_now(call, call->deadline_ms - now_ms);
        } else {
            finish(call, ERR_DEADLINE, NULL);
        }
    }
}

/* ---- answers ---- */

/* Calls back, once. The slot stays until its POST is answered too. */
static void finish(struct janus_call *call, enum err err, const struct janus_message *message)
{
    janus_call_fn *fn = call->fn;
    void *arg = call->arg;
    call->fn = NULL;
    if (call->transfer == NULL) {
        drop(call);
    }
    if (fn != NULL) {
        fn(arg, err, message);
    }
}

static void finish_with(struct janus_call *call, const struct janus_message *message)
{
    enum err err = janus_fault_err(message->fault);
    if (err == ERR_OK && call->has_body && message->data == NULL) {
        err = ERR_PROTOCOL;
    }
    finish(call, err, message);
}

static void on_no_event(void *arg)
{
    struct janus_call *call = arg;
    call->timer = 0;
    finish(call, ERR_DEADLINE, NULL);
}

/* The real answer is an event, which may have been here before this. */
static void on_ack(struct janus_call *call)
{
    if (call->fn == NULL) {
        drop(call);
        return;
    }
    const uint64_t now_ms = clock_mono_ms(call->calls->parts.clock);
    const uint64_t left_ms = call->deadline_ms > now_ms ? call->deadline_ms - now_ms : 0;
    call->timer = clock_after(call->calls->parts.clock, left_ms, on_no_event, call);
}

static void tell(struct janus_calls *calls, enum janus_trouble trouble)
{
    calls->parts.fn(calls->parts.arg, trouble);
}

static void on_message(struct janus_call *call, const struct janus_message *message)
{
    struct janus_calls *calls = call->calls;
    char transaction[TRANSACTION_BYTES + 1];
    write_transaction(transaction, call->id);
    if (!str_eq(message->transaction, str_of(transaction))) {
        metric_inc(calls->mismatched);
        finish(call, ERR_PROTOCOL, NULL);
        tell(calls, JANUS_TROUBLE_DOUBT);
        return;
    }
    if (message->kind == JANUS_ACK) {
        on_ack(call);
        return;
    }
    const enum janus_fault fault = message->fault;
    const bool is_aside = call->is_aside;
    if (message->kind != JANUS_SUCCESS && message->kind != JANUS_ERROR) {
        finish(call, ERR_PROTOCOL, NULL);
        tell(calls, JANUS_TROUBLE_DOUBT);
        return;
    }
    finish_with(call, message);
    if (fault == JANUS_FAULT_SESSION) {
        tell(calls, JANUS_TROUBLE_SESSION);
    } else if (fault == JANUS_FAULT_HANDLE && !is_aside) {
        tell(calls, JANUS_TROUBLE_HANDLE);
    } else if (fault == JANUS_FAULT_SECRET) {
        tell(calls, JANUS_TROUBLE_DOUBT);
    }
}

static void on_answer(void *arg, const struct janus_answer *answer)
{
    struct janus_call *call = arg;
    struct janus_calls *calls = call->calls;
    call->transfer = NULL;
    calls->sent--;
    send_queued(calls);
    if (answer->err != ERR_OK) {
        finish(call, answer->err, NULL);
        tell(calls, JANUS_TROUBLE_DOUBT);
        return;
    }
    AUTO(janus_document_free)
    struct janus_document *document =
        answer->status == 200 ? janus_document_parse(answer->body) : NULL;
    struct janus_message message;
    if (document == NULL || janus_document_count(document) != 1 ||
        !janus_document_get(document, 0, &message)) {
        finish(call, ERR_PROTOCOL, NULL);
        tell(calls, JANUS_TROUBLE_DOUBT);
        return;
    }
    on_message(call, &message);
}

bool janus_calls_on_event(struct janus_calls *calls, const struct janus_message *message)
{
    struct janus_call *call = find_transaction(calls, message->transaction);
    if (call != NULL && call->fn != NULL) {
        finish_with(call, message);
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
    struct janus_call *call = add(calls);
    if (call == NULL) {
        return ERR_OVERLOADED;
    }
    call->fn = fn;
    call->arg = arg;
    call->path = request->path;
    call->is_aside = is_aside;
    call->has_body = request->body != NULL;
    call->deadline_ms = clock_mono_ms(calls->parts.clock) + request->timeout_ms;
    char transaction[TRANSACTION_BYTES + 1];
    write_transaction(transaction, call->id);
    if (request->body != NULL) {
        call->body = janus_json_message(transaction, calls->parts.auth, request->body);
    } else if (strcmp(request->verb, "attach") == 0) {
        call->body = janus_json_attach(transaction, calls->parts.auth);
    } else {
        call->body = janus_json_request(request->verb, transaction, calls->parts.auth);
    }
    *ret_id = call->id;
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
    struct janus_call *call = find(calls, id);
    if (call == NULL || !call->is_queued) {
        return false;
    }
    unqueue(call);
    drop(call);
    return true;
}

void janus_calls_fail_all(struct janus_calls *calls, enum err err)
{
    const struct janus_transport *transport = calls->parts.transport;
    for (uint32_t i = 0; i < calls->used; i++) {
        struct janus_call *call = &calls->slots[i];
        if (call->id == 0) {
            continue;
        }
        if (call->transfer != NULL) {
            transport->ops->cancel(transport->self, call->transfer);
            call->transfer = NULL;
            calls->sent--;
        }
        if (call->is_queued) {
            unqueue(call);
        }
        finish(call, err, NULL);
    }
}
