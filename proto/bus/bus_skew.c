#include "proto/bus/bus_skew.h"

#include "proto/base/log.h"
#include "proto/base/lru.h"

#define PEERS_MAX 64
#define REMIND_MS 60000

struct peer {
    const char *role;
    struct skew skew;
};

struct bus_skew {
    const struct clock *clock;
    struct health *health;
    struct lru *peers;  /* number of the connection -> struct peer */
    uint64_t told_peer; /* whose clock /readyz tells of, while is_told */
    bool is_told;
    uint64_t remind_ms;
    struct metric *ahead;
};

struct bus_skew *bus_skew_new(const struct clock *clock, struct metrics *metrics,
                              struct health *health)
{
    struct bus_skew *skew = mem_alloc(sizeof(*skew));
    skew->clock = clock;
    skew->health = health;
    skew->peers = lru_new(sizeof(uint64_t), sizeof(struct peer), PEERS_MAX);
    skew->ahead = metrics_gauge(metrics, "lynks_bus_clock_ahead_ms",
                                "Our wall clock before that of the caller whose clock was compared"
                                " last; negative: behind it.",
                                NULL);
    if (health != NULL) {
        health_set(health, "clock", true, "");
    }
    return skew;
}

void bus_skew_free(struct bus_skew **skew)
{
    if (*skew != NULL) {
        lru_free(&(*skew)->peers);
        mem_free(skew);
    }
}

static void note(struct bus_skew *skew, const char *text)
{
    if (skew->health != NULL) {
        health_note(skew->health, "clock", text);
    }
}

/* Of several that are off the first one is told of, until it is right. */
static void tell(struct bus_skew *skew, uint64_t id, const struct peer *peer)
{
    metric_set(skew->ahead, peer->skew.ahead_ms);
    if (!skew_is_large(&peer->skew)) {
        if (skew->is_told && skew->told_peer == id) {
            skew->is_told = false;
            note(skew, "");
        }
        return;
    }
    AUTO(mem_free) char *text = skew_text(&peer->skew);
    const uint64_t now_ms = clock_mono_ms(skew->clock);
    const bool is_known = skew->is_told && lru_peek(skew->peers, &skew->told_peer) != NULL;
    if (!skew->is_told || now_ms >= skew->remind_ms) {
        log_warn("clocks differ", LOG_Z("peer", peer->role), LOG_Z("its_clock_is", text));
        skew->remind_ms = now_ms + REMIND_MS;
    }
    if (!is_known || skew->told_peer == id) {
        AUTO(mem_free) char *told = mem_printf("the clock of %s is %s", peer->role, text);
        note(skew, told);
        skew->told_peer = id;
        skew->is_told = true;
    }
}

void bus_skew_hear(struct bus_skew *skew, uint64_t id, const char *role,
                   const struct envelope *envelope)
{
    if (envelope->expiry_unix_ms <= envelope->remaining_ms) {
        return; /* it does not say when */
    }
    bool added = false;
    struct peer *peer = lru_put(skew->peers, &id, &added);
    peer->role = role;
    if (skew_hear(&peer->skew, skew->clock, envelope->expiry_unix_ms - envelope->remaining_ms)) {
        tell(skew, id, peer);
    }
}
