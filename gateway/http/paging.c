#include "gateway/http/paging.h"

#include <assert.h>
#include <stdlib.h>

const struct member paging_query[] = {
    PAGING_QUERY_LIMIT,
    PAGING_QUERY_TOKEN,
    {.name = NULL},
};

enum err paging_read(const struct request *request, void *ret_place, size_t bytes,
                     struct paging *ret)
{
    char text[2 * PAGING_PLACE_BYTES_MAX + 1];
    assert(bytes <= PAGING_PLACE_BYTES_MAX);
    *ret = (struct paging){.limit = PAGING_LIMIT,
                           .has_place = request_has_query(request, "page_token")};
    if (!request_query_number(request, "limit", 1, PAGING_LIMIT_MAX, &ret->limit)) {
        return ERR_BAD_REQUEST;
    }
    if (ret->has_place && (!request_query(request, "page_token", text, sizeof(text)) ||
                           !hex_decode(ret_place, bytes, str_of(text)))) {
        return ERR_BAD_REQUEST;
    }
    return ERR_OK;
}

uint64_t paging_number(const uint8_t place[PAGING_NUMBER_BYTES])
{
    uint64_t number = 0;
    for (size_t i = 0; i < PAGING_NUMBER_BYTES; i++) {
        number = number << 8 | place[i];
    }
    return number;
}

void paging_set_number(uint8_t ret_place[PAGING_NUMBER_BYTES], uint64_t number)
{
    for (size_t i = 0; i < PAGING_NUMBER_BYTES; i++) {
        ret_place[i] = (uint8_t)(number >> (56 - 8 * i));
    }
}

void paging_write_next(struct json_out *out, const void *place, size_t bytes)
{
    json_out_key(out, "next_page_token");
    json_out_hex(out, (struct str){.data = place, .bytes = bytes});
}

/* ---- pages that end with an id ---- */

enum err paging_read_ids(const struct request *request, uint64_t id_max, uint64_t *ret_limit,
                         uint64_t *ret_after_id)
{
    struct paging paging;
    uint8_t after[PAGING_NUMBER_BYTES] = {0};
    const enum err err = paging_read(request, after, sizeof(after), &paging);
    *ret_limit = paging.limit;
    *ret_after_id = paging_number(after);
    return err != ERR_OK || *ret_after_id > id_max ? ERR_BAD_REQUEST : ERR_OK;
}

void paging_write_next_id(struct json_out *out, uint64_t limit, size_t count, uint64_t last_id)
{
    uint8_t place[PAGING_NUMBER_BYTES];
    if (count == limit) {
        paging_set_number(place, last_id);
        paging_write_next(out, place, sizeof(place));
    }
}

enum err paging_ids_begin(struct exchange *exchange, uint64_t id_max, uint64_t *ret_limit,
                          uint64_t *ret_after_id)
{
    uint64_t *limit = exchange_attach(exchange, sizeof(*limit), free);
    const enum err err = paging_read_ids(exchange->request, id_max, limit, ret_after_id);
    *ret_limit = *limit;
    return err;
}

void paging_ids_end(const struct exchange *exchange, size_t count, uint64_t last_id,
                    struct json_out *out)
{
    const uint64_t *limit = exchange->state;
    paging_write_next_id(out, *limit, count, last_id);
}
