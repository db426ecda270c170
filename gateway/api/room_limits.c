#include "gateway/api/room_limits.h"

#include "gateway/http/json_body.h"
#include "gateway/http/limiter.h"

/* One of them. */
struct door_limit {
    struct limiter *by_address;
    struct metric *refused;
};

struct room_limits {
    const struct clock *clock;
    struct door_limit joins, codes, pins;
};

/* ---- one limit ---- */

static struct door_limit make_limit(struct metrics *metrics, const struct limiter_config *config,
                                    const char *labels)
{
    return (struct door_limit){
        .by_address = limiter_new(config),
        .refused = metrics_counter(metrics, "lynks_gateway_limited_joins_total",
                                   "Requests for a room refused because their address had come in, "
                                   "had named no room or no invitation or had given a wrong PIN "
                                   "too often.",
                                   labels)};
}

static bool take_one(const struct room_limits *limits, const struct door_limit *limit,
                     struct exchange *exchange)
{
    uint8_t key[ADDRESS_BYTES];
    const bool is_taken = limiter_take(limit->by_address, exchange_address_key(exchange, key),
                                       clock_mono_ms(limits->clock), &exchange->retry_after_ms);
    if (!is_taken) {
        metric_inc(limit->refused);
    }
    return is_taken;
}

static void give_one_back(const struct door_limit *limit, const struct exchange *exchange)
{
    uint8_t key[ADDRESS_BYTES];
    limiter_give_back(limit->by_address, exchange_address_key(exchange, key));
}

/* ---- codes and invitations ---- */

/* The id of a room is no secret: for who may only come in by the code it opens nothing. */
static bool is_code(const struct exchange *exchange, struct str room)
{
    uint64_t id;
    return room.bytes > 0 && !exchange->is_participant && !str_id(room, &id);
}

/* In the path or in the body. */
static bool is_guess(const struct exchange *exchange)
{
    return is_code(exchange, exchange_parameter(exchange, "room")) ||
           is_code(exchange, json_body_str(exchange->body, "room")) ||
           json_body_str(exchange->body, "invitation").bytes > 0;
}

/* Every one is a guess until it is known to be right: so that not more can be tried at a time than
 * there are attempts. */
static enum err admit_guess(void *arg, struct exchange *exchange)
{
    const struct room_limits *limits = arg;
    if (!is_guess(exchange)) {
        return ERR_OK;
    }
    exchange->guard_holds = take_one(limits, &limits->codes, exchange);
    return exchange->guard_holds ? ERR_OK : ERR_RATE_LIMITED;
}

static void note_guess(void *arg, const struct exchange *exchange, enum err err)
{
    const struct room_limits *limits = arg;
    if (exchange->guard_holds && err != ERR_NO_SUCH_ROOM && err != ERR_NO_SUCH_INVITATION) {
        give_one_back(&limits->codes, exchange);
    }
}

struct route_guard room_limits_guard(struct room_limits *limits)
{
    return (struct route_guard){.admit = admit_guess, .note = note_guess, .arg = limits};
}

/* ---- joins and PINs ---- */

enum err room_limits_take_join(struct room_limits *limits, struct exchange *exchange, bool has_pin)
{
    if (has_pin && !take_one(limits, &limits->pins, exchange)) {
        return ERR_RATE_LIMITED;
    }
    if (!take_one(limits, &limits->joins, exchange)) {
        if (has_pin) {
            give_one_back(&limits->pins, exchange);
        }
        return ERR_RATE_LIMITED;
    }
    return ERR_OK;
}

void room_limits_end_join(struct room_limits *limits, const struct exchange *exchange, bool has_pin,
                          enum err err, bool is_made)
{
    if (has_pin && err != ERR_WRONG_PIN) {
        give_one_back(&limits->pins, exchange);
    }
    if (err == ERR_OK && !is_made) {
        give_one_back(&limits->joins, exchange);
    }
}

/* ---- life ---- */

struct room_limits *room_limits_new(const struct clock *clock, struct metrics *metrics,
                                    const struct room_limits_config *config)
{
    struct room_limits *limits = mem_alloc(sizeof(*limits));
    const struct limiter_config joins = {.burst = config->join_burst,
                                         .per_minute = config->join_per_minute,
                                         .keys_max = config->table_max};
    const struct limiter_config codes = {.burst = config->code_burst,
                                         .per_minute = config->code_per_minute,
                                         .keys_max = config->table_max};
    const struct limiter_config pins = {.burst = config->pin_burst,
                                        .per_minute = config->pin_per_minute,
                                        .keys_max = config->table_max};
    limits->clock = clock;
    limits->joins = make_limit(metrics, &joins, "limit=\"join\"");
    limits->codes = make_limit(metrics, &codes, "limit=\"code\"");
    limits->pins = make_limit(metrics, &pins, "limit=\"pin\"");
    return limits;
}

void room_limits_free(struct room_limits **limits)
{
    if (*limits != NULL) {
        limiter_free(&(*limits)->joins.by_address);
        limiter_free(&(*limits)->codes.by_address);
        limiter_free(&(*limits)->pins.by_address);
        mem_free(limits);
    }
}
