#include "roomsvc/presence/session_ends.h"

struct session_ends {
    struct take_outs outs;
    uint64_t timer;                    /* 0: a look is under way */
    uint64_t looks;                    /* that were done */
    uint64_t last_seq;                 /* of this look */
    uint64_t seqs[SESSION_ENDS_LOOKS]; /* of the last looks, the oldest first */
};

static void look_for_ended_sessions(void *arg)
{
    struct session_ends *ends = arg;
    const bool is_at_all = ends->looks % SESSION_ENDS_ALL_EVERY == 0;
    const struct out_look look = {.why = is_at_all ? OUT_ANY_SESSION_ENDED : OUT_SESSION_ENDED,
                                  .after_seq = ends->seqs[0]};
    ends->timer = 0;
    take_outs_start(&ends->outs, &look);
}

static void session_ends_on_found(void *arg, const struct out_found *found)
{
    struct session_ends *ends = arg;
    ends->last_seq = found->last_seq;
}

static void note_session_ends_look(struct session_ends *ends)
{
    const size_t last = SESSION_ENDS_LOOKS - 1;
    memmove(ends->seqs, ends->seqs + 1, last * sizeof(ends->seqs[0]));
    ends->seqs[last] = ends->last_seq;
    for (size_t i = 0; ends->looks == 0 && i < last; i++) {
        ends->seqs[i] = ends->last_seq;
    }
    ends->looks++;
}

/* A look that has failed is done again, with the same; so is one that has found too many. */
static void session_ends_on_done(void *arg, enum err err, bool has_more)
{
    struct session_ends *ends = arg;
    const bool goes_on = err == ERR_OK && has_more;
    if (err == ERR_OK && !has_more) {
        note_session_ends_look(ends);
    }
    ends->timer =
        clock_after(ends->outs.parts.clock, goes_on ? TAKE_OUTS_PAUSE_MS : SESSION_ENDS_LOOK_MS,
                    look_for_ended_sessions, ends);
}

struct session_ends *session_ends_new(const struct take_outs_parts *parts)
{
    struct session_ends *ends = mem_alloc(sizeof(*ends));
    take_outs_init(&ends->outs, parts, "session_ended");
    ends->outs.on_found = session_ends_on_found;
    ends->outs.on_done = session_ends_on_done;
    ends->outs.arg = ends;
    ends->timer = clock_after(parts->clock, SESSION_ENDS_LOOK_MS, look_for_ended_sessions, ends);
    return ends;
}

void session_ends_free(struct session_ends **ends)
{
    if (*ends != NULL) {
        clock_cancel((*ends)->outs.parts.clock, (*ends)->timer);
        take_outs_fini(&(*ends)->outs);
        mem_free(ends);
    }
}
