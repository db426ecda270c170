#include "proto/base/address.h"

#include <arpa/inet.h>

_Static_assert(ADDRESS_TEXT_BYTES == INET6_ADDRSTRLEN, "the longest text");

bool address_write(struct str address, char ret_text[ADDRESS_TEXT_BYTES])
{
    static const uint8_t nowhere[ADDRESS_BYTES];
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff}; /* RFC 4291, 2.5.5.2 */
    ret_text[0] = '\0';
    if (address.bytes != ADDRESS_BYTES || memcmp(address.data, nowhere, ADDRESS_BYTES) == 0) {
        return false;
    }
    const bool is_ipv4 = memcmp(address.data, mapped, sizeof(mapped)) == 0;
    const char *from = address.data + (is_ipv4 ? sizeof(mapped) : 0);
    return inet_ntop(is_ipv4 ? AF_INET : AF_INET6, from, ret_text, ADDRESS_TEXT_BYTES) != NULL;
}
