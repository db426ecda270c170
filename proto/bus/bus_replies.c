#include "proto/bus/bus_replies.h"
#include "proto/bus/bus_batch.h"

static struct bus_reply *first_reply(const struct list_link *replies)
{
    return LIST_FIRST(struct bus_reply, replies, link);
}

/* With ZMQ_ROUTER_MANDATORY a peer that is gone, or that does not read, is told apart from one that
 * was answered. Whoever waited there runs into its deadline, or sends again by another connection.
 */
static bool send_to(struct bus_replies *replies, zmq_msg_t *route, zmq_msg_t *message)
{
    void *socket = zsock_resolve(replies->socket);
    bool is_sent = zmq_msg_send(route, socket, ZMQ_SNDMORE | ZMQ_DONTWAIT) >= 0 &&
                   zmq_msg_send(message, socket, ZMQ_DONTWAIT) >= 0;
    zmq_msg_close(message);
    bus_reader_look(replies->reader);
    return is_sent;
}

/* Moves the first that waits, and what goes into one message with it, to ret_chosen. */
static void choose_replies(struct bus_replies *replies, struct bus_batch *batch,
                           struct list_link *ret_chosen)
{
    struct bus_reply *first = first_reply(&replies->waiting);
    bus_batch_init(batch);
    list_init(ret_chosen);
    LIST_EACH (struct bus_reply, reply, &replies->waiting, link) {
        if (!str_eq(bus_frame_view(&reply->route), bus_frame_view(&first->route))) {
            continue;
        }
        if (!bus_batch_fits(batch, &reply->frame)) {
            return;
        }
        bus_batch_add(batch, &reply->frame);
        list_remove(&reply->link);
        list_add(ret_chosen, &reply->link);
        if (!reply->takes_batches) {
            return;
        }
    }
}

static void flush_replies(void *arg)
{
    struct bus_replies *replies = arg;
    while (!list_is_empty(&replies->waiting)) {
        struct bus_batch batch;
        struct list_link chosen;
        zmq_msg_t message;
        choose_replies(replies, &batch, &chosen);
        bus_batch_make(&batch, &message);
        bool is_sent = send_to(replies, &first_reply(&chosen)->route, &message);
        for (struct bus_reply *reply; (reply = first_reply(&chosen)) != NULL;) {
            list_remove(&reply->link);
            replies->left(replies->arg, reply, is_sent);
        }
    }
}

void bus_replies_init(struct bus_replies *replies, struct loop *loop, bus_reply_left_fn *left,
                      void *arg)
{
    *replies = (struct bus_replies){.loop = loop, .left = left, .arg = arg};
    list_init(&replies->waiting);
    loop_late_init(&replies->flush, flush_replies, replies);
}

void bus_replies_set_socket(struct bus_replies *replies, zsock_t *socket, struct bus_reader *reader)
{
    replies->socket = socket;
    replies->reader = reader;
}

void bus_replies_add(struct bus_replies *replies, struct bus_reply *reply)
{
    list_add(&replies->waiting, &reply->link);
    loop_late_add(replies->loop, &replies->flush);
}

void bus_replies_fini(struct bus_replies *replies)
{
    loop_late_remove(&replies->flush);
    flush_replies(replies);
}
