/* What the session lets others do: ask about it, and ask Janus through it. */
#include "janusbridge/janus/janus_session_parts.h"

static void ignore(void *arg)
{
    (void)arg;
}

static void ignore_event(void *arg, const struct janus_message *message)
{
    (void)arg;
    (void)message;
}

const struct janus_listener janus_listener_none = {ignore, ignore, ignore, ignore_event, NULL};

bool janus_session_is_ready(const struct janus_session *s)
{
    return s->state == STATE_READY;
}

/* Without a reason nothing is known to be wrong: the first session is on its way, or it is another
 * bridge's. */
enum err janus_session_refusal(const struct janus_session *s)
{
    if (s->state == STATE_READY) {
        return ERR_OK;
    }
    const bool is_coming = s->state == STATE_IDLE || s->state == STATE_RESUMING ||
                           s->state == STATE_CREATING || s->state == STATE_ATTACHING;
    return is_coming && s->report.reason == NULL ? ERR_DRAINING : ERR_UNAVAILABLE;
}

uint64_t janus_session_made(const struct janus_session *s)
{
    return s->made;
}

const char *janus_session_version(const struct janus_session *s)
{
    return s->version;
}

enum err janus_session_call(struct janus_session *s, const char *body, uint64_t timeout_ms,
                            janus_call_fn *fn, void *arg, uint64_t *ret_id)
{
    const enum err err = janus_session_refusal(s);
    if (err != ERR_OK) {
        return err;
    }
    return janus_calls_send(s->calls, s->handle_path, body, timeout_ms, fn, arg, ret_id);
}

enum err janus_session_aside(struct janus_session *s, const struct janus_aside *request,
                             janus_call_fn *fn, void *arg)
{
    const enum err err = janus_session_refusal(s);
    if (err != ERR_OK) {
        return err;
    }
    struct janus_aside aside = *request;
    aside.path = request->path != NULL ? request->path : s->session_path;
    uint64_t id;
    return janus_calls_send_aside(s->calls, &aside, fn, arg, &id);
}

uint64_t janus_session_id(const struct janus_session *s)
{
    return s->session_id;
}

uint64_t janus_session_handle(const struct janus_session *s)
{
    return s->handle_id;
}

bool janus_session_withdraw(struct janus_session *s, uint64_t id)
{
    return janus_calls_withdraw(s->calls, id);
}
