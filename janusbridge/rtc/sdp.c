#include "janusbridge/rtc/sdp.h"

#include "janusbridge/rtc/sdp_candidate.h"
#include "janusbridge/rtc/sdp_read.h"

static enum err result_of(const char *fault, const char **ret_why)
{
    if (fault == NULL) {
        return ERR_OK;
    }
    *ret_why = fault;
    return ERR_BAD_SDP;
}

/* ---- descriptions that were checked before, or are Janus' own ---- */

/* A part, as far as others must agree with it. */
struct outline {
    struct str kind, mid;
    bool is_off, is_received;
};

/* The kind of an m-line; false: its port is 0, or none. */
static bool read_media_outline(struct str value, struct str *ret_kind)
{
    struct str port;
    uint64_t number = 0;
    return sdp_word_take(&value, ret_kind) && sdp_word_take(&value, &port) &&
           sdp_number(port, UINT16_MAX, &number) && number > 0;
}

static void read_outline(const struct sdp_line *line, struct outline *outline)
{
    if (sdp_is_attribute(line, "mid")) {
        outline->mid = line->argument;
    } else if (sdp_is_attribute(line, "bundle-only")) {
        outline->is_off = false;
    } else if (sdp_is_attribute(line, "sendonly") || sdp_is_attribute(line, "inactive")) {
        outline->is_received = false;
    }
}

/* Takes the next part off rest; false: there is none. */
static bool take_outline(struct str *rest, struct outline *ret_outline)
{
    struct outline outline = {.is_received = true};
    struct sdp_line line;
    bool is_in_part = false;
    for (struct str here = *rest; sdp_line_take(&here, &line); *rest = here) {
        if (line.letter == 'm' && is_in_part) {
            break;
        }
        if (line.letter == 'm') {
            outline.is_off = !read_media_outline(line.value, &outline.kind);
            is_in_part = true;
        } else if (is_in_part) {
            read_outline(&line, &outline);
        }
    }
    *ret_outline = outline;
    return is_in_part;
}

/* ---- offers ---- */

static const struct sdp_part *find_part(const struct sdp *sdp, struct str mid)
{
    for (size_t i = 0; i < sdp->part_count; i++) {
        if (mid.bytes > 0 && str_eq(sdp->parts[i].mid, mid)) {
            return &sdp->parts[i];
        }
    }
    return NULL;
}

static const char *check_track(const struct sdp_part *part, const struct msg_rtc_track *track)
{
    return part == NULL || part->is_off ? "a source without a part"
           : part->direction != SDP_SENDONLY && part->direction != SDP_SENDRECV
               ? "a source whose part does not send"
           : part->is_video != (track->source != MEDIA_AUDIO)
               ? "a source that is no such media as its part"
               : NULL;
}

static const char *check_tracks(const struct sdp *sdp, const struct msg_rtc_track_list *tracks)
{
    unsigned sources = 0;
    for (size_t i = 0; i < tracks->count; i++) {
        const struct msg_rtc_track *track = &tracks->items[i];
        const char *fault = check_track(find_part(sdp, track->mid), track);
        if (fault != NULL) {
            return fault;
        }
        if ((sources & (unsigned)track->source) != 0) {
            return "two parts of one source";
        }
        sources |= (unsigned)track->source;
    }
    return NULL;
}

static bool has_source(const struct sdp_part *part, const struct msg_rtc_track_list *tracks)
{
    for (size_t i = 0; i < tracks->count; i++) {
        if (str_eq(tracks->items[i].mid, part->mid)) {
            return true;
        }
    }
    return false;
}

/* Each part of before is there, in its place. */
static const char *check_parts(const struct sdp *sdp, struct str before)
{
    static const char fault[] = "other parts than before";
    struct outline old;
    for (size_t i = 0; take_outline(&before, &old); i++) {
        if (i == sdp->part_count || sdp->parts[i].is_video != sdp_is(old.kind, "video")) {
            return fault;
        }
        /* A part that is off may have lost its mid. */
        const struct sdp_part *part = &sdp->parts[i];
        if ((!part->is_off || part->mid.bytes > 0) && !str_eq(part->mid, old.mid)) {
            return fault;
        }
    }
    return NULL;
}

static const char *offer_fault(struct str text, const struct msg_rtc_track_list *tracks,
                               struct str before)
{
    struct sdp sdp;
    const char *fault = sdp_read(text, RTC_TRACKS_MAX, &sdp);
    if (fault == NULL) {
        fault = check_parts(&sdp, before);
    }
    if (fault == NULL) {
        fault = check_tracks(&sdp, tracks);
    }
    for (size_t i = 0; fault == NULL && i < sdp.part_count; i++) {
        const struct sdp_part *part = &sdp.parts[i];
        if (!part->is_off && part->direction != SDP_INACTIVE && !has_source(part, tracks)) {
            fault = "a part that is not inactive, and has no source";
        }
    }
    return fault;
}

enum err sdp_check_offer(struct str sdp, const struct msg_rtc_track_list *tracks, struct str before,
                         const char **ret_why)
{
    return result_of(offer_fault(sdp, tracks, before), ret_why);
}

static bool is_sent(const struct sdp_part *part)
{
    return !part->is_off && (part->direction == SDP_SENDONLY || part->direction == SDP_SENDRECV);
}

