/* Who gets the lease of a node: the rule alone, over the row that is stored. */
#ifndef LYNKS_ROOMSVC_STORE_LEASE_RULE_H
#define LYNKS_ROOMSVC_STORE_LEASE_RULE_H

#include "roomsvc/store/node_store.h"

struct node_row {
    struct node_lease lease;
    uint64_t expires_unix_ms; /* 0: it was given up */
    uint64_t now_unix_ms;
};

/* Judges the claim; true if the row has been changed and has to be written: given, given up, or cut
 * to the length of a lease. Tells what is left of the lease, also of one that was not given.
 * reserved_ms is not 0 when a holder may have gone on while the database was away: for so long only
 * he may renew it, be it over. */
bool lease_rule(struct node_row *row, const struct node_claim *claim, uint64_t reserved_ms);

#endif
