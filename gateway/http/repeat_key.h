/* The key of a message that must be done once, however often it comes (bus: KEYED). A proxy that
 * gets no answer sends a request again, perhaps to another gateway: its id of the request, which
 * stays the same, then makes the same key. */
#ifndef LYNKS_GATEWAY_HTTP_REPEAT_KEY_H
#define LYNKS_GATEWAY_HTTP_REPEAT_KEY_H

#include "gateway/http/exchange.h"

#define REPEAT_KEY_BYTES 16

/* Of the proxy's id, who asks and the route: another principal's request has another key, whatever
 * its id. Without an id it is random: nobody sends the request again. */
void repeat_key_make(const struct exchange *exchange, uint8_t ret_key[REPEAT_KEY_BYTES]);
/* The same, as the exchange's state, which is all that its handler may have then. */
struct str repeat_key_attach(struct exchange *exchange);

#endif
