#include "janusbridge/rtc/sdp_attributes.h"

#include "janusbridge/rtc/sdp_candidate.h"

#define RID_CHARACTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_"

bool sdp_payload_type_take(struct str *rest, uint64_t *ret_type)
{
    struct str word;
    return sdp_word_take(rest, &word) && sdp_number(word, SDP_PAYLOAD_TYPE_MAX, ret_type);
}

/* Keeps what must be the same wherever it stands. */
static const char *keep(struct str *known, struct str value, bool is_sound, const char *fault)
{
    if (!is_sound || (known->bytes > 0 && !str_eq(*known, value))) {
        return fault;
    }
    *known = value;
    return NULL;
}

/* Of a part but the first, others count for nothing: as all parts are bundled, they go the way of
 * the first (RFC 8843, 7.2). aiortc draws some for each. */
static const char *keep_ice(const struct sdp_reader *reader, struct str *known, struct str value,
                            size_t min, const char *fault)
{
    const bool is_sound = sdp_is_ice_text(value, min, 256);
    if (reader->part != NULL && reader->part > reader->sdp->parts && known->bytes > 0) {
        return is_sound ? NULL : fault;
    }
    return keep(known, value, is_sound, fault);
}

static const char *read_ufrag(struct sdp_reader *reader, struct str value)
{
    return keep_ice(reader, &reader->sdp->ufrag, value, 4, "not one sound ice-ufrag");
}

static const char *read_pwd(struct sdp_reader *reader, struct str value)
{
    return keep_ice(reader, &reader->sdp->pwd, value, 22, "not one sound ice-pwd");
}

static bool is_sha256(struct str text)
{
    for (size_t i = 2; i < text.bytes; i += 3) {
        if (text.data[i] != ':') {
            return false;
        }
    }
    return sdp_is_made_of(text, "0123456789abcdefABCDEF:", 32 * 3 - 1, 32 * 3 - 1);
}

static const char *read_fingerprint(struct sdp_reader *reader, struct str value)
{
    static const char fault[] = "not one sound fingerprint of sha-256";
    struct str hash;
    if (!sdp_word_take(&value, &hash)) {
        return fault;
    }
    if (sdp_is(hash, "sha-384") || sdp_is(hash, "sha-512")) {
        return NULL; /* beside the other; Janus skips them */
    }
    return keep(&reader->sdp->fingerprint, value, sdp_is(hash, "sha-256") && is_sha256(value),
                fault);
}

static const char *read_setup(struct sdp_reader *reader, struct str value)
{
    return keep(&reader->sdp->setup, value,
                sdp_is(value, "actpass") || sdp_is(value, "active") || sdp_is(value, "passive"),
                "not one sound setup");
}

static const char *read_group(struct sdp_reader *reader, struct str value)
{
    struct str kind;
    if (!sdp_word_take(&value, &kind)) {
        return "a wrong group";
    }
    if (!sdp_is(kind, "BUNDLE")) {
        return NULL;
    }
    return keep(&reader->sdp->bundle, value, reader->sdp->bundle.bytes == 0 && value.bytes > 0,
                "not one group of BUNDLE");
}

static const char *read_mid(struct sdp_reader *reader, struct str value)
{
    if (reader->part->mid.bytes > 0 || !sdp_is_token(value, SDP_MID_BYTES)) {
        return "not one sound mid in a part";
    }
    for (const struct sdp_part *other = reader->sdp->parts; other < reader->part; other++) {
        if (str_eq(other->mid, value)) {
            return "two parts of one mid";
        }
    }
    reader->part->mid = value;
    return NULL;
}

static const char *set_direction(struct sdp_reader *reader, enum sdp_direction direction)
{
    reader->part->direction = direction;
    const bool is_second = reader->has_direction;
    reader->has_direction = true;
    return is_second ? "two directions of one part" : NULL;
}

static const char *read_sendrecv(struct sdp_reader *reader, struct str value)
{
    (void)value;
    return set_direction(reader, SDP_SENDRECV);
}

static const char *read_sendonly(struct sdp_reader *reader, struct str value)
{
    (void)value;
    return set_direction(reader, SDP_SENDONLY);
}

static const char *read_recvonly(struct sdp_reader *reader, struct str value)
{
    (void)value;
    return set_direction(reader, SDP_RECVONLY);
}

static const char *read_inactive(struct sdp_reader *reader, struct str value)
{
    (void)value;
    return set_direction(reader, SDP_INACTIVE);
}

static const char *read_mux(struct sdp_reader *reader, struct str value)
{
    (void)value;
    reader->part->has_mux = true;
    return NULL;
}

static const char *read_bundle_only(struct sdp_reader *reader, struct str value)
{
    (void)value;
    reader->is_bundle_only = true;
    return NULL;
}

