#include "janusbridge/rtc/sdp_swap.h"

#include "janusbridge/rtc/sdp_candidate.h"
#include "janusbridge/rtc/sdp_read.h"

#define PARTS_MAX RTC_TRACKS_MAX
#define MID_EXTENSION "urn:ietf:params:rtp-hdrext:sdes:mid"

/* One of the two offers. */
struct offered {
    struct sdp sdp;
    struct str head;             /* what stands before the first part */
    struct str parts[PARTS_MAX]; /* each from its m-line on */
};

struct swap {
    struct offered janus, client;
    size_t client_of[PARTS_MAX]; /* for each part of Janus, that of the client */
    bool has_same_mids;
    enum sdp_candidates candidates;
};

enum receiver { TO_JANUS, TO_CLIENT };

/* ---- reading ---- */

/* Cuts what is before the next m-line off rest. */
static struct str take_section(struct str *rest)
{
    struct str section = *rest;
    const char *end = rest->bytes > 0 ? memmem(rest->data, rest->bytes, "\nm=", 3) : NULL;
    if (end != NULL) {
        section.bytes = (size_t)(end + 1 - rest->data);
    }
    rest->data += section.bytes;
    rest->bytes -= section.bytes;
    return section;
}

static const char *read_offered(struct str text, struct offered *offered)
{
    const char *fault = sdp_read(text, PARTS_MAX, &offered->sdp);
    if (fault == NULL) {
        offered->head = take_section(&text);
        for (size_t i = 0; i < offered->sdp.part_count; i++) {
            offered->parts[i] = take_section(&text);
        }
    }
    return fault;
}

static bool has_line(struct str section, struct str text)
{
    struct sdp_line line;
    while (sdp_line_take(&section, &line)) {
        if (str_eq(line.text, text)) {
            return true;
        }
    }
    return false;
}

/* The first attribute of this name that is about a payload type. false: none is. */
static bool find_about(struct str section, const char *name, struct str type,
                       struct sdp_line *ret_line)
{
    struct str word;
    while (sdp_line_take(&section, ret_line)) {
        struct str rest = ret_line->argument;
        if (sdp_is_attribute(ret_line, name) && sdp_word_take(&rest, &word) && str_eq(word, type)) {
            return true;
        }
    }
    return false;
}

/* The payload types of a part: what stands behind the first three words of its m-line. */
static struct str formats_of(struct str section)
{
    struct sdp_line line = {0};
    struct str word;
    (void)sdp_line_take(&section, &line);
    for (size_t i = 0; i < 3; i++) {
        (void)sdp_word_take(&line.value, &word);
    }
    return line.value;
}

/* ---- what fits ---- */

/* Is this payload type of Janus the same for the client? */
static bool is_agreed(struct str janus, struct str client, struct str type)
{
    struct sdp_line line;
    return find_about(janus, "rtpmap", type, &line) && has_line(client, line.text);
}

/* How H264 is cut into packets; without the parameter it is mode 0 (RFC 6184, 8.1). */
static bool has_packetization_mode_1(struct str section, struct str type)
{
    static const struct str mode = {.data = "packetization-mode=1", .bytes = 20};
    struct sdp_line line;
    return find_about(section, "fmtp", type, &line) &&
           memmem(line.text.data, line.text.bytes, mode.data, mode.bytes) != NULL;
}

/* The first is what Janus sends in; those behind it repair. */
static bool takes_formats(struct str janus, struct str client)
{
    struct str formats = formats_of(janus), type;
    return sdp_word_take(&formats, &type) && is_agreed(janus, client, type) &&
           has_packetization_mode_1(janus, type) == has_packetization_mode_1(client, type);
}

/* Janus' part for one of the client among the first count; false: there is none. */
static bool find_for_client(const struct swap *swap, size_t client, size_t count, size_t *ret_janus)
{
    for (size_t i = 0; i < count; i++) {
        if (swap->client_of[i] == client) {
            *ret_janus = i;
            return true;
        }
    }
    return false;
}

