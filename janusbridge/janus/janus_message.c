#include "janusbridge/janus/janus_message.h"

#include <jansson.h>

/* Of one message. More members of a room than the sieve lets through have fewer values. */
#define VALUES_MAX 131072

/* ---- reading ---- */

/* Members that may be absent (then *ret is untouched) but must have the right type if present. */

static bool read_string(const json_t *object, const char *key, struct str *ret)
{
    const json_t *value = json_object_get(object, key);
    if (value == NULL) {
        return true;
    }
    *ret = (struct str){json_string_value(value), json_string_length(value)};
    return json_is_string(value);
}

static bool read_id(const json_t *object, const char *key, uint64_t *ret)
{
    const json_t *value = json_object_get(object, key);
    if (value == NULL) {
        return true;
    }
    *ret = (uint64_t)json_integer_value(value);
    return json_is_integer(value) && json_integer_value(value) > 0;
}

static bool read_object(const json_t *object, const char *key, const json_t **ret)
{
    const json_t *value = json_object_get(object, key);
    if (value == NULL) {
        return true;
    }
    *ret = value;
    return json_is_object(value);
}

/* ---- documents ---- */

struct janus_document {
    json_t *root;
    size_t count;
};

/* Where a string ends: the index of its closing quote, or text.bytes. */
static size_t end_of_string(struct str text, size_t start)
{
    size_t i = start + 1;
    while (i < text.bytes && text.data[i] != '"') {
        i += text.data[i] == '\\' ? 2 : 1;
    }
    return i;
}

/* Bounds what the parser will allocate and how deep it will go: message by message, so that large
 * ones do not cost the others of their batch. Whether text is JSON at all, the parser tells; this
 * only must not count too little for texts that are. */
static bool is_bounded(struct str text)
{
    size_t depth = 0, values = 0, messages = 1;
    const bool is_batch = text.data[0] == '[';
    for (size_t i = 0; i < text.bytes; i++) {
        switch (text.data[i]) {
        case '"':
            i = end_of_string(text, i);
            break;
        case '{':
        case '[':
            depth++;
            values++;
            break;
        case '}':
        case ']':
            depth -= depth > 0;
            break;
        case ',':
            values = is_batch && depth == 1 ? 0 : values + 1;
            messages += is_batch && depth == 1;
            break;
        default:
            break;
        }
        if (depth > JANUS_DEPTH_MAX || values > VALUES_MAX || messages > JANUS_BATCH_MAX) {
            return false;
        }
    }
    return true;
}

struct janus_document *janus_document_parse(struct str text)
{
    /* jansson overlooks a NUL after a number; no JSON text holds one (RFC 8259, section 2). */
    if (text.bytes == 0 || memchr(text.data, '\0', text.bytes) != NULL || !is_bounded(text)) {
        return NULL;
    }
    json_t *root = json_loadb(text.data, text.bytes, JSON_REJECT_DUPLICATES, NULL);
    if (root == NULL) {
        return NULL;
    }
    const size_t count = json_is_array(root) ? json_array_size(root) : 1;
    struct janus_document *document = mem_alloc(sizeof(*document));
    *document = (struct janus_document){.root = root, .count = count};
    return document;
}

void janus_document_free(struct janus_document **document_ref)
{
    if (*document_ref != NULL) {
        json_decref((*document_ref)->root);
        mem_free(document_ref);
    }
}

size_t janus_document_count(const struct janus_document *document)
{
    return document->count;
}

/* ---- messages ---- */

static bool read_kind(const json_t *root, enum janus_kind *ret)
{
    static const struct {
        struct str name;
        enum janus_kind kind;
    } kinds[] = {
        {STR_LIT("success"), JANUS_SUCCESS},   {STR_LIT("ack"), JANUS_ACK},
        {STR_LIT("event"), JANUS_EVENT},       {STR_LIT("keepalive"), JANUS_KEEPALIVE},
        {STR_LIT("timeout"), JANUS_TIMEOUT},   {STR_LIT("detached"), JANUS_DETACHED},
        {STR_LIT("server_info"), JANUS_INFO},  {STR_LIT("error"), JANUS_ERROR},
        {STR_LIT("webrtcup"), JANUS_WEBRTCUP}, {STR_LIT("media"), JANUS_MEDIA},
        {STR_LIT("hangup"), JANUS_HANGUP},
    };
    struct str name = STR_NONE;
    if (!read_string(root, "janus", &name) || name.data == NULL) {
        return false;
    }
    *ret = JANUS_OTHER;
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        if (str_eq(name, kinds[i].name)) {
            *ret = kinds[i].kind;
        }
    }
    return true;
}

struct fault_row {
    uint64_t code;
    enum janus_fault fault;
};

