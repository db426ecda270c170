#include "janusbridge/janus/janus_sieve.h"

/* A buffer that grew beyond this is given back at the next begin. */
#define ROOM_KEPT_BYTES 65536
#define KEY_BYTES_MAX 15
/* Janus indents by a few blanks at most. */
#define BLANKS_MAX 4096

enum sieve_state {
    SIEVE_VALUE,       /* a value that is kept must come */
    SIEVE_FIRST,       /* the first key or value of a container, or its end */
    SIEVE_KEY,         /* a key must come */
    SIEVE_NAME,        /* inside a key */
    SIEVE_COLON,       /* after a key */
    SIEVE_STRING,      /* inside a string that is kept */
    SIEVE_SCALAR,      /* inside a number or a literal that is kept */
    SIEVE_NEXT,        /* after a value: a comma, or the end of its container */
    SIEVE_SKIP,        /* inside a value that is not kept, or the rest of a message that was cut */
    SIEVE_SKIP_STRING, /* likewise, inside a string */
    SIEVE_DONE,        /* all has come: only blanks may follow */
    SIEVE_BAD,         /* it is no text of Janus' */
};

struct sieve_level {
    bool is_object;
    bool has_items; /* that were kept */
};

struct janus_sieve {
    enum sieve_state state;
    bool is_escaped; /* in a string: the next character is part of an escape */
    bool is_wanted;  /* the value of the key that was read last */
    char key[KEY_BYTES_MAX];
    size_t key_bytes; /* past KEY_BYTES_MAX: none that we know */
    struct sieve_level levels[JANUS_DEPTH_MAX];
    size_t depth;         /* open containers that are kept */
    size_t message_depth; /* inside a message: 1, or 2 if the text is an array */
    size_t nest;          /* while skipping: open containers inside what is skipped */
    size_t blanks;        /* in a row */

    char *kept;
    size_t bytes, room, bytes_max;
    size_t message_start; /* in kept */
    size_t member_start;  /* of the message's present member */
    size_t messages;      /* that ended, of an array */
    bool is_cut;          /* this message */
    size_t cuts;
};

/* A member of which only its being there counts (is_mark) is kept with the value null. Some mean
 * something only so many levels deep: those of streams would make a list of publishers many times
 * as long. */
static const struct {
    struct str key;
    bool is_mark;
    size_t level_max; /* inside the message; 0: any */
} wanted_keys[] = {
    {STR_LIT("janus"), false, 0},
    {STR_LIT("transaction"), false, 0},
    {STR_LIT("session_id"), false, 0},
    {STR_LIT("sender"), false, 0},
    {STR_LIT("plugindata"), false, 0},
    {STR_LIT("plugin"), false, 0},
    {STR_LIT("data"), false, 0},
    {STR_LIT("id"), false, 0},
    {STR_LIT("error"), false, 0},
    {STR_LIT("code"), false, 0},
    {STR_LIT("error_code"), false, 0},
    {STR_LIT("videoroom"), false, 0},
    {STR_LIT("room"), false, 0},
    {STR_LIT("exists"), false, 0},
    {STR_LIT("participants"), false, 0},
    {STR_LIT("publisher"), false, 0},
    {STR_LIT("publishers"), false, 0},
    {STR_LIT("unpublished"), false, 0},
    {STR_LIT("leaving"), false, 0},
    {STR_LIT("kicked"), false, 0},
    {STR_LIT("joining"), true, 0},
    {STR_LIT("display"), true, 0},
    {STR_LIT("configured"), true, 0},
    {STR_LIT("moderation"), true, 0},
    {STR_LIT("version_string"), false, 0},
    {STR_LIT("session-timeout"), false, 0},
    {STR_LIT("api_secret"), false, 0},
    {STR_LIT("auth_token"), false, 0},
    {STR_LIT("jsep"), false, 1},
    {STR_LIT("type"), false, 2},
    {STR_LIT("sdp"), false, 2},
    {STR_LIT("streams"), false, 3},
    {STR_LIT("mid"), false, 5},
    {STR_LIT("feed_id"), false, 5},
    {STR_LIT("feed_mid"), false, 5},
    {STR_LIT("active"), false, 5},
    {STR_LIT("substream"), false, 5},
    {STR_LIT("receiving"), false, 1},
    {STR_LIT("started"), true, 3},
};