/* Finds the client's part for one of Janus. */
static const char *match_part(struct swap *swap, size_t janus)
{
    const struct sdp_part *sent = &swap->janus.sdp.parts[janus];
    size_t other;
    for (size_t i = 0; i < swap->client.sdp.part_count; i++) {
        const struct sdp_part *part = &swap->client.sdp.parts[i];
        if (part->is_off || part->is_video != sent->is_video ||
            (part->direction != SDP_RECVONLY && part->direction != SDP_SENDRECV) ||
            find_for_client(swap, i, janus, &other)) {
            continue;
        }
        swap->client_of[janus] = i;
        swap->has_same_mids &= str_eq(part->mid, sent->mid);
        return takes_formats(swap->janus.parts[janus], swap->client.parts[i])
                   ? NULL
                   : "other payload types than those of Janus";
    }
    return "no part for what is sent";
}

static const char *match_parts(struct swap *swap)
{
    const char *fault = sdp_is(swap->client.sdp.setup, "passive") ? "it waits for DTLS" : NULL;
    size_t first;
    swap->has_same_mids = true;
    for (size_t i = 0; fault == NULL && i < swap->janus.sdp.part_count; i++) {
        fault = match_part(swap, i);
    }
    if (fault == NULL && !find_for_client(swap, 0, swap->janus.sdp.part_count, &first)) {
        fault = "a first part for which nothing is sent";
    }
    return fault;
}

/* ---- writing ---- */

/* Which lines of Janus' parts are in the answers. */
static const struct {
    const char *name;
    enum { IF_TYPE_AGREED, IF_IN_BOTH, ALWAYS, FOR_CLIENT } rule;
} kept[] = {
    {"rtpmap", IF_TYPE_AGREED},
    {"fmtp", IF_TYPE_AGREED},
    {"rtcp-fb", IF_IN_BOTH},
    {"extmap", IF_IN_BOTH},
    {"rtcp-mux", ALWAYS},
    {"rtcp-rsize", IF_IN_BOTH},
    {"msid", FOR_CLIENT},
    {"ssrc", FOR_CLIENT},
    {"ssrc-group", FOR_CLIENT},
    {"candidate", FOR_CLIENT},
    {"end-of-candidates", FOR_CLIENT},
};

/* Packets would name the parts by the mids of Janus. */
static bool is_misleading(const struct swap *swap, const struct sdp_line *line)
{
    return !swap->has_same_mids && sdp_is_attribute(line, "extmap") &&
           memmem(line->text.data, line->text.bytes, MID_EXTENSION, strlen(MID_EXTENSION)) != NULL;
}

static bool is_kept(const struct swap *swap, size_t janus, const struct sdp_line *line,
                    enum receiver receiver)
{
    const struct str client = swap->client.parts[swap->client_of[janus]];
    struct str rest = line->argument, type;
    size_t i = 0;
    while (i < ARRAY_LEN(kept) && !sdp_is_attribute(line, kept[i].name)) {
        i++;
    }
    if (i == ARRAY_LEN(kept)) {
        return false;
    }
    switch (kept[i].rule) {
    case IF_TYPE_AGREED:
        return sdp_word_take(&rest, &type) && is_agreed(swap->janus.parts[janus], client, type);
    case IF_IN_BOTH:
        return has_line(client, line->text) && !is_misleading(swap, line);
    case FOR_CLIENT:
        return receiver == TO_CLIENT;
    default:
        return true;
    }
}

static void add_attribute(struct strbuf *dest, const char *name, struct str argument)
{
    strbuf_add_z(dest, "a=");
    strbuf_add_z(dest, name);
    strbuf_add_z(dest, ":");
    sdp_line_add(dest, argument);
}

static void write_media_line(const struct swap *swap, size_t janus, struct strbuf *dest)
{
    const struct str section = swap->janus.parts[janus];
    struct str formats = formats_of(section), type;
    strbuf_add_z(dest, swap->janus.sdp.parts[janus].is_video ? "m=video" : "m=audio");
    strbuf_add_z(dest, " 9 UDP/TLS/RTP/SAVPF");
    while (sdp_word_take(&formats, &type)) {
        if (is_agreed(section, swap->client.parts[swap->client_of[janus]], type)) {
            strbuf_add_z(dest, " ");
            strbuf_add(dest, type);
        }
    }
    strbuf_add_z(dest, "\r\nc=IN IP4 0.0.0.0\r\n");
}

/* As all is bundled, they are of use once. */
static void add_candidates(struct str section, struct strbuf *dest)
{
    struct sdp_line line;
    while (sdp_line_take(&section, &line)) {
        if (sdp_is_attribute(&line, "candidate") && sdp_candidate_is_public(line.argument)) {
            sdp_line_add(dest, line.text);
        }
    }
}