static enum janus_fault find_fault(const struct fault_row *rows, size_t count, uint64_t code)
{
    for (size_t i = 0; i < count; i++) {
        if (rows[i].code == code) {
            return rows[i].fault;
        }
    }
    return JANUS_FAULT_OTHER;
}

/* apierror.h of Janus 1.1.2 */
static enum janus_fault core_fault(uint64_t code)
{
    static const struct fault_row rows[] = {
        {403, JANUS_FAULT_SECRET},   {405, JANUS_FAULT_PLUGIN},  {460, JANUS_FAULT_PLUGIN},
        {461, JANUS_FAULT_PLUGIN},   {458, JANUS_FAULT_SESSION}, {459, JANUS_FAULT_HANDLE},
        {472, JANUS_FAULT_DRAINING}, {465, JANUS_FAULT_SDP},     {469, JANUS_FAULT_SDP}};
    return find_fault(rows, ARRAY_LEN(rows), code);
}

/* janus_videoroom.c of Janus 1.1.2 */
static enum janus_fault plugin_fault(uint64_t code)
{
    static const struct fault_row rows[] = {
        {426, JANUS_FAULT_NO_ROOM},     {427, JANUS_FAULT_ROOM_EXISTS},
        {429, JANUS_FAULT_KEY_MISSING}, {430, JANUS_FAULT_WRONG_TYPE},
        {433, JANUS_FAULT_KEY_WRONG},   {428, JANUS_FAULT_NO_FEED},
        {432, JANUS_FAULT_FULL}};
    return find_fault(rows, ARRAY_LEN(rows), code);
}

static bool read_core_error(struct janus_message *message)
{
    const json_t *error = NULL;
    if (!read_object(message->root, "error", &error) || error == NULL ||
        !read_id(error, "code", &message->code)) {
        return false;
    }
    message->fault = core_fault(message->code);
    return true;
}

static bool read_plugin(struct janus_message *message)
{
    const json_t *plugin = NULL;
    if (!read_object(message->root, "plugindata", &plugin)) {
        return false;
    }
    if (plugin == NULL) {
        return true;
    }
    struct str name = STR_NONE;
    if (!read_string(plugin, "plugin", &name) || !str_eq(name, STR_LIT(JANUS_VIDEOROOM)) ||
        !read_object(plugin, "data", &message->data) || message->data == NULL ||
        !read_id(message->data, "error_code", &message->code)) {
        return false;
    }
    message->fault = message->code > 0 ? plugin_fault(message->code) : JANUS_FAULT_NONE;
    return true;
}

bool janus_document_get(const struct janus_document *document, size_t index,
                        struct janus_message *ret_message)
{
    const json_t *root =
        json_is_array(document->root) ? json_array_get(document->root, index) : document->root;
    struct janus_message message = {.root = root,
                                    .is_cut = json_is_true(json_object_get(root, "cut"))};
    const json_t *data = NULL;
    if (!json_is_object(root) || !read_kind(root, &message.kind) ||
        !read_string(root, "transaction", &message.transaction) ||
        !read_id(root, "session_id", &message.session_id) ||
        !read_id(root, "sender", &message.sender) || !read_object(root, "data", &data) ||
        !read_id(data, "id", &message.data_id) || !read_plugin(&message) ||
        (message.kind == JANUS_ERROR && !read_core_error(&message))) {
        return false;
    }
    if (message.is_cut && message.sender == 0 && message.transaction.bytes == 0) {
        return false; /* nobody could tell what was missed */
    }
    *ret_message = message;
    return true;
}

enum err janus_fault_err(enum janus_fault fault)
{
    switch (fault) {
    case JANUS_FAULT_NONE:
        return ERR_OK;
    case JANUS_FAULT_NO_ROOM:
        return ERR_NO_SUCH_ROOM;
    case JANUS_FAULT_ROOM_EXISTS:
        return ERR_CONFLICT;
    case JANUS_FAULT_KEY_WRONG:
        return ERR_FORBIDDEN;
    case JANUS_FAULT_NO_FEED:
        return ERR_NOT_FOUND;
    case JANUS_FAULT_FULL:
        return ERR_ROOM_FULL;
    case JANUS_FAULT_SDP:
        return ERR_BAD_SDP;
    case JANUS_FAULT_SECRET:
    case JANUS_FAULT_NO_SECRET:
    case JANUS_FAULT_TOKEN:
    case JANUS_FAULT_PLUGIN:
    case JANUS_FAULT_SESSION:
    case JANUS_FAULT_HANDLE:
    case JANUS_FAULT_DRAINING:
        return ERR_UNAVAILABLE;
    case JANUS_FAULT_KEY_MISSING:
    case JANUS_FAULT_WRONG_TYPE:
    case JANUS_FAULT_OTHER:
        return ERR_INTERNAL;
    }
    return ERR_INTERNAL;
}

