#include "janusbridge/lease/lease.h"

#include <assert.h>
#include <sodium.h>
#include <stdio.h>
#include <sys/stat.h>

#include "proto/base/log.h"

#define LEASE_MS 2000
#define RENEW_MS 1000
#define ASK_MS 500
#define ASK_MIN_MS 20
/* So that a renewal whose answer is lost is sent once more while there is time. */
#define TIMEOUT_MS 700
#define RETRY_MS 50
/* While the database is away: the holder wants to be the first when it is back. */
#define OUTAGE_ASK_MS 250
/* An outage that was seen so lately may have been seen by the other one until now. */
#define OUTAGE_MEMORY_MS 5000

enum lease_state {
    LEASE_IDLE,      /* not started: nobody is asked */
    LEASE_STANDBY,   /* another one has it, or it is not known who: roomsvc is asked again and again
                      */
    LEASE_TAKEN,     /* ours, but another one may not know yet: held from act_from_ms on */
    LEASE_HELD,      /* ours: renewed until valid_until_ms, and the session is ours too */
    LEASE_RELEASING, /* to be given up: when the claim under way is answered, roomsvc is told */
    LEASE_RELEASED,  /* given up, or roomsvc could not be told */
};

enum claim_state {
    CLAIM_NONE,     /* none is under way; the timer sends the next */
    CLAIM_SENT,     /* roomsvc is asked */
    CLAIM_OUTDATED, /* likewise, but there is news to tell since: another follows at once */
};

struct lease {
    struct lease_parts parts;
    struct lease_config config;
    enum lease_state state;
    enum claim_state claim;
    uint64_t epoch;
    uint64_t valid_until_ms;
    uint64_t act_from_ms;                   /* of LEASE_TAKEN */
    uint64_t outage_ms;                     /* when an outage was last told of; 0: never */
    uint64_t outage_from_ms;                /* since when it has lasted; 0: there is none */
    uint64_t stored_session, stored_handle; /* for the session to start with */
    uint64_t sent_ms;
    uint64_t timer;
    uint64_t expiry_timer;
    struct metric *held, *epoch_gauge, *taken, *lost;
};

/* The only place that sets the state. */
static void lease_enter(struct lease *lease, enum lease_state state)
{
    static const char *const names[] = {
        [LEASE_IDLE] = "idle", [LEASE_STANDBY] = "standby",     [LEASE_TAKEN] = "taken",
        [LEASE_HELD] = "held", [LEASE_RELEASING] = "releasing", [LEASE_RELEASED] = "released"};
    if (state != lease->state) {
        log_debug("lease", LOG_Z("was", names[lease->state]), LOG_Z("is", names[state]));
    }
    lease->state = state;
    metric_set(lease->held, state == LEASE_HELD ? 1 : 0);
    metric_set(lease->epoch_gauge, (int64_t)lease_epoch(lease));
}

static void send_due_claim(void *arg);

static void claim_in(struct lease *lease, uint64_t delay_ms)
{
    clock_cancel(lease->parts.clock, lease->timer);
    lease->timer = clock_after(lease->parts.clock, delay_ms, send_due_claim, lease);
}

static uint64_t lease_now_ms(const struct lease *lease)
{
    return clock_mono_ms(lease->parts.clock);
}

/* ---- to hold and to lose ---- */

bool lease_is_over(const struct lease *lease)
{
    return lease->state == LEASE_HELD && lease_now_ms(lease) >= lease->valid_until_ms;
}

static void lose_lease(struct lease *lease, const char *why)
{
    const bool was_held = lease->state == LEASE_HELD;
    lease_enter(lease, LEASE_STANDBY);
    lease->outage_from_ms = 0;
    if (!was_held) {
        return;
    }
    metric_inc(lease->lost);
    log_warn("the lease is lost; standing by", LOG_Z("why", why), LOG_U64("epoch", lease->epoch));
    janus_session_suspend(lease->parts.session);
}

bool lease_check(struct lease *lease)
{
    if (lease_is_over(lease)) {
        lose_lease(lease, "it was not renewed in time");
        claim_in(lease, 0);
    }
    return lease->state == LEASE_HELD;
}

static void arm_expiry(struct lease *lease);

static void on_expiry(void *arg)
{
    struct lease *lease = arg;
    lease->expiry_timer = 0;
    if (lease_check(lease)) {
        arm_expiry(lease);
    }
}

/* Each renewal moves it: that is seen when the timer fires. */
static void arm_expiry(struct lease *lease)
{
    const uint64_t now = lease_now_ms(lease);
    const uint64_t left_ms = lease->valid_until_ms > now ? lease->valid_until_ms - now : 0;
    clock_cancel(lease->parts.clock, lease->expiry_timer);
    lease->expiry_timer = clock_after(lease->parts.clock, left_ms, on_expiry, lease);
}

/* ---- answers ---- */

