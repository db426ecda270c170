#include "gateway/api/registration.h"

#include <stdlib.h>

#include "gateway/api/user_json.h"
#include "gateway/http/exchange.h"
#include "gateway/http/limiter.h"
#include "gateway/http/repeat_key.h"

struct registration {
    const struct clock *clock;
    bool is_open;
    struct limiter *by_address;
    struct metric *limited;
};

static const struct member register_body[] = {NEW_USER_MEMBERS, {.name = NULL}};

/* Each costs the hash of a password, and tells whether somebody has the name. */
static enum err prepare_register(struct exchange *exchange, struct msg *msg)
{
    const struct registration *registration = exchange->self;
    uint8_t key[ADDRESS_BYTES];
    if (!registration->is_open) {
        return ERR_REGISTRATION_CLOSED;
    }
    if (!limiter_take(registration->by_address, exchange_address_key(exchange, key),
                      clock_mono_ms(registration->clock), &exchange->retry_after_ms)) {
        metric_inc(registration->limited);
        return ERR_RATE_LIMITED;
    }
    msg->user_register.idempotency_key = repeat_key_attach(exchange);
    msg->user_register.body_hash = repeat_key_body(exchange);
    return ERR_OK;
}

static enum err settle_register(struct exchange *exchange, enum err err, const struct msg *reply)
{
    const struct registration *registration = exchange->self;
    uint8_t key[ADDRESS_BYTES];
    (void)reply;
    if (err != ERR_OK && !err_is_callers(err)) {
        limiter_give_back(registration->by_address, exchange_address_key(exchange, key));
    }
    return err;
}

static void write_registered(const struct exchange *exchange, const struct msg *reply,
                             struct json_out *out)
{
    (void)exchange;
    user_json_write(user_in(reply), out);
}

static const struct route_ask ask_register = {.message = MSG_user_register,
                                              .prepare = prepare_register,
                                              .settle = settle_register,
                                              .write = write_registered};

static const struct route registration_rows[] = {
    {.method = "POST",
     .template = "/v1/registration",
     .name = "register",
     .doc = "Adds oneself as a member, where whoever runs this service lets everybody.",
     .takes_key = true,
     .body = register_body,
     .answer = {.status = 201, .members = user_members, .doc = "He may sign in."},
     .errors = {ERR_REGISTRATION_CLOSED, ERR_CONFLICT, ERR_WEAK_PASSWORD, ERR_RATE_LIMITED},
     .ask = &ask_register},
};

struct resource registration_resource(struct registration *registration)
{
    return (struct resource){.dialect = DIALECT_V1,
                             .routes = registration_rows,
                             .count = ARRAY_LEN(registration_rows),
                             .self = registration};
}

struct registration *registration_new(const struct clock *clock, struct metrics *metrics,
                                      const struct registration_config *config)
{
    struct registration *registration = mem_alloc(sizeof(*registration));
    registration->clock = clock;
    registration->is_open = config->is_open;
    registration->by_address = limiter_new(&(struct limiter_config){
        .burst = config->burst, .per_minute = config->per_minute, .keys_max = config->table_max});
    registration->limited =
        metrics_counter(metrics, "lynks_gateway_limited_registrations_total",
                        "Registrations refused because too many came from their address.", NULL);
    return registration;
}

void registration_free(struct registration **registration)
{
    if (*registration != NULL) {
        limiter_free(&(*registration)->by_address);
        mem_free(registration);
    }
}
