/* How far a client's connection with Janus is. Pure: no I/O, no time.
 *
 *   attaching ---> storing ---> joining ---> connecting ---> up          one that publishes
 *                               joining ---> offered ---> connecting     one that watches
 *   up ---> offered ---> up                                              it is to get something
 * else any ---> closing ---> gone                                           whatever goes wrong, or
 * its end
 *
 * enum rtc_state is in messages.def. */
#ifndef LYNKS_JANUSBRIDGE_RTC_CONNECTION_STATE_H
#define LYNKS_JANUSBRIDGE_RTC_CONNECTION_STATE_H

#include "proto/schema/msg.h"

enum connection_event {
    CONNECTION_ATTACHED,  /* Janus has given it a handle */
    CONNECTION_STORED,    /* roomsvc has its row */
    CONNECTION_OFFERED,   /* Janus has made an offer */
    CONNECTION_AGREED,    /* one side has made an offer, and the other has answered it */
    CONNECTION_THROUGH,   /* Janus says that media can flow */
    CONNECTION_ENDS,      /* its client, roomsvc or Janus ends it, or something failed */
    CONNECTION_FORGOTTEN, /* nobody else knows of it any more */
    CONNECTION_EVENT_COUNT
};

/* The state after event; the same one: it means nothing now. was_up: media could flow before. */
enum rtc_state connection_state_after(enum rtc_state state, enum connection_event event,
                                      bool was_up);

#endif
