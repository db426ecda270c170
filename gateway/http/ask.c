#include "gateway/http/ask.h"

#include <stdlib.h>

#include "gateway/http/auth.h"
#include "gateway/http/json_body.h"

/* ---- what is asked and answered ---- */

static void fill_request(const struct exchange *exchange, struct msg *msg)
{
    const struct route *route = exchange->route;
    *msg = (struct msg){.id = route->ask->message};
    if (route->body != NULL) {
        json_body_fill(exchange->body, route->body, msg, route->ask->record);
    }
}

/* A service that breaks the schema's promise is not believed. */
static enum err judge_reply(const struct exchange *exchange, enum err err, const struct msg *reply)
{
    bool is_another =
        err == ERR_OK && reply->id != msg_type_find(exchange->route->ask->message)->reply;
    return is_another ? ERR_PROTOCOL : err;
}

static void write_answer(const struct exchange *exchange, const struct msg *reply,
                         struct strbuf *text)
{
    struct json_out out;
    json_out_init(&out, text);
    json_out_open(&out, '{');
    exchange->route->ask->write(exchange, reply, &out);
    json_out_close(&out, "}");
}

/* ---- asked ahead of the check ---- */

/* The exchange's state of a row that is asked ahead. The call on the bus holds it, too, until its
 * answer: whoever of the two is last frees it. */
struct ahead {
    struct exchange *exchange; /* NULL: it has ended, and nobody wants the answer */
    enum {
        AHEAD_ASKED,    /* neither the answer is there, nor who asks */
        AHEAD_ANSWERED, /* the answer is there: the call on the bus is over */
        AHEAD_WAITED,   /* who asks is known, and waits for the answer */
    } step;
    enum err err;       /* of the answer */
    struct strbuf text; /* of a success: the JSON */
};

static void ahead_free(struct ahead *ahead)
{
    strbuf_fini(&ahead->text);
    free(ahead);
}

static void on_exchange_ended(void *state)
{
    struct ahead *ahead = *(struct ahead **)state;
    free(state);
    if (ahead->step == AHEAD_ANSWERED) {
        ahead_free(ahead);
    } else {
        ahead->exchange = NULL;
    }
}

static void answer_ahead(struct exchange *exchange, const struct ahead *ahead)
{
    if (ahead->err != ERR_OK) {
        exchange_fail(exchange, ahead->err);
        return;
    }
    strbuf_clear(&exchange->all->text);
    strbuf_add(&exchange->all->text, strbuf_str(&ahead->text));
    exchange_respond_json(exchange);
}

static void on_ahead_answered(void *arg, enum err err, const struct msg *reply)
{
    struct ahead *ahead = arg;
    struct exchange *exchange = ahead->exchange;
    bool is_waited = ahead->step == AHEAD_WAITED;
    if (exchange == NULL) {
        ahead_free(ahead);
        return;
    }
    ahead->step = AHEAD_ANSWERED;
    ahead->err = judge_reply(exchange, err, reply);
    if (exchange->all == NULL) {
        if (is_waited) {
            exchange_free(exchange);
        }
        return;
    }
    if (ahead->err == ERR_OK) {
        write_answer(exchange, reply, &ahead->text);
    }
    if (is_waited) {
        answer_ahead(exchange, ahead);
    }
}

void ask_ahead(struct exchange *exchange)
{
    const struct route_ask *ask = exchange->route->ask;
    struct msg msg;
    if (ask == NULL || ask->ahead == NULL) {
        return;
    }
    fill_request(exchange, &msg);
    if (!ask->ahead(exchange, &msg)) {
        return;
    }
    struct ahead *ahead = mem_alloc(sizeof(*ahead));
    ahead->exchange = exchange;
    if (bus_call(exchange->all->config.bus, &msg, &exchange->context, on_ahead_answered, ahead) !=
        ERR_OK) {
        ahead_free(ahead); /* asked in its turn, it may go better */
        return;
    }
    struct ahead **state = exchange_attach(exchange, sizeof(struct ahead *), on_exchange_ended);
    *state = ahead;
}

/* ---- asked in its turn ---- */

