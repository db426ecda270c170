/* Publishes that sessions and users have changed (auth_event in messages.def), with signs of life
 * in between, and hears the same of the other replicas: a session that one of them has ended is
 * refused here at once, and not only when the log of revocations is read next.
 *
 * That log, which the database keeps, stays the truth: an event that is lost costs the half second
 * until it is read. Lives on the loop. */
#ifndef LYNKS_AUTHSVC_SESSION_SESSION_EVENTS_H
#define LYNKS_AUTHSVC_SESSION_SESSION_EVENTS_H

#include "authsvc/session/sessions.h"
#include "proto/bus/bus_publisher.h"

#define SESSION_EVENTS_LIFE_MS 100 /* between signs of life */

struct session_events;

/* Tells what sessions_listen hears. publisher NULL: nobody is told. All borrowed. */
struct session_events *session_events_new(const struct clock *clock, struct metrics *metrics,
                                          struct sessions *sessions,
                                          struct bus_publisher *publisher);
void session_events_free(struct session_events **events);

/* Of another replica, or of this one. */
void session_events_hear(struct session_events *events, const struct msg_auth_event *event);

#endif
