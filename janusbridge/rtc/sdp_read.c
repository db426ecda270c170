#include "janusbridge/rtc/sdp_read.h"

#include "janusbridge/rtc/sdp_attributes.h"

#define LINES_MAX 4000        /* of the whole: 80 parts have about 2,000 */
#define PART_LINES_MAX 400    /* that Janus gets; it walks through them for each of them */
#define PART_BYTES_MAX 8000   /* likewise: what Janus adds fits into 8,192, too */
#define SESSION_BYTES_MAX 900 /* before the first part: likewise, into 1,024 */

/* ---- lines but attributes ---- */

/* v=, o= and s= are the first three lines. */
static bool is_head(struct sdp_reader *reader, size_t number)
{
    reader->heads++;
    return reader->session_lines == number;
}

static const char *read_version(struct sdp_reader *reader, struct str value)
{
    return is_head(reader, 1) && sdp_is(value, "0") ? NULL : "no v=0 as the first line";
}

static bool is_address(struct str *rest)
{
    struct str word, address;
    return sdp_word_take(rest, &word) && sdp_is(word, "IN") && sdp_word_take(rest, &word) &&
           (sdp_is(word, "IP4") || sdp_is(word, "IP6")) && sdp_word_take(rest, &address) &&
           address.bytes <= 64 && rest->bytes == 0;
}

static const char *read_origin(struct sdp_reader *reader, struct str value)
{
    struct str name, id, version;
    uint64_t number;
    return is_head(reader, 2) && sdp_word_take(&value, &name) && name.bytes <= 64 &&
                   sdp_word_take(&value, &id) && sdp_number(id, UINT64_MAX, &number) &&
                   sdp_word_take(&value, &version) && sdp_number(version, UINT64_MAX, &number) &&
                   is_address(&value)
               ? NULL
               : "no sound o= as the second line";
}

static const char *read_name(struct sdp_reader *reader, struct str value)
{
    (void)value;
    return is_head(reader, 3) ? NULL : "no s= as the third line";
}

static const char *read_time(struct sdp_reader *reader, struct str value)
{
    struct str start, stop;
    uint64_t number;
    const bool is_good = !reader->has_time && sdp_word_take(&value, &start) &&
                         sdp_number(start, UINT64_MAX, &number) && sdp_word_take(&value, &stop) &&
                         sdp_number(stop, UINT64_MAX, &number) && value.bytes == 0;
    reader->has_time = true;
    return is_good ? NULL : "not one sound t=";
}

static const char *read_address(struct sdp_reader *reader, struct str value)
{
    const bool is_good = !reader->has_address && is_address(&value);
    reader->has_address = true;
    return is_good ? NULL : "a wrong c=";
}

static const char *read_bandwidth(struct sdp_reader *reader, struct str value)
{
    (void)reader;
    const char *colon = memchr(value.data, ':', value.bytes);
    uint64_t number;
    if (colon == NULL) {
        return "a wrong b=";
    }
    const size_t at = (size_t)(colon - value.data);
    const struct str kind = {.data = value.data, .bytes = at};
    const struct str amount = {.data = colon + 1, .bytes = value.bytes - at - 1};
    return sdp_is_token(kind, 16) && sdp_number(amount, UINT32_MAX, &number) ? NULL : "a wrong b=";
}

static bool read_formats(struct sdp_reader *reader, struct str rest)
{
    uint64_t type;
    memset(reader->formats, 0, sizeof(reader->formats));
    do {
        if (!sdp_payload_type_take(&rest, &type) || reader->formats[type] != 0) {
            return false;
        }
        reader->formats[type] = SDP_FORMAT_LISTED;
    } while (rest.bytes > 0);
    return true;
}

static const char *read_media(struct sdp_reader *reader, struct str value)
{
    struct str kind, port, protocol;
    uint64_t number;
    if (reader->sdp->part_count == reader->parts_max) {
        return "too many parts";
    }
    if (!sdp_word_take(&value, &kind) ||
        (!str_eq(kind, STR_LIT("audio")) && !str_eq(kind, STR_LIT("video")))) {
        return "a part that is neither audio nor video";
    }
    if (!sdp_word_take(&value, &port) || !sdp_number(port, UINT16_MAX, &number) ||
        !sdp_word_take(&value, &protocol) || !str_eq(protocol, STR_LIT("UDP/TLS/RTP/SAVPF")) ||
        !read_formats(reader, value)) {
        return "a wrong m=";
    }
    reader->part = &reader->sdp->parts[reader->sdp->part_count++];
    reader->part->is_video = sdp_is(kind, "video");
    reader->is_port_0 = number == 0;
    return NULL;
}

/* ---- the whole ---- */

static const struct letter {
    char letter;
    bool is_in_session, is_in_part; /* where it may stand */
    const char *(*read)(struct sdp_reader *reader, struct str value);
} letters[] = {
    {'v', true, false, read_version}, {'o', true, false, read_origin},
    {'s', true, false, read_name},    {'t', true, false, read_time},
    {'c', true, true, read_address},  {'b', false, true, read_bandwidth},
    {'m', true, true, read_media},
};

static const struct letter *find_letter(char letter, bool is_in_part)
{
    for (size_t i = 0; i < ARRAY_LEN(letters); i++) {
        if (letters[i].letter == letter &&
            (is_in_part ? letters[i].is_in_part : letters[i].is_in_session)) {
            return &letters[i];
        }
    }
    return NULL;
}