static void end_ask(struct exchange *exchange, enum err err, const struct msg *reply)
{
    const struct route_ask *ask = exchange->route->ask;
    auth_note_answer(exchange, err);
    if (ask->settle != NULL) {
        err = ask->settle(exchange, err, err == ERR_OK ? reply : NULL);
    }
    if (err != ERR_OK) {
        exchange_fail(exchange, err);
        return;
    }
    if (ask->version != NULL) {
        etag_of_version(ask->version(reply), exchange->etag);
    }
    if (ask->locate != NULL) {
        ask->locate(exchange, reply, exchange->location);
    }
    if (ask->link != NULL) {
        ask->link(exchange, reply);
    }
    exchange->is_pending = ask->is_pending != NULL && ask->is_pending(reply);
    if (ask->is_bare != NULL && ask->is_bare(exchange)) {
        exchange_respond_bare(exchange);
    } else if (ask->text != NULL && ask->text(reply).bytes > 0) {
        exchange_respond_text(exchange, 0, ask->text(reply));
    } else if (ask->write == NULL) {
        exchange_respond_empty(exchange);
    } else if (exchange->etag[0] != '\0' && !exchange->route->answer.is_of_asker &&
               strcmp(exchange->route->method, "GET") == 0 &&
               etag_is_in(request_header(exchange->request, "If-None-Match"), exchange->etag)) {
        exchange_respond_not_modified(exchange);
    } else {
        write_answer(exchange, reply, &exchange->all->text);
        exchange_respond_json(exchange);
    }
}

static void on_ask_answered(void *arg, enum err err, const struct msg *reply)
{
    struct exchange *exchange = arg;
    if (exchange->all == NULL) {
        exchange_free(exchange);
        return;
    }
    end_ask(exchange, judge_reply(exchange, err, reply), reply);
}

static enum err read_match(struct exchange *exchange)
{
    const char *header = request_header(exchange->request, "If-Match");
    const char *const *names = exchange->route->free_of_match;
    if (header == NULL && names != NULL && json_body_has_only(exchange->body, names)) {
        exchange->match.is_any = true;
        return ERR_OK;
    }
    return etag_read_match(header, &exchange->match);
}

static void fail_to_prepare(struct exchange *exchange, enum err err)
{
    struct problem problem = {.err = err};
    struct member_fault fault = {.kind = MEMBER_MISSING};
    if (exchange->missing != NULL) {
        fault.name = exchange->missing;
        problem.faults = &fault;
        problem.fault_count = 1;
    }
    exchange_fail_with(exchange, &problem);
}

void ask_run(struct exchange *exchange)
{
    const struct route_ask *ask = exchange->route->ask;
    struct msg msg;
    enum err err = ERR_OK;
    if (ask->ahead != NULL && exchange->state != NULL) {
        struct ahead *ahead = *(struct ahead **)exchange->state;
        if (ahead->step == AHEAD_ANSWERED) {
            answer_ahead(exchange, ahead);
        } else {
            ahead->step = AHEAD_WAITED;
        }
        return;
    }
    if (exchange->route->has_if_match) {
        err = read_match(exchange);
    }
    if (err != ERR_OK) {
        exchange_fail(exchange, err);
        return;
    }
    if (ask->message == MSG_user_get && exchange->user != NULL) {
        const struct msg reply = {.id = MSG_user_get_reply,
                                  .user_get_reply = {.user = *exchange->user}};
        end_ask(exchange, ERR_OK, &reply);
        return;
    }
    fill_request(exchange, &msg);
    if (ask->prepare != NULL && (err = ask->prepare(exchange, &msg)) != ERR_OK) {
        fail_to_prepare(exchange, err);
        return;
    }
    err = bus_call(exchange->all->config.bus, &msg, &exchange->context, on_ask_answered, exchange);
    if (err != ERR_OK) {
        end_ask(exchange, err, NULL);
    }
}

/* ---- for handlers ---- */

bool ask_takes_answer(struct exchange *exchange, enum err err, const struct msg *reply,
                      enum msg_id expected)
{
    if (exchange->all == NULL) {
        exchange_free(exchange);
        return false;
    }
    if (err == ERR_OK && reply->id != expected) {
        err = ERR_PROTOCOL;
    }
    auth_note_answer(exchange, err);
    if (err != ERR_OK) {
        exchange_fail(exchange, err);
    }
    return err == ERR_OK;
}
