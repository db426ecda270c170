#include "roomsvc/follow/follow.h"

#include <assert.h>

#include "proto/base/list.h"
#include "proto/base/lru.h"
#include "roomsvc/follow/room_copy.h"
#include "roomsvc/store/room.h"

#define BATCH_INTERVAL_MS 1000
/* A bridge that needs longer has no copy that is fresh enough anyway. */
#define BATCH_ANSWER_MS 500

/* A node whose bridges are heard of. Has one bridge at least. */
struct followed {
    struct list_link link;
    char node[NODE_NAME_BYTES_MAX + 1];
    struct list_link bridges;
    struct lru *asked; /* room ids, since the last batches went out; no values */
};

struct bridge {
    struct list_link link; /* in followed */
    struct followed *followed;
    char *endpoint;
    struct room_copy *copy;
};

struct follow {
    struct follow_parts parts;
    size_t rooms_max;
    struct list_link nodes; /* of struct followed */
    uint64_t timer;
    struct metric *from_copy, *from_bridge;
};

static void send_batches(void *arg);

struct follow *follow_new(const struct follow_parts *parts, size_t rooms_max)
{
    static const char help[] = "Lists of publishers that were answered";
    struct follow *follow = mem_alloc(sizeof(*follow));
    *follow = (struct follow){.parts = *parts, .rooms_max = rooms_max};
    list_init(&follow->nodes);
    follow->from_copy =
        metrics_counter(parts->metrics, "lynks_rooms_lists_total", help, "from=\"copy\"");
    follow->from_bridge =
        metrics_counter(parts->metrics, "lynks_rooms_lists_total", help, "from=\"bridge\"");
    follow->timer = clock_after(parts->clock, BATCH_INTERVAL_MS, send_batches, follow);
    return follow;
}

/* And the node with its last bridge. */
static void forget_bridge(struct bridge *bridge)
{
    assert(bridge != NULL); /* a node that is followed has one */
    struct followed *followed = bridge->followed;
    list_remove(&bridge->link);
    room_copy_free(&bridge->copy);
    mem_free(&bridge->endpoint);
    mem_free(&bridge);
    if (list_is_empty(&followed->bridges)) {
        list_remove(&followed->link);
        lru_free(&followed->asked);
        mem_free(&followed);
    }
}

void follow_free(struct follow **follow_ref)
{
    struct follow *follow = *follow_ref;
    if (follow == NULL) {
        return;
    }
    clock_cancel(follow->parts.clock, follow->timer);
    for (struct followed *each;
         (each = LIST_FIRST(struct followed, &follow->nodes, link)) != NULL;) {
        forget_bridge(LIST_FIRST(struct bridge, &each->bridges, link));
    }
    mem_free(follow_ref);
}

/* ---- what bridges tell ---- */

static struct followed *followed_of(struct follow *follow, struct str node)
{
    LIST_EACH (struct followed, followed, &follow->nodes, link) {
        if (str_eq(str_of(followed->node), node)) {
            return followed;
        }
    }
    return NULL;
}

static struct bridge *bridge_at(struct follow *follow, const char *endpoint)
{
    LIST_EACH (struct followed, followed, &follow->nodes, link) {
        LIST_EACH (struct bridge, bridge, &followed->bridges, link) {
            if (strcmp(bridge->endpoint, endpoint) == 0) {
                return bridge;
            }
        }
    }
    return NULL;
}

/* There are as many as publishers are heard at a time, which resolve.h bounds; nodes are not more.
 */
static struct bridge *add_bridge(struct follow *follow, const char *endpoint, struct str node)
{
    struct followed *followed = followed_of(follow, node);
    if (followed == NULL) {
        followed = mem_alloc(sizeof(*followed));
        (void)str_copy(followed->node, sizeof(followed->node), node); /* the schema bounds it */
        list_init(&followed->bridges);
        followed->asked = lru_new(sizeof(uint64_t), sizeof(char), follow->rooms_max);
        list_add(&follow->nodes, &followed->link);
    }
    struct bridge *bridge = mem_alloc(sizeof(*bridge));
    *bridge = (struct bridge){.followed = followed,
                              .endpoint = mem_strdup(endpoint),
                              .copy = room_copy_new(follow->rooms_max)};
    list_add(&followed->bridges, &bridge->link);
    return bridge;
}

