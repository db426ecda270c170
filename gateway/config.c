#include "gateway/config.h"

#include "gateway/http/content_policy.h"
#include "gateway/http/cors.h"
#include "gateway/http/files.h"
#include "gateway/http/proxies.h"
#include "gateway/http/token.h"
#include "gateway/turn/turn.h"
#include "proto/base/reach.h"

#include <stdio.h>

#define AT(member) offsetof(struct gateway_config, member)

/* clang-format off */
const struct config_option gateway_options[] = {
    SERVICE_OPTIONS(struct gateway_config, service, "5800"),
    {"LYNKS_AUTHSVC_ADDRESS", CONFIG_STRING, AT(authsvc_address), "127.0.0.1:5701", 1, 4096, NULL,
     "where authsvc is on the bus: host:port[,host:port...]"},
    {"LYNKS_AUTHSVC_EVENTS", CONFIG_STRING, AT(authsvc_events), "127.0.0.1:5711", 0, 4096, NULL,
     "where authsvc publishes: host:port[,host:port...]; empty: sessions that have streams are asked "
     "for three times a second"},
    {"LYNKS_ROOMSVC_ADDRESS", CONFIG_STRING, AT(roomsvc_address), "127.0.0.1:5702", 1, 4096, NULL,
     "where roomsvc is on the bus: host:port[,host:port...]"},
    {"LYNKS_ROOMSVC_EVENTS", CONFIG_STRING, AT(roomsvc_events), "127.0.0.1:5712", 0, 4096, NULL,
     "where roomsvc publishes: host:port[,host:port...]; empty: what happens in rooms that have streams is "
     "looked for in the journal"},
    {"LYNKS_JANUSBRIDGE_ADDRESS", CONFIG_STRING, AT(janusbridge_address), "127.0.0.1:5703", 1, 4096, NULL,
     "where janusbridge is on the bus: host:port[,host:port...]"},
    {"LYNKS_JANUSBRIDGE_EVENTS", CONFIG_STRING, AT(janusbridge_events), "127.0.0.1:5713", 0, 4096, NULL,
     "where janusbridge publishes: host:port[,host:port...]; empty: nobody is told of offers, and of "
     "connections for media that are over, until he asks"},
    {"LYNKS_HTTP_HOST", CONFIG_STRING, AT(http_host), "127.0.0.1", 1, 64, NULL,
     "numeric address that clients reach; :: for all, IPv4 too"},
    {"LYNKS_HTTP_PORT", CONFIG_UINT, AT(http_port), "60000", 0, 65535, NULL,
     "its port; 0 picks a free one"},
    {"LYNKS_HTTP_BODY_MAX_BYTES", CONFIG_UINT, AT(body_bytes_max), "65536", 1024, 1048576, NULL,
     "largest request body, but for those with descriptions of media (196608); past it 413"},
    {"LYNKS_HTTP_BODIES_TOTAL_MAX_BYTES", CONFIG_UINT, AT(body_bytes_total_max), "67108864", 65536,
     4294967296, NULL, "request bodies held at a time; past it 503"},
    {"LYNKS_HTTP_HEADER_MAX_BYTES", CONFIG_UINT, AT(header_bytes_max), "8192", 2048, 65536, NULL,
     "memory of a connection, mostly for the request's header; half of it may be header"},
    {"LYNKS_HTTP_CONNECTIONS_MAX", CONFIG_UINT, AT(connections_max), "16384", 16, 1000000, NULL,
     "open connections; past it the one idle for longest gives way"},
    {"LYNKS_HTTP_CONNECTIONS_PER_ADDRESS_MAX", CONFIG_UINT, AT(connections_per_address_max), "1024",
     0, 1000000, NULL, "open connections of one address (IPv6: /64); 0: no limit"},
    {"LYNKS_STREAMS_MAX", CONFIG_UINT, AT(streams_max), "12288", 1, 1000000, NULL,
     "open event streams, at most three quarters of the connections; past it 503"},
    {"LYNKS_STREAMS_PER_USER_MAX", CONFIG_UINT, AT(streams_per_user_max), "20", 1, 1000000, NULL,
     "open event streams of one user at this gateway; past it 429"},
    {"LYNKS_STREAMS_PER_PARTICIPANT_MAX", CONFIG_UINT, AT(streams_per_participant_max), "3", 1,
     1000000, NULL,
     "open streams and long polls of one participant of a room at this gateway; past it 429"},
    {"LYNKS_STREAMS_PER_ADDRESS_MAX", CONFIG_UINT, AT(streams_per_address_max), "1000", 1, 1000000,
     NULL,
     "open streams of rooms, and long polls, of one address (IPv6: /64) at this gateway; past it "
     "429"},
    {"LYNKS_ROOM_TAILS_MAX_BYTES", CONFIG_UINT, AT(room_tails_bytes_max), "67108864", 65536,
     4294967296, NULL,
     "what is kept of the last events of rooms, for who was cut off; past it the oldest go, and the "
     "journal is asked"},
    {"LYNKS_HTTP_REQUEST_TIMEOUT_MS", CONFIG_UINT, AT(request_timeout_ms), "30000", 100, 30000, NULL,
     "time for a client to send a request, and to take its answer"},
    {"LYNKS_HTTP_IDLE_TIMEOUT_MS", CONFIG_UINT, AT(idle_timeout_ms), "75000", 100, 3600000, NULL,
     "how long a connection is kept between requests"},
    {"LYNKS_REQUEST_BUDGET_MS", CONFIG_UINT, AT(request_budget_ms), "4000", 50, 60000, NULL,
     "time for the services to answer a request; past it 504"},
    {"LYNKS_PUBLIC_URL", CONFIG_STRING, AT(public_url), "", 0, 300, NULL,
     "where clients reach the API: http(s)://host[:port]; empty: https://LYNKS_DOMAIN, else the "
     "address and port"},
    {"LYNKS_DOMAIN", CONFIG_STRING, AT(domain), "", 0, 253, NULL,
     "name under which an HTTPS front serves the API; empty: none"},
    {"LYNKS_HTTP_PUBLISHED", CONFIG_STRING, AT(published), "", 0, 80, NULL,
     "in a container: numeric address:port that its port is published on; empty: none, "
     "LYNKS_HTTP_HOST and LYNKS_HTTP_PORT count"},
    {"LYNKS_TRUSTED_PROXIES", CONFIG_STRING, AT(trusted_proxies), "", 0, 4096, NULL,
     "addresses and CIDR blocks whose X-Forwarded-For and X-Request-Id are believed, separated by "
     "commas"},
    {"LYNKS_OWN_FRONT", CONFIG_STRING, AT(own_front), "", 0, 4096, NULL,
     "likewise, of a front that is a part of Lynks; set by what starts it"},
    {"LYNKS_CORS_ORIGINS", CONFIG_STRING, AT(cors_origins), "", 0, 4096, NULL,
     "origins whose pages may use the API, separated by commas; * for all"},
    {"LYNKS_WEB_ROOT", CONFIG_STRING, AT(web_root), "", 0, 4096, NULL,
     "folder with the files of the web client, read at start; empty: it is not served"},
    {"LYNKS_FRAME_ANCESTORS", CONFIG_STRING, AT(frame_ancestors), "none", 1, 1024, NULL,
     "whose pages may show the web client in a frame: none, or self and origins, separated by commas"},
    {"LYNKS_TOKEN_KEY", CONFIG_SECRET, AT(token_key), NULL, TOKEN_KEY_BYTES_MIN,
     2 * TOKEN_KEY_BYTES_MAX + 1, NULL,
     "key of the check value in tokens, the same for all gateways; a second one after a comma is of "
     "tokens drawn before"},
    {"LYNKS_TURN_URLS", CONFIG_STRING, AT(turn_urls), "", 0, 1024, NULL,
     "TURN servers for who is in a room, like turn:turn.example.org:3478?transport=udp, separated by "
     "commas, 8 at most; empty: none"},
    {"LYNKS_TURN_SECRET", CONFIG_SECRET, AT(turn_secret), "", 0, TURN_SECRET_BYTES_MAX, NULL,
     "what they share with the gateway (coturn's static-auth-secret), for credentials"},
    {"LYNKS_TURN_CREDENTIALS_S", CONFIG_UINT, AT(turn_credentials_s), "120", 30, 86400, NULL,
     "how long these are good: for who has been taken out of a room, too"},
    {"LYNKS_UNKNOWN_TOKEN_BURST", CONFIG_UINT, AT(unknown_burst), "200", 1, 1000000, NULL,
     "requests with tokens of ended sessions, or of participants who are gone, that one address may "
     "send at once"},
    {"LYNKS_UNKNOWN_TOKEN_PER_MINUTE", CONFIG_UINT, AT(unknown_per_minute), "300", 1, 1000000, NULL,
     "likewise, in the long run"},
    {"LYNKS_UNKNOWN_TOKEN_TABLE_MAX", CONFIG_UINT, AT(unknown_table_max), "65536", 64, 16777216,
     NULL, "addresses whose tokens of nobody are counted"},
    {"LYNKS_GOOD_TOKENS_MAX", CONFIG_UINT, AT(good_tokens_max), "131072", 64, 16777216, NULL,
     "tokens that are remembered as good, so that what others of their address send is not counted "
     "against them"},
    {"LYNKS_LOGIN_ADDRESS_BURST", CONFIG_UINT, AT(login_address_burst), "200", 1, 1000000, NULL,
     "logins that one address may try at once"},
    {"LYNKS_LOGIN_ADDRESS_PER_MINUTE", CONFIG_UINT, AT(login_address_per_minute), "300", 1, 1000000,
     NULL, "logins that one address may try in the long run"},
    {"LYNKS_LOGIN_NAME_BURST", CONFIG_UINT, AT(login_name_burst), "10", 1, 1000000, NULL,
     "failed logins of one name from one address at once"},
    {"LYNKS_LOGIN_NAME_PER_MINUTE", CONFIG_UINT, AT(login_name_per_minute), "6", 1, 1000000, NULL,
     "failed logins of one name from one address in the long run"},
    {"LYNKS_LOGIN_TABLE_MAX", CONFIG_UINT, AT(login_table_max), "65536", 64, 16777216, NULL,
     "addresses, and names with addresses, whose logins are counted"},
    {"LYNKS_CREATE_BURST", CONFIG_UINT, AT(create_burst), "100", 1, 1000000, NULL,
     "fresh rooms that one user may make at once"},
    {"LYNKS_CREATE_PER_MINUTE", CONFIG_UINT, AT(create_per_minute), "60", 1, 1000000, NULL,
     "fresh rooms that one user may make in the long run"},
    {"LYNKS_MEMBER_BURST", CONFIG_UINT, AT(name_burst), "100", 1, 1000000, NULL,
     "members and owners of rooms that one user may name at once, by id or user name"},
    {"LYNKS_MEMBER_PER_MINUTE", CONFIG_UINT, AT(name_per_minute), "60", 1, 1000000, NULL,
     "members and owners that one user may name in the long run"},
    {"LYNKS_JOIN_BURST", CONFIG_UINT, AT(join_burst), "4000", 1, 1000000, NULL,
     "participants that one address may make at once by coming into rooms, joins that are refused "
     "among them"},
    {"LYNKS_JOIN_PER_MINUTE", CONFIG_UINT, AT(join_per_minute), "1200", 1, 1000000, NULL,
     "participants that one address may make in the long run, joins that are refused among them"},
    {"LYNKS_ROOM_CODE_BURST", CONFIG_UINT, AT(code_burst), "1000", 1, 1000000, NULL,
     "codes of no room that one address may name at once, and those that are being looked for; past "
     "it 429 for all codes from there, but not for who is in a room"},
    {"LYNKS_ROOM_CODE_PER_MINUTE", CONFIG_UINT, AT(code_per_minute), "60", 1, 1000000, NULL,
     "codes of no room that one address may name in the long run"},
    {"LYNKS_ROOM_PIN_BURST", CONFIG_UINT, AT(pin_burst), "50", 1, 1000000, NULL,
     "wrong PINs that one address may give at one room at once, and PINs that are being looked at; "
     "likewise invitations that are none; past it 429 for PINs, or invitations, from there to that "
     "room"},
    {"LYNKS_ROOM_PIN_PER_MINUTE", CONFIG_UINT, AT(pin_per_minute), "20", 1, 1000000, NULL,
     "wrong PINs that one address may give at one room in the long run; likewise invitations that "
     "are none"},
    {"LYNKS_ADDRESS_PIN_BURST", CONFIG_UINT, AT(address_pin_burst), "1000", 1, 1000000, NULL,
     "wrong PINs that one address may give at all rooms at once, and PINs that are being looked at; "
     "likewise invitations that are none"},
    {"LYNKS_ADDRESS_PIN_PER_MINUTE", CONFIG_UINT, AT(address_pin_per_minute), "200", 1, 1000000,
     NULL,
     "wrong PINs that one address may give at all rooms in the long run; likewise invitations that "
     "are none"},
    {"LYNKS_JOIN_TABLE_MAX", CONFIG_UINT, AT(join_table_max), "65536", 64, 16777216, NULL,
     "addresses, and addresses with rooms, whose participants, codes of no room, invitations that "
     "are none and wrong PINs are counted"},
    {"LYNKS_REGISTRATION", CONFIG_CHOICE, AT(registration), "closed", 0, 0, "closed|open",
     "open: everybody who reaches the API may add himself as a user (POST /v1/registration)"},
    {"LYNKS_REGISTER_BURST", CONFIG_UINT, AT(register_burst), "20", 1, 1000000, NULL,
     "registrations that one address may try at once"},
    {"LYNKS_REGISTER_PER_MINUTE", CONFIG_UINT, AT(register_per_minute), "2", 1, 1000000, NULL,
     "registrations that one address may try in the long run"},
    {"LYNKS_REGISTER_TABLE_MAX", CONFIG_UINT, AT(register_table_max), "65536", 64, 16777216, NULL,
     "addresses whose registrations are counted"},
    {.name = NULL},
};
/* clang-format on */

