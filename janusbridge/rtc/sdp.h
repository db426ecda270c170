/* Session descriptions on their way between strangers and Janus: what is taken, what is passed on,
 * and what of it a restart of ICE changes. Pure functions; nothing is kept, all views are borrowed
 * from the texts given.
 *
 * Each check gives ERR_OK, or ERR_BAD_SDP and in ret_why what is wrong (a static text in a few
 * words of English, for the log and for who writes a client). */
#ifndef LYNKS_JANUSBRIDGE_RTC_SDP_H
#define LYNKS_JANUSBRIDGE_RTC_SDP_H

#include "proto/base/err.h"
#include "proto/base/strbuf.h"
#include "proto/schema/msg.h"

/* A publisher's offer: audio and video, bundled, all through one transport. Each of tracks names a
 * part that sends what its source is (at most one part a source), in a codec that rooms take; all
 * other parts are inactive or rejected, because Janus answers one that only receives as if it were
 * disabled. before: the offer that this one follows, STR_NONE if it is the first; its parts must be
 * there still, each in its place with its kind and mid, because Janus goes by their places. */
enum err sdp_check_offer(struct str sdp, const struct msg_rtc_track_list *tracks, struct str before,
                         const char **ret_why);

/* What an offer sends whose client does not say it (WHIP): the first audio part that sends is
 * MEDIA_AUDIO, the first video part MEDIA_VIDEO. Gives how many that are; sdp_check_offer refuses
 * what else there is. The mids are borrowed from sdp. */
#define SDP_FOUND_MAX 2
size_t sdp_find_tracks(struct str sdp, struct msg_rtc_track ret_tracks[SDP_FOUND_MAX]);

/* A watcher's answer to Janus' offer: as many parts, of the same kinds and mids; each gets
 * something, is inactive or rejected (but not the first, which Janus needs to connect). offer:
 * STR_NONE if it is not known any more; then its parts may be any. */
enum err sdp_check_answer(struct str sdp, struct str offer, const char **ret_why);

/* What Janus answered to a publisher's offer: it takes each of tracks. */
enum err sdp_check_jsep_answer(struct str sdp, const struct msg_rtc_track_list *tracks,
                               const char **ret_why);

/* Adds to dest what Janus is to get of a client's sdp that one of the checks took: the lines that
 * it knows, without candidates, or with those that are public (sdp_candidate.h). Lines end with CR
 * LF. */
enum sdp_candidates { SDP_NO_CANDIDATES, SDP_PUBLIC_CANDIDATES };
void sdp_pass_on(struct str sdp, enum sdp_candidates candidates, struct strbuf *dest);

/* ---- ICE ---- */

struct sdp_ice {
    struct str ufrag, pwd; /* empty: none */
};

/* The first credentials that there are; Janus' and those that a check took are the same in all
 * parts. false: one of them is missing. */
bool sdp_ice(struct str sdp, struct sdp_ice *ret_ice);
bool sdp_ice_is_same(const struct sdp_ice *a, const struct sdp_ice *b);
/* Adds to dest sdp with other credentials: an offer that restarts ICE and changes nothing else. */
void sdp_replace_ice(struct str sdp, const struct sdp_ice *ice, struct strbuf *dest);

#endif
