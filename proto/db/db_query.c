#include "proto/db/db_query.h"

struct taking {
    const struct db_query *query;
    char *record;
    uint64_t rows;
    bool is_wrong;
};

static size_t *count_of(const struct taking *taking)
{
    return (size_t *)(void *)(taking->record + taking->query->rows.count);
}

/* Where the next row goes; NULL: there is no room. */
static char *next_item(const struct taking *taking)
{
    const struct db_rows *rows = &taking->query->rows;
    if (rows->item_bytes == 0) {
        return taking->record;
    }
    const size_t count = *count_of(taking);
    char *items = taking->record + rows->items;
    if (rows->max == 0) {
        void *grown = NULL;
        memcpy(&grown, items, sizeof(grown));
        if ((count & (count - 1)) == 0) { /* 0 or a power of two: it is full */
            grown = mem_realloc_array(grown, count == 0 ? 1 : 2 * count, rows->item_bytes);
            memcpy(items, &grown, sizeof(grown));
        }
        items = grown;
    } else if (count == rows->max) {
        return NULL;
    }
    return items + count * rows->item_bytes;
}

static void take_row(void *arg, const struct db_value *columns, size_t count)
{
    struct taking *taking = arg;
    taking->rows++;
    if (taking->query->columns[0].type == DB_FIELD_END) {
        return;
    }
    char *item = next_item(taking);
    if (item == NULL) {
        return;
    }
    if (!db_fields_write(taking->query->columns, item, columns, count)) {
        taking->is_wrong = true;
    } else if (taking->query->rows.item_bytes != 0) {
        ++*count_of(taking);
    }
}

enum err db_query_run(struct db *db, const struct db_query *query, void *record, uint64_t *ret_rows)
{
    struct db_value values[DB_VALUES_MAX];
    struct taking taking = {.query = query, .record = record};
    const struct db_statement statement = {.sql = query->sql,
                                           .values = values,
                                           .value_count =
                                               db_fields_read(query->params, record, values),
                                           .fn = take_row,
                                           .arg = &taking};
    if (query->rows.item_bytes != 0) {
        *count_of(&taking) = 0;
    }
    uint64_t changed = 0;
    enum err err = db_run(db, &statement, &changed);
    if (err == ERR_OK && taking.is_wrong) {
        err = db_mistake(db, "a column does not fit its member", query->sql);
    }
    const uint64_t rows = taking.rows + changed;
    if (err == ERR_OK && ret_rows != NULL) {
        *ret_rows = rows;
    }
    return err == ERR_OK && rows == 0 ? query->if_none : err;
}
