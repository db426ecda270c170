#include "gateway/http/etag.h"

#include <sodium.h>

void etag_of(struct str bytes, char ret_etag[ETAG_BYTES])
{
    uint8_t hash[crypto_hash_sha256_BYTES];
    crypto_hash_sha256(hash, (const unsigned char *)bytes.data, bytes.bytes);
    ret_etag[0] = '"';
    hex_encode(ret_etag + 1, hash, (ETAG_BYTES - 3) / 2);
    memcpy(ret_etag + ETAG_BYTES - 2, "\"", 2);
}

/* A tag may have a comma in it, so the list is read tag by tag. */
bool etag_is_in(const char *header, const char *etag)
{
    const char *at = header == NULL ? "" : header;
    if (strcmp(at, "*") == 0) {
        return true;
    }
    while (*(at += strspn(at, ", \t")) != '\0') {
        at += strncmp(at, "W/", 2) == 0 ? 2 : 0;
        const char *end = *at == '"' ? strchr(at + 1, '"') : NULL;
        if (end == NULL) {
            return false;
        }
        struct str tag = {.data = at, .bytes = (size_t)(end - at) + 1};
        if (str_eq(tag, str_of(etag))) {
            return true;
        }
        at = end + 1;
    }
    return false;
}
