/* /v1/rooms/{room}/ice-servers: the TURN servers for who is in a room, with credentials that are
 * good for minutes; and the same as a part of other answers. Message asked: stream_open. */
#ifndef LYNKS_GATEWAY_API_ICE_SERVERS_H
#define LYNKS_GATEWAY_API_ICE_SERVERS_H

#include "gateway/http/exchange.h"

/* doc_: when there are none. */
#define ICE_SERVERS_MEMBER(doc_)                                                                   \
    {                                                                                              \
        .name = "ice_servers", .type = MEMBER_OBJECTS, .max = 1, .members = ice_server_members,    \
        .doc = "For the iceServers of an RTCPeerConnection, good for two minutes; " doc_           \
    }

extern const struct member ice_server_members[];

/* Writes the member: empty unless he has come in, and there are servers. */
void ice_servers_write(const struct exchange *exchange, const struct msg_participant *participant,
                       struct json_out *out);

/* Likewise as Link fields of a success (RFC 9725, section 4.6), one for each server: for a client
 * of WHIP or WHEP that has come in. participant 0: who that is is not known, and there are none. */
void ice_servers_link(struct exchange *exchange, uint64_t participant);

struct resource ice_servers_resource(void);

#endif
