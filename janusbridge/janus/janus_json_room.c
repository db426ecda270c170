/* What the VideoRoom plugin says. */
#include "janusbridge/janus/janus_json_read.h"

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

/* The ids in a list of feeds; those alone that publish now, if asked for. */
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

bool janus_message_has_member(const struct janus_message *message, uint64_t feed_id)
{
    const json_t *list = json_object_get(message->data, "participants");
    for (size_t i = 0; i < json_array_size(list); i++) {
        uint64_t id = 0;
        if (read_id(json_array_get(list, i), "id", &id) && id == feed_id) {
            return true;
        }
    }
    return false;
}

enum err janus_message_joined(const struct janus_message *message, uint64_t room_id,
                              uint64_t *ret_feed_id, uint64_t *ids, size_t *ret_count)
{
    return is_answer(message, "joined", room_id) && read_id(message->data, "id", ret_feed_id)
               ? read_feeds(json_object_get(message->data, "publishers"), false, ids, ret_count)
               : ERR_PROTOCOL;
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
    if (message->data == NULL) {
        return; /* of the core: about media, of which we have none */
    }
    ret_news->kind = JANUS_NEWS_SENSELESS;
    if (!read_string(message->data, "videoroom", &kind) || !read_id(message->data, "room", &room) ||
        room != room_id) {
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
