#include "gateway/follow/room_fold.h"

#include <assert.h>
#include <stdlib.h>

/* A record with the texts it points at. */
struct kept_participant {
    struct msg_participant view;
    char name[];
};

struct kept_room {
    struct msg_room view;
    char texts[];
};

struct room_fold {
    struct kept_room *room;
    struct kept_participant **people; /* ascending by id; as many as roomsvc lets in */
    size_t count, places;
};

struct room_fold *room_fold_new(void)
{
    return mem_alloc(sizeof(struct room_fold));
}

static void forget_people(struct room_fold *fold)
{
    while (fold->count > 0) {
        free(fold->people[--fold->count]);
    }
}

void room_fold_clear(struct room_fold *fold)
{
    forget_people(fold);
    mem_free(&fold->room);
}

void room_fold_free(struct room_fold **fold)
{
    if (*fold != NULL) {
        room_fold_clear(*fold);
        free((*fold)->people);
        mem_free(fold);
    }
}

static struct str keep_text(char **at, struct str text)
{
    const struct str kept = {.data = *at, .bytes = text.bytes};
    if (text.bytes > 0) {
        memcpy(*at, text.data, text.bytes);
    }
    *at += text.bytes;
    return kept;
}

void room_fold_set_room(struct room_fold *fold, const struct msg_room *room)
{
    const size_t bytes = room->code.bytes + room->name.bytes + room->owner_name.bytes;
    struct kept_room *kept = mem_alloc(sizeof(*kept) + bytes);
    char *at = kept->texts;
    kept->view = *room;
    kept->view.code = keep_text(&at, room->code);
    kept->view.name = keep_text(&at, room->name);
    kept->view.owner_name = keep_text(&at, room->owner_name);
    kept->view.node = STR_NONE; /* it is not everybody's */
    kept->view.has_role = false;
    mem_free(&fold->room);
    fold->room = kept;
}

/* Where who has this id is, or would be. */
static size_t place_of(const struct room_fold *fold, uint64_t id)
{
    size_t low = 0;
    size_t high = fold->count;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (fold->people[middle]->view.id < id) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static bool is_at(const struct room_fold *fold, size_t place, uint64_t id)
{
    return place < fold->count && fold->people[place]->view.id == id;
}

void room_fold_put(struct room_fold *fold, const struct msg_participant *participant)
{
    const size_t place = place_of(fold, participant->id);
    struct kept_participant *kept = mem_alloc(sizeof(*kept) + participant->name.bytes);
    char *at = kept->name;
    kept->view = *participant;
    kept->view.name = keep_text(&at, participant->name);
    if (is_at(fold, place, participant->id)) {
        free(fold->people[place]);
        fold->people[place] = kept;
        return;
    }
    if (fold->count == fold->places) {
        fold->places = fold->places == 0 ? 8 : 2 * fold->places;
        fold->people =
            mem_realloc_array(fold->people, fold->places, sizeof(struct kept_participant *));
    }
    memmove(&fold->people[place + 1], &fold->people[place],
            (fold->count - place) * sizeof(struct kept_participant *));
    fold->people[place] = kept;
    fold->count++;
}

static void take_out(struct room_fold *fold, uint64_t id)
{
    const size_t place = place_of(fold, id);
    if (is_at(fold, place, id)) {
        free(fold->people[place]);
        fold->count--;
        memmove(&fold->people[place], &fold->people[place + 1],
                (fold->count - place) * sizeof(struct kept_participant *));
    }
}

void room_fold_apply(struct room_fold *fold, const struct msg_room_event *event)
{
    if (event->has_room) {
        room_fold_set_room(fold, &event->room);
    }
    if (event->type == EVENT_ROOM_ENDED || event->type == EVENT_MEETING_ENDED) {
        forget_people(fold);
    } else if (event->has_participant && (event->participant.state == PARTICIPANT_JOINED ||
                                          event->participant.state == PARTICIPANT_WAITING)) {
        room_fold_put(fold, &event->participant);
    } else if (event->has_participant) {
        take_out(fold, event->participant.id);
    }
}

const struct msg_room *room_fold_room(const struct room_fold *fold)
{
    return fold->room == NULL ? NULL : &fold->room->view;
}

const struct msg_participant *room_fold_find(const struct room_fold *fold, uint64_t id)
{
    const size_t place = place_of(fold, id);
    return is_at(fold, place, id) ? &fold->people[place]->view : NULL;
}

size_t room_fold_count(const struct room_fold *fold)
{
    return fold->count;
}

const struct msg_participant *room_fold_at(const struct room_fold *fold, size_t i)
{
    assert(i < fold->count);
    return &fold->people[i]->view;
}
