/* Handles on the VideoRoom plugin besides the session's own: each with an owner, who hears what
 * Janus sends to it.
 *
 *   attaching ---> open ---> detaching       its owner releases it
 *   attaching, open ---> gone                Janus refuses it, or has ended it
 *
 * A handle that its owner has released is detached when nothing that was asked through it is under
 * way any more. A handle that nobody knows, but that hears events on our session, is one of a
 * bridge that had the session before us: it is detached too, unless somebody adopts it first. Lives
 * on the loop. */
#ifndef LYNKS_JANUSBRIDGE_JANUS_JANUS_HANDLE_H
#define LYNKS_JANUSBRIDGE_JANUS_JANUS_HANDLE_H

#include "janusbridge/janus/janus_session.h"

/* What owners are told; owner is as given to janus_handle_new. They may release the handle. */
struct janus_handle_ops {
    void (*on_attached)(void *owner, bool is_good); /* false: it is of no use */
    void (*on_event)(void *owner, const struct janus_message *message);
    /* What becomes of its connection: JANUS_WEBRTCUP, JANUS_MEDIA, JANUS_HANGUP; NULL: it has
     * none. */
    void (*on_media)(void *owner, const struct janus_message *message);
    void (*on_gone)(void *owner); /* while it was open: Janus has it no more */
};

struct janus_handles_parts {
    struct janus_session *session;
    struct metrics *metrics;
    size_t handles_max;  /* with an owner, at a time */
    uint64_t timeout_ms; /* of an attach and of a detach */
};

struct janus_handles; /* all of one session */
struct janus_handle;

/* Parts are borrowed. Listens to the session. */
struct janus_handles *janus_handles_new(const struct janus_handles_parts *parts);
/* After the session, which has ended all that was under way. Frees all handles; their owners are
 * not told. */
void janus_handles_free(struct janus_handles **handles);

/* Asks Janus for one; ops is borrowed, owner is not NULL. ERR_OK: on_attached follows, later. Else
 * as of janus_session_aside, and *ret_handle is untouched. */
enum err janus_handle_new(struct janus_handles *handles, const struct janus_handle_ops *ops,
                          void *owner, struct janus_handle **ret_handle);
/* One that another bridge has opened on this session, which is ready. NULL: id is known already. */
struct janus_handle *janus_handle_adopt(struct janus_handles *handles, uint64_t id,
                                        const struct janus_handle_ops *ops, void *owner);
/* Handles that nobody knows are left alone (is_on), for somebody may adopt them. */
void janus_handles_spare(struct janus_handles *handles, bool is_on);
uint64_t janus_handle_id(const struct janus_handle *handle); /* 0: not open yet */
/* Its owner hears no more of it, nor of what he asked through it. NULL-safe, sets NULL. */
void janus_handle_release(struct janus_handle **handle);

/* Sends a message to an open handle; body is JSON text, and so is jsep (NULL: none). ERR_OK: fn
 * (arg) is called once, later, unless the handle is released before. Else: never. */
enum err janus_handle_send(struct janus_handle *handle, const char *body, const char *jsep,
                           uint64_t timeout_ms, janus_call_fn *fn, void *arg);

/* For who sends by himself: keeps an open handle until janus_handle_leave, and gives its path. */
const char *janus_handle_use(struct janus_handle *handle);
void janus_handle_leave(struct janus_handle *handle);
void *janus_handle_owner(const struct janus_handle *handle); /* NULL: it was released */

#endif