/* As Janus spells them: it knows no other mix of large and small letters. */
static bool is_room_codec(struct str codec, bool is_video)
{
    static const char *const audio[] = {"opus/48000/2", "OPUS/48000/2"};
    static const char *const video[] = {"VP8/90000", "vp8/90000", "H264/90000", "h264/90000"};
    const char *const *names = is_video ? video : audio;
    const size_t count = is_video ? ARRAY_LEN(video) : ARRAY_LEN(audio);
    for (size_t i = 0; i < count; i++) {
        if (str_eq(codec, str_of(names[i]))) {
            return true;
        }
    }
    return false;
}

static bool contains(struct str text, const char *word)
{
    return text.data != NULL && memmem(text.data, text.bytes, word, strlen(word)) != NULL;
}

/* Janus takes the payload type that an attribute begins with out of its part if the attribute has
 * one of these anywhere. */
static bool is_repair(struct str argument)
{
    return contains(argument, "red/90000") || contains(argument, "ulpfec/90000") ||
           contains(argument, "flexfec-03/90000") || contains(argument, "rtx/90000");
}

static const char *read_rtpmap(struct sdp_reader *reader, struct str value)
{
    uint64_t type;
    struct str codec;
    if (!sdp_payload_type_take(&value, &type) || !sdp_word_take(&value, &codec) ||
        value.bytes > 0) {
        return "a wrong rtpmap";
    }
    if (is_repair(codec)) {
        reader->formats[type] |= SDP_FORMAT_REPAIR;
    } else if (is_room_codec(codec, reader->part->is_video)) {
        reader->formats[type] |= SDP_FORMAT_ROOM;
    }
    return NULL;
}

/* Janus puts what follows profile-level-id= in a parameter, up to the next semicolon, into its
 * offers to others. */
static bool is_sound_parameter(struct str parameter)
{
    static const struct str name = {.data = "profile-level-id=", .bytes = 17};
    if (!contains(parameter, name.data)) {
        return true;
    }
    const struct str value = {.data = parameter.data + name.bytes,
                              .bytes = parameter.bytes - name.bytes};
    return memcmp(parameter.data, name.data, name.bytes) == 0 &&
           sdp_is_made_of(value, "0123456789abcdefABCDEF", 6, 6);
}

static const char *read_fmtp(struct sdp_reader *reader, struct str value)
{
    uint64_t type;
    if (!sdp_payload_type_take(&value, &type) || value.bytes == 0) {
        return "a wrong fmtp";
    }
    if (contains(value, "apt=")) {
        reader->formats[type] |= SDP_FORMAT_REPAIR;
    }
    while (value.bytes > 0) {
        struct str parameter = value;
        const char *end = memchr(value.data, ';', value.bytes);
        parameter.bytes = end == NULL ? value.bytes : (size_t)(end - value.data);
        if (!is_sound_parameter(parameter)) {
            return "a wrong profile-level-id";
        }
        const size_t taken = parameter.bytes + (end != NULL);
        value.data += taken;
        value.bytes -= taken;
    }
    return NULL;
}

static const char *read_rtcp_fb(struct sdp_reader *reader, struct str value)
{
    (void)reader;
    struct str word;
    uint64_t type;
    return sdp_word_take(&value, &word) &&
                   (sdp_is(word, "*") || sdp_number(word, SDP_PAYLOAD_TYPE_MAX, &type)) &&
                   value.bytes > 0
               ? NULL
               : "a wrong rtcp-fb";
}

/* extmap:4 urn:..., extmap:4/recvonly urn:... */
static const char *read_extmap(struct sdp_reader *reader, struct str value)
{
    (void)reader;
    struct str id;
    uint64_t number;
    if (!sdp_word_take(&value, &id) || value.bytes == 0) {
        return "a wrong extmap";
    }
    const char *slash = memchr(id.data, '/', id.bytes);
    if (slash != NULL) {
        const size_t at = (size_t)(slash - id.data);
        if (!sdp_is_token((struct str){.data = slash + 1, .bytes = id.bytes - at - 1}, 8)) {
            return "a wrong extmap";
        }
        id.bytes = at;
    }
    return sdp_number(id, 255, &number) && number > 0 ? NULL : "a wrong extmap";
}

static bool is_rid(struct str text)
{
    /* RFC 8851, 10; Janus keeps 15 bytes of it. */
    return sdp_is_made_of(text, RID_CHARACTERS, 1, 15);
}

static const char *read_rid(struct sdp_reader *reader, struct str value)
{
    struct str id, direction;
    if (!sdp_word_take(&value, &id) || !is_rid(id) || !sdp_word_take(&value, &direction) ||
        !sdp_is(direction, "send")) {
        return "a wrong rid";
    }
    return !reader->part->is_video || ++reader->part->rids > SDP_RIDS_MAX ? "too many layers"
                                                                          : NULL;
}