void follow_hear(struct follow *follow, const char *endpoint, const struct msg_bridge_event *event,
                 uint64_t number, bool is_next)
{
    node_fence_hear(follow->parts.fence, event->node, event->epoch);
    struct bridge *bridge = bridge_at(follow, endpoint);
    if (bridge != NULL && !str_eq(str_of(bridge->followed->node), event->node)) {
        forget_bridge(bridge); /* it was started anew, for another node */
        bridge = NULL;
    }
    if (bridge == NULL) {
        bridge = add_bridge(follow, endpoint, event->node);
    }
    room_copy_hear(bridge->copy, event, number, is_next);
}

void follow_leave(struct follow *follow, const char *endpoint)
{
    struct bridge *bridge = bridge_at(follow, endpoint);
    if (bridge != NULL) {
        forget_bridge(bridge);
    }
}

/* ---- lists ---- */

bool follow_answer(struct follow *follow, struct str node, uint64_t room_id,
                   struct u64_list *ret_publishers)
{
    const uint64_t now_ms = clock_mono_ms(follow->parts.clock);
    struct followed *followed = followed_of(follow, node);
    if (followed != NULL) {
        LIST_EACH (struct bridge, bridge, &followed->bridges, link) {
            if (node_fence_is_current(follow->parts.fence, node, room_copy_epoch(bridge->copy)) &&
                room_copy_answer(bridge->copy, room_id, now_ms, ret_publishers)) {
                bool added;
                (void)lru_put(followed->asked, &room_id, &added);
                metric_inc(follow->from_copy);
                return true;
            }
        }
    }
    metric_inc(follow->from_bridge);
    return false;
}

/* The bridges that act under this epoch: one, unless bridges have no lease. */
void follow_take(struct follow *follow, struct str node, uint64_t room_id,
                 const struct msg_bridge_participants_reply *reply)
{
    struct followed *followed = followed_of(follow, node);
    if (!reply->has_event || followed == NULL) {
        return;
    }
    LIST_EACH (struct bridge, bridge, &followed->bridges, link) {
        if (room_copy_epoch(bridge->copy) == reply->epoch) {
            room_copy_take(bridge->copy, room_id, reply->event, &reply->publishers);
        }
    }
}

/* ---- batches ---- */

struct batch {
    struct follow *follow;
    char node[NODE_NAME_BYTES_MAX + 1]; /* which may be gone when the answer comes */
    uint64_t asked_ms;
};

static void on_batch_answered(void *arg, enum err err, const struct msg *reply)
{
    AUTO(mem_free) struct batch *batch = arg;
    struct followed *followed = followed_of(batch->follow, str_of(batch->node));
    if (err != ERR_OK || followed == NULL) {
        return; /* no copy is vouched for before the next one; the bridge is asked meanwhile */
    }
    const struct msg_bridge_follow_reply *answer = &reply->bridge_follow_reply;
    LIST_EACH (struct bridge, bridge, &followed->bridges, link) {
        if (room_copy_epoch(bridge->copy) == answer->epoch) {
            room_copy_anchor(bridge->copy, batch->asked_ms, answer->clock_ms);
        }
    }
}

static void send_batch(struct follow *follow, const struct followed *followed,
                       const uint64_t *room_ids, size_t count)
{
    const uint64_t now_ms = clock_mono_ms(follow->parts.clock);
    const struct call_context context = {.request_id = STR_LIT("follow"),
                                         .deadline_ms = now_ms + BATCH_ANSWER_MS};
    const struct msg request = {.id = MSG_bridge_follow,
                                .bridge_follow = {.room_ids = {.items = room_ids, .count = count},
                                                  .node = str_of(followed->node)}};
    struct batch *batch = mem_alloc(sizeof(*batch));
    *batch = (struct batch){.follow = follow, .asked_ms = now_ms};
    memcpy(batch->node, followed->node, sizeof(batch->node));
    if (bus_call(follow->parts.bus, &request, &context, on_batch_answered, batch) != ERR_OK) {
        mem_free(&batch);
    }
}

/* Of each node one goes out even if nothing was asked for: the first question finds the clock
 * known.
 */
static void send_batches(void *arg)
{
    struct follow *follow = arg;
    follow->timer = clock_after(follow->parts.clock, BATCH_INTERVAL_MS, send_batches, follow);
    LIST_EACH (struct followed, followed, &follow->nodes, link) {
        do {
            uint64_t room_ids[FOLLOW_ROOMS_MAX];
            size_t count = 0;
            while (count < FOLLOW_ROOMS_MAX && lru_count(followed->asked) > 0) {
                const void *key;
                (void)lru_oldest(followed->asked, &key);
                room_ids[count] = *(const uint64_t *)key;
                lru_remove(followed->asked, &room_ids[count++]);
            }
            send_batch(follow, followed, room_ids, count);
        } while (lru_count(followed->asked) > 0);
    }
}
