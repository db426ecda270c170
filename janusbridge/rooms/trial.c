#include "janusbridge/rooms/trial.h"

#include <sodium.h>

#include "proto/base/backoff.h"
#include "proto/base/log.h"

/* How often the reason of a failure is logged again while it stays the same. */
#define REMIND_MS 60000

enum trial_state {
    TRIAL_IDLE,    /* the session is not ready: there is nothing to try */
    TRIAL_MAKING,  /* Janus is asked to make the room */
    TRIAL_LISTING, /* the room is there, and who is in it is asked for */
    TRIAL_ENDING,  /* likewise, and Janus is asked to end it */
    TRIAL_PASSED,  /* all went well; the timer runs if another one is wanted */
    TRIAL_FAILED,  /* one step did not; the timer runs */
};

struct trial {
    struct trial_parts parts;
    enum trial_state state;
    uint64_t room_id;
    char secret[ROOM_SECRET_BYTES + 1];
    uint64_t began_ms;
    uint64_t timer;
    struct backoff pause;
    const char *reason; /* of the last failure, as logged; NULL: the last one passed */
    uint64_t reminded_ms;
    struct metric *passed, *failed;
};

/* The only place that sets the state. */
static void trial_enter(struct trial *trial, enum trial_state state)
{
    static const char *const names[] = {
        [TRIAL_IDLE] = "idle",     [TRIAL_MAKING] = "making", [TRIAL_LISTING] = "listing",
        [TRIAL_ENDING] = "ending", [TRIAL_PASSED] = "passed", [TRIAL_FAILED] = "failed"};
    log_debug("trial", LOG_Z("was", names[trial->state]), LOG_Z("is", names[state]));
    trial->state = state;
}

static void begin_trial(void *arg);

static void try_in(struct trial *trial, uint64_t delay_ms)
{
    clock_cancel(trial->parts.clock, trial->timer);
    trial->timer = clock_after(trial->parts.clock, delay_ms, begin_trial, trial);
}

/* ---- verdicts ---- */

static void pass_trial(struct trial *trial)
{
    trial_enter(trial, TRIAL_PASSED);
    metric_inc(trial->passed);
    backoff_begin_at_min(&trial->pause);
    health_set(trial->parts.health, "rooms", true, "");
    if (trial->reason != NULL) {
        log_info("janus makes, lists and ends rooms again");
    }
    trial->reason = NULL;
}

static void fail_trial(struct trial *trial, const char *reason, uint64_t code)
{
    const uint64_t now_ms = clock_mono_ms(trial->parts.clock);
    trial_enter(trial, TRIAL_FAILED);
    metric_inc(trial->failed);
    health_set(trial->parts.health, "rooms", false, reason);
    if (trial->reason != reason || now_ms - trial->reminded_ms >= REMIND_MS) {
        trial->reminded_ms = now_ms;
        log_error("a room cannot be made, listed and ended: requests for rooms will fail",
                  LOG_Z("reason", reason), LOG_U64("janus_code", code));
    }
    trial->reason = reason;
    try_in(trial, backoff_next(&trial->pause));
}

/* Static texts, for people; refused: what Janus does not do. */
static const char *reason_of(const struct trial *trial, enum err err,
                             const struct janus_message *message, const char *refused)
{
    switch (err) {
    case ERR_DEADLINE:
        return "janus does not answer requests for rooms";
    case ERR_UNAVAILABLE:
        return "requests to janus break off";
    case ERR_OVERLOADED:
        return "more requests wait for janus than it answers";
    default:
        break;
    }
    switch (message != NULL ? message->fault : JANUS_FAULT_NONE) {
    case JANUS_FAULT_KEY_MISSING:
        return trial->parts.admin_key[0] == '\0'
                   ? "janus wants an admin key for new rooms: LYNKS_JANUS_ADMIN_KEY is not set"
                   : refused;
    case JANUS_FAULT_KEY_WRONG:
        return "janus refuses the admin key (LYNKS_JANUS_ADMIN_KEY)";
    case JANUS_FAULT_WRONG_TYPE:
        return "janus wants names instead of numbers for rooms: string_ids must be false in "
               "janus.plugin.videoroom.jcfg";
    default:
        return refused;
    }
}

/* ---- steps ---- */

static void on_trial_answer(void *arg, enum err err, const struct janus_message *message);

static void take_step(struct trial *trial, enum trial_state state)
{
    AUTO(mem_free) char *body = NULL;
    const struct msg_bridge_create room = {.room_id = trial->room_id,
                                           .secret = str_of(trial->secret),
                                           .description = STR_LIT("a trial of Lynks"),
                                           .publishers_max = 1};
    uint64_t id;
    trial_enter(trial, state);
    body = state == TRIAL_MAKING    ? janus_json_create(&room, trial->parts.admin_key)
           : state == TRIAL_LISTING ? janus_json_participants(trial->room_id)
                                    : janus_json_destroy(trial->room_id, room.secret);
    const enum err err = janus_session_call(trial->parts.session, body, TRIAL_TIMEOUT_MS,
                                            on_trial_answer, trial, &id);
    if (err != ERR_OK) {
        fail_trial(trial, reason_of(trial, err, NULL, ""), 0);
    }
}

