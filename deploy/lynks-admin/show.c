#include "deploy/lynks-admin/show.h"

#include <time.h>

#include "proto/base/address.h"
#include "proto/unicode/visible.h"

#define COLUMNS_MAX 12
#define GAP "  "

/* What stands in a cell: its columns on the terminal. */
static size_t add_cell(struct strbuf *text, const json_t *value)
{
    switch (json_typeof(value)) {
    case JSON_STRING:
        return visible_add(text, (struct str){.data = json_string_value(value),
                                              .bytes = json_string_length(value)});
    case JSON_INTEGER: {
        AUTO(mem_free)
        char *number = mem_printf("%" JSON_INTEGER_FORMAT, json_integer_value(value));
        return visible_add(text, str_of(number));
    }
    case JSON_TRUE:
        return visible_add(text, STR_LIT("yes"));
    case JSON_FALSE:
        return visible_add(text, STR_LIT("no"));
    default:
        return visible_add(text, STR_LIT("-"));
    }
}

static size_t cell_columns(const json_t *value)
{
    struct strbuf text = {0};
    const size_t columns = add_cell(&text, value);
    strbuf_fini(&text);
    return columns;
}

static void add_padding(struct strbuf *text, size_t columns)
{
    for (size_t i = 0; i < columns; i++) {
        strbuf_add_z(text, " ");
    }
}

/* A member that is not there stands as null does. */
static const json_t *cell_of(const json_t *row, const char *member)
{
    const json_t *value = json_object_get(row, member);
    return value != NULL ? value : json_null();
}

static void show_table(FILE *out, const json_t *rows, const struct show_column *columns)
{
    struct strbuf text = {0};
    size_t widths[COLUMNS_MAX];
    size_t count = 0;
    size_t index;
    const json_t *row;
    for (; columns[count].title != NULL && count < COLUMNS_MAX; count++) {
        widths[count] = strlen(columns[count].title);
        json_array_foreach(rows, index, row)
        {
            const size_t width = cell_columns(cell_of(row, columns[count].member));
            widths[count] = width > widths[count] ? width : widths[count];
        }
    }
    for (size_t i = 0; i < count; i++) {
        strbuf_add_z(&text, columns[i].title);
        if (i + 1 < count) {
            add_padding(&text, widths[i] - strlen(columns[i].title));
            strbuf_add_z(&text, GAP);
        }
    }
    strbuf_add_z(&text, "\n");
    json_array_foreach(rows, index, row)
    {
        for (size_t i = 0; i < count; i++) {
            const size_t width = add_cell(&text, cell_of(row, columns[i].member));
            if (i + 1 < count) {
                add_padding(&text, widths[i] - width);
                strbuf_add_z(&text, GAP);
            }
        }
        strbuf_add_z(&text, "\n");
    }
    (void)fwrite(text.data, 1, text.bytes, out);
    strbuf_fini(&text);
}

void show_rows(FILE *out, bool wants_json, const json_t *rows, const struct show_column *columns)
{
    if (wants_json) {
        (void)json_dumpf(rows, out, JSON_INDENT(2));
        (void)fputc('\n', out);
    } else if (json_array_size(rows) > 0) {
        show_table(out, rows, columns);
    }
}

/* ---- values ---- */

json_t *show_text(struct str text)
{
    json_t *value = json_stringn(text.data, text.bytes);
    if (value == NULL) {
        struct strbuf visible = {0};
        (void)visible_add(&visible, text);
        value = json_stringn(visible.data, visible.bytes);
        strbuf_fini(&visible);
    }
    return value;
}

json_t *show_text_or_null(struct str text)
{
    return text.bytes > 0 ? show_text(text) : json_null();
}

json_t *show_id(uint64_t id)
{
    AUTO(mem_free) char *text = mem_printf("%" PRIu64, id);
    return id != 0 ? json_string(text) : json_null();
}

json_t *show_time(uint64_t unix_ms)
{
    const time_t seconds = (time_t)(unix_ms / 1000);
    struct tm utc;
    char text[32];
    if (unix_ms == 0 || gmtime_r(&seconds, &utc) == NULL ||
        strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &utc) == 0) {
        return json_null();
    }
    return json_string(text);
}

json_t *show_hex(struct str bytes)
{
    AUTO(mem_free) char *hex = mem_alloc(2 * bytes.bytes + 1);
    hex_encode(hex, bytes.data, bytes.bytes);
    return json_string(hex);
}

json_t *show_address(struct str address)
{
    char text[ADDRESS_TEXT_BYTES];
    return address_write(address, text) ? json_string(text) : json_null();
}
