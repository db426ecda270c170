#include "janusbridge/rooms/room_state.h"

#include <assert.h>

#define SPACE_MIN 4

void room_state_fini(struct room_state *state)
{
    mem_free(&state->ids);
    mem_free(&state->journal);
    *state = (struct room_state){0};
}

static size_t find_feed(const uint64_t *ids, size_t count, uint64_t id)
{
    size_t i = 0;
    while (i < count && ids[i] != id) {
        i++;
    }
    return i;
}

static void add_feed(struct room_state *state, uint64_t id)
{
    if (state->count == state->space) {
        state->space = state->space == 0 ? SPACE_MIN : 2 * state->space;
        state->ids = mem_realloc_array(state->ids, state->space, sizeof(*state->ids));
    }
    state->ids[state->count++] = id;
}

static struct room_change *find_change(const struct room_state *state, uint64_t id)
{
    for (uint32_t i = 0; i < state->journal_count; i++) {
        if (state->journal[i].id == id) {
            return &state->journal[i];
        }
    }
    return NULL;
}

static void note_change(struct room_state *state, uint64_t id, bool publishes)
{
    struct room_change *change = find_change(state, id);
    if (change == NULL && state->journal_count == ROOM_JOURNAL_MAX) {
        state->journal_is_torn = true;
        return;
    }
    if (change == NULL) {
        change = &state->journal[state->journal_count++];
    }
    *change = (struct room_change){id, publishes};
}

/* True if that is news. */
static bool apply_change(struct room_state *state, uint64_t id, bool publishes)
{
    const size_t at = find_feed(state->ids, state->count, id);
    if ((at < state->count) == publishes) {
        return false;
    }
    if (publishes) {
        add_feed(state, id);
    } else {
        state->ids[at] = state->ids[--state->count];
    }
    return true;
}

bool room_state_set(struct room_state *state, uint64_t id, bool publishes, bool *ret_fits)
{
    *ret_fits = true;
    if (state->bases > 0) {
        note_change(state, id, publishes);
    }
    if (publishes && state->count == PUBLISHERS_MAX &&
        find_feed(state->ids, state->count, id) == state->count) {
        *ret_fits = false;
        state->journal_is_torn = true;
        return false;
    }
    return apply_change(state, id, publishes);
}

void room_state_begin(struct room_state *state)
{
    if (state->bases++ == 0) {
        state->journal = mem_realloc_array(NULL, ROOM_JOURNAL_MAX, sizeof(*state->journal));
        state->journal_count = 0;
        state->journal_is_torn = false;
    }
}

void room_state_abandon(struct room_state *state)
{
    assert(state->bases > 0);
    if (--state->bases == 0) {
        mem_free(&state->journal);
        state->journal_count = 0;
    }
}

bool room_state_rebase(struct room_state *state, const uint64_t *ids, size_t count)
{
    const bool is_usable = !state->journal_is_torn && count <= PUBLISHERS_MAX;
    if (is_usable) {
        state->count = 0;
        for (size_t i = 0; i < count; i++) {
            add_feed(state, ids[i]);
        }
        for (uint32_t i = 0; i < state->journal_count; i++) {
            (void)apply_change(state, state->journal[i].id, state->journal[i].publishes);
        }
    }
    room_state_abandon(state);
    return is_usable && state->count <= PUBLISHERS_MAX;
}

/* Both sides hold each id once. */
bool room_state_differs(const struct room_state *state, const uint64_t *ids, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (find_change(state, ids[i]) == NULL &&
            find_feed(state->ids, state->count, ids[i]) == state->count) {
            return true;
        }
    }
    for (uint32_t i = 0; i < state->count; i++) {
        if (find_change(state, state->ids[i]) == NULL &&
            find_feed(ids, count, state->ids[i]) == count) {
            return true;
        }
    }
    return false;
}
