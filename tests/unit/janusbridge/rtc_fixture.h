/* Connections of clients over a session over the mock transport, with the test as Janus, roomsvc
 * and gateway. */
#ifndef LYNKS_TESTS_UNIT_JANUSBRIDGE_RTC_FIXTURE_H
#define LYNKS_TESTS_UNIT_JANUSBRIDGE_RTC_FIXTURE_H

#include "janusbridge/rtc/rtc.h"
#include "tests/support/c/mock_bus.h"
#include "tests/support/c/mock_call.h"
#include "tests/unit/janusbridge/fixture.h"

#define RTC_CALLS 64
#define RTC_CONNECTIONS_MAX 4
#define RTC_ROOM 1234

/* People, with the handle and the feed that each of their connections gets. */
enum { ANN = 1, BEN = 2, CAT = 3 };
#define SENDING_HANDLE(person) (100 + (uint64_t)(person))
#define WATCHING_HANDLE(person) (200 + (uint64_t)(person))
#define FEED(person) (9000 + (uint64_t)(person))

/* What a browser offers that sends microphone (mid 0) and camera (mid 1), and Janus' answer. */
extern const char rtc_offer_sdp[], rtc_janus_answer_sdp[];
extern const char rtc_later_offer_sdp[]; /* the camera is off */
/* What Janus offers who gets one audio (mid 0), and a browser's answer. */
extern const char rtc_janus_offer_sdp[], rtc_answer_sdp[];

struct rtc_fixture {
    struct fixture f;
    struct mock_bus bus; /* to roomsvc */
    struct janus_handles *handles;
    struct rtc *rtc;
    struct mock_call calls[RTC_CALLS];
    size_t count;
    struct str where; /* the node that roomsvc names for what is not known here; none at first */
    uint64_t bitrate; /* of the room, as roomsvc tells who comes in; 0 at first */
    size_t hints[RTC_HINT_RESUMED + 1]; /* told to gateways so far, by what they tell */
    struct msg_rtc_hint last_hint;      /* without what it borrows */
};

/* For cmocka. Ready: a new session, and no rows. Teardown fails the test if a call was not answered
 * exactly once. */
int rtc_setup(void **state);
int rtc_setup_not_ready(void **state);
int rtc_teardown(void **state);

/* ---- as a gateway ---- */

struct mock_call *rtc_call(struct rtc_fixture *r, struct msg request);
/* who names the participant, his token, and (with the kind) the connection. */
struct mock_call *rtc_ask_publish(struct rtc_fixture *r, unsigned who);
/* The same, of a client that has given a key: body stands for the hash of what he has sent. */
struct mock_call *rtc_ask_publish_keyed(struct rtc_fixture *r, unsigned who, struct str body);
struct mock_call *rtc_ask_watch(struct rtc_fixture *r, unsigned who, unsigned whom);
struct mock_call *rtc_ask_answer(struct rtc_fixture *r, unsigned who, uint64_t seq);
struct mock_call *rtc_ask_close(struct rtc_fixture *r, unsigned who, enum rtc_kind kind);
struct mock_call *rtc_ask_state(struct rtc_fixture *r, unsigned who, enum rtc_kind kind);
struct str rtc_id(unsigned who, enum rtc_kind kind);
struct str rtc_token(unsigned who);

/* ---- as roomsvc ---- */

/* Answers its oldest call of this kind that waits; fails the test if there is none. */
void rtc_roomsvc(struct rtc_fixture *r, enum msg_id id, enum err err, struct msg reply);
void rtc_let_in(struct rtc_fixture *r, unsigned who); /* answers rtc_open */
/* The last rtc_update of a connection, which is answered: its level. NULL: there is none. */
const struct msg_rtc_update *rtc_level(struct rtc_fixture *r, unsigned who, enum rtc_kind kind);
/* Answers all rtc_update, rtc_end and rtc_due (with nothing) that wait. */
void rtc_settle(struct rtc_fixture *r);
/* A row of the session 11; of one that watches: ANN's audio. Borrows from static texts. */
struct msg_rtc_row rtc_row(unsigned who, enum rtc_kind kind, bool is_up);
size_t rtc_ends(struct rtc_fixture *r); /* rtc_end so far */

/* ---- as Janus ---- */

void rtc_attach(struct rtc_fixture *r, uint64_t handle);
/* Answers the open request that holds text with an ack and an event with this data of the plugin;
 * type NULL: without a session description. */
void rtc_janus(struct rtc_fixture *r, const char *text, uint64_t handle, const char *data,
               const char *type, const char *sdp);
void rtc_janus_media(struct rtc_fixture *r, uint64_t handle, const char *mid, bool arrives);
void rtc_janus_event(struct rtc_fixture *r, uint64_t handle, const char *data); /* of its plugin */
void rtc_janus_tells(struct rtc_fixture *r, uint64_t handle, const char *what); /* "webrtcup" */

/* ---- whole ways ---- */

void rtc_agrees(struct rtc_fixture *r, unsigned who);    /* to publish; not up yet */
void rtc_publishes(struct rtc_fixture *r, unsigned who); /* up, audio and video arrive */
void rtc_watches(struct rtc_fixture *r, unsigned who, unsigned whom); /* his audio; up */

#endif
