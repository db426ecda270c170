#include "roomsvc/store/managed_pages.h"

#include "roomsvc/store/managed_sql.h"

/* ---- rooms ---- */

struct find_rooms {
    struct db_job job;
    uint64_t user_id; /* whose they are; 0: all */
    uint64_t asker_id;
    uint64_t after_id;
    uint64_t limit;
    struct managed_page page;
    managed_store_page_fn *fn;
    void *arg;
};

/* Each side is read in the order of its index, and no further than the page goes. */
static const struct db_query select_rooms_of_user = {
    .sql = "SELECT " MANAGED_COLUMNS " FROM ("
           "(SELECT room_id FROM rooms FORCE INDEX (rooms_owner_id) WHERE owner_id = ?"
           " AND room_id > ? AND closed_unix_ms IS NULL AND code IS NOT NULL"
           " ORDER BY room_id LIMIT ?) UNION "
           "(SELECT n.room_id FROM room_members n JOIN rooms s ON s.room_id = n.room_id"
           " WHERE n.user_id = ? AND n.room_id > ? AND s.closed_unix_ms IS NULL"
           " ORDER BY n.room_id LIMIT ?) ORDER BY room_id LIMIT ?) mine"
           " JOIN rooms r ON r.room_id = mine.room_id" MANAGED_JOINS " ORDER BY r.room_id",
    .params = DB_FIELDS(struct find_rooms, user_id, after_id, limit, user_id, after_id, limit,
                        limit, asker_id),
    .columns = MANAGED_FIELDS(struct managed_room, ),
    .rows = DB_ROWS(struct find_rooms, page.items, page.count)};

static const struct db_query select_all_rooms = {
    .sql = "SELECT " MANAGED_COLUMNS " FROM rooms r" MANAGED_JOINS
           " WHERE r.room_id > ? AND r.closed_unix_ms IS NULL ORDER BY r.room_id LIMIT ?",
    .params = DB_FIELDS(struct find_rooms, asker_id, after_id, limit),
    .columns = MANAGED_FIELDS(struct managed_room, ),
    .rows = DB_ROWS(struct find_rooms, page.items, page.count)};

static enum err work_find_rooms(void *arg, struct db *db)
{
    struct find_rooms *find = arg;
    const enum err err = db_query_run(
        db, find->user_id != 0 ? &select_rooms_of_user : &select_all_rooms, find, NULL);
    for (size_t i = 0; err == ERR_OK && i < find->page.count; i++) {
        struct managed_room *room = &find->page.items[i];
        if (room->owner_id != 0 && room->owner_id == find->asker_id) {
            room->role = ROOM_OWNER;
        }
    }
    return err;
}

DB_TELLS(on_rooms_found, struct find_rooms, &told->page);

static const struct db_task find_rooms_task = {
    .job_bytes = DB_JOB_BYTES(struct find_rooms), .work = work_find_rooms, .done = on_rooms_found};

enum err managed_page_find(void *self, const struct msg_room_page *request,
                           const struct room_asker *asker, uint64_t deadline_ms,
                           managed_store_page_fn *fn, void *arg)
{
    const struct managed_db *db = self;
    struct find_rooms *find = db_job_new(&find_rooms_task);
    find->user_id = request->user_id;
    find->asker_id = asker->user_id;
    find->after_id = request->after_id;
    find->limit = request->limit;
    find->fn = fn;
    find->arg = arg;
    return db_pool_start(db->pool, find, deadline_ms);
}

/* ---- members ---- */

struct find_members {
    struct db_job job;
    struct room_query target;
    struct user_query user;
    bool has_user;
    uint64_t after_id;
    uint64_t limit;
    struct member_page page;
    managed_store_members_fn *fn;
    void *arg;
};

static const struct db_query select_members = {
    .sql = "SELECT m.user_id, IFNULL(u.display_name, u.username), m.role, m.added_unix_ms"
           " FROM room_members m JOIN users u ON u.id = m.user_id"
           " WHERE m.room_id = ? AND m.user_id > ? ORDER BY m.user_id LIMIT ?",
    .params = DB_FIELDS(struct find_members, target.room.id, after_id, limit),
    .columns = DB_FIELDS(struct room_member, user_id, display_name, role, added_unix_ms),
    .rows = DB_ROWS(struct find_members, page.items, page.count)};

/* Who is none, or nobody at all, is not told apart. */
static enum err find_one_member(struct db *db, struct find_members *find)
{
    const enum err err = user_query_run(db, &find->user, &find->target.room);
    find->page.items[0] = find->user.member;
    find->page.count = 1;
    return err == ERR_NO_SUCH_USER || (err == ERR_OK && find->user.member.role == 0) ? ERR_NOT_FOUND
                                                                                     : err;
}

static enum err work_find_members(void *arg, struct db *db)
{
    struct find_members *find = arg;
    enum err err = room_query_run(db, &find->target);
    if (err == ERR_OK) {
        err = room_query_judge(&find->target, ROOM_SEE_MEMBERS, NULL);
    }
    if (err != ERR_OK) {
        return err;
    }
    return find->has_user ? find_one_member(db, find)
                          : db_query_run(db, &select_members, find, NULL);
}

DB_TELLS(on_members_found, struct find_members, &told->page);

static const struct db_task find_members_task = {.job_bytes = DB_JOB_BYTES(struct find_members),
                                                 .work = work_find_members,
                                                 .done = on_members_found};

enum err managed_members_find(void *self, const struct msg_member_page *request,
                              const struct room_asker *asker, uint64_t deadline_ms,
                              managed_store_members_fn *fn, void *arg)
{
    const struct managed_db *db = self;
    struct find_members *find = db_job_new(&find_members_task);
    find->has_user = request->user.bytes > 0;
    find->after_id = request->after_id;
    find->limit = request->limit;
    find->fn = fn;
    find->arg = arg;
    if (!room_query_read(request->room, asker, &find->target)) {
        db_job_free(find);
        return ERR_NO_SUCH_ROOM;
    }
    if (find->has_user && !user_query_read(request->user, &find->user)) {
        db_job_free(find);
        return ERR_NOT_FOUND;
    }
    return db_pool_start(db->pool, find, deadline_ms);
}
