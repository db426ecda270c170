#include "roomsvc/store/room_audit.h"

#include <stdio.h>

#include "proto/db/db_query.h"
#include "proto/db/db_sql.h"

#define REQUEST_ID_BYTES 65
#define DETAIL_BYTES (LABEL_BYTES + 40)

struct kept_act {
    uint64_t act;
    uint64_t by_kind;
    uint64_t by_id;
    char operator_name[LABEL_BYTES];
    unsigned char address[16];
    uint64_t owner_id;
    uint64_t room_id;
    char detail[DETAIL_BYTES];
    char request_id[REQUEST_ID_BYTES];
};

static const struct db_query insert_act = {
    .sql = "INSERT INTO audit (created_unix_ms, act, by_kind, by_id, by_name, address, user_id,"
           " username, room_id, detail, request_id) VALUES (" DB_NOW_UNIX_MS ", ?, ?, ?,"
           " COALESCE((SELECT b.username FROM users b WHERE b.id = ?), ?), ?, ?,"
           " COALESCE((SELECT u.username FROM users u WHERE u.id = ?), ''), ?, ?, ?)",
    .params = DB_FIELDS(struct kept_act, act, by_kind, by_id, by_id, operator_name, address,
                        owner_id, owner_id, room_id, detail, request_id)};

enum err room_audit_keep(struct db *db, const struct room_act *act, const struct room_asker *asker,
                         bool *ret_is_kept)
{
    const struct managed_room *room = act->room;
    const struct msg_origin *origin = act->origin;
    const bool is_tool = asker->user_id == 0;
    const bool is_his_own = !is_tool && asker->user_id == room->owner_id;
    struct kept_act kept = {.act = act->act,
                            .by_kind = is_tool ? PRINCIPAL_ADMIN_TOOL : PRINCIPAL_USER,
                            .by_id = asker->user_id,
                            .owner_id = room->owner_id,
                            .room_id = room->id};
    *ret_is_kept = asker->is_admin && !is_his_own;
    if (!*ret_is_kept) {
        return ERR_OK;
    }
    (void)str_copy(kept.detail, sizeof(kept.detail), str_of(room->name));
    if (act->whom != 0) {
        (void)snprintf(kept.detail, sizeof(kept.detail), "%s, user %" PRIu64, room->name,
                       act->whom);
    }
    (void)str_copy(kept.request_id, sizeof(kept.request_id), asker->request_id);
    if (origin != NULL && !label_make(origin->operator_name, kept.operator_name)) {
        kept.operator_name[0] = '\0'; /* as the machine of the operator has it, which may be odd */
    }
    if (origin != NULL && origin->address.bytes == sizeof(kept.address)) {
        memcpy(kept.address, origin->address.data, sizeof(kept.address));
    }
    return db_query_run(db, &insert_act, &kept, NULL);
}
