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

static void look_at_room(void *arg);

static void end_room(struct audit *audit)
{
    audit->room_id = 0;
    audit->looks = 0;
    audit->timer = clock_after(audit->parts.clock, audit->parts.interval_ms, look_at_room, audit);
}

static void on_look(void *arg, enum err err, const struct janus_message *message)
{
    struct audit *audit = arg;
    const enum audit_verdict verdict = observers_compare(
        audit->parts.observers, audit->room_id, audit->token, err == ERR_OK ? message : NULL);
    if (verdict == AUDIT_DIFFERENT && ++audit->looks < AUDIT_LOOKS) {
        audit->timer = clock_after(audit->parts.clock, AUDIT_PAUSE_MS, look_at_room, audit);
        return;
    }
    if (verdict != AUDIT_MOVED) {
        metric_inc(audit->comparisons);
    }
    if (verdict == AUDIT_DIFFERENT) {
        metric_inc(audit->differences);
        log_warn("memory and janus differ: the room is observed anew",
                 LOG_U64("room", audit->room_id));
        observers_distrust(audit->parts.observers, audit->room_id);
    }
    end_room(audit);
}

/* At the next room, or again at the one whose last look differed. */
static void look_at_room(void *arg)
{
    struct audit *audit = arg;
    const struct audit_parts *parts = &audit->parts;
    audit->timer = 0;
    audit->token = 0;
    if (audit->looks == 0) {
        audit->room_id = observers_begin_audit(parts->observers, &audit->token);
    } else {
        audit->token = observers_begin_again(parts->observers, audit->room_id);
    }
    if (audit->token == 0) {
        end_room(audit);
        return;
    }
    AUTO(mem_free) char *body = janus_json_participants(audit->room_id);
    uint64_t id;
    if (janus_session_call(parts->session, body, AUDIT_TIMEOUT_MS, on_look, audit, &id) != ERR_OK) {
        (void)observers_compare(parts->observers, audit->room_id, audit->token, NULL);
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
