/* Session descriptions as clients and Janus write them, shortened where they only repeat
 * themselves; and ways to change them. Lines end with LF here. */
#ifndef LYNKS_TESTS_UNIT_JANUSBRIDGE_RTC_SDP_FIXTURES_H
#define LYNKS_TESTS_UNIT_JANUSBRIDGE_RTC_SDP_FIXTURES_H

#include "janusbridge/rtc/sdp.h"

/* Offers of publishers: audio in mid 0, video in mid 1. */
extern const char chromium_offer[];       /* with three layers of video, and its candidates */
extern const char chromium_later_offer[]; /* of the same: mid 2 was a screen and is stopped */
extern const char firefox_offer[];        /* mid 2 is a screen, which is bundled only */
extern const char libdatachannel_offer[]; /* its mids are "audio" and "video" */

extern const char janus_offer[];     /* to a watcher: audio and video */
extern const char chromium_answer[]; /* to that */
extern const char janus_answer[];    /* to chromium_offer */

/* A description that is as short as can be, to be grown by a test. */
extern const char least_offer[];
extern const char least_answer[];

/* audio in mid 0, video in 1, screen in 2; the first count of them. */
struct msg_rtc_track_list some_tracks(size_t count);

/* text with the first old in it replaced, which must be there. Caller frees. */
char *sdp_with(const char *text, const char *old, const char *new);
/* text with its line number (from 0) left out; NULL: there is none. */
char *sdp_without_line(const char *text, size_t number);
/* text with CR LF at the ends of its lines. */
char *sdp_with_cr(const char *text);
/* c that often */
char *sdp_filler(char c, size_t count);
/* text that often; each time the # in it is the number, in three digits */
char *sdp_repeated(const char *text, size_t count);

#endif
