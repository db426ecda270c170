/* Lists of sessions as their user sees them: read from the store each time, kept nowhere.
 *
 * Lives on the loop. What it is given is borrowed. */
#ifndef LYNKS_AUTHSVC_SESSION_SESSION_PAGES_H
#define LYNKS_AUTHSVC_SESSION_SESSION_PAGES_H

#include "authsvc/session/sessions.h"

struct session_pages;

struct session_pages *session_pages_new(struct store store, struct sessions *sessions,
                                        const struct clock *clock);
/* Nothing new goes to the store: before it is freed. */
void session_pages_stop(struct session_pages *pages);
void session_pages_free(struct session_pages **pages); /* after the store */

/* Answers a session_page, now or later. */
void session_pages_start(struct session_pages *pages, struct call *call);

#endif