struct janus_sieve *janus_sieve_new(void)
{
    struct janus_sieve *sieve = mem_alloc(sizeof(*sieve));
    janus_sieve_begin(sieve, 0);
    return sieve;
}

void janus_sieve_free(struct janus_sieve **sieve)
{
    if (*sieve != NULL) {
        mem_free(&(*sieve)->kept);
        mem_free(sieve);
    }
}

void janus_sieve_begin(struct janus_sieve *sieve, size_t bytes_max)
{
    if (sieve->room > ROOM_KEPT_BYTES) {
        mem_free(&sieve->kept);
        sieve->room = 0;
    }
    *sieve = (struct janus_sieve){
        .state = SIEVE_VALUE, .kept = sieve->kept, .room = sieve->room, .bytes_max = bytes_max};
}

/* ---- keeping ---- */

static void sieve_keep(struct janus_sieve *sieve, const char *data, size_t bytes)
{
    if (sieve->bytes + bytes > sieve->room) {
        sieve->room = 2 * (sieve->bytes + bytes);
        sieve->kept = mem_realloc_array(sieve->kept, sieve->room, 1);
    }
    memcpy(sieve->kept + sieve->bytes, data, bytes);
    sieve->bytes += bytes;
}

static struct sieve_level *level_of(struct janus_sieve *sieve)
{
    return &sieve->levels[sieve->depth - 1];
}

static void keep_comma(struct janus_sieve *sieve)
{
    if (level_of(sieve)->has_items) {
        sieve_keep(sieve, ",", 1);
    }
    level_of(sieve)->has_items = true;
}

static bool is_over(const struct janus_sieve *sieve)
{
    return !sieve->is_cut && sieve->bytes - sieve->message_start > sieve->bytes_max;
}

/* Gives up the member of the message that does not fit, and skips the rest of the message. */
static void cut_message(struct janus_sieve *sieve)
{
    static const char mark[] = ",\"cut\":true";
    const bool is_in_string = sieve->state == SIEVE_STRING || sieve->state == SIEVE_NAME ||
                              sieve->state == SIEVE_SKIP_STRING;
    if (sieve->depth < sieve->message_depth || !sieve->levels[sieve->message_depth - 1].is_object) {
        sieve->state = SIEVE_BAD;
        return;
    }
    sieve->nest += sieve->depth - sieve->message_depth;
    sieve->depth = sieve->message_depth;
    sieve->bytes = sieve->member_start;
    const size_t from =
        sieve->kept[sieve->bytes - 1] == '{' ? 1 : 0; /* no comma before the first */
    sieve_keep(sieve, mark + from, sizeof(mark) - 1 - from);
    sieve->is_cut = true;
    sieve->cuts++;
    sieve->state = is_in_string ? SIEVE_SKIP_STRING : SIEVE_SKIP;
}

/* ---- values ---- */

static void end_value(struct janus_sieve *sieve)
{
    sieve->state = sieve->depth == 0 ? SIEVE_DONE : SIEVE_NEXT;
    if (sieve->depth + 1 != sieve->message_depth) {
        return;
    }
    sieve->is_cut = false;
    sieve->message_start = sieve->bytes;
    if (++sieve->messages > JANUS_BATCH_MAX) {
        sieve->state = SIEVE_BAD;
    }
}