void janus_message_info(const struct janus_message *message, char *ret_version, size_t ret_bytes,
                        uint64_t *ret_session_timeout_s)
{
    struct str version = STR_NONE;
    if (!read_string(message->root, "version_string", &version) || version.data == NULL ||
        !str_copy(ret_version, ret_bytes, version)) {
        ret_version[0] = '\0';
    }
    uint64_t timeout_s = 0;
    *ret_session_timeout_s = read_id(message->root, "session-timeout", &timeout_s) ? timeout_s : 0;
}

void janus_message_guards(const struct janus_message *message, bool *ret_has_secret,
                          bool *ret_has_tokens)
{
    *ret_has_secret = json_is_true(json_object_get(message->root, "api_secret"));
    *ret_has_tokens = json_is_true(json_object_get(message->root, "auth_token"));
}

/* ---- what the VideoRoom plugin says ---- */

static bool is_answer(const struct janus_message *message, const char *what, uint64_t room_id)
{
    struct str videoroom = STR_NONE;
    uint64_t room = 0;
    return message->data != NULL && read_string(message->data, "videoroom", &videoroom) &&
           str_eq(videoroom, str_of(what)) && read_id(message->data, "room", &room) &&
           room == room_id;
}

enum err janus_message_is_done(const struct janus_message *message, const char *what,
                               uint64_t room_id)
{
    return is_answer(message, what, room_id) ? ERR_OK : ERR_PROTOCOL;
}

enum err janus_message_exists(const struct janus_message *message, uint64_t room_id,
                              bool *ret_exists)
{
    if (!is_answer(message, "success", room_id)) {
        return ERR_PROTOCOL;
    }
    const json_t *exists = json_object_get(message->data, "exists");
    if (!json_is_boolean(exists)) {
        return ERR_PROTOCOL;
    }
    *ret_exists = json_is_true(exists);
    return ERR_OK;
}

/* The ids in a list of feeds: of all, or only of those that publish now. */
static enum err read_feeds(const json_t *list, bool only_publishing, uint64_t *ids,
                           size_t *ret_count)
{
    if (!json_is_array(list)) {
        return ERR_PROTOCOL;
    }
    size_t count = 0;
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *feed = json_array_get(list, i);
        uint64_t id = 0;
        if (!json_is_object(feed) || !read_id(feed, "id", &id) || id == 0) {
            return ERR_PROTOCOL;
        }
        if (only_publishing && !json_is_true(json_object_get(feed, "publisher"))) {
            continue;
        }
        if (count == PUBLISHERS_MAX) {
            return ERR_PROTOCOL;
        }
        ids[count++] = id;
    }
    *ret_count = count;
    return ERR_OK;
}

enum err janus_message_publishers(const struct janus_message *message, uint64_t room_id,
                                  uint64_t *ids, size_t *ret_count)
{
    return is_answer(message, "participants", room_id)
               ? read_feeds(json_object_get(message->data, "participants"), true, ids, ret_count)
               : ERR_PROTOCOL;
}

/* Is there one with this id, or one with another? */
static bool has_feed(const struct janus_message *message, uint64_t feed_id, bool is_this)
{
    const json_t *list = json_object_get(message->data, "participants");
    for (size_t i = 0; i < json_array_size(list); i++) {
        uint64_t id = 0;
        const bool is_read = read_id(json_array_get(list, i), "id", &id);
        if ((is_read && id == feed_id) == is_this) {
            return true;
        }
    }
    return false;
}

bool janus_message_has_member(const struct janus_message *message, uint64_t feed_id)
{
    return has_feed(message, feed_id, true);
}

bool janus_message_has_other(const struct janus_message *message, uint64_t feed_id)
{
    return has_feed(message, feed_id, false);
}

enum err janus_message_joined(const struct janus_message *message, uint64_t room_id,
                              uint64_t *ret_feed_id, uint64_t *ids, size_t *ret_count)
{
    uint64_t feed_id = 0; /* absent is as senseless as wrong: it could never be told from others */
    if (!is_answer(message, "joined", room_id) || !read_id(message->data, "id", &feed_id) ||
        feed_id == 0) {
        return ERR_PROTOCOL;
    }
    *ret_feed_id = feed_id;
    return read_feeds(json_object_get(message->data, "publishers"), false, ids, ret_count);
}

/* ---- what Janus tells a client's connection ---- */

bool janus_message_jsep(const struct janus_message *message, const char *type, struct str *ret_sdp)
{
    const json_t *jsep = NULL;
    struct str is_type = STR_NONE;
    return read_object(message->root, "jsep", &jsep) && jsep != NULL &&
           read_string(jsep, "type", &is_type) && str_eq(is_type, str_of(type)) &&
           read_string(jsep, "sdp", ret_sdp) && ret_sdp->bytes > 0;
}

