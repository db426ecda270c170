#include "gateway/api/room_limits.h"

#include "gateway/api/room_ref.h"
#include "gateway/http/json_body.h"
#include "gateway/http/limiter.h"

struct door_limit {
    struct limiter *by_address;
    struct metric *refused;
};

/* What is guessed at a room: each address and room together are limited, so that who guesses at one
 * room keeps nobody with the same address out of another, and each address, so that it cannot go
 * through the rooms. */
struct secret_limit {
    struct limiter *by_room, *by_address;
    struct metric *refused;
};

struct room_limits {
    const struct clock *clock;
    struct door_limit joins, codes;
    struct secret_limit pins, invitations;
};

static struct metric *limited_joins(struct metrics *metrics, const char *labels)
{
    return metrics_counter(metrics, "lynks_gateway_limited_joins_total",
                           "Requests for a room refused because their address had come in, had "
                           "named no room or no invitation or had given a wrong PIN too often.",
                           labels);
}

/* ---- by address ---- */

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

/* ---- by room and address ---- */

/* Begins with the address' key. */
struct secret_key {
    uint8_t bytes[ADDRESS_BYTES + ROOM_REF_BYTES_MAX];
    struct str by_room, by_address; /* borrowed from bytes */
};

/* In the path or in the body; empty: only an invitation is named. */
static struct str named_room(const struct exchange *exchange)
{
    const struct str room = exchange_parameter(exchange, "room");
    return room.bytes > 0 ? room : json_body_str(exchange->body, "room");
}

static void make_secret_key(const struct exchange *exchange, struct secret_key *ret_key)
{
    char *const room = (char *)ret_key->bytes + ADDRESS_BYTES;
    ret_key->by_address = exchange_address_key(exchange, ret_key->bytes);
    ret_key->by_room =
        (struct str){.data = (const char *)ret_key->bytes,
                     .bytes = ADDRESS_BYTES + room_ref_key(named_room(exchange), room)};
}

/* The room's attempt is taken first: who is refused there does not use up what others behind the
 * same address have elsewhere. */
static bool take_secret(const struct room_limits *limits, const struct secret_limit *limit,
                        struct exchange *exchange)
{
    const uint64_t now_ms = clock_mono_ms(limits->clock);
    struct secret_key key;
    make_secret_key(exchange, &key);
    bool is_taken = limiter_take(limit->by_room, key.by_room, now_ms, &exchange->retry_after_ms);
    if (is_taken &&
        !limiter_take(limit->by_address, key.by_address, now_ms, &exchange->retry_after_ms)) {
        limiter_give_back(limit->by_room, key.by_room);
        is_taken = false;
    }
    if (!is_taken) {
        metric_inc(limit->refused);
    }
    return is_taken;
}

static void give_secret_back(const struct secret_limit *limit, const struct exchange *exchange)
{
    struct secret_key key;
    make_secret_key(exchange, &key);
    limiter_give_back(limit->by_room, key.by_room);
    limiter_give_back(limit->by_address, key.by_address);
}

/* ---- codes and invitations ---- */

/* The id of a room is no secret: for who may only come in by the code it opens nothing. */
static bool is_code(const struct exchange *exchange, struct str room)
{
    uint64_t id;
    return room.bytes > 0 && !exchange->is_participant && !str_id(room, &id);
}

static bool has_invitation(const struct exchange *exchange)
{
    return json_body_str(exchange->body, "invitation").bytes > 0;
}

/* A secret that is being looked at does not count yet: it is too long to be found by trying,
 * however many are tried at a time, and with a good one many come at once. */
static bool may_show_invitation(const struct room_limits *limits, struct exchange *exchange)
{
    const struct secret_limit *limit = &limits->invitations;
    const uint64_t now_ms = clock_mono_ms(limits->clock);
    struct secret_key key;
    make_secret_key(exchange, &key);
    if (limiter_has(limit->by_room, key.by_room, now_ms, &exchange->retry_after_ms) &&
        limiter_has(limit->by_address, key.by_address, now_ms, &exchange->retry_after_ms)) {
        return true;
    }
    metric_inc(limit->refused);
    return false;
}