/* A room that is there already is one that an earlier trial left. */
static void on_trial_answer(void *arg, enum err err, const struct janus_message *message)
{
    struct trial *trial = arg;
    const uint64_t code = message != NULL ? message->code : 0;
    const enum janus_fault fault = message != NULL ? message->fault : JANUS_FAULT_NONE;
    uint64_t ids[PUBLISHERS_MAX];
    size_t count;
    switch (trial->state) {
    case TRIAL_MAKING:
        if (err == ERR_OK) {
            err = janus_message_is_done(message, "created", trial->room_id);
        }
        if (err == ERR_OK || fault == JANUS_FAULT_ROOM_EXISTS) {
            take_step(trial, TRIAL_LISTING);
            return;
        }
        fail_trial(trial, reason_of(trial, err, message, "janus does not make rooms"), code);
        break;
    case TRIAL_LISTING:
        if (err == ERR_OK) {
            err = janus_message_publishers(message, trial->room_id, ids, &count);
        }
        if (err == ERR_OK) {
            take_step(trial, TRIAL_ENDING);
            return;
        }
        fail_trial(trial, reason_of(trial, err, NULL, "janus does not list who is in a room"),
                   code);
        break;
    case TRIAL_ENDING:
        if (err == ERR_OK) {
            err = janus_message_is_done(message, "destroyed", trial->room_id);
        }
        if (err == ERR_OK || err == ERR_NO_SUCH_ROOM) {
            pass_trial(trial);
            return;
        }
        fail_trial(trial, reason_of(trial, err, NULL, "janus does not end rooms"), code);
        break;
    case TRIAL_IDLE: /* the session was lost */
    case TRIAL_PASSED:
    case TRIAL_FAILED:
        break;
    }
}

static void begin_trial(void *arg)
{
    struct trial *trial = arg;
    clock_cancel(trial->parts.clock, trial->timer);
    trial->timer = 0;
    trial->began_ms = clock_mono_ms(trial->parts.clock);
    take_step(trial, TRIAL_MAKING);
}

void trial_doubt(struct trial *trial)
{
    if (trial == NULL || trial->state != TRIAL_PASSED || trial->timer != 0) {
        return;
    }
    const uint64_t since_ms = clock_mono_ms(trial->parts.clock) - trial->began_ms;
    try_in(trial, since_ms < TRIAL_PAUSE_MS ? TRIAL_PAUSE_MS - since_ms : 0);
}

/* ---- the session ---- */

static void on_session_ready(void *arg, bool is_new)
{
    struct trial *trial = arg;
    (void)is_new;
    health_set(trial->parts.health, "rooms", false, "not tried yet");
    begin_trial(trial);
}

/* Why there is no session is said elsewhere ("janus", "lease"). */
static void on_session_lost(void *arg)
{
    struct trial *trial = arg;
    clock_cancel(trial->parts.clock, trial->timer);
    trial->timer = 0;
    trial_enter(trial, TRIAL_IDLE);
    health_set(trial->parts.health, "rooms", true, "");
}

/* ---- life ---- */

static void name_room(struct trial *trial)
{
    struct {
        uint64_t room_id;
        uint8_t secret[ROOM_SECRET_BYTES / 2];
    } names;
    if (trial->parts.admin_key[0] != '\0') {
        AUTO(mem_free)
        char *source = mem_printf("lynks trial %s %s", trial->parts.node, trial->parts.admin_key);
        (void)crypto_generichash((uint8_t *)&names, sizeof(names), (const uint8_t *)source,
                                 strlen(source), NULL, 0);
        sodium_memzero(source, strlen(source));
    } else {
        randombytes_buf(&names, sizeof(names));
    }
    trial->room_id = ROOM_ID_MAX + 1 + (names.room_id & ROOM_ID_MAX);
    hex_encode(trial->secret, names.secret, sizeof(names.secret));
}

struct trial *trial_new(const struct trial_parts *parts)
{
    static const char trials[] = "lynks_janusbridge_trials_total";
    static const char help[] = "Times that a room was made, listed and ended to see that it works";
    struct trial *trial = mem_alloc(sizeof(*trial));
    trial->parts = *parts;
    trial->pause = (struct backoff){
        .min_ms = TRIAL_PAUSE_MS, .max_ms = TRIAL_PAUSE_MAX_MS, .random = random_u32};
    backoff_begin_at_min(&trial->pause);
    name_room(trial);
    trial->passed = metrics_counter(parts->metrics, trials, help, "result=\"passed\"");
    trial->failed = metrics_counter(parts->metrics, trials, help, "result=\"failed\"");
    const struct janus_listener listener = {
        .on_ready = on_session_ready, .on_lost = on_session_lost, .arg = trial};
    janus_session_listen(parts->session, &listener);
    health_set(parts->health, "rooms", true, "");
    return trial;
}

void trial_free(struct trial **trial)
{
    if (*trial != NULL) {
        clock_cancel((*trial)->parts.clock, (*trial)->timer);
        mem_free(trial);
    }
}
