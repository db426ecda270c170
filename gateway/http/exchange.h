/* One request on its way through the API: its id, its deadline, who asks, and its answer. Made when
 * the request is there, freed with the answer. Handlers are functions of it. */
#ifndef LYNKS_GATEWAY_HTTP_EXCHANGE_H
#define LYNKS_GATEWAY_HTTP_EXCHANGE_H

#include "gateway/http/etag.h"
#include "gateway/http/files.h"
#include "gateway/http/json_out.h"
#include "gateway/http/problem.h"
#include "gateway/http/route.h"
#include "gateway/http/stats.h"
#include "proto/base/address.h"
#include "proto/base/list.h"
#include "proto/base/log.h"
#include "proto/bus/bus.h"
#include "proto/session/session_follow.h"

#define AUTH_BODY_BYTES 16 /* of a hash of a body (auth_hash_body) */

struct auth;           /* auth.h */
struct session_cookie; /* session_cookie.h */
struct turn;           /* gateway/turn/turn.h */

struct exchanges_config {
    const struct clock *clock;
    const struct bus *bus;
    uint64_t budget_ms;       /* for the services to answer one request */
    const char *cors_origins; /* see cors.h */
    struct auth *auth;
    const struct turn *turn;  /* for the handlers; nothing here looks into it */
    struct route_guard guard; /* admit and note may be NULL */
    const struct session_cookie *cookie;
    /* Of the web client; files NULL: it is not served. */
    const struct files *files;
    const char *content_policy; /* of its files */
};

/* All that are in hand, and what they share. */
struct exchanges {
    struct exchanges_config config; /* borrowed */
    struct stats *stats;            /* of requests for no path of ours */
    struct stats *file_stats;       /* of those for files of the web client */
    struct strbuf text;             /* of the answer being made */
    struct list_link in_hand;
    uint64_t ids_drawn;
    uint8_t id_key[16];
    struct log_gate failures;
};

struct exchange {
    struct exchanges *all; /* NULL once they are gone: what comes then only frees the exchange */
    struct list_link link;
    struct request *request;
    const struct route_path *path; /* NULL: none of the API's */
    const struct file *file;       /* then a file of the web client; NULL: none */
    const struct route *route;     /* NULL: none yet */
    void *self;                    /* the resource's */
    uint64_t began_us;
    char request_id[17];
    bool is_participant; /* it came with a participant's token, or with a stream key, which is that
                            of its participant; whether it is good roomsvc knows */
    bool is_by_cookie;   /* its token came in the cookie */
    bool is_cookie_dead; /* its cookie is of no session: a 401 takes it away */
    bool guard_holds;    /* the guard's own: what it has taken when it let it in */
    bool is_pending;     /* what was asked for is still to come: a success is 202 */
    struct call_context context; /* of calls on the bus: who asks and until when */
    /* The session that the principal comes with: the hash of its token, whose first
     * SESSION_ID_BYTES are its id. */
    uint8_t session[SESSION_HASH_BYTES];
    uint8_t participant[SESSION_HASH_BYTES]; /* the hash of a participant's token, if it has one */
    struct str repeat_key;              /* what Idempotency-Key says; borrowed; empty: nothing */
    uint8_t body_hash[AUTH_BODY_BYTES]; /* of the body that came with it */
    char *set_cookie;                   /* of a success: its Set-Cookie; NULL: none */
    const struct msg_user *user;   /* whose session it is, for a route with_user; only while its
                                      handler is called; may be NULL */
    struct etag_match match;       /* what a route with has_if_match may change */
    char etag[ETAG_BYTES];         /* of the answer; "": it has none */
    char location[LOCATION_BYTES]; /* likewise */
    struct strbuf links;           /* likewise: its Link fields, each with a NUL behind it */
    struct json_t *body;           /* checked; NULL if the route takes none */
    const char *missing;           /* a member of the body: why prepare says ERR_WRONG_MEMBER; or
                                      NULL */
    void *state;                   /* the handler's own */
    void (*free_state)(void *state);
    uint64_t late_timer;     /* of exchange_fail_after; 0: it has not been called */
    enum err late_err;       /* what it will say then */
    uint64_t retry_after_ms; /* for ERR_RATE_LIMITED and everything that is 503, and whatever is
                                soon another way */
};

void exchanges_init(struct exchanges *all, struct metrics *metrics,
                    const struct exchanges_config *config);
/* Those in hand get 503; what the bus says about them later is ignored. */
void exchanges_fini(struct exchanges *all);

struct exchange *exchange_new(struct exchanges *all, struct request *request);
void exchange_free(struct exchange *exchange);

/* Attaches what a handler needs until the answer, zeroed. free_state wipes and frees it. */
void *exchange_attach(struct exchange *exchange, size_t bytes, void (*free_state)(void *state));

/* A success gives the browser a token, in the cookie, for so long (0: until it is closed), or takes
 * it away (""). Once for an exchange. */
void exchange_set_cookie(struct exchange *exchange, const char *token, uint64_t max_age_s);

/* A success has this Link field (RFC 8288); those that are too many are left out. */
void exchange_link(struct exchange *exchange, const char *link);

/* Of its path; paths that are not there have one too. */
enum dialect exchange_dialect(const struct exchange *exchange);

/* The key by which limits count who the client is (http_address_key), written into key. */
struct str exchange_address_key(const struct exchange *exchange, uint8_t key[ADDRESS_BYTES]);

/* What a parameter of the template stood for: exchange_parameter(exchange, "room"). */
struct str exchange_parameter(const struct exchange *exchange, const char *name);

/* Who asks, for a message: its has_asker and its asker. false: he has no participant's token, and
 * is the principal, or nobody. Borrowed from the exchange. */
bool exchange_asker(const struct exchange *exchange, struct msg_asker *ret_asker);

/* Where it comes from, for the audit of commands. Borrowed from the exchange. */
struct msg_origin exchange_origin(const struct exchange *exchange);

/* The origins whose pages may use its path: see cors.h. */
const char *exchange_cors_origins(const struct exchange *exchange);

/* Answers, and takes *response; the exchange is gone afterwards. What all answers have is added to
 * the headers. */
void exchange_respond(struct exchange *exchange, struct http_response **response);
/* A success as the row has it, with the JSON in all->text. What was written for somebody is kept by
 * no cache. */
void exchange_respond_json(struct exchange *exchange);
/* Likewise, with text of the row's media type; status 0: that of the row. */
void exchange_respond_text(struct exchange *exchange, int status, struct str text);
void exchange_respond_empty(struct exchange *exchange); /* 204 */
void exchange_respond_bare(
    struct exchange *exchange); /* without a body, as the row's bare_status */
void exchange_respond_not_modified(struct exchange *exchange); /* 304, with exchange->etag */
void exchange_fail(struct exchange *exchange, enum err err);
/* So much later; until then the exchange is in hand. 0: now. */
void exchange_fail_after(struct exchange *exchange, enum err err, uint64_t ms);
void exchange_fail_with(struct exchange *exchange, const struct problem *problem);
/* Answers OPTIONS: the preflight of a page that may use the API (with CORS), or anybody. */
void exchange_respond_options(struct exchange *exchange, bool is_preflight);

#endif
