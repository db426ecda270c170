#include "janusbridge/rtc/sdp_candidate.h"

#include <arpa/inet.h>

#include "janusbridge/rtc/sdp_text.h"

#define ADDRESS_CHARACTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.:-"
#define ADDRESS_BYTES_MAX 64

struct candidate {
    struct str transport, address;
};

static bool read_place(struct str *rest, struct candidate *candidate)
{
    struct str foundation, component, priority, port;
    uint64_t number;
    return sdp_word_take(rest, &foundation) && sdp_is_ice_text(foundation, 1, 32) &&
           sdp_word_take(rest, &component) && sdp_number(component, 256, &number) &&
           sdp_word_take(rest, &candidate->transport) && sdp_is_token(candidate->transport, 16) &&
           sdp_word_take(rest, &priority) && sdp_number(priority, UINT32_MAX, &number) &&
           sdp_word_take(rest, &candidate->address) &&
           sdp_is_made_of(candidate->address, ADDRESS_CHARACTERS, 1, ADDRESS_BYTES_MAX) &&
           sdp_word_take(rest, &port) && sdp_number(port, UINT16_MAX, &number);
}

static bool is_type(struct str word)
{
    return sdp_is(word, "host") || sdp_is(word, "srflx") || sdp_is(word, "prflx") ||
           sdp_is(word, "relay");
}

static bool read_candidate(struct str text, struct candidate *candidate)
{
    struct str word, type;
    if (!read_place(&text, candidate) || !sdp_word_take(&text, &word) || !sdp_is(word, "typ") ||
        !sdp_word_take(&text, &type) || !is_type(type)) {
        return false;
    }
    while (text.bytes > 0) { /* further properties: a name and a value each */
        if (!sdp_word_take(&text, &word) || !sdp_word_take(&text, &word)) {
            return false;
        }
    }
    return true;
}

bool sdp_is_candidate(struct str text)
{
    struct candidate candidate;
    return read_candidate(text, &candidate);
}

struct network {
    uint8_t start[16];
    unsigned bits;
};

static bool is_in_network(const uint8_t *address, const struct network *network)
{
    const size_t bytes = network->bits / 8;
    const uint8_t mask = (uint8_t)(0xff00 >> (network->bits % 8));
    return memcmp(address, network->start, bytes) == 0 &&
           (address[bytes] & mask) == (network->start[bytes] & mask);
}

static bool is_in_any(const uint8_t *address, const struct network *networks, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (is_in_network(address, &networks[i])) {
            return true;
        }
    }
    return false;
}

static bool is_public_v4(const uint8_t address[4])
{
    /* https://www.iana.org/assignments/iana-ipv4-special-registry, multicast and what is reserved
     */
    static const struct network special[] = {
        {{0}, 8},
        {{10}, 8},
        {{100, 64}, 10},
        {{127}, 8},
        {{169, 254}, 16},
        {{172, 16}, 12},
        {{192, 0, 0}, 24},
        {{192, 0, 2}, 24},
        {{192, 88, 99}, 24},
        {{192, 168}, 16},
        {{198, 18}, 15},
        {{198, 51, 100}, 24},
        {{203, 0, 113}, 24},
        {{224}, 3},
    };
    return !is_in_any(address, special, ARRAY_LEN(special));
}

static bool is_public_v6(const uint8_t address[16])
{
    static const struct network global = {{0x20}, 3};
    /* Within it: protocol assignments with Teredo, documentation, 6to4; two of them wrap an address
     * of IPv4. */
    static const struct network special[] = {
        {{0x20, 0x01, 0x00}, 23},
        {{0x20, 0x01, 0x0d, 0xb8}, 32},
        {{0x20, 0x02}, 16},
        {{0x3f, 0xff, 0x00}, 20},
    };
    return is_in_network(address, &global) && !is_in_any(address, special, ARRAY_LEN(special));
}

bool sdp_candidate_is_public(struct str text)
{
    struct candidate candidate;
    char literal[ADDRESS_BYTES_MAX + 1];
    uint8_t address[16];
    if (!read_candidate(text, &candidate) || !sdp_is(candidate.transport, "udp") ||
        !str_copy(literal, sizeof(literal), candidate.address)) {
        return false;
    }
    if (inet_pton(AF_INET, literal, address) == 1) {
        return is_public_v4(address);
    }
    return inet_pton(AF_INET6, literal, address) == 1 && is_public_v6(address);
}
