#include "gateway/http/ask.h"

#include "gateway/http/json_body.h"

static void end_ask(struct exchange *exchange, enum err err, const struct msg *reply)
{
    const struct route_ask *ask = exchange->route->ask;
    if (ask->settle != NULL) {
        err = ask->settle(exchange, err, err == ERR_OK ? reply : NULL);
    }
    if (err != ERR_OK) {
        exchange_fail(exchange, err);
        return;
    }
    if (ask->write == NULL) {
        exchange_respond_empty(exchange);
        return;
    }
    struct json_out out;
    json_out_init(&out, &exchange->all->text);
    json_out_open(&out, '{');
    ask->write(exchange, reply, &out);
    json_out_close(&out, "}");
    exchange_respond_json(exchange);
}

/* A service that breaks the schema's promise is not believed. */
static void on_ask_answered(void *arg, enum err err, const struct msg *reply)
{
    struct exchange *exchange = arg;
    if (exchange->all == NULL) {
        exchange_free(exchange);
        return;
    }
    if (err == ERR_OK && reply->id != msg_type_find(exchange->route->ask->message)->reply) {
        err = ERR_PROTOCOL;
    }
    end_ask(exchange, err, reply);
}

void ask_run(struct exchange *exchange)
{
    const struct route *route = exchange->route;
    struct msg msg = {.id = route->ask->message};
    enum err err = ERR_OK;
    if (route->body != NULL) {
        json_body_fill(exchange->body, route->body, &msg);
    }
    if (route->ask->prepare != NULL && (err = route->ask->prepare(exchange, &msg)) != ERR_OK) {
        exchange_fail(exchange, err);
        return;
    }
    err = bus_call(exchange->all->config.bus, &msg, &exchange->context, on_ask_answered, exchange);
    if (err != ERR_OK) {
        end_ask(exchange, err, NULL);
    }
}
