#include "gateway/api/ice_servers.h"

#include "gateway/api/room_ref.h"
#include "gateway/turn/turn.h"

const struct member ice_server_members[] = {
    {.name = "urls", .type = MEMBER_STRINGS, .max = TURN_URLS_MAX},
    {.name = "username",
     .type = MEMBER_STRING,
     .max = sizeof(((struct turn_credential *)0)->username)},
    {.name = "credential",
     .type = MEMBER_STRING,
     .max = sizeof(((struct turn_credential *)0)->password)},
    {.name = NULL},
};

static void write_servers(const struct exchange *exchange, uint64_t participant,
                          struct json_out *out)
{
    const struct exchanges_config *config = &exchange->all->config;
    struct turn_credential credential;
    turn_make_credential(config->turn, participant, clock_unix_ms(config->clock), &credential);
    json_out_open(out, '{');
    json_out_open_member(out, "urls", '[');
    for (size_t i = 0; i < turn_url_count(config->turn); i++) {
        json_out_str(out, turn_url(config->turn, i));
    }
    json_out_close(out, "]");
    json_out_member_z(out, "username", credential.username);
    json_out_member_z(out, "credential", credential.password);
    json_out_close(out, "}");
}

void ice_servers_write(const struct exchange *exchange, const struct msg_participant *participant,
                       struct json_out *out)
{
    json_out_open_member(out, "ice_servers", '[');
    if (participant->state == PARTICIPANT_JOINED &&
        turn_url_count(exchange->all->config.turn) > 0) {
        write_servers(exchange, participant->id, out);
    }
    json_out_close(out, "]");
}

void ice_servers_link(struct exchange *exchange, uint64_t participant)
{
    const struct exchanges_config *config = &exchange->all->config;
    const size_t count = participant != 0 ? turn_url_count(config->turn) : 0;
    struct turn_credential credential;
    if (count > 0) {
        turn_make_credential(config->turn, participant, clock_unix_ms(config->clock), &credential);
    }
    for (size_t i = 0; i < count; i++) {
        const struct str url = turn_url(config->turn, i);
        AUTO(mem_free)
        char *link = mem_printf("<%.*s>; rel=\"ice-server\"; username=\"%s\"; credential=\"%s\"; "
                                "credential-type=\"password\"",
                                (int)url.bytes, url.data, credential.username, credential.password);
        exchange_link(exchange, link);
    }
}

/* ---- GET /v1/rooms/{room}/ice-servers ---- */

static const struct member ice_servers_answer[] = {
    ICE_SERVERS_MEMBER("none where there is no TURN."),
    {.name = NULL},
};

static enum err prepare_ice_servers(struct exchange *exchange, struct msg *msg)
{
    (void)exchange_asker(exchange, &msg->stream_open.asker); /* the row lets in nobody else */
    return room_ref_read(exchange, &msg->stream_open.room);
}

static enum err settle_ice_servers(struct exchange *exchange, enum err err, const struct msg *reply)
{
    (void)exchange;
    return err == ERR_OK && reply->stream_open_reply.participant.state != PARTICIPANT_JOINED
               ? ERR_MUST_WAIT
               : err;
}

static void write_ice_servers(const struct exchange *exchange, const struct msg *reply,
                              struct json_out *out)
{
    ice_servers_write(exchange, &reply->stream_open_reply.participant, out);
}

static const struct route_ask ask_ice_servers = {.message = MSG_stream_open,
                                                 .prepare = prepare_ice_servers,
                                                 .settle = settle_ice_servers,
                                                 .write = write_ice_servers};

static const struct route ice_server_rows[] = {
    {.method = "GET",
     .template = "/v1/rooms/{room}/ice-servers",
     .name = "getIceServers",
     .doc =
         "Shows whoever is in a room the TURN servers by which he gets to Janus where his network "
         "lets no UDP through, with credentials that are good for two minutes, or as long as "
         "LYNKS_TURN_CREDENTIALS_S says: to be asked for before each connection, and before one "
         "looks for another way. A connection that is up needs no others.",
     .who = ROUTE_PARTICIPANT,
     .answer = {.members = ice_servers_answer, .doc = "The servers; none where there is no TURN."},
     .errors = {ERR_NO_SUCH_ROOM, ERR_GONE, ROOM_ASKER_ERRORS},
     .ask = &ask_ice_servers},
};

struct resource ice_servers_resource(void)
{
    return (struct resource){
        .dialect = DIALECT_V1, .routes = ice_server_rows, .count = ARRAY_LEN(ice_server_rows)};
}
