/* room_create        makes the standard room or a fresh one
 * room_participants  who publishes in a room
 * room_add ... member_remove   rooms of people, their options and members
 * presence_report    keeps a gateway's lease, and who has a stream there
 * participant_join ... meeting_end   who is in rooms
 * lobby_decide ... message_send   who waits, is mute, invited or banned, and the chat
 * stream_key_add ... stream_enter   keys of programs that stream, and what comes in by them
 * invitation_page ... join_info   what people read of that
 * stream_open ... meeting_page   what gateways read of rooms
 * node_renew         takes or keeps the lease of a Janus node
 * node_rooms         the rooms that a node has to have
 * rtc_open ... rtc_due   connections for media, as bridges tell of them and are told
 * room_stats         how much there is of all that */
#include "roomsvc/roomsvc.h"

#include "roomsvc/room/room_create.h"
#include "roomsvc/room/room_list.h"

static void on_room_create(void *service, struct call *call)
{
    const struct roomsvc *roomsvc = service;
    room_create(roomsvc->rooms, call);
}

static void on_room_participants(void *service, struct call *call)
{
    const struct roomsvc *roomsvc = service;
    room_list(roomsvc->rooms, call);
}

static void on_managed_command(void *service, struct call *call)
{
    const struct roomsvc *roomsvc = service;
    managed_rooms_run(roomsvc->managed, call);
}

static void on_room_page(void *service, struct call *call)
{
    const struct roomsvc *roomsvc = service;
    managed_rooms_page(roomsvc->managed, call);
}

static void on_member_page(void *service, struct call *call)
{
    const struct roomsvc *roomsvc = service;
    managed_rooms_members(roomsvc->managed, call);
}

static void on_presence_report(void *service, struct call *call)
{
    const struct roomsvc *roomsvc = service;
    presence_reports_take(roomsvc->presence, call);
}

static void on_participant_call(void *service, struct call *call)
{
    const struct roomsvc *roomsvc = service;
    participants_run(roomsvc->participants, call);
}

static void on_participant_pages(void *service, struct call *call)
{
    const struct roomsvc *roomsvc = service;
    participants_page(roomsvc->participants, call);
}

static void on_journal_question(void *service, struct call *call)
{
    const struct roomsvc *roomsvc = service;
    journal_reads_answer(roomsvc->reads, call);
}

static void on_moderation_question(void *service, struct call *call)
{
    const struct roomsvc *roomsvc = service;
    moderation_reads_answer(roomsvc->moderation, call);
}

static void on_rtc_call(void *service, struct call *call)
{
    const struct roomsvc *roomsvc = service;
    rtc_rows_answer(roomsvc->rtc, call);
}

static void on_room_stats(void *service, struct call *call)
{
    const struct roomsvc *roomsvc = service;
    room_stats_tell(roomsvc->stats, call);
}

static void on_node_renew(void *service, struct call *call)
{
    struct roomsvc *roomsvc = service;
    nodes_renew(&roomsvc->nodes, call);
}

static void on_node_rooms(void *service, struct call *call)
{
    struct roomsvc *roomsvc = service;
    nodes_rooms(&roomsvc->nodes, call);
}

const struct call_handler roomsvc_handlers[] = {
    {MSG_room_create, on_room_create},
    {MSG_room_participants, on_room_participants},
    {MSG_room_add, on_managed_command},
    {MSG_room_get, on_managed_command},
    {MSG_room_change, on_managed_command},
    {MSG_room_close, on_managed_command},
    {MSG_room_hand_over, on_managed_command},
    {MSG_member_set, on_managed_command},
    {MSG_member_remove, on_managed_command},
    {MSG_room_page, on_room_page},
    {MSG_member_page, on_member_page},
    {MSG_node_renew, on_node_renew},
    {MSG_node_rooms, on_node_rooms},
    {MSG_presence_report, on_presence_report},
    {MSG_participant_join, on_participant_call},
    {MSG_participant_change, on_participant_call},
    {MSG_participant_remove, on_participant_call},
    {MSG_meeting_end, on_participant_call},
    {MSG_participant_mute, on_participant_call},
    {MSG_lobby_decide, on_participant_call},
    {MSG_invitation_add, on_participant_call},
    {MSG_invitation_change, on_participant_call},
    {MSG_invitation_revoke, on_participant_call},
    {MSG_ban_add, on_participant_call},
    {MSG_ban_lift, on_participant_call},
    {MSG_message_send, on_participant_call},
    {MSG_stream_key_add, on_participant_call},
    {MSG_stream_key_remove, on_participant_call},
    {MSG_stream_enter, on_participant_call},
    {MSG_participant_page, on_participant_pages},
    {MSG_invitation_page, on_moderation_question},
    {MSG_ban_page, on_moderation_question},
    {MSG_stream_key_page, on_moderation_question},
    {MSG_message_page, on_moderation_question},
    {MSG_join_info, on_moderation_question},
    {MSG_stream_open, on_journal_question},
    {MSG_room_state, on_journal_question},
    {MSG_journal_read, on_journal_question},
    {MSG_journal_heads, on_journal_question},
    {MSG_meeting_page, on_journal_question},
    {MSG_rtc_open, on_rtc_call},
    {MSG_rtc_update, on_rtc_call},
    {MSG_rtc_end, on_rtc_call},
    {MSG_rtc_page, on_rtc_call},
    {MSG_rtc_due, on_rtc_call},
    {MSG_rtc_where, on_rtc_call},
    {MSG_room_stats, on_room_stats},
    {MSG_NONE, NULL},
};

static void on_bridge_event(void *arg, const char *endpoint, const struct msg *msg, uint64_t number,
                            bool is_next)
{
    struct roomsvc *roomsvc = arg;
    if (msg->id == MSG_bridge_event) {
        follow_hear(roomsvc->follow, endpoint, &msg->bridge_event, number, is_next);
    }
}

static void on_bridge_gone(void *arg, const char *endpoint)
{
    struct roomsvc *roomsvc = arg;
    follow_leave(roomsvc->follow, endpoint);
}

bool roomsvc_subscribe(struct roomsvc *roomsvc, struct service *service, const char *address)
{
    const struct bus_subscriptions_config events = {.address = address,
                                                    .role = "janusbridge",
                                                    .on_event = on_bridge_event,
                                                    .on_gone = on_bridge_gone,
                                                    .arg = roomsvc};
    return address[0] == '\0' || service_subscribe(service, &events);
}