bool janus_message_says(const struct janus_message *message, const char *videoroom)
{
    struct str says = STR_NONE;
    return message->data != NULL && read_string(message->data, "videoroom", &says) &&
           str_eq(says, str_of(videoroom));
}

bool janus_message_streams(const struct janus_message *message, struct janus_stream *streams,
                           size_t streams_max, size_t *ret_count)
{
    const json_t *list = json_object_get(message->data, "streams");
    if (!json_is_array(list) || json_array_size(list) > streams_max) {
        return false;
    }
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *row = json_array_get(list, i);
        streams[i] = (struct janus_stream){0};
        if (!json_is_object(row) || !read_string(row, "mid", &streams[i].mid) ||
            streams[i].mid.bytes == 0 || !read_id(row, "feed_id", &streams[i].feed) ||
            !read_string(row, "feed_mid", &streams[i].feed_mid)) {
            return false;
        }
        if (!json_is_true(json_object_get(row, "active"))) {
            streams[i].feed = 0;
        }
    }
    *ret_count = json_array_size(list);
    return true;
}

/* Janus numbers layers from 0, which read_id takes for no number. */
static bool read_layer(const json_t *object, uint64_t *ret_layer)
{
    const json_t *value = json_object_get(object, "substream");
    if (json_is_integer(value) && json_integer_value(value) >= 0 &&
        json_integer_value(value) <= JANUS_LAYER_MAX) {
        *ret_layer = (uint64_t)json_integer_value(value);
        return true;
    }
    return false;
}

bool janus_message_media(const struct janus_message *message, struct str *ret_mid,
                         uint64_t *ret_layer, bool *ret_arrives)
{
    const json_t *receiving = json_object_get(message->root, "receiving");
    *ret_layer = 0;
    (void)read_layer(message->root, ret_layer);
    *ret_arrives = json_is_true(receiving);
    return json_is_boolean(receiving) && read_string(message->root, "mid", ret_mid) &&
           ret_mid->bytes > 0;
}

bool janus_message_layer(const struct janus_message *message, struct str *ret_mid,
                         uint64_t *ret_layer)
{
    return message->data != NULL && read_layer(message->data, ret_layer) &&
           read_string(message->data, "mid", ret_mid) && ret_mid->bytes > 0;
}

/* An event with a room is of this one. The members are those of Janus 1.1.2; "ok" instead of an id
 * is about ourselves. */
static enum janus_news_kind read_event(const struct janus_message *message, struct janus_news *news)
{
    static const char *const gone[] = {"unpublished", "leaving", "kicked"};
    static const char *const harmless[] = {"joining", "display", "configured", "moderation"};
    const json_t *feeds = json_object_get(message->data, "publishers");
    if (feeds != NULL) {
        return read_feeds(feeds, false, news->ids, &news->count) == ERR_OK ? JANUS_NEWS_PUBLISH
                                                                           : JANUS_NEWS_SENSELESS;
    }
    for (size_t i = 0; i < ARRAY_LEN(gone); i++) {
        const json_t *value = json_object_get(message->data, gone[i]);
        if (json_is_string(value)) {
            return i == 0 ? JANUS_NEWS_NONE : JANUS_NEWS_OUT;
        }
        if (value != NULL) {
            news->count = 1;
            return read_id(message->data, gone[i], &news->ids[0]) ? JANUS_NEWS_GONE
                                                                  : JANUS_NEWS_SENSELESS;
        }
    }
    for (size_t i = 0; i < ARRAY_LEN(harmless); i++) {
        if (json_object_get(message->data, harmless[i]) != NULL) {
            return JANUS_NEWS_NONE;
        }
    }
    return JANUS_NEWS_SENSELESS;
}

void janus_message_news(const struct janus_message *message, uint64_t room_id,
                        struct janus_news *ret_news)
{
    struct str kind = STR_NONE;
    uint64_t room = room_id;
    ret_news->count = 0;
    ret_news->kind = JANUS_NEWS_NONE;
    if (message->data == NULL && !message->is_cut) {
        return; /* of the core: about media, of which we have none */
    }
    ret_news->kind = JANUS_NEWS_SENSELESS;
    if (message->is_cut || !read_string(message->data, "videoroom", &kind) ||
        !read_id(message->data, "room", &room) || room != room_id) {
        return;
    }
    if (str_eq(kind, STR_LIT("event"))) {
        ret_news->kind = read_event(message, ret_news);
    } else if (str_eq(kind, STR_LIT("destroyed"))) {
        ret_news->kind = JANUS_NEWS_DESTROYED;
    } else if (str_eq(kind, STR_LIT("talking")) || str_eq(kind, STR_LIT("stopped-talking"))) {
        ret_news->kind = JANUS_NEWS_NONE;
    }
}