static bool complain(const char *name, struct str bad, const char *what)
{
    (void)fprintf(stderr, "%s: '%.*s' is not %s\n", name, (int)bad.bytes, bad.data, what);
    return false;
}

static bool web_is_valid(const struct gateway_config *config)
{
    struct str bad;
    AUTO(mem_free) char *why = NULL;
    AUTO(mem_free) char *policy = content_policy_new(config->frame_ancestors, &bad);
    bool is_valid =
        policy != NULL || complain("LYNKS_FRAME_ANCESTORS", bad,
                                   "none, self, or an origin, like https://meet.example.org");
    AUTO(files_free)
    struct files *files = config->web_root[0] == '\0' ? NULL : files_new(config->web_root, &why);
    if (config->web_root[0] != '\0' && files == NULL) {
        (void)fprintf(stderr, "LYNKS_WEB_ROOT: %s: %s\n", config->web_root, why);
        is_valid = false;
    }
    return is_valid;
}

static bool turn_is_valid(const struct gateway_config *config)
{
    struct str bad = STR_NONE;
    AUTO(turn_free)
    struct turn *turn =
        turn_new(config->turn_urls, config->turn_secret, config->turn_credentials_s, &bad);
    if (turn != NULL) {
        return true;
    }
    if (bad.bytes > 0) {
        return complain("LYNKS_TURN_URLS", bad,
                        "one of up to 8 URLs like turn:turn.example.org:3478?transport=udp");
    }
    /* The value stays unsaid. */
    (void)fprintf(stderr, "LYNKS_TURN_SECRET must have %d to %d bytes%s\n", TURN_SECRET_BYTES_MIN,
                  TURN_SECRET_BYTES_MAX,
                  config->turn_secret[0] == '\0' ? ", because LYNKS_TURN_URLS names servers" : "");
    return false;
}

