/* The key of a message that must be done once, however often it comes (bus: KEYED).
 *
 * A client that gets no answer sends its request again with the same Idempotency-Key, to any
 * gateway, within a day. A proxy that gets none sends it again, too: its id of the request, which
 * stays the same, then makes the same key. Services keep keys for a day. */
#ifndef LYNKS_GATEWAY_HTTP_REPEAT_KEY_H
#define LYNKS_GATEWAY_HTTP_REPEAT_KEY_H

#include "gateway/http/exchange.h"

#define REPEAT_KEY_BYTES 16

/* For a route with takes_key: reads the header, and notes what it says in the exchange. false: it
 * is none. */
bool repeat_key_read(struct exchange *exchange);

/* Of the client's key or else the proxy's id, who asks, the route, and what its parameters stand
 * for: another principal's or participant's request has another key. Where nobody asks it is also
 * of the body, and with a proxy's id, which may be guessed, of the client's address: a stranger who
 * sends the same one learns nothing. Without either it is random: nobody sends the request again.
 */
void repeat_key_make(const struct exchange *exchange, uint8_t ret_key[REPEAT_KEY_BYTES]);
/* false: it is random. */
bool repeat_key_is_given(const struct exchange *exchange);
/* The same, as the exchange's state, which is all that its handler may have then. */
struct str repeat_key_attach(struct exchange *exchange);

/* What the service compares when a client's key comes again: a hash of the body. STR_NONE: no
 * client has given a key. */
struct str repeat_key_body(const struct exchange *exchange);

#endif
