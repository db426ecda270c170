/* Addresses of clients, as they travel on the bus: 16 bytes, IPv4 as ::ffff:a.b.c.d. */
#ifndef LYNKS_PROTO_BASE_ADDRESS_H
#define LYNKS_PROTO_BASE_ADDRESS_H

#include "proto/base/base.h"

#define ADDRESS_BYTES 16
#define ADDRESS_TEXT_BYTES 46 /* with a NUL */

/* As people write it: "192.0.2.1", "2001:db8::1". false, and "": it is none, or not known (all 0).
 */
bool address_write(struct str address, char ret_text[ADDRESS_TEXT_BYTES]);

#endif