bool gateway_config_is_valid(const void *arg)
{
    const struct gateway_config *config = arg;
    bool is_valid = true;
    struct str bad;
    struct public_url url;
    if (config->public_url[0] != '\0' && !public_url_parse(config->public_url, &url)) {
        is_valid =
            complain("LYNKS_PUBLIC_URL", str_of(config->public_url), "http(s)://host[:port]");
    }
    if (config->published[0] != '\0' && !reach_read_published(config->published, &url)) {
        is_valid = complain("LYNKS_HTTP_PUBLISHED", str_of(config->published), "address:port");
    }
    url = public_url_default(config->domain, "127.0.0.1", 0);
    if (config->domain[0] != '\0' && !public_url_takes_host(&url, config->domain)) {
        is_valid = complain("LYNKS_DOMAIN", str_of(config->domain), "a host name");
    }
    struct proxies *proxies = proxies_new(config->trusted_proxies, &bad);
    if (proxies == NULL) {
        is_valid = complain("LYNKS_TRUSTED_PROXIES", bad, "an address or a CIDR block");
    }
    proxies_free(&proxies);
    proxies = proxies_new(config->own_front, &bad);
    if (proxies == NULL) {
        is_valid = complain("LYNKS_OWN_FRONT", bad, "an address or a CIDR block");
    }
    proxies_free(&proxies);
    if (cors_has_bad(config->cors_origins, &bad)) {
        is_valid = complain("LYNKS_CORS_ORIGINS", bad, "an origin, like https://meet.example.org");
    }
    struct token_keys *token_keys = token_keys_new(config->token_key);
    if (token_keys == NULL) {
        /* The value stays unsaid. */
        (void)fprintf(stderr,
                      "LYNKS_TOKEN_KEY must be one or two keys with a comma between them, of %d to "
                      "%d printable characters each\n",
                      TOKEN_KEY_BYTES_MIN, TOKEN_KEY_BYTES_MAX);
        is_valid = false;
    }
    token_keys_free(&token_keys);
    return web_is_valid(config) && turn_is_valid(config) && is_valid;
}

static struct reach reach_of(const struct gateway_config *config)
{
    return (struct reach){.http_host = config->http_host,
                          .published = config->published,
                          .public_url = config->public_url,
                          .domain = config->domain,
                          .trusted_proxies = config->trusted_proxies};
}

struct public_url gateway_config_url(const struct gateway_config *config, uint16_t port)
{
    struct reach reach = reach_of(config);
    return reach_url(&reach, port);
}

bool gateway_config_is_reachable(const struct gateway_config *config)
{
    struct reach reach = reach_of(config);
    return reach_is_by_others(&reach);
}