static void on_granted(struct lease *lease, const struct msg_node_renew_reply *grant)
{
    const uint64_t now = lease_now_ms(lease);
    /* Whatever is said to be left: another one may take it when a lease's length has passed. */
    lease->valid_until_ms =
        lease->sent_ms + (grant->remaining_ms < LEASE_MS ? grant->remaining_ms : LEASE_MS);
    lease->epoch = grant->epoch;
    metric_set(lease->epoch_gauge, (int64_t)lease_epoch(lease));
    lease->stored_session = grant->janus_session;
    lease->stored_handle = grant->janus_handle;
    lease->outage_from_ms = 0;
    if (lease->state == LEASE_STANDBY) {
        const bool after_outage =
            lease->outage_ms != 0 && now - lease->outage_ms < OUTAGE_MEMORY_MS;
        lease_enter(lease, LEASE_TAKEN);
        lease->act_from_ms = after_outage ? now + LEASE_MS : now;
    }
    if (lease->state == LEASE_TAKEN && now >= lease->act_from_ms && now < lease->valid_until_ms) {
        lease_enter(lease, LEASE_HELD);
        arm_expiry(lease);
        metric_inc(lease->taken);
        log_info("the lease is held", LOG_U64("epoch", lease->epoch),
                 LOG_Z("session", lease->stored_session != 0 ? "resumed" : "new"));
        janus_session_resume(lease->parts.session, lease->stored_session, lease->stored_handle);
    }
    const uint64_t due_ms =
        lease->state == LEASE_TAKEN ? lease->sent_ms + ASK_MS : lease->sent_ms + RENEW_MS;
    claim_in(lease, due_ms > now ? due_ms - now : 0);
}

static void on_denied(struct lease *lease, const struct msg_node_renew_reply *denial)
{
    lose_lease(lease, "another bridge has it");
    const uint64_t left_ms = denial->remaining_ms + ASK_MIN_MS;
    claim_in(lease, left_ms < ASK_MS ? left_ms : ASK_MS);
}

/* The database is away, so that nobody can have taken the lease. */
static void on_outage(struct lease *lease)
{
    const uint64_t now = lease_now_ms(lease);
    lease->outage_ms = now;
    if (lease->state != LEASE_HELD) {
        claim_in(lease, ASK_MS);
        return;
    }
    if (lease->outage_from_ms == 0) {
        lease->outage_from_ms = now;
        log_info("the lease cannot be renewed: the database is away; going on",
                 LOG_U64("for_ms", lease->config.outage_ms));
    }
    if (now - lease->outage_from_ms < lease->config.outage_ms) {
        lease->valid_until_ms = lease->sent_ms + LEASE_MS;
    }
    claim_in(lease, OUTAGE_ASK_MS);
}

static void tell_health(struct lease *lease, bool is_known)
{
    const bool is_held = lease->state == LEASE_HELD;
    health_set(lease->parts.health, "lease", is_known || is_held,
               is_held    ? ""
               : is_known ? "standing by"
                          : "roomsvc does not say who holds it");
}

static void send_release(struct lease *lease);

static void on_claim_answer(void *arg, enum err err, const struct msg *reply)
{
    struct lease *lease = arg;
    const bool is_outdated = lease->claim == CLAIM_OUTDATED;
    lease->claim = CLAIM_NONE;
    if (lease->state == LEASE_RELEASING) {
        send_release(lease);
        return;
    }
    if (lease->state == LEASE_RELEASED) {
        return;
    }
    (void)lease_check(lease); /* an answer may be as old as a pause of this process was long */
    if (err == ERR_OK && reply->node_renew_reply.held) {
        on_granted(lease, &reply->node_renew_reply);
    } else if (err == ERR_OK) {
        on_denied(lease, &reply->node_renew_reply);
    } else if (err == ERR_UNAVAILABLE) {
        on_outage(lease);
    } else {
        claim_in(lease, lease->state == LEASE_HELD ? RETRY_MS : ASK_MS);
    }
    if (is_outdated && lease->state == LEASE_HELD) {
        claim_in(lease, 0);
    }
    tell_health(lease, err == ERR_OK);
}

static enum err send_claim(struct lease *lease, bool release, bus_reply_fn *fn)
{
    const struct janus_session *session = lease->parts.session;
    const bool is_ready = lease->state == LEASE_HELD && janus_session_is_ready(session);
    lease->sent_ms = lease_now_ms(lease);
    const struct msg request = {
        .id = MSG_node_renew,
        .node_renew = {.node = str_of(lease->config.node),
                       .holder = {(const char *)lease->config.holder, LEASE_HOLDER_BYTES},
                       .janus_session = is_ready ? janus_session_id(session) : 0,
                       .janus_handle = is_ready ? janus_session_handle(session) : 0,
                       .release = release}};
    const struct call_context context = {.request_id = STR_LIT("lease"),
                                         .deadline_ms = lease->sent_ms + TIMEOUT_MS};
    const enum err err = bus_call(lease->parts.bus, &request, &context, fn, lease);
    lease->claim = err == ERR_OK ? CLAIM_SENT : CLAIM_NONE;
    return err;
}

