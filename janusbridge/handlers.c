#include "janusbridge/handlers.h"

static void run_for(const struct call_handler *table, void *service, struct call *call,
                    const char *role)
{
    if (strcmp(call->peer_role, role) != 0) {
        call_fail(call, ERR_FORBIDDEN);
        return;
    }
    while (table->request != call->request.id) {
        table++;
    }
    table->fn(service, call);
}

static void on_room_call(void *service, struct call *call)
{
    const struct handlers *handlers = service;
    run_for(bridge_handlers, handlers->bridge, call, "roomsvc");
}

static void on_connection_call(void *service, struct call *call)
{
    const struct handlers *handlers = service;
    run_for(rtc_handlers, handlers->rtc, call, "gateway");
}

const struct call_handler janusbridge_handlers[] = {
    {MSG_bridge_create, on_room_call},
    {MSG_bridge_exists, on_room_call},
    {MSG_bridge_destroy, on_room_call},
    {MSG_bridge_participants, on_room_call},
    {MSG_bridge_occupied, on_room_call},
    {MSG_bridge_follow, on_room_call},
    {MSG_bridge_info, on_room_call},
    {MSG_rtc_publish, on_connection_call},
    {MSG_rtc_offer, on_connection_call},
    {MSG_rtc_trickle, on_connection_call},
    {MSG_rtc_watch, on_connection_call},
    {MSG_rtc_ask_offer, on_connection_call},
    {MSG_rtc_answer, on_connection_call},
    {MSG_rtc_restart, on_connection_call},
    {MSG_rtc_get, on_connection_call},
    {MSG_rtc_close, on_connection_call},
    {MSG_NONE, NULL},
};