static void open_container(struct janus_sieve *sieve, char bracket)
{
    if (sieve->depth == JANUS_DEPTH_MAX) {
        sieve->state = SIEVE_BAD;
        return;
    }
    if (sieve->depth == 0) {
        sieve->message_depth = bracket == '[' ? 2 : 1;
    }
    sieve_keep(sieve, &bracket, 1);
    sieve->levels[sieve->depth++] = (struct sieve_level){.is_object = bracket == '{'};
    sieve->state = SIEVE_FIRST;
    if (sieve->depth == sieve->message_depth) {
        sieve->member_start = sieve->bytes;
    } else if (sieve->depth < sieve->message_depth) {
        sieve->message_start = sieve->bytes;
    }
}

static void close_container(struct janus_sieve *sieve, char bracket)
{
    if (bracket != (level_of(sieve)->is_object ? '}' : ']')) {
        sieve->state = SIEVE_BAD;
        return;
    }
    sieve_keep(sieve, &bracket, 1);
    sieve->depth--;
    end_value(sieve);
}

static bool is_of_scalar(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || c == 'E' || c == '-' || c == '+' ||
           c == '.';
}

static void sieve_begin_value(struct janus_sieve *sieve, char c)
{
    if (sieve->depth > 0 && !level_of(sieve)->is_object) {
        keep_comma(sieve);
    }
    if (c == '{' || c == '[') {
        open_container(sieve, c);
    } else if (sieve->depth > 0 && (c == '"' || is_of_scalar(c))) {
        sieve_keep(sieve, &c, 1);
        sieve->state = c == '"' ? SIEVE_STRING : SIEVE_SCALAR;
    } else {
        sieve->state = SIEVE_BAD;
    }
}

/* ---- members ---- */

static void begin_key(struct janus_sieve *sieve, char c)
{
    sieve->key_bytes = 0;
    sieve->state = c == '"' ? SIEVE_NAME : SIEVE_BAD;
}

static void take_key(struct janus_sieve *sieve, const char *data, size_t bytes)
{
    if (bytes > KEY_BYTES_MAX || sieve->key_bytes + bytes > KEY_BYTES_MAX) {
        sieve->key_bytes = KEY_BYTES_MAX + 1;
        return;
    }
    memcpy(sieve->key + sieve->key_bytes, data, bytes);
    sieve->key_bytes += bytes;
}

static bool is_at_level(const struct janus_sieve *sieve, size_t level_max)
{
    return level_max == 0 || sieve->depth + 1 - sieve->message_depth <= level_max;
}

static void end_key(struct janus_sieve *sieve)
{
    const struct str key = {sieve->key, sieve->key_bytes};
    sieve->is_wanted = false;
    sieve->state = SIEVE_COLON;
    if (sieve->depth == sieve->message_depth) {
        sieve->member_start = sieve->bytes;
    }
    for (size_t i = 0; key.bytes <= KEY_BYTES_MAX && i < ARRAY_LEN(wanted_keys); i++) {
        if (str_eq(key, wanted_keys[i].key) && is_at_level(sieve, wanted_keys[i].level_max)) {
            const bool is_mark = wanted_keys[i].is_mark;
            keep_comma(sieve);
            sieve_keep(sieve, "\"", 1);
            sieve_keep(sieve, key.data, key.bytes);
            sieve_keep(sieve, is_mark ? "\":null" : "\":", is_mark ? 6 : 2);
            sieve->is_wanted = !is_mark;
            return;
        }
    }
}

/* ---- characters ---- */

/* Takes what there is of a string, and its closing quote; gives how much that was. */
static size_t take_string(struct janus_sieve *sieve, const char *data, size_t bytes)
{
    size_t run = 0;
    if (sieve->is_escaped) {
        sieve->is_escaped = false;
        run = 1;
    }
    while (run < bytes && data[run] != '"' && data[run] != '\\') {
        run++;
    }
    const bool has_backslash = run < bytes && data[run] == '\\';
    const bool has_end = run < bytes && data[run] == '"';
    run += has_backslash;
    sieve->is_escaped = has_backslash;
    if (sieve->state == SIEVE_STRING) {
        const size_t left = sieve->bytes_max + 1 - (sieve->bytes - sieve->message_start);
        sieve_keep(sieve, data, run < left ? run : left);
    } else if (sieve->state == SIEVE_NAME) {
        take_key(sieve, data, run);
    }
    if (!has_end || is_over(sieve)) {
        return run;
    }
    switch (sieve->state) {
    case SIEVE_STRING:
        sieve_keep(sieve, "\"", 1);
        end_value(sieve);
        break;
    case SIEVE_NAME:
        end_key(sieve);
        break;
    default:
        sieve->state = SIEVE_SKIP;
        break;
    }
    return run + 1;
}

