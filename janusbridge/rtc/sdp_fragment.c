#include "janusbridge/rtc/sdp_fragment.h"

#include "janusbridge/rtc/sdp_candidate.h"

struct reading {
    struct sdp_fragment *fragment;
    size_t parts;
    struct str mid; /* of the part that is read */
};

/* m=audio 9 RTP/AVP 0: only its kind says anything, and not even that to Janus, which goes by the
 * mid. */
static const char *read_part(struct reading *reading, struct str value)
{
    struct str kind, port, protocol;
    uint64_t number;
    reading->mid = STR_NONE;
    return ++reading->parts <= RTC_STREAMS_MAX && sdp_word_take(&value, &kind) &&
                   sdp_is_token(kind, 16) && sdp_word_take(&value, &port) &&
                   sdp_number(port, UINT16_MAX, &number) && sdp_word_take(&value, &protocol) &&
                   value.bytes > 0
               ? NULL
               : "a wrong m=, or too many";
}

static const char *keep_once(struct str *known, struct str value, size_t min, const char *fault)
{
    if (!sdp_is_ice_text(value, min, 256) || (known->bytes > 0 && !str_eq(*known, value))) {
        return fault;
    }
    *known = value;
    return NULL;
}

static const char *fragment_ufrag(struct reading *reading, struct str value)
{
    return keep_once(&reading->fragment->ice.ufrag, value, 4, "not one sound ice-ufrag");
}

static const char *fragment_pwd(struct reading *reading, struct str value)
{
    return keep_once(&reading->fragment->ice.pwd, value, 22, "not one sound ice-pwd");
}

static const char *fragment_mid(struct reading *reading, struct str value)
{
    if (reading->parts == 0 || reading->mid.bytes > 0 || !sdp_is_token(value, SDP_MID_BYTES)) {
        return "not one sound mid in a part";
    }
    reading->mid = value;
    return NULL;
}

static const char *fragment_candidate(struct reading *reading, struct str value)
{
    struct sdp_fragment *fragment = reading->fragment;
    if (reading->mid.bytes == 0) {
        return "a candidate without a mid before it";
    }
    if (fragment->candidate_count == SDP_CANDIDATES_MAX) {
        return "too many candidates";
    }
    fragment->candidates[fragment->candidate_count++] =
        (struct sdp_fragment_candidate){.mid = reading->mid, .text = value};
    return sdp_is_candidate(value) ? NULL : "a wrong candidate";
}

static const char *fragment_end(struct reading *reading, struct str value)
{
    (void)value;
    reading->fragment->is_end = true;
    return NULL;
}

static const struct {
    const char *name;
    bool has_argument;
    const char *(*read)(struct reading *reading, struct str value); /* NULL: whatever it says */
} known[] = {
    {"candidate", true, fragment_candidate},
    {"end-of-candidates", false, fragment_end},
    {"group", true, NULL},
    {"ice-options", true, NULL},
    {"ice-pwd", true, fragment_pwd},
    {"ice-ufrag", true, fragment_ufrag},
    {"mid", true, fragment_mid},
};

static const char *read_fragment_line(struct reading *reading, const struct sdp_line *line)
{
    /* Firefox tells the end of its candidates as an empty one (W3C WebRTC, 4.8.1.1), and whip-whep
     * passes it on like that. */
    if (str_eq(line->text, STR_LIT("a="))) {
        return fragment_end(reading, STR_NONE);
    }
    const char *fault = sdp_line_fault(line);
    if (fault != NULL || line->letter == 'm') {
        return fault != NULL ? fault : read_part(reading, line->value);
    }
    for (size_t i = 0; i < ARRAY_LEN(known); i++) {
        if (sdp_is_attribute(line, known[i].name) &&
            known[i].has_argument == (line->argument.data != NULL)) {
            return known[i].read == NULL ? NULL : known[i].read(reading, line->argument);
        }
    }
    return "a line that does not belong into a fragment";
}

enum err sdp_fragment_read(struct str text, struct sdp_fragment *ret_fragment, const char **ret_why)
{
    struct reading reading = {.fragment = ret_fragment};
    struct sdp_line line;
    const char *fault = text.bytes > RTC_SDP_BYTES ? "too many bytes" : NULL;
    memset(ret_fragment, 0, sizeof(*ret_fragment));
    while (fault == NULL && sdp_line_take(&text, &line)) {
        fault = read_fragment_line(&reading, &line);
    }
    const struct sdp_ice *ice = &ret_fragment->ice;
    if (fault == NULL && (ice->ufrag.bytes > 0) != (ice->pwd.bytes > 0)) {
        fault = "one of ice-ufrag and ice-pwd without the other";
    }
    if (fault == NULL && ice->ufrag.bytes == 0 && reading.parts == 0 && !ret_fragment->is_end) {
        fault = "nothing in it";
    }
    if (fault != NULL) {
        *ret_why = fault;
        return ERR_BAD_SDP;
    }
    return ERR_OK;
}

/* ---- what Janus says ---- */

/* Takes lines up to the first m-line, and gives its kind. */
static bool take_first_part(struct str *rest, struct str *ret_kind)
{
    struct sdp_line line;
    while (sdp_line_take(rest, &line)) {
        if (line.letter == 'm') {
            return sdp_word_take(&line.value, ret_kind);
        }
    }
    return false;
}

enum err sdp_fragment_write(struct str answer, struct strbuf *dest)
{
    struct sdp_ice ice;
    struct sdp_line line;
    struct str kind;
    if (!sdp_ice(answer, &ice) || !take_first_part(&answer, &kind)) {
        return ERR_PROTOCOL;
    }
    strbuf_add(dest, STR_LIT("a=ice-ufrag:"));
    sdp_line_add(dest, ice.ufrag);
    strbuf_add(dest, STR_LIT("a=ice-pwd:"));
    sdp_line_add(dest, ice.pwd);
    strbuf_add(dest, STR_LIT("m="));
    strbuf_add(dest, kind);
    sdp_line_add(dest, STR_LIT(" 9 UDP/TLS/RTP/SAVPF 0"));
    while (sdp_line_take(&answer, &line) && line.letter != 'm') {
        if (sdp_is_attribute(&line, "mid") || sdp_is_attribute(&line, "candidate") ||
            sdp_is_attribute(&line, "end-of-candidates")) {
            sdp_line_add(dest, line.text);
        }
    }
    return ERR_OK;
}
