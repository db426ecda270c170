#include "authsvc/session/session_pages.h"

#include "proto/base/log.h"

struct session_pages {
    const struct clock *clock;
    struct store store;
    struct sessions *sessions;
    bool is_stopped;
    struct log_gate failed_gate;
};

struct page {
    struct session_pages *pages;
    struct call *call;
};

static void fail_session_page(struct session_pages *pages, struct call *call, enum err err)
{
    if (err != ERR_NOT_FOUND) {
        log_warn_limited(&pages->failed_gate, clock_mono_ms(pages->clock), "sessions not listed",
                         LOG_Z("error", err_code(err)),
                         LOG_STR("request_id", call->context.request_id));
    }
    call_fail(call, err);
}

static struct str binary(const unsigned char *bytes, size_t count)
{
    return (struct str){.data = (const char *)bytes, .bytes = count};
}

static void answer_session_page(struct call *call, const struct store_page_found *found)
{
    struct msg_session sessions[SESSIONS_PAGE];
    for (size_t i = 0; i < found->count; i++) {
        const struct store_session_row *row = &found->items[i];
        sessions[i] = (struct msg_session){
            .id = binary(row->token.bytes, SESSION_ID_BYTES),
            .kind = (enum session_kind)row->kind,
            .device = str_of(row->device),
            .address = binary(row->address, sizeof(row->address)),
            .created_unix_ms = row->created_unix_ms,
            .used_unix_ms = row->used_unix_ms,
            .expires_unix_ms = row->expires_unix_ms,
        };
    }
    const struct msg reply = {
        .id = MSG_session_page_reply,
        .session_page_reply = {.sessions = {.items = sessions, .count = found->count}}};
    call_reply(call, &reply);
}

static void on_session_page_found(void *arg, enum err err, const struct store_page_found *found)
{
    struct page *page = arg;
    struct session_pages *pages = page->pages;
    struct call *call = page->call;
    mem_free(&page);
    if (err == ERR_OK && found->count == 0 && call->request.session_page.session.bytes > 0) {
        err = ERR_NOT_FOUND;
    }
    if (err != ERR_OK) {
        fail_session_page(pages, call, err);
        return;
    }
    answer_session_page(call, found);
}

void session_pages_start(struct session_pages *pages, struct call *call)
{
    const struct msg_session_page *request = &call->request.session_page;
    struct store_page wanted = {.user_id = request->user_id,
                                .now_unix_ms = sessions_unix_ms(pages->sessions),
                                .limit = request->limit,
                                .after_created_unix_ms = request->after_created_unix_ms};
    store_session_ref_set(&wanted.session, request->session);
    if (request->after_session.bytes == sizeof(wanted.after.bytes)) {
        memcpy(wanted.after.bytes, request->after_session.data, sizeof(wanted.after.bytes));
    }
    if (pages->is_stopped) {
        fail_session_page(pages, call, ERR_DRAINING);
        return;
    }
    struct page *page = mem_alloc(sizeof(*page));
    *page = (struct page){.pages = pages, .call = call};
    enum err err = pages->store.ops->find_sessions(
        pages->store.self, &wanted, call->context.deadline_ms, on_session_page_found, page);
    if (err != ERR_OK) {
        mem_free(&page);
        fail_session_page(pages, call, err);
    }
}

/* ---- life ---- */

struct session_pages *session_pages_new(struct store store, struct sessions *sessions,
                                        const struct clock *clock)
{
    struct session_pages *pages = mem_alloc(sizeof(*pages));
    *pages = (struct session_pages){.clock = clock, .store = store, .sessions = sessions};
    return pages;
}

void session_pages_stop(struct session_pages *pages)
{
    pages->is_stopped = true;
}

void session_pages_free(struct session_pages **pages)
{
    mem_free(pages);
}
