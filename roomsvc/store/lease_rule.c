#include "roomsvc/store/lease_rule.h"

bool lease_rule(struct node_row *row, const struct node_claim *claim, uint64_t reserved_ms)
{
    struct node_lease *lease = &row->lease;
    /* Nobody has more left than a lease lasts: if it seems so, the database's clock was set back,
     * and the rest counts from now. */
    const uint64_t latest_unix_ms = row->now_unix_ms + claim->lease_ms;
    const bool is_cut = row->expires_unix_ms > latest_unix_ms;
    row->expires_unix_ms = is_cut ? latest_unix_ms : row->expires_unix_ms;
    const bool over = row->expires_unix_ms <= row->now_unix_ms;
    const bool own = memcmp(lease->holder, claim->holder, sizeof(lease->holder)) == 0;
    const bool reserved = over && row->expires_unix_ms != 0 && reserved_ms != 0;
    const bool grant = own || (!claim->release && over && !reserved);
    if (grant) {
        /* The epoch changes with the holder, and for a holder whose lease was over in between:
         * calls that another one answered then are told from his own. */
        lease->epoch += !claim->release && (!own || over);
        memcpy(lease->holder, claim->holder, sizeof(lease->holder));
        row->expires_unix_ms = claim->release ? 0 : latest_unix_ms;
        if (claim->janus_session != 0) {
            lease->janus_session = claim->janus_session;
            lease->janus_handle = claim->janus_handle;
        }
    }
    const bool lasts = row->expires_unix_ms > row->now_unix_ms;
    lease->remaining_ms = lasts                ? row->expires_unix_ms - row->now_unix_ms
                          : reserved && !grant ? reserved_ms
                                               : 0;
    return grant || is_cut;
}
