/* The right to act on a Janus node, which only one bridge has at a time: a lease that roomsvc gives
 * from the database (node_renew).
 *
 *   standing by ---> held        asked every 500 ms, or when the other one's lease is over
 *   held ---> standing by        another one has it, or it could not be renewed in time
 *
 * It is renewed every second and lasts two, counted by the monotonic clock from the sending of the
 * renewal. A process that was stopped for longer than that finds itself without it (lease_check)
 * before it does anything else.
 *
 * While roomsvc says that the database is away, nobody can take the lease, so its holder goes on
 * for a bounded time. When the database is back, roomsvc keeps the lease for that holder as long as
 * a lease lasts. A bridge that takes it from another one right after such an outage waits until
 * that one must have noticed.
 *
 * The holder is named by what only one process can have at a time: the address that it has bound on
 * the bus. So a bridge that is started again after a crash still is the holder.
 *
 * The lease starts and suspends the session with Janus. Lives on the loop. */
#ifndef LYNKS_JANUSBRIDGE_LEASE_LEASE_H
#define LYNKS_JANUSBRIDGE_LEASE_LEASE_H

#include "janusbridge/janus/janus_session.h"
#include "proto/bus/bus.h"

#define LEASE_HOLDER_BYTES 16

struct lease_config {
    const char *node;
    uint8_t holder[LEASE_HOLDER_BYTES];
    uint64_t outage_ms; /* how long its holder goes on while the database is away */
};

struct lease_parts {
    const struct bus *bus;
    const struct clock *clock;
    struct metrics *metrics;
    struct health *health;         /* reported as "lease" */
    struct janus_session *session; /* not started; only the lease starts it */
};

struct lease;

/* Parts are borrowed, config is copied but for node. */
struct lease *lease_new(const struct lease_parts *parts, const struct lease_config *config);
void lease_free(struct lease **lease); /* after the bus has ended, before the session */
void lease_start(struct lease *lease); /* once: the holder's address is bound */

/* Is it held right now? If it is over, the session is suspended first. */
bool lease_check(struct lease *lease);
/* The same, and nothing is done about it. */
bool lease_is_over(const struct lease *lease);
/* Of the lease that is held; 0: none is, or lease is NULL. A bridge that stands by tells no epoch:
 * a restored dump may have brought back lower ones, and roomsvc believes the highest that it hears.
 */
uint64_t lease_epoch(const struct lease *lease);

/* Gives it up for another to take at once; the session is left to that one. To be called until it
 * is true: that was told to roomsvc, or could not be. */
bool lease_give_up(struct lease *lease);

/* Names the holder by the bus address that this process has bound. */
void lease_name_holder(const char *bus_bind, uint8_t ret_holder[LEASE_HOLDER_BYTES]);

#endif
