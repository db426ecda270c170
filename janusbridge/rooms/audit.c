#include "janusbridge/rooms/audit.h"

#include "proto/base/log.h"

struct audit {
    struct audit_parts parts;
    uint64_t room_id; /* that is looked at; 0: none */
    uint64_t token;
    unsigned looks; /* that differed */
    uint64_t timer;
    struct metric *comparisons, *differences;
};

static void next_room(void *arg);
static void look_again(void *arg);

static void wait_then(struct audit *audit, uint64_t delay_ms, timer_fn *fn)
{
    audit->timer = clock_after(audit->parts.clock, delay_ms, fn, audit);
}

static void end_room(struct audit *audit)
{
    audit->room_id = 0;
    wait_then(audit, audit->parts.interval_ms, next_room);
}

static void note_difference(struct audit *audit)
{
    metric_inc(audit->comparisons);
    metric_inc(audit->differences);
    log_warn("memory and janus differ: the room is observed anew", LOG_U64("room", audit->room_id));
    observers_distrust(audit->parts.observers, audit->room_id);
}

static void on_look(void *arg, enum err err, const struct janus_message *message)
{
    struct audit *audit = arg;
    const enum audit_verdict verdict = observers_compare(
        audit->parts.observers, audit->room_id, audit->token, err == ERR_OK ? message : NULL);
    if (verdict == AUDIT_DIFFERENT && ++audit->looks < AUDIT_LOOKS) {
        wait_then(audit, AUDIT_PAUSE_MS, look_again);
        return;
    }
    if (verdict == AUDIT_DIFFERENT) {
        note_difference(audit);
    } else if (verdict == AUDIT_SAME) {
        metric_inc(audit->comparisons);
    }
    end_room(audit);
}

static void look_at_room(struct audit *audit)
{
    AUTO(mem_free) char *body = janus_json_participants(audit->room_id);
    uint64_t id;
    if (janus_session_call(audit->parts.session, body, AUDIT_TIMEOUT_MS, on_look, audit, &id) !=
        ERR_OK) {
        (void)observers_compare(audit->parts.observers, audit->room_id, audit->token, NULL);
        end_room(audit);
    }
}

static void look_again(void *arg)
{
    struct audit *audit = arg;
    audit->timer = 0;
    audit->token = observers_begin_again(audit->parts.observers, audit->room_id);
    if (audit->token != 0) {
        look_at_room(audit);
    } else {
        end_room(audit);
    }
}

static void next_room(void *arg)
{
    struct audit *audit = arg;
    audit->timer = 0;
    audit->looks = 0;
    audit->room_id = observers_begin_audit(audit->parts.observers, &audit->token);
    if (audit->room_id != 0) {
        look_at_room(audit);
    } else {
        end_room(audit);
    }
}

struct audit *audit_new(const struct audit_parts *parts)
{
    struct audit *audit = mem_alloc(sizeof(*audit));
    audit->parts = *parts;
    audit->comparisons =
        metrics_counter(parts->metrics, "lynks_janusbridge_audit_comparisons_total",
                        "Rooms whose memory was compared with Janus", NULL);
    audit->differences =
        metrics_counter(parts->metrics, "lynks_janusbridge_audit_differences_total",
                        "Of these, rooms in which memory was wrong", NULL);
    if (parts->interval_ms > 0) {
        end_room(audit);
    }
    return audit;
}

void audit_free(struct audit **audit_ref)
{
    if (*audit_ref != NULL) {
        clock_cancel((*audit_ref)->parts.clock, (*audit_ref)->timer);
        mem_free(audit_ref);
    }
}
