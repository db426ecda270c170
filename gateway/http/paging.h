/* Lists in pages: ?limit=&page_token= of a request, next_page_token of an answer. What a token says
 * is its resource's business; to clients it is opaque. */
#ifndef LYNKS_GATEWAY_HTTP_PAGING_H
#define LYNKS_GATEWAY_HTTP_PAGING_H

#include "gateway/http/exchange.h"

#define PAGING_LIMIT_MAX 100
#define PAGING_LIMIT 50 /* where none is given */
#define PAGING_PLACE_BYTES_MAX 48

/* For the row; and each for a row that takes other parameters, too. */
#define PAGING_QUERY_LIMIT                                                                         \
    {                                                                                              \
        .name = "limit", .type = MEMBER_NUMBER, .min = 1, .max = PAGING_LIMIT_MAX,                 \
        .doc = "How many at most; 50 where none is given.",                                        \
    }
#define PAGING_QUERY_TOKEN                                                                         \
    {                                                                                              \
        .name = "page_token", .type = MEMBER_STRING, .max = 2UL * PAGING_PLACE_BYTES_MAX,          \
        .doc = "next_page_token of the page before.",                                              \
    }
extern const struct member paging_query[];
/* For the members of the answer, beside its items. */
#define PAGING_NEXT                                                                                \
    {                                                                                              \
        .name = "next_page_token", .type = MEMBER_STRING, .is_optional = true, .min = 1,           \
        .max = 2UL * PAGING_PLACE_BYTES_MAX, .doc = "For page_token; absent on the last page.",    \
    }

struct paging {
    uint64_t limit; /* 1..PAGING_LIMIT_MAX */
    bool has_place; /* false: from the first one */
};

/* ret_place: where to go on, exactly bytes of it (PAGING_PLACE_BYTES_MAX at most), as
 * paging_write_next was given them. ERR_BAD_REQUEST: a parameter cannot be. */
enum err paging_read(const struct request *request, void *ret_place, size_t bytes,
                     struct paging *ret);
/* A number in a place: big-endian. */
#define PAGING_NUMBER_BYTES 8
uint64_t paging_number(const uint8_t place[PAGING_NUMBER_BYTES]);
void paging_set_number(uint8_t ret_place[PAGING_NUMBER_BYTES], uint64_t number);
/* A member of the answer: there is more behind place. */
void paging_write_next(struct json_out *out, const void *place, size_t bytes);

/* Lists whose pages end with an id. ERR_BAD_REQUEST: a parameter cannot be, or the id is above
 * id_max. */
enum err paging_read_ids(const struct request *request, uint64_t id_max, uint64_t *ret_limit,
                         uint64_t *ret_after_id);
/* A member of the answer, if there may be more: so many were on the page, and the last had this id.
 */
void paging_write_next_id(struct json_out *out, uint64_t limit, size_t count, uint64_t last_id);
/* The same for a row whose handler needs no state of its own: the limit is the exchange's. */
enum err paging_ids_begin(struct exchange *exchange, uint64_t id_max, uint64_t *ret_limit,
                          uint64_t *ret_after_id);
void paging_ids_end(const struct exchange *exchange, size_t count, uint64_t last_id,
                    struct json_out *out);

#endif
