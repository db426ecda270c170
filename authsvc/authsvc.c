/* login           checks a password and opens a session; a repeated one with the same token hash
 *                 opens no second
 * session_open    the same for a web session; tells whose it is
 * session_check   whose session it is; slides its expiry
 * session_page    the sessions of a user, for himself
 * session_revoke  ends a session, or all of a user, or all but one, on every replica
 * user_get        who a user is, for himself and for admins
 * user_add        adds a user, for admins
 * user_register   somebody adds himself, where everybody may
 * user_page       all users, for admins
 * user_change     changes a user; disabling ends his sessions, another role is in force at once
 * user_remove     removes a user, ends his sessions, and leaves word of what becomes of his rooms
 * audit_page      what admins and the admin tool have done to others, for them
 * auth_stats      how many users and sessions there are, for them
 * user_password   gives a user another password and ends his other sessions */
#include "authsvc/authsvc.h"

/* Who asked lately who he is: 7.5 MB at most. */
#define USERS_KEPT 10000

static void on_login(void *service, struct call *call)
{
    const struct auth *auth = service;
    logins_start(auth->logins, call);
}

static void on_session_check(void *service, struct call *call)
{
    const struct auth *auth = service;
    sessions_check(auth->sessions, call);
}

static void on_session_page(void *service, struct call *call)
{
    const struct auth *auth = service;
    session_pages_start(auth->pages, call);
}

static void on_session_revoke(void *service, struct call *call)
{
    const struct auth *auth = service;
    revocations_start(auth->revocations, call);
}

static void on_user_get(void *service, struct call *call)
{
    const struct auth *auth = service;
    users_get(auth->users, call);
}

static void on_user_add(void *service, struct call *call)
{
    const struct auth *auth = service;
    additions_start(auth->additions, call);
}

static void on_user_page(void *service, struct call *call)
{
    const struct auth *auth = service;
    users_list(auth->users, call);
}

static void on_user_change(void *service, struct call *call)
{
    const struct auth *auth = service;
    users_change(auth->users, call);
}

static void on_user_remove(void *service, struct call *call)
{
    const struct auth *auth = service;
    users_remove(auth->users, call);
}

static void on_audit_page(void *service, struct call *call)
{
    const struct auth *auth = service;
    audits_list(auth->audits, call);
}

static void on_auth_stats(void *service, struct call *call)
{
    const struct auth *auth = service;
    head_counts_tell(auth->counts, call);
}

static void on_user_password(void *service, struct call *call)
{
    const struct auth *auth = service;
    passwords_start(auth->passwords, call);
}

const struct call_handler auth_handlers[] = {
    {MSG_login, on_login},
    {MSG_session_open, on_login},
    {MSG_session_check, on_session_check},
    {MSG_session_page, on_session_page},
    {MSG_session_revoke, on_session_revoke},
    {MSG_user_get, on_user_get},
    {MSG_user_add, on_user_add},
    {MSG_user_register, on_user_add},
    {MSG_user_page, on_user_page},
    {MSG_user_change, on_user_change},
    {MSG_user_remove, on_user_remove},
    {MSG_audit_page, on_audit_page},
    {MSG_auth_stats, on_auth_stats},
    {MSG_user_password, on_user_password},
    {.request = MSG_NONE},
};

void auth_init(struct auth *auth, const struct auth_parts *parts,
               const struct authsvc_config *config)
{
    const struct session_rules rules = {
        .original = {.idle_ms = config->session_idle_s * 1000,
                     .lifetime_ms = config->session_lifetime_s * 1000},
        .web = {.idle_ms = config->web_session_idle_s * 1000,
                .lifetime_ms = config->web_session_lifetime_s * 1000},
        .outage_ms = config->session_outage_s * 1000};
    const struct sessions_config sessions = {.rules = rules,
                                             .cache_max = config->session_cache_max,
                                             .lookups_max = config->session_lookups_max,
                                             .users_max = USERS_KEPT};
    auth->sessions = sessions_new(parts->clock, parts->store, parts->metrics, &sessions);
    auth->events =
        session_events_new(parts->clock, parts->metrics, auth->sessions, parts->publisher);
    const struct logins_parts login_parts = {.clock = parts->clock,
                                             .store = parts->store,
                                             .hasher = parts->hasher,
                                             .sessions = auth->sessions,
                                             .metrics = parts->metrics};
    const struct logins_config logins = {.rules = rules,
                                         .sessions_per_user_max = config->sessions_per_user_max};
    auth->logins = logins_new(&login_parts, &logins);
    auth->revocations = revocations_new(parts->clock, parts->store, auth->sessions, parts->metrics);
    const struct passwords_parts passwords = {.clock = parts->clock,
                                              .store = parts->store,
                                              .hasher = parts->hasher,
                                              .sessions = auth->sessions,
                                              .metrics = parts->metrics};
    auth->passwords = passwords_new(&passwords);
    const struct additions_parts additions = {.clock = parts->clock,
                                              .store = parts->store,
                                              .hasher = parts->hasher,
                                              .metrics = parts->metrics};
    auth->additions = additions_new(&additions, strcmp(config->registration, "open") == 0);
    auth->users = users_new(parts->clock, parts->store, auth->sessions, parts->metrics);
    auth->audits = audits_new(parts->clock, parts->store);
    auth->counts = head_counts_new(parts->clock, parts->store);
    auth->pages = session_pages_new(parts->store, auth->sessions, parts->clock);
}

static void on_auth_event(void *arg, const char *endpoint, const struct msg *msg, uint64_t number,
                          bool is_next)
{
    const struct auth *auth = arg;
    (void)endpoint;
    (void)number;
    (void)is_next; /* what was missed is read in the log of revocations */
    if (msg->id == MSG_auth_event) {
        session_events_hear(auth->events, &msg->auth_event);
    }
}

bool auth_follow_replicas(struct auth *auth, struct service *service, const char *address)
{
    const struct bus_subscriptions_config events = {
        .address = address, .role = "authsvc", .on_event = on_auth_event, .arg = auth};
    return address[0] == '\0' || service_subscribe(service, &events);
}

void auth_stop(struct auth *auth)
{
    if (auth->sessions != NULL) {
        sessions_stop(auth->sessions);
        logins_stop(auth->logins);
        revocations_stop(auth->revocations);
        users_stop(auth->users);
        passwords_stop(auth->passwords);
        additions_stop(auth->additions);
        audits_stop(auth->audits);
        head_counts_stop(auth->counts);
        session_pages_stop(auth->pages);
    }
}

void auth_fini(struct auth *auth)
{
    logins_free(&auth->logins);
    revocations_free(&auth->revocations);
    users_free(&auth->users);
    passwords_free(&auth->passwords);
    additions_free(&auth->additions);
    audits_free(&auth->audits);
    head_counts_free(&auth->counts);
    session_pages_free(&auth->pages);
    session_events_free(&auth->events);
    sessions_free(&auth->sessions);
}
