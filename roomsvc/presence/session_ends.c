#include "roomsvc/presence/session_ends.h"

struct session_ends {
    struct take_outs *outs;
    uint64_t looks;                    /* that were done */
    uint64_t last_seq;                 /* of this look */
    uint64_t seqs[SESSION_ENDS_LOOKS]; /* of the last looks, the oldest first */
};

static void session_ends_on_begin(void *arg, uint64_t due_ms, struct out_look *look)
{
    const struct session_ends *ends = arg;
    (void)due_ms;
    look->why =
        ends->looks % SESSION_ENDS_ALL_EVERY == 0 ? OUT_ANY_SESSION_ENDED : OUT_SESSION_ENDED;
    look->after_seq = ends->seqs[0];
}

static void session_ends_on_found(void *arg, const struct out_found *found)
{
    struct session_ends *ends = arg;
    ends->last_seq = found->last_seq;
}

/* A look that has failed is done again, with the same; so is one that has found too many. */
static void session_ends_on_done(void *arg)
{
    struct session_ends *ends = arg;
    const size_t last = SESSION_ENDS_LOOKS - 1;
    memmove(ends->seqs, ends->seqs + 1, last * sizeof(ends->seqs[0]));
    ends->seqs[last] = ends->last_seq;
    for (size_t i = 0; ends->looks == 0 && i < last; i++) {
        ends->seqs[i] = ends->last_seq;
    }
    ends->looks++;
}

struct session_ends *session_ends_new(const struct take_outs_parts *parts)
{
    struct session_ends *ends = mem_alloc(sizeof(*ends));
    const struct take_outs_kind kind = {.reason = "session_ended",
                                        .rest_ms = SESSION_ENDS_LOOK_MS,
                                        .arg = ends,
                                        .begin = session_ends_on_begin,
                                        .found = session_ends_on_found,
                                        .done = session_ends_on_done};
    ends->outs = take_outs_new(parts, &kind);
    return ends;
}

void session_ends_free(struct session_ends **ends)
{
    if (*ends != NULL) {
        take_outs_free(&(*ends)->outs);
        mem_free(ends);
    }
}
