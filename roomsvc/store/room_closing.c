#include "roomsvc/store/room_closing.h"

struct closing_room {
    uint64_t id;
};

static const struct db_query close_locked_room = {
    .sql = "UPDATE rooms SET " ROOM_CLOSED ", look_unix_ms = " DB_NOW_UNIX_MS " WHERE room_id = ?",
    .params = DB_FIELDS(struct closing_room, id)};

enum err room_close(struct db *db, uint64_t room_id)
{
    struct closing_room closing = {.id = room_id};
    return db_query_run(db, &close_locked_room, &closing, NULL);
}
