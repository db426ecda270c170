#include "gateway/api/participant_list.h"

#include <stdlib.h>

#include "gateway/api/participant_json.h"
#include "gateway/api/room_ref.h"
#include "gateway/http/ask.h"
#include "gateway/http/paging.h"

_Static_assert(PAGING_LIMIT_MAX <= PARTICIPANTS_PAGE, "a page fits into a message");

const struct member participant_list_answer[] = {
    {.name = "items",
     .type = MEMBER_OBJECTS,
     .max = PAGING_LIMIT_MAX,
     .members = participant_members,
     .doc = "Those who are in, in the order of their ids; for who may let people in, those who "
            "wait, too."},
    {.name = "direct",
     .type = MEMBER_IDS,
     .is_optional = true,
     .max = PUBLISHERS_MAX,
     .doc = "With the first page of a room of /create: Janus' ids of what is sent there by those "
            "who came to Janus itself. Absent: nobody can say now."},
    PAGING_NEXT,
    {.name = NULL},
};

/* The exchange's state. */
struct listing_people {
    uint64_t limit;
    struct strbuf items; /* the member, as JSON; what follows is told with it */
    size_t count;
    uint64_t last_id;
    uint64_t feeds[PUBLISHERS_MAX]; /* of participants */
    size_t feed_count;
};

static void free_listing(void *state)
{
    struct listing_people *listing = state;
    strbuf_fini(&listing->items);
    free(listing);
}

static void keep_page(struct listing_people *listing, const struct msg_participant_page_reply *page)
{
    const struct msg_participant_list list = page->participants;
    struct json_out out;
    json_out_init(&out, &listing->items);
    json_out_open(&out, '[');
    for (size_t i = 0; i < list.count; i++) {
        json_out_open(&out, '{');
        participant_json_write(&list.items[i], &out);
        json_out_close(&out, "}");
    }
    json_out_close(&out, "]");
    listing->count = list.count;
    listing->last_id = list.count > 0 ? list.items[list.count - 1].id : 0;
    listing->feed_count = page->feeds.count;
    for (size_t i = 0; i < page->feeds.count; i++) {
        listing->feeds[i] = page->feeds.items[i];
    }
}

static bool is_of_participant(const struct listing_people *listing, uint64_t feed)
{
    for (size_t i = 0; i < listing->feed_count; i++) {
        if (listing->feeds[i] == feed) {
            return true;
        }
    }
    return false;
}

static void write_direct(const struct listing_people *listing, struct u64_list publishers,
                         struct json_out *out)
{
    json_out_open_member(out, "direct", '[');
    for (size_t i = 0; i < publishers.count; i++) {
        if (!is_of_participant(listing, publishers.items[i])) {
            json_out_id(out, publishers.items[i]);
        }
    }
    json_out_close(out, "]");
}

/* publishers NULL: nobody can say, or none can be. */
static void respond_with_page(struct exchange *exchange, const struct u64_list *publishers)
{
    const struct listing_people *listing = exchange->state;
    struct json_out out;
    json_out_init(&out, &exchange->all->text);
    json_out_open(&out, '{');
    json_out_key(&out, "items");
    json_out_raw(&out, strbuf_str(&listing->items));
    if (publishers != NULL) {
        write_direct(listing, *publishers, &out);
    }
    paging_write_next_id(&out, listing->limit, listing->count, listing->last_id);
    json_out_close(&out, "}");
    exchange_respond_json(exchange);
}

static void on_publishers(void *arg, enum err err, const struct msg *reply)
{
    struct exchange *exchange = arg;
    if (exchange->all == NULL) {
        exchange_free(exchange);
        return;
    }
    const bool is_told = err == ERR_OK && reply->id == MSG_room_participants_reply;
    respond_with_page(exchange, is_told ? &reply->room_participants_reply.publishers : NULL);
}

static void on_people_page(void *arg, enum err err, const struct msg *reply)
{
    struct exchange *exchange = arg;
    if (!ask_takes_answer(exchange, err, reply, MSG_participant_page_reply)) {
        return;
    }
    const struct msg_participant_page_reply *page = &reply->participant_page_reply;
    const struct msg msg = {.id = MSG_room_participants,
                            .room_participants = {.room_id = page->open_room_id}};
    keep_page(exchange->state, page);
    if (page->open_room_id == 0 || bus_call(exchange->all->config.bus, &msg, &exchange->context,
                                            on_publishers, exchange) != ERR_OK) {
        respond_with_page(exchange, NULL);
    }
}

void participant_list_handle(struct exchange *exchange)
{
    struct listing_people *listing = exchange_attach(exchange, sizeof(*listing), free_listing);
    struct msg msg = {.id = MSG_participant_page};
    struct msg_participant_page *page = &msg.participant_page;
    enum err err =
        paging_read_ids(exchange->request, PARTICIPANT_ID_MAX, &page->limit, &page->after_id);
    listing->limit = page->limit;
    page->has_asker = exchange_asker(exchange, &page->asker);
    if (err == ERR_OK) {
        err = room_ref_read(exchange, &page->room);
    }
    if (err == ERR_OK) {
        err =
            bus_call(exchange->all->config.bus, &msg, &exchange->context, on_people_page, exchange);
    }
    if (err != ERR_OK) {
        exchange_fail(exchange, err);
    }
}
