#include "janusbridge/rtc/elsewhere.h"

struct looking {
    const struct rtc *rtc;
    struct call *call;
    bool is_to_end;
};

static void on_where(void *arg, enum err err, const struct msg *reply)
{
    const struct looking looking = *(struct looking *)arg;
    mem_free(&arg);
    if (err != ERR_OK) {
        call_fail(looking.call, err);
        return;
    }
    const struct str node = reply->rtc_where_reply.node;
    const bool is_elsewhere = node.bytes > 0 && !str_eq(node, str_of(looking.rtc->config.node));
    if (looking.is_to_end && !is_elsewhere) {
        const struct msg ended = {.id = MSG_rtc_close_reply};
        call_reply(looking.call, &ended);
        return;
    }
    call_fail(looking.call, is_elsewhere ? ERR_NOT_MINE : ERR_NOT_FOUND);
}

static void look_elsewhere(struct rtc *rtc, struct call *call, struct str connection,
                           const struct msg_asker *asker, bool is_to_end)
{
    const struct msg msg = {.id = MSG_rtc_where,
                            .rtc_where = {.connection = connection, .asker = *asker}};
    struct looking *looking = mem_alloc(sizeof(*looking));
    *looking = (struct looking){.rtc = rtc, .call = call, .is_to_end = is_to_end};
    const enum err err = bus_call(rtc->parts.bus, &msg, &call->context, on_where, looking);
    if (err != ERR_OK) {
        mem_free(&looking);
        call_fail(call, err);
    }
}

void elsewhere_fail(struct rtc *rtc, struct call *call, struct str connection,
                    const struct msg_asker *asker)
{
    look_elsewhere(rtc, call, connection, asker, /* is_to_end= */ false);
}

void elsewhere_end(struct rtc *rtc, struct call *call, struct str connection,
                   const struct msg_asker *asker)
{
    look_elsewhere(rtc, call, connection, asker, /* is_to_end= */ true);
}