static void send_due_claim(void *arg)
{
    struct lease *lease = arg;
    lease->timer = 0;
    (void)lease_check(lease);
    if (lease->claim != CLAIM_NONE || send_claim(lease, false, on_claim_answer) == ERR_OK) {
        return;
    }
    claim_in(lease, lease->state == LEASE_HELD ? RETRY_MS : ASK_MS);
    tell_health(lease, false);
}

/* ---- the session ---- */

/* roomsvc keeps its ids for the bridge that takes the lease next, which resumes it. */
static void on_session_is_ready(void *arg, bool is_new)
{
    struct lease *lease = arg;
    (void)is_new;
    if (lease->state != LEASE_HELD) {
        return;
    }
    if (lease->claim != CLAIM_NONE) {
        lease->claim = CLAIM_OUTDATED;
    } else {
        claim_in(lease, 0);
    }
}

/* ---- life ---- */

struct lease *lease_new(const struct lease_parts *parts, const struct lease_config *config)
{
    struct lease *lease = mem_alloc(sizeof(*lease));
    lease->parts = *parts;
    lease->config = *config;
    struct metrics *metrics = parts->metrics;
    lease->held = metrics_gauge(metrics, "lynks_janusbridge_lease_held",
                                "1 while this bridge may act on its Janus", NULL);
    lease->epoch_gauge = metrics_gauge(metrics, "lynks_janusbridge_lease_epoch",
                                       "Epoch of the lease that is held; 0: none is", NULL);
    lease->taken = metrics_counter(metrics, "lynks_janusbridge_leases_total",
                                   "Times that the lease changed", "what=\"taken\"");
    lease->lost = metrics_counter(metrics, "lynks_janusbridge_leases_total",
                                  "Times that the lease changed", "what=\"lost\"");
    const struct janus_listener listener = {.on_ready = on_session_is_ready, .arg = lease};
    janus_session_listen(parts->session, &listener);
    janus_session_suspend(parts->session);
    tell_health(lease, false);
    return lease;
}

void lease_free(struct lease **lease_ref)
{
    if (*lease_ref != NULL) {
        clock_cancel((*lease_ref)->parts.clock, (*lease_ref)->timer);
        clock_cancel((*lease_ref)->parts.clock, (*lease_ref)->expiry_timer);
        mem_free(lease_ref);
    }
}

void lease_start(struct lease *lease)
{
    assert(lease->state == LEASE_IDLE);
    lease_enter(lease, LEASE_STANDBY);
    send_due_claim(lease);
}

uint64_t lease_epoch(const struct lease *lease)
{
    return lease != NULL && lease->state == LEASE_HELD ? lease->epoch : 0;
}

static void on_released(void *arg, enum err err, const struct msg *reply)
{
    struct lease *lease = arg;
    (void)err;
    (void)reply;
    lease->claim = CLAIM_NONE;
    lease_enter(lease, LEASE_RELEASED);
}

static void send_release(struct lease *lease)
{
    if (send_claim(lease, true, on_released) != ERR_OK) {
        lease_enter(lease, LEASE_RELEASED);
    }
}

/* A renewal that is on its way would take it again if it came after the release, so its answer is
 * waited for. */
bool lease_give_up(struct lease *lease)
{
    if (lease->state == LEASE_RELEASING || lease->state == LEASE_RELEASED) {
        return lease->state == LEASE_RELEASED;
    }
    clock_cancel(lease->parts.clock, lease->timer);
    clock_cancel(lease->parts.clock, lease->expiry_timer);
    lease->timer = lease->expiry_timer = 0;
    if (lease->state == LEASE_HELD) {
        log_info("the lease is given up", LOG_U64("epoch", lease->epoch));
    }
    const bool is_ours = lease->state == LEASE_HELD || lease->state == LEASE_TAKEN;
    const bool is_asked = lease->claim != CLAIM_NONE;
    lease_enter(lease, is_ours || is_asked ? LEASE_RELEASING : LEASE_RELEASED);
    janus_session_suspend(lease->parts.session);
    if (lease->state == LEASE_RELEASING && !is_asked) {
        send_release(lease);
    }
    return lease->state == LEASE_RELEASED;
}

/* An address can be bound once in a network namespace, and a namespace belongs to one boot of one
 * machine. */
void lease_name_holder(const char *bus_bind, uint8_t ret_holder[LEASE_HOLDER_BYTES])
{
    char boot[64] = "";
    struct stat namespace = {0};
    FILE *file = fopen("/proc/sys/kernel/random/boot_id", "re");
    if (file != NULL) {
        boot[fread(boot, 1, sizeof(boot) - 1, file)] = '\0';
        (void)fclose(file);
    }
    const bool is_known = boot[0] != '\0' && stat("/proc/self/ns/net", &namespace) == 0;
    if (!is_known) {
        randombytes_buf(ret_holder, LEASE_HOLDER_BYTES);
        return;
    }
    AUTO(mem_free)
    char *name = mem_printf("%s %" PRIu64 " %s", boot, (uint64_t) namespace.st_ino, bus_bind);
    (void)crypto_generichash(ret_holder, LEASE_HOLDER_BYTES, (const uint8_t *)name, strlen(name),
                             NULL, 0);
}
