/* SDP as text (RFC 8866): its lines, and the words in them. Pure functions; all views are borrowed
 * from the text. Lines end with CR LF or LF. Keywords and names of attributes count whatever the
 * case, because Janus reads them so. */
#ifndef LYNKS_JANUSBRIDGE_RTC_SDP_TEXT_H
#define LYNKS_JANUSBRIDGE_RTC_SDP_TEXT_H

#include "proto/base/base.h"
#include "proto/base/strbuf.h"

#define SDP_CANDIDATES_MAX 20 /* in one part, or in one fragment */
#define SDP_MID_BYTES 16      /* Janus refuses longer ones */

/* One line, without its end. */
struct sdp_line {
    struct str text;
    char letter;         /* before the =; 0: the line is none of SDP */
    struct str value;    /* behind the = */
    struct str name;     /* of an attribute (letter a), else none */
    struct str argument; /* what the attribute has behind its colon; data is NULL: no colon */
};

/* Takes the next line that is not empty off rest; false: there is none. */
bool sdp_line_take(struct str *rest, struct sdp_line *ret_line);
/* What is wrong with a line whatever it says: its length (of which Janus keeps 511 bytes, and
 * merges a longer line with the next), characters that are no printable ASCII, no value. NULL:
 * nothing. */
const char *sdp_line_fault(const struct sdp_line *line);
/* Adds the line to dest, with CR LF. */
void sdp_line_add(struct strbuf *dest, struct str text);

/* Is text this word, whatever the case? */
bool sdp_is(struct str text, const char *word);
bool sdp_is_attribute(const struct sdp_line *line, const char *name);
/* Takes the next word off rest; words stand apart by one space. false: there is none, or an empty
 * one. */
bool sdp_word_take(struct str *rest, struct str *ret_word);
/* The number that text is: digits, and at most max. */
bool sdp_number(struct str text, uint64_t max, uint64_t *ret_number);
/* Does text have at least min and at most max bytes, all of them of these characters? */
bool sdp_is_made_of(struct str text, const char *characters, size_t min, size_t max);
/* RFC 8866, 9: token */
bool sdp_is_token(struct str text, size_t max);
/* RFC 8839, 5.1: 1*ice-char */
bool sdp_is_ice_text(struct str text, size_t min, size_t max);

#endif
