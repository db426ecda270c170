/* In which of their rooms somebody is, for users who have streams of their own (GET /v1/events).
 *
 * roomsvc is asked (meeting_page) when somebody begins to watch, and tells afterwards what begins
 * and ends (room_news). None of that is in a journal: when something may have been missed
 * (news_watch.h), everybody's rooms are asked for again, a few at a time. While roomsvc does
 * not answer, it is asked again, later and later. Lives on the loop. */
#ifndef LYNKS_GATEWAY_FOLLOW_USER_MEETINGS_H
#define LYNKS_GATEWAY_FOLLOW_USER_MEETINGS_H

#include "gateway/follow/news_watch.h"
#include "proto/base/backoff.h"
#include "proto/base/clock.h"
#include "proto/base/list.h"
#include "proto/base/metrics.h"
#include "proto/bus/bus.h"

/* Rooms that one user is told of; an admin may have more. */
#define USER_MEETINGS_MAX 4096
#define USER_MEETINGS_OUT_MAX 16 /* questions at a time */
#define USER_MEETINGS_ANSWER_MS 3000

enum meetings_step {
    MEETINGS_DUE,   /* in the list of those that are asked for next */
    MEETINGS_RESTS, /* it is asked for again when its timer says so */
    MEETINGS_ASKED, /* the question is out */
    MEETINGS_STALE, /* likewise, and something was told meanwhile: ask once more after that */
    MEETINGS_KNOWN, /* it is asked for again when something may have been missed */
};

/* Rooms in which somebody is; is_all: there are no others, or else there may be. */
struct user_meetings_told {
    const struct msg_room_head *rooms;
    size_t count;
    bool is_all;
};

/* Embedded in whoever watches, who sets the members up to arg. The rest is the module's. */
struct meetings_watch {
    struct principal principal; /* of the user; an admin's are all rooms */
    /* told is borrowed until it returns; NULL: nothing is known yet, it goes on trying. It may
     * release the watch. */
    void (*on_told)(void *arg, const struct user_meetings_told *told);
    /* Releases nobody. */
    void (*on_hint)(void *arg, enum room_news_kind hint, const struct msg_room_head *room);
    void *arg;
    struct user_meetings *meetings; /* NULL: it does not watch */
    struct list_link all, due, of_user;
    struct meetings_question *question;
    enum meetings_step step;
    struct backoff backoff;
    uint64_t timer; /* of MEETINGS_RESTS */
};

struct user_meetings;

/* watch: of what user_meetings_hear is told. users_max: who watch at a time. All borrowed. */
struct user_meetings *user_meetings_new(const struct clock *clock, const struct bus *bus,
                                        struct metrics *metrics, struct news_watch *watch,
                                        size_t users_max);
/* Nobody watches any more, and the bus has ended before. */
void user_meetings_free(struct user_meetings **meetings);

/* Begins to watch: on_told is called soon, not from inside this. false: users_max do already. */
bool user_meetings_watch(struct user_meetings *meetings, struct meetings_watch *watch);
void user_meetings_release(struct meetings_watch *watch); /* harmless if it does not watch */
/* What he may hear of has changed: from now on it is that, and he is told how things are, soon. */
void user_meetings_set_role(struct meetings_watch *watch, enum role role);
/* He has not taken what he was told: he is told anew, soon, how things are then. */
void user_meetings_repeat(struct meetings_watch *watch);

/* What a replica publishes; others than room_news are none of this. */
void user_meetings_hear(struct user_meetings *meetings, const struct msg *msg);

#endif
