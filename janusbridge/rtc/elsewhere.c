#include "janusbridge/rtc/elsewhere.h"

struct looking {
    const struct rtc *rtc;
    struct call *call;
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
    call_fail(looking.call, is_elsewhere ? ERR_NOT_MINE : ERR_NOT_FOUND);
}

void elsewhere_fail(struct rtc *rtc, struct call *call, struct str connection,
                    const struct msg_asker *asker)
{
    const struct msg msg = {.id = MSG_rtc_where,
                            .rtc_where = {.connection = connection, .asker = *asker}};
    struct looking *looking = mem_alloc(sizeof(*looking));
    *looking = (struct looking){.rtc = rtc, .call = call};
    const enum err err = bus_call(rtc->parts.bus, &msg, &call->context, on_where, looking);
    if (err != ERR_OK) {
        mem_free(&looking);
        call_fail(call, err);
    }
}