/* What else may stand there (RFC 8866, 5), and is skipped. */
static bool is_skipped(char letter, bool is_in_part)
{
    return strchr(is_in_part ? "ik" : "iuepbrzk", letter) != NULL;
}

bool sdp_passes(const struct sdp_line *line, bool is_in_part)
{
    return line->letter == 'a' ? sdp_attribute_passes(line, is_in_part)
                               : find_letter(line->letter, is_in_part) != NULL;
}

static bool has_room_codec(const struct sdp_reader *reader)
{
    for (size_t i = 0; i < ARRAY_LEN(reader->formats); i++) {
        if (reader->formats[i] == (SDP_FORMAT_LISTED | SDP_FORMAT_ROOM)) {
            return true;
        }
    }
    return false;
}

/* What must be so when all lines of a part are read. */
static const char *finish_part(struct sdp_reader *reader)
{
    struct sdp_part *part = reader->part;
    const struct sdp *sdp = reader->sdp;
    if (part == NULL) {
        return reader->heads == 3 && reader->has_time ? NULL : "no v=, o=, s= and t=";
    }
    part->is_off = reader->is_port_0 && !reader->is_bundle_only;
    if (!part->is_off && part->mid.bytes == 0) {
        return "a part without a mid";
    }
    if (!part->is_off && !has_room_codec(reader)) {
        return "a part without a codec that rooms take";
    }
    if (part > sdp->parts) {
        return NULL;
    }
    /* Janus takes what it needs to connect from the lines before the first part and from it, and
     * takes a port of 0 there for any other. */
    return part->is_off                  ? "a first part that is rejected"
           : sdp->ufrag.bytes == 0       ? "no ice-ufrag"
           : sdp->pwd.bytes == 0         ? "no ice-pwd"
           : sdp->fingerprint.bytes == 0 ? "no fingerprint"
           : sdp->setup.bytes == 0       ? "no setup"
           : !part->has_mux              ? "no rtcp-mux"
                                         : NULL;
}

static const char *begin_part(struct sdp_reader *reader)
{
    const char *fault = finish_part(reader);
    reader->part_lines = reader->part_bytes = reader->candidates = 0;
    reader->has_address = reader->has_direction = false;
    reader->is_port_0 = reader->is_bundle_only = false;
    return fault;
}

static const char *count_line(struct sdp_reader *reader, const struct sdp_line *line)
{
    if (++reader->lines > LINES_MAX) {
        return "too many lines";
    }
    reader->session_lines += reader->part == NULL;
    if (!sdp_passes(line, reader->part != NULL) || sdp_is_attribute(line, "group") ||
        sdp_is_attribute(line, "msid-semantic")) { /* which Janus does not write again */
        return NULL;
    }
    reader->part_bytes += line->text.bytes + 2;
    if (reader->part == NULL) {
        return reader->part_bytes > SESSION_BYTES_MAX ? "too much before the first part" : NULL;
    }
    return ++reader->part_lines > PART_LINES_MAX || reader->part_bytes > PART_BYTES_MAX
               ? "a part that is too long"
               : NULL;
}

static const char *read_one(struct sdp_reader *reader, const struct sdp_line *line)
{
    const char *fault = sdp_line_fault(line);
    if (fault == NULL && line->letter == 'm') {
        fault = begin_part(reader);
    }
    if (fault == NULL) {
        fault = count_line(reader, line);
    }
    if (fault != NULL || line->letter == 'a') {
        return fault != NULL ? fault : sdp_attribute_read(reader, line);
    }
    const bool is_in_part = reader->part != NULL;
    const struct letter *letter = find_letter(line->letter, is_in_part);
    if (letter == NULL) {
        return is_skipped(line->letter, is_in_part) ? NULL : "a line that does not belong there";
    }
    return letter->read(reader, line->value);
}

static bool is_bundled(const struct sdp *sdp, struct str mid)
{
    struct str rest = sdp->bundle, word;
    while (sdp_word_take(&rest, &word)) {
        if (str_eq(word, mid)) {
            return true;
        }
    }
    return false;
}

static const char *check_bundle(const struct sdp *sdp)
{
    struct str rest = sdp->bundle, word;
    size_t in_use = 0, bundled = 0;
    for (size_t i = 0; i < sdp->part_count; i++) {
        if (!sdp->parts[i].is_off && !is_bundled(sdp, sdp->parts[i].mid)) {
            return "a part that is not in the group of BUNDLE";
        }
        in_use += !sdp->parts[i].is_off;
    }
    while (sdp_word_take(&rest, &word)) {
        bundled++;
    }
    return bundled == in_use ? NULL : "a group of BUNDLE with others than the parts";
}

const char *sdp_read(struct str text, size_t parts_max, struct sdp *ret_sdp)
{
    struct sdp_reader reader = {.sdp = ret_sdp, .parts_max = parts_max};
    struct sdp_line line;
    const char *fault = text.bytes > RTC_SDP_BYTES ? "too many bytes" : NULL;
    memset(ret_sdp, 0, sizeof(*ret_sdp));
    while (fault == NULL && sdp_line_take(&text, &line)) {
        fault = read_one(&reader, &line);
    }
    if (fault == NULL) {
        fault = reader.part == NULL ? "no part" : finish_part(&reader);
    }
    return fault != NULL ? fault : check_bundle(ret_sdp);
}