static void take_next(struct janus_sieve *sieve, char c)
{
    if (c == ',') {
        sieve->state = level_of(sieve)->is_object ? SIEVE_KEY : SIEVE_VALUE;
    } else {
        close_container(sieve, c);
    }
}

static void take_skipped(struct janus_sieve *sieve, char c)
{
    const bool is_end = c == '}' || c == ']';
    if (sieve->nest == 0 && (is_end || (c == ',' && !sieve->is_cut))) {
        take_next(sieve, c);
    } else if (c == '"') {
        sieve->state = SIEVE_SKIP_STRING;
    } else if (c == '{' || c == '[') {
        sieve->nest++;
    } else if (is_end) {
        sieve->nest--;
    }
}

/* Outside of strings; no blank. */
static void sieve_take_character(struct janus_sieve *sieve, char c)
{
    switch (sieve->state) {
    case SIEVE_VALUE:
        sieve_begin_value(sieve, c);
        break;
    case SIEVE_FIRST:
        if (c == '}' || c == ']') {
            close_container(sieve, c);
        } else if (level_of(sieve)->is_object) {
            begin_key(sieve, c);
        } else {
            sieve_begin_value(sieve, c);
        }
        break;
    case SIEVE_KEY:
        begin_key(sieve, c);
        break;
    case SIEVE_COLON:
        sieve->state = c != ':' ? SIEVE_BAD : sieve->is_wanted ? SIEVE_VALUE : SIEVE_SKIP;
        break;
    case SIEVE_SCALAR:
        if (is_of_scalar(c)) {
            sieve_keep(sieve, &c, 1);
            break;
        }
        end_value(sieve);
        if (sieve->state == SIEVE_NEXT) {
            take_next(sieve, c);
        }
        break;
    case SIEVE_NEXT:
        take_next(sieve, c);
        break;
    case SIEVE_SKIP:
        take_skipped(sieve, c);
        break;
    default:
        sieve->state = SIEVE_BAD;
        break;
    }
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

static void take_blank(struct janus_sieve *sieve)
{
    if (sieve->state == SIEVE_SCALAR) {
        end_value(sieve);
    }
    if (++sieve->blanks > BLANKS_MAX) {
        sieve->state = SIEVE_BAD;
    }
}

bool janus_sieve_take(struct janus_sieve *sieve, const char *data, size_t bytes)
{
    size_t i = 0;
    while (i < bytes && sieve->state != SIEVE_BAD) {
        if (sieve->state == SIEVE_STRING || sieve->state == SIEVE_NAME ||
            sieve->state == SIEVE_SKIP_STRING) {
            i += take_string(sieve, data + i, bytes - i);
        } else if (is_blank(data[i++])) {
            take_blank(sieve);
        } else {
            sieve->blanks = 0;
            sieve_take_character(sieve, data[i - 1]);
        }
        if (sieve->state != SIEVE_BAD && is_over(sieve)) {
            cut_message(sieve);
        }
    }
    return sieve->state != SIEVE_BAD;
}

struct str janus_sieve_text(const struct janus_sieve *sieve)
{
    return sieve->state == SIEVE_DONE ? (struct str){sieve->kept, sieve->bytes} : STR_NONE;
}

size_t janus_sieve_cuts(const struct janus_sieve *sieve)
{
    return sieve->cuts;
}
