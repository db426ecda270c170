#include "gateway/http/etag.h"

#include <sodium.h>
#include <stdio.h>

void etag_of(struct str bytes, char ret_etag[ETAG_BYTES])
{
    uint8_t hash[crypto_hash_sha256_BYTES];
    crypto_hash_sha256(hash, (const unsigned char *)bytes.data, bytes.bytes);
    ret_etag[0] = '"';
    hex_encode(ret_etag + 1, hash, (ETAG_BYTES - 3) / 2);
    memcpy(ret_etag + ETAG_BYTES - 2, "\"", 2);
}

/* Takes the next tag of a list, without W/; a tag may have a comma in it, so the list is read tag
 * by tag. false: there is none, or *at is no tag. */
static bool take_tag(const char **at, struct str *ret_tag, bool *ret_is_weak)
{
    *at += strspn(*at, ", \t");
    *ret_is_weak = strncmp(*at, "W/", 2) == 0;
    *at += *ret_is_weak ? 2 : 0;
    const char *end = **at == '"' ? strchr(*at + 1, '"') : NULL;
    if (end == NULL) {
        return false;
    }
    *ret_tag = (struct str){.data = *at, .bytes = (size_t)(end - *at) + 1};
    *at = end + 1;
    return true;
}

bool etag_is_in(const char *header, const char *etag)
{
    const char *at = header == NULL ? "" : header;
    struct str tag;
    bool is_weak;
    if (strcmp(at, "*") == 0) {
        return true;
    }
    while (take_tag(&at, &tag, &is_weak)) {
        if (str_eq(tag, str_of(etag))) {
            return true;
        }
    }
    return false;
}

/* ---- versions ---- */

#define VERSION_DIGITS_MAX 19 /* of INT64_MAX */

void etag_of_version(uint64_t version, char ret_etag[ETAG_BYTES])
{
    (void)snprintf(ret_etag, ETAG_BYTES, "\"%" PRIu64 "\"", version);
}

/* 0: it names none. */
static uint64_t version_of(struct str tag)
{
    uint64_t version = 0;
    const size_t digits = tag.bytes - 2;
    for (size_t i = 1; i <= digits; i++) {
        if (tag.data[i] < '0' || tag.data[i] > '9' || digits > VERSION_DIGITS_MAX) {
            return 0;
        }
        version = version * 10 + (uint64_t)(tag.data[i] - '0');
    }
    return version <= INT64_MAX ? version : 0;
}

enum err etag_read_match(const char *header, struct etag_match *ret_match)
{
    const char *at = header == NULL ? "" : header;
    struct str tag;
    bool is_weak;
    bool has_tag = false;
    *ret_match = (struct etag_match){.is_any = strcmp(at, "*") == 0};
    if (ret_match->is_any) {
        return ERR_OK;
    }
    while (take_tag(&at, &tag, &is_weak)) {
        const uint64_t version = is_weak ? 0 : version_of(tag);
        has_tag = true;
        if (version > ret_match->version) {
            ret_match->version = version;
        }
    }
    if (!has_tag || *at != '\0') {
        return ERR_MATCH_REQUIRED;
    }
    return ret_match->version > 0 ? ERR_OK : ERR_STALE;
}
