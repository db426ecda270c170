#include "gateway/turn/turn.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include <gnutls/crypto.h>
#include <sodium.h>

#define SHA1_BYTES 20
#define ADDRESS_CHARACTERS "0123456789abcdefABCDEF:."
#define NAME_CHARACTERS "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-"

struct turn {
    char *urls;
    char *secret;
    uint64_t lifetime_s;
    struct str each[TURN_URLS_MAX]; /* borrowed from urls */
    size_t count;
};

static bool url_starts_with(struct str text, struct str start)
{
    return text.bytes >= start.bytes && memcmp(text.data, start.data, start.bytes) == 0;
}

static struct str from(struct str text, size_t at)
{
    return (struct str){.data = text.data + at, .bytes = text.bytes - at};
}

/* How many of the first characters are some of these. */
static size_t span(struct str text, const char *characters)
{
    size_t i = 0;
    while (i < text.bytes && text.data[i] != '\0' && strchr(characters, text.data[i]) != NULL) {
        i++;
    }
    return i;
}

/* Takes a host off: a name, an IPv4 address, or an IPv6 address in brackets. */
static bool take_host(struct str *text)
{
    const bool has_brackets = url_starts_with(*text, STR_LIT("["));
    *text = from(*text, has_brackets);
    const size_t bytes = span(*text, has_brackets ? ADDRESS_CHARACTERS : NAME_CHARACTERS);
    *text = from(*text, bytes);
    if (!has_brackets) {
        return bytes > 0;
    }
    const bool is_closed = url_starts_with(*text, STR_LIT("]"));
    *text = from(*text, is_closed);
    return is_closed && bytes > 0;
}

static bool take_port(struct str *text)
{
    unsigned long port = 0;
    if (!url_starts_with(*text, STR_LIT(":"))) {
        return true;
    }
    *text = from(*text, 1);
    const size_t digits = span(*text, "0123456789");
    for (size_t i = 0; i < digits && i < 6; i++) {
        port = port * 10 + (unsigned long)(text->data[i] - '0');
    }
    *text = from(*text, digits);
    return digits > 0 && digits <= 5 && port >= 1 && port <= 65535;
}

/* RFC 7065, section 3.1. */
static bool is_turn_url(struct str text)
{
    static const struct str schemes[] = {{"turn:", 5}, {"turns:", 6}};
    const size_t i = url_starts_with(text, schemes[1]);
    if (!url_starts_with(text, schemes[i])) {
        return false;
    }
    text = from(text, schemes[i].bytes);
    return take_host(&text) && take_port(&text) &&
           (text.bytes == 0 || str_eq(text, STR_LIT("?transport=udp")) ||
            str_eq(text, STR_LIT("?transport=tcp")));
}

static bool read_urls(struct turn *turn, const char *urls, struct str *ret_bad)
{
    turn->urls = mem_strdup(urls);
    for (const char *at = turn->urls; *at != '\0'; at += *at == ',') {
        const size_t bytes = strcspn(at, ",");
        const struct str url = str_trim((struct str){.data = at, .bytes = bytes});
        if (!is_turn_url(url) || turn->count == TURN_URLS_MAX) {
            /* Of what the caller has: ours goes. */
            *ret_bad = (struct str){.data = urls + (url.data - turn->urls), .bytes = url.bytes};
            return false;
        }
        turn->each[turn->count++] = url;
        at += bytes;
    }
    return true;
}

struct turn *turn_new(const char *urls, const char *secret, uint64_t lifetime_s,
                      struct str *ret_bad)
{
    AUTO(turn_free) struct turn *turn = mem_alloc(sizeof(*turn));
    turn->secret = mem_strdup(secret == NULL ? "" : secret);
    turn->lifetime_s = lifetime_s;
    if (!read_urls(turn, urls, ret_bad)) {
        return NULL;
    }
    const size_t bytes = strlen(turn->secret);
    const bool is_good = bytes >= TURN_SECRET_BYTES_MIN && bytes <= TURN_SECRET_BYTES_MAX;
    if (!is_good && (bytes > 0 || turn->count > 0)) {
        *ret_bad = STR_NONE;
        return NULL;
    }
    return STEAL(turn);
}

void turn_free(struct turn **turn)
{
    if (*turn != NULL) {
        sodium_memzero((*turn)->secret, strlen((*turn)->secret));
        mem_free(&(*turn)->secret);
        mem_free(&(*turn)->urls);
        mem_free(turn);
    }
}

size_t turn_url_count(const struct turn *turn)
{
    return turn->count;
}

struct str turn_url(const struct turn *turn, size_t i)
{
    assert(i < turn->count);
    return turn->each[i];
}

void turn_make_credential(const struct turn *turn, uint64_t participant, uint64_t now_unix_ms,
                          struct turn_credential *ret_credential)
{
    uint8_t mac[SHA1_BYTES];
    (void)snprintf(ret_credential->username, sizeof(ret_credential->username),
                   "%" PRIu64 ":%" PRIu64, now_unix_ms / 1000 + turn->lifetime_s, participant);
    /* It fails if it has no such algorithm, which is no state of a machine that runs this. */
    if (gnutls_hmac_fast(GNUTLS_MAC_SHA1, turn->secret, strlen(turn->secret),
                         ret_credential->username, strlen(ret_credential->username), mac) != 0) {
        abort();
    }
    (void)sodium_bin2base64(ret_credential->password, sizeof(ret_credential->password), mac,
                            sizeof(mac), sodium_base64_VARIANT_ORIGINAL);
}