static void write_part(const struct swap *swap, size_t janus, enum receiver receiver,
                       struct strbuf *dest)
{
    const bool is_to_janus = receiver == TO_JANUS;
    const struct sdp *from = is_to_janus ? &swap->client.sdp : &swap->janus.sdp;
    const struct sdp_part *answered = is_to_janus ? &swap->janus.sdp.parts[janus]
                                                  : &swap->client.sdp.parts[swap->client_of[janus]];
    struct str section = swap->janus.parts[janus];
    struct sdp_line line;
    write_media_line(swap, janus, dest);
    add_attribute(dest, "mid", answered->mid);
    strbuf_add_z(dest, is_to_janus ? "a=recvonly\r\n" : "a=sendonly\r\n");
    add_attribute(dest, "ice-ufrag", from->ufrag);
    add_attribute(dest, "ice-pwd", from->pwd);
    add_attribute(dest, "ice-options", STR_LIT("trickle"));
    strbuf_add_z(dest, "a=fingerprint:sha-256 ");
    sdp_line_add(dest, from->fingerprint);
    add_attribute(dest, "setup", is_to_janus ? STR_LIT("active") : STR_LIT("passive"));
    while (sdp_line_take(&section, &line)) {
        if (is_kept(swap, janus, &line, receiver)) {
            sdp_line_add(dest, line.text);
        }
    }
    if (is_to_janus && janus == 0 && swap->candidates == SDP_PUBLIC_CANDIDATES) {
        add_candidates(swap->client.parts[0], dest);
    }
}

static void write_rejected(const struct offered *client, size_t part, struct strbuf *dest)
{
    struct str formats = formats_of(client->parts[part]), type = STR_NONE;
    (void)sdp_word_take(&formats, &type);
    strbuf_add_z(dest, client->sdp.parts[part].is_video ? "m=video 0 " : "m=audio 0 ");
    strbuf_add_z(dest, "UDP/TLS/RTP/SAVPF ");
    strbuf_add(dest, type);
    strbuf_add_z(dest, "\r\nc=IN IP4 0.0.0.0\r\na=inactive\r\n");
    if (client->sdp.parts[part].mid.bytes > 0) {
        add_attribute(dest, "mid", client->sdp.parts[part].mid);
    }
}

static void write_answer_to(const struct swap *swap, enum receiver receiver, struct strbuf *dest)
{
    const size_t janus_count = swap->janus.sdp.part_count;
    const struct sdp *answered = receiver == TO_JANUS ? &swap->janus.sdp : &swap->client.sdp;
    struct str head = swap->janus.head;
    struct sdp_line line;
    while (sdp_line_take(&head, &line)) {
        if (line.letter != 'a') {
            sdp_line_add(dest, line.text);
        }
    }
    strbuf_add_z(dest, "a=group:BUNDLE");
    for (size_t i = 0, janus; i < answered->part_count; i++) {
        if (receiver == TO_JANUS || find_for_client(swap, i, janus_count, &janus)) {
            strbuf_add_z(dest, " ");
            strbuf_add(dest, answered->parts[i].mid);
        }
    }
    strbuf_add_z(dest, "\r\n");
    for (size_t i = 0, janus = 0; i < answered->part_count; i++) {
        if (receiver == TO_JANUS) {
            write_part(swap, i, receiver, dest);
        } else if (find_for_client(swap, i, janus_count, &janus)) {
            write_part(swap, janus, receiver, dest);
        } else {
            write_rejected(&swap->client, i, dest);
        }
    }
}

const char *sdp_swap(struct str janus, struct str client, enum sdp_candidates candidates,
                     struct strbuf *ret_to_janus, struct strbuf *ret_to_client)
{
    struct swap swap = {.candidates = candidates};
    const char *fault = read_offered(client, &swap.client);
    if (fault == NULL) {
        fault = read_offered(janus, &swap.janus);
    }
    if (fault == NULL) {
        fault = match_parts(&swap);
    }
    if (fault == NULL) {
        write_answer_to(&swap, TO_JANUS, ret_to_janus);
        (void)sdp_check_answer(strbuf_str(ret_to_janus), janus, &fault);
    }
    if (fault == NULL) {
        write_answer_to(&swap, TO_CLIENT, ret_to_client);
    }
    return fault;
}
