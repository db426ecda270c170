#include "gateway/follow/room_item.h"

void room_item_init(struct room_item *item, const struct msg_room_event *event,
                    struct http_chunk **chunk)
{
    *item = (struct room_item){
        .chunk = STEAL(*chunk),
        .seq = event->seq,
        .type = event->type,
        .audience = event->audience,
        .reason = event->has_reason ? event->reason : 0,
        .about = event->has_participant ? event->participant.id : 0,
        .role = event->has_participant ? event->participant.role : 0,
    };
    while (item->named_count < event->named.count && item->named_count < PARTICIPANTS_NAMED_MAX) {
        item->named[item->named_count] = event->named.items[item->named_count];
        item->named_count++;
    }
}

void room_item_fini(struct room_item *item)
{
    http_chunk_unref(&item->chunk);
}

static bool is_named(const struct room_item *item, uint64_t participant_id)
{
    for (size_t i = 0; i < item->named_count; i++) {
        if (item->named[i] == participant_id) {
            return true;
        }
    }
    return false;
}

bool room_item_is_for(const struct room_item *item, uint64_t participant_id, enum room_role role)
{
    if (role == 0) {
        return is_named(item, participant_id) || room_item_puts_out(item, participant_id);
    }
    switch (item->audience) {
    case AUDIENCE_ALL:
        return true;
    case AUDIENCE_STAFF:
        return role >= ROOM_MODERATOR || is_named(item, participant_id);
    case AUDIENCE_NAMED:
        break;
    }
    return is_named(item, participant_id);
}

bool room_item_puts_out(const struct room_item *item, uint64_t participant_id)
{
    switch (item->type) {
    case EVENT_ROOM_ENDED:
    case EVENT_MEETING_ENDED:
        return true;
    case EVENT_PARTICIPANT_LEFT:
    case EVENT_PARTICIPANT_REMOVED:
    case EVENT_PARTICIPANT_DENIED:
    case EVENT_PARTICIPANT_BANNED:
        return item->about == participant_id;
    default:
        return false;
    }
}