static void count_wrong_invitation(const struct room_limits *limits,
                                   const struct exchange *exchange)
{
    const struct secret_limit *limit = &limits->invitations;
    const uint64_t now_ms = clock_mono_ms(limits->clock);
    struct secret_key key;
    uint64_t wait_ms;
    make_secret_key(exchange, &key);
    (void)limiter_take(limit->by_room, key.by_room, now_ms, &wait_ms);
    (void)limiter_take(limit->by_address, key.by_address, now_ms, &wait_ms);
}

/* Every code is a guess until it is known to be right: so that not more can be tried at a time than
 * there are attempts. */
static enum err admit_guess(void *arg, struct exchange *exchange)
{
    const struct room_limits *limits = arg;
    if (has_invitation(exchange) && !may_show_invitation(limits, exchange)) {
        return ERR_RATE_LIMITED;
    }
    if (!is_code(exchange, named_room(exchange))) {
        return ERR_OK;
    }
    exchange->guard_holds = take_one(limits, &limits->codes, exchange);
    return exchange->guard_holds ? ERR_OK : ERR_RATE_LIMITED;
}

static void note_guess(void *arg, const struct exchange *exchange, enum err err)
{
    const struct room_limits *limits = arg;
    if (exchange->guard_holds && err != ERR_NO_SUCH_ROOM) {
        give_one_back(&limits->codes, exchange);
    }
    if (err == ERR_NO_SUCH_INVITATION) {
        count_wrong_invitation(limits, exchange);
    }
}

struct route_guard room_limits_guard(struct room_limits *limits)
{
    return (struct route_guard){.admit = admit_guess, .note = note_guess, .arg = limits};
}

/* ---- joins and PINs ---- */

enum err room_limits_take_join(struct room_limits *limits, struct exchange *exchange, bool has_pin)
{
    if (has_pin && !take_secret(limits, &limits->pins, exchange)) {
        return ERR_RATE_LIMITED;
    }
    if (!take_one(limits, &limits->joins, exchange)) {
        if (has_pin) {
            give_secret_back(&limits->pins, exchange);
        }
        return ERR_RATE_LIMITED;
    }
    return ERR_OK;
}

void room_limits_end_join(struct room_limits *limits, const struct exchange *exchange, bool has_pin,
                          enum err err, bool is_made)
{
    if (has_pin && err != ERR_WRONG_PIN) {
        give_secret_back(&limits->pins, exchange);
    }
    if (err == ERR_OK && !is_made) {
        give_one_back(&limits->joins, exchange);
    }
}

/* ---- life ---- */

static struct limiter *make_limiter(const struct room_limits_config *config,
                                    struct room_limits_rate rate)
{
    return limiter_new(&(struct limiter_config){
        .burst = rate.burst, .per_minute = rate.per_minute, .keys_max = config->table_max});
}

static struct secret_limit make_secret_limit(struct metrics *metrics,
                                             const struct room_limits_config *config,
                                             const char *labels)
{
    return (struct secret_limit){.by_room = make_limiter(config, config->secrets_of_room),
                                 .by_address = make_limiter(config, config->secrets),
                                 .refused = limited_joins(metrics, labels)};
}

struct room_limits *room_limits_new(const struct clock *clock, struct metrics *metrics,
                                    const struct room_limits_config *config)
{
    struct room_limits *limits = mem_alloc(sizeof(*limits));
    limits->clock = clock;
    limits->joins = (struct door_limit){.by_address = make_limiter(config, config->joins),
                                        .refused = limited_joins(metrics, "limit=\"join\"")};
    limits->codes = (struct door_limit){.by_address = make_limiter(config, config->codes),
                                        .refused = limited_joins(metrics, "limit=\"code\"")};
    limits->pins = make_secret_limit(metrics, config, "limit=\"pin\"");
    limits->invitations = make_secret_limit(metrics, config, "limit=\"invitation\"");
    return limits;
}

static void free_secret_limit(struct secret_limit *limit)
{
    limiter_free(&limit->by_room);
    limiter_free(&limit->by_address);
}

void room_limits_free(struct room_limits **limits)
{
    if (*limits != NULL) {
        limiter_free(&(*limits)->joins.by_address);
        limiter_free(&(*limits)->codes.by_address);
        free_secret_limit(&(*limits)->pins);
        free_secret_limit(&(*limits)->invitations);
        mem_free(limits);
    }
}