/* simulcast:send h;~m;l */
static const char *read_simulcast(struct sdp_reader *reader, struct str value)
{
    (void)reader;
    struct str direction;
    return sdp_word_take(&value, &direction) && sdp_is(direction, "send") &&
                   sdp_is_made_of(value, RID_CHARACTERS "~;,", 1, 64)
               ? NULL
               : "a wrong simulcast";
}

static bool is_ssrc(struct str word)
{
    uint64_t number;
    return sdp_number(word, UINT32_MAX, &number);
}

static const char *read_ssrc(struct sdp_reader *reader, struct str value)
{
    (void)reader;
    struct str word;
    return sdp_word_take(&value, &word) && is_ssrc(word) && value.bytes > 0 ? NULL : "a wrong ssrc";
}

/* ssrc-group:FID 1 2, ssrc-group:SIM 1 2 3 */
static const char *read_ssrc_group(struct sdp_reader *reader, struct str value)
{
    (void)reader;
    struct str word;
    size_t count = 0;
    bool is_sound = sdp_word_take(&value, &word) && sdp_is_token(word, 16);
    while (is_sound && value.bytes > 0) {
        is_sound = sdp_word_take(&value, &word) && is_ssrc(word) && ++count <= SDP_RIDS_MAX;
    }
    return is_sound && count > 0 ? NULL : "a wrong ssrc-group";
}

static const char *read_candidate_line(struct sdp_reader *reader, struct str value)
{
    if (++reader->candidates > SDP_CANDIDATES_MAX) {
        return "too many candidates";
    }
    return sdp_is_candidate(value) ? NULL : "a wrong candidate";
}

/* Where an attribute means something; elsewhere it is as one that is not known. */
enum place { SESSION = 1, PART = 2, ANYWHERE = SESSION | PART };

static const struct attribute {
    const char *name;
    enum place place;
    bool has_argument; /* it must have one, or must have none */
    bool passes;       /* Janus is to get it */
    const char *(*read)(struct sdp_reader *reader, struct str value); /* NULL: whatever it says */
} attributes[] = {
    {"bundle-only", PART, false, true, read_bundle_only},
    {"candidate", PART, true, false, read_candidate_line},
    {"extmap", PART, true, true, read_extmap},
    {"extmap-allow-mixed", ANYWHERE, false, true, NULL},
    {"fingerprint", ANYWHERE, true, true, read_fingerprint},
    {"fmtp", PART, true, true, read_fmtp},
    {"group", SESSION, true, true, read_group},
    {"ice-options", ANYWHERE, true, true, NULL},
    {"ice-pwd", ANYWHERE, true, true, read_pwd},
    {"ice-ufrag", ANYWHERE, true, true, read_ufrag},
    {"inactive", PART, false, true, read_inactive},
    {"mid", PART, true, true, read_mid},
    {"msid", PART, true, true, NULL},
    {"msid-semantic", SESSION, true, true, NULL},
    {"recvonly", PART, false, true, read_recvonly},
    {"rid", PART, true, true, read_rid},
    {"rtcp", PART, true, true, NULL},
    {"rtcp-fb", PART, true, true, read_rtcp_fb},
    {"rtcp-mux", PART, false, true, read_mux},
    {"rtcp-rsize", PART, false, true, NULL},
    {"rtpmap", PART, true, true, read_rtpmap},
    {"sendonly", PART, false, true, read_sendonly},
    {"sendrecv", PART, false, true, read_sendrecv},
    {"setup", ANYWHERE, true, true, read_setup},
    {"simulcast", PART, true, true, read_simulcast},
    {"ssrc", PART, true, true, read_ssrc},
    {"ssrc-group", PART, true, true, read_ssrc_group},
};

static const struct attribute *find_attribute(const struct sdp_line *line, enum place place)
{
    for (size_t i = 0; i < ARRAY_LEN(attributes); i++) {
        if ((attributes[i].place & place) != 0 && sdp_is_attribute(line, attributes[i].name)) {
            return &attributes[i];
        }
    }
    return NULL;
}

const char *sdp_attribute_read(struct sdp_reader *reader, const struct sdp_line *line)
{
    const struct attribute *attribute = find_attribute(line, reader->part == NULL ? SESSION : PART);
    if (attribute == NULL) {
        return NULL;
    }
    if (attribute->has_argument != (line->argument.data != NULL)) {
        return "an attribute without what belongs behind it, or with what does not";
    }
    if (is_repair(line->argument) && attribute->read != read_rtpmap) {
        return "a codec in an attribute that is no rtpmap";
    }
    return attribute->read == NULL ? NULL : attribute->read(reader, line->argument);
}

bool sdp_attribute_passes(const struct sdp_line *line, bool is_in_part)
{
    const struct attribute *attribute = find_attribute(line, is_in_part ? PART : SESSION);
    return attribute != NULL && attribute->passes;
}