size_t sdp_find_tracks(struct str sdp, struct msg_rtc_track ret_tracks[SDP_FOUND_MAX])
{
    struct sdp read;
    size_t count = 0;
    unsigned sources = 0;
    if (sdp_read(sdp, RTC_TRACKS_MAX, &read) != NULL) {
        return 0;
    }
    for (size_t i = 0; i < read.part_count; i++) {
        const struct sdp_part *part = &read.parts[i];
        const enum media_source source = part->is_video ? MEDIA_VIDEO : MEDIA_AUDIO;
        if (is_sent(part) && (sources & (unsigned)source) == 0) {
            sources |= (unsigned)source;
            ret_tracks[count++] = (struct msg_rtc_track){.mid = part->mid, .source = source};
        }
    }
    return count;
}

/* ---- answers ---- */

static const char *answer_fault(struct str text, struct str offer)
{
    struct sdp sdp;
    struct outline offered;
    const bool is_offer_known = offer.bytes > 0;
    const char *fault = sdp_read(text, RTC_STREAMS_MAX, &sdp);
    if (fault == NULL) {
        fault = check_parts(&sdp, offer);
    }
    if (fault != NULL) {
        return fault;
    }
    for (size_t i = 0; i < sdp.part_count; i++) {
        const struct sdp_part *part = &sdp.parts[i];
        if (is_offer_known && !take_outline(&offer, &offered)) {
            return "more parts than the offer";
        }
        if (!part->is_off && part->direction != SDP_RECVONLY && part->direction != SDP_INACTIVE) {
            return "a part that sends";
        }
        if (part->rids > 0) {
            return "layers in an answer";
        }
    }
    return sdp_is(sdp.setup, "actpass") ? "a setup that answers nothing" : NULL;
}

enum err sdp_check_answer(struct str sdp, struct str offer, const char **ret_why)
{
    return result_of(answer_fault(sdp, offer), ret_why);
}

static bool is_taken(struct str answer, struct str mid)
{
    struct outline part;
    while (take_outline(&answer, &part)) {
        if (str_eq(part.mid, mid)) {
            return !part.is_off && part.is_received;
        }
    }
    return false;
}

enum err sdp_check_jsep_answer(struct str sdp, const struct msg_rtc_track_list *tracks,
                               const char **ret_why)
{
    for (size_t i = 0; i < tracks->count; i++) {
        if (!is_taken(sdp, tracks->items[i].mid)) {
            return result_of("a part that Janus does not take", ret_why);
        }
    }
    return ERR_OK;
}

/* ---- passing on ---- */

/* Credentials for ICE that are not those of the first part. */
static bool is_other_ice(const struct sdp_line *line, const struct sdp_ice *ice)
{
    return (sdp_is_attribute(line, "ice-ufrag") && !str_eq(line->argument, ice->ufrag)) ||
           (sdp_is_attribute(line, "ice-pwd") && !str_eq(line->argument, ice->pwd));
}

void sdp_pass_on(struct str sdp, enum sdp_candidates candidates, struct strbuf *dest)
{
    struct sdp_line line;
    struct sdp_ice ice;
    bool is_in_part = false;
    (void)sdp_ice(sdp, &ice);
    while (sdp_line_take(&sdp, &line)) {
        is_in_part |= line.letter == 'm';
        const bool is_public = candidates == SDP_PUBLIC_CANDIDATES && is_in_part &&
                               sdp_is_attribute(&line, "candidate") &&
                               sdp_candidate_is_public(line.argument);
        if (is_public || (sdp_passes(&line, is_in_part) && !is_other_ice(&line, &ice))) {
            sdp_line_add(dest, line.text);
        }
    }
}

/* ---- ICE ---- */

bool sdp_ice(struct str sdp, struct sdp_ice *ret_ice)
{
    struct sdp_line line;
    struct sdp_ice ice = {0};
    while (sdp_line_take(&sdp, &line)) {
        if (ice.ufrag.bytes == 0 && sdp_is_attribute(&line, "ice-ufrag")) {
            ice.ufrag = line.argument;
        } else if (ice.pwd.bytes == 0 && sdp_is_attribute(&line, "ice-pwd")) {
            ice.pwd = line.argument;
        }
    }
    *ret_ice = ice;
    return ice.ufrag.bytes > 0 && ice.pwd.bytes > 0;
}

bool sdp_ice_is_same(const struct sdp_ice *a, const struct sdp_ice *b)
{
    return str_eq(a->ufrag, b->ufrag) && str_eq(a->pwd, b->pwd);
}

void sdp_replace_ice(struct str sdp, const struct sdp_ice *ice, struct strbuf *dest)
{
    struct sdp_line line;
    while (sdp_line_take(&sdp, &line)) {
        const bool is_ufrag = sdp_is_attribute(&line, "ice-ufrag");
        if (!is_ufrag && !sdp_is_attribute(&line, "ice-pwd")) {
            sdp_line_add(dest, line.text);
            continue;
        }
        strbuf_add_z(dest, is_ufrag ? "a=ice-ufrag:" : "a=ice-pwd:");
        sdp_line_add(dest, is_ufrag ? ice->ufrag : ice->pwd);
    }
}
