#include "gateway/http/problem.h"

#include <stdio.h>

/* What clients are told of each error, in the order of errors.def. */
static const struct {
    enum err err;
    const char *title;
    const char *advice; /* HTML */
} kinds[] = {
    {ERR_BAD_REQUEST, "Bad request", "Send one JSON object, as the API's document describes it."},
    {ERR_BAD_CREDENTIALS, "Bad credentials", "Check the user name and the password."},
    {ERR_UNAUTHORIZED, "No good token",
     "Send in the header <code>Authorization</code> the token that signing in gave you, or, as "
     "a participant, the one that coming into the room gave you. Where you have none, or it has "
     "ended, sign in or come in again without it."},
    {ERR_FORBIDDEN, "Not allowed", "Ask somebody who may, or for the right to do it."},
    {ERR_NOT_FOUND, "Not found", "Check the address: its spelling, and whether it has an end."},
    {ERR_NO_SUCH_ROOM, "No such room", "Check the room's id. The room may have been closed."},
    {ERR_METHOD_NOT_ALLOWED, "Method not allowed",
     "Use one of the methods that the header <code>Allow</code> names."},
    {ERR_TOO_LARGE, "Too large", "Send less."},
    {ERR_RATE_LIMITED, "Too many attempts",
     "Wait for as many seconds as <code>Retry-After</code> says, then try again."},
    {ERR_OVERLOADED, "Overloaded",
     "Wait for as many seconds as <code>Retry-After</code> says, then try again."},
    {ERR_UNAVAILABLE, "Unavailable",
     "Wait for as many seconds as <code>Retry-After</code> says, then try again."},
    {ERR_DRAINING, "Shutting down",
     "Wait for as many seconds as <code>Retry-After</code> says, then try again."},
    {ERR_DEADLINE, "Took too long", "Try again. What you asked for may have been done."},
    {ERR_INTERNAL, "Internal error",
     "Tell whoever runs this service, and give them the request id."},
    {ERR_PROTOCOL, "Bad answer inside",
     "Tell whoever runs this service, and give them the request id."},
    {ERR_CONFLICT, "Conflict", "Look at what is there now, then decide again."},
    {ERR_MEDIA_TYPE, "Unsupported media type",
     "Send JSON, and say so: <code>Content-Type: application/json</code>; or the media type that "
     "the "
     "API's document gives for this path."},
    {ERR_WRONG_HOST, "Not our host", "Use the address that whoever runs this service gave you."},
    {ERR_WRONG_MEMBER, "Wrong members", "Mend what <code>errors</code> in the answer names."},
    {ERR_STANDBY, "Changing over",
     "Wait for as many seconds as <code>Retry-After</code> says, then try again."},
    {ERR_SESSION_COMING, "Starting",
     "Wait for as many seconds as <code>Retry-After</code> says, then try again."},
    {ERR_NOT_MINE, "Another part's",
     "Wait for as many seconds as <code>Retry-After</code> says, then try again."},
    {ERR_URI_TOO_LONG, "Address too long", "Ask for less in one address."},
    {ERR_HEAD_TOO_LARGE, "Header too large", "Send fewer header fields or cookies."},
    {ERR_CONTENT_CODING, "Compressed body",
     "Send the body as it is, without <code>Content-Encoding</code>."},
    {ERR_SIGN_IN_REFUSED, "Sign-in refused", "Check the user name and the password."},
    {ERR_STALE, "Changed meanwhile",
     "Read it again, then decide again; <code>If-Match</code> takes the new <code>ETag</code>."},
    {ERR_MATCH_REQUIRED, "If-Match required",
     "Send the <code>ETag</code> of what you have read as <code>If-Match</code>; <code>*</code> "
     "changes it whatever it is now."},
    {ERR_WEAK_PASSWORD, "Weak password",
     "Choose a longer one: several words are good, and your own name is not."},
    {ERR_FOREIGN_PAGE, "Page of another origin",
     "Send the token of a session in the header <code>Authorization</code>, and leave cookies out: "
     "only the pages of this service itself may use its cookie."},
    {ERR_HTTPS_MISSING, "HTTPS is missing",
     "Use the <code>https://</code> address, or ask whoever runs this service for one. Without "
     "HTTPS the cookie could be read on its way."},
    {ERR_NO_HEIR, "Nobody to get the rooms",
     "Name somebody else who may sign in, by his id, or let the rooms end."},
    {ERR_REGISTRATION_CLOSED, "Registration is closed",
     "Ask whoever runs this service for an account."},
    {ERR_GONE, "Ended for good", "Ask whoever gave you the link for another one."},
    {ERR_NO_SUCH_USER, "No such user", "Check the user's id, or his name to the letter."},
    {ERR_ROOMS_FULL, "Too many rooms", "End a room that is not needed any more."},
    {ERR_ROOM_FULL, "Room full", "Wait until somebody has left, or ask its owner for more places."},
    {ERR_ROOM_LOCKED, "Room locked", "Ask whoever leads the meeting to unlock it."},
    {ERR_WRONG_PIN, "Wrong PIN", "Ask whoever gave you the link for the room's PIN."},
    {ERR_MUST_WAIT, "You have to wait",
     "Listen to the stream of your events: it says when you are let in."},
    {ERR_BANNED, "Banned", "Ask whoever leads the meeting to lift the ban."},
    {ERR_DENIED, "Not let in", "Ask whoever leads the meeting, and come in again."},
    {ERR_NO_SUCH_INVITATION, "No such invitation",
     "Take the whole link as it was sent to you, or ask for another one."},
    {ERR_INVITATION_REVOKED, "Invitation taken back", "Ask whoever sent it for another one."},
    {ERR_INVITATION_USED_UP, "Invitation used up", "Ask whoever sent it for another one."},
    {ERR_INVITATION_EARLY, "Too early", "Come again when the invitation is good."},
    {ERR_INVITATION_EXPIRED, "Too late", "Ask whoever sent the invitation for another one."},
    {ERR_CHAT_OFF, "No chat", "Ask the room's owner to switch it on."},
    {ERR_LOBBY_FULL, "Too many wait", "Come again when some of them were let in."},
    {ERR_NAME_TAKEN, "Name taken", "Take another name, or sign in."},
    {ERR_BAD_SDP, "Bad session description",
     "Send what the browser's <code>createOffer</code> or <code>createAnswer</code> gave, and name "
     "each of its parts that sends."},
    {ERR_STALE_OFFER, "Offer out of date", "Fetch the offer again, and answer that one."},
    {ERR_SCREEN_OFF, "No screens here", "Ask the room's owner to let screens be shared."},
    {ERR_MEDIA_FULL, "No room for media",
     "Wait for as many seconds as <code>Retry-After</code> says, then try again."},
    {ERR_REMOVED, "Taken out", "Ask whoever leads the meeting."},
    {ERR_NOT_JOINED, "Not in the room", "Come in again, with the same participant's token."},
    {ERR_KEY_REUSED, "Key used before",
     "Draw a new <code>Idempotency-Key</code> for each request; repeat one only with the body "
     "that it came with."},
    {ERR_IN_FLIGHT, "Still being done",
     "Wait for as many seconds as <code>Retry-After</code> says, then send it again as it is."},
    {ERR_BAD_KEY, "Bad Idempotency-Key", "Draw it at random, say a UUID; it may stand in quotes."},
    {ERR_NOT_ACCEPTABLE, "Not acceptable",
     "Name in <code>Accept</code> the media type that the API's document gives, or leave it out."},
    {ERR_HTTP_VERSION, "HTTP version not supported", "Speak HTTP/1.1."},
};

const char *problem_title(enum err err)
{
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        if (kinds[i].err == err) {
            return kinds[i].title;
        }
    }
    return NULL;
}

/* ---- the documents ---- */

#define FAULT_DETAIL_BYTES 96

static const char *const member_types[] = {[MEMBER_STRING] = "a string",
                                           [MEMBER_LABEL] = "a string",
                                           [MEMBER_NUMBER] = "a whole number",
                                           [MEMBER_BOOL] = "true or false",
                                           [MEMBER_WORD] = "a string",
                                           [MEMBER_TIME] = "a string",
                                           [MEMBER_ID] = "a string",
                                           [MEMBER_WORDS] = "a list of strings",
                                           [MEMBER_IDS] = "a list of strings",
                                           [MEMBER_WORD_MAP] = "an object of strings",
                                           [MEMBER_OBJECTS] = "a list of objects"};

/* What a value of the right type should be, and is not. */
static void describe_bounds(const struct member *member, char ret_detail[FAULT_DETAIL_BYTES])
{
    static const char *const before[] = {
        [MEMBER_STRING] = "have", [MEMBER_LABEL] = "have", [MEMBER_NUMBER] = "be from",
        [MEMBER_WORDS] = "have",  [MEMBER_IDS] = "have",   [MEMBER_WORD_MAP] = "have",
        [MEMBER_OBJECTS] = "have"};
    static const char *const after[] = {
        [MEMBER_STRING] = " bytes",
        [MEMBER_LABEL] = " characters that can be seen, and no other ones",
        [MEMBER_NUMBER] = "",
        [MEMBER_WORDS] = " words of this member, each once",
        [MEMBER_IDS] = " ids",
        [MEMBER_WORD_MAP] = " names, none of them long, with words of this member",
        [MEMBER_OBJECTS] = " items"};
    if (member->type == MEMBER_WORD) {
        (void)snprintf(ret_detail, FAULT_DETAIL_BYTES, "must be one of the words of this member");
    } else if (member->type == MEMBER_TIME) {
        (void)snprintf(ret_detail, FAULT_DETAIL_BYTES, "must be a time as 2026-11-29T01:02:03Z");
    } else if (member->type == MEMBER_ID) {
        (void)snprintf(ret_detail, FAULT_DETAIL_BYTES, "must be an id");
    } else {
        (void)snprintf(ret_detail, FAULT_DETAIL_BYTES, "must %s %" PRIu64 " to %" PRIu64 "%s",
                       before[member->type], member->min, member->max, after[member->type]);
    }
}

/* What is wrong with it: its name may stand before this. */
static void describe_fault(const struct member_fault *fault, char ret_detail[FAULT_DETAIL_BYTES])
{
    const struct member *member = fault->member;
    if (fault->name == NULL) {
        (void)snprintf(ret_detail, FAULT_DETAIL_BYTES, "must be an object");
    } else if (fault->kind == MEMBER_MISTYPED) {
        (void)snprintf(ret_detail, FAULT_DETAIL_BYTES, "must be %s%s", member_types[member->type],
                       member->is_nullable ? " or null" : "");
    } else if (fault->kind == MEMBER_OUTSIDE) {
        describe_bounds(member, ret_detail);
    } else {
        (void)snprintf(ret_detail, FAULT_DETAIL_BYTES, "%s",
                       fault->kind == MEMBER_UNKNOWN ? "is not known here" : "is required");
    }
}

/* A step of a JSON pointer (RFC 6901). */
static void add_step(struct strbuf *pointer, const char *name)
{
    strbuf_add_z(pointer, "/");
    for (const char *c = name; *c != '\0'; c++) {
        if (*c == '~' || *c == '/') {
            strbuf_add_z(pointer, *c == '~' ? "~0" : "~1");
        } else {
            strbuf_add(pointer, (struct str){.data = c, .bytes = 1});
        }
    }
}

/* To a member of the body, or to what is in an item of one. */
static void add_pointer(struct strbuf *pointer, const struct member_fault *fault)
{
    if (fault->list != NULL) {
        AUTO(mem_free) char *item = mem_printf("%zu", fault->item);
        add_step(pointer, fault->list->name);
        add_step(pointer, item);
    }
    if (fault->name != NULL) {
        add_step(pointer, fault->name);
    }
}

/* "username is required; password must be a string." Of bodies without lists of objects: those of
 * the original API. */
static void write_faults_message(const struct problem *problem, struct json_out *out)
{
    struct strbuf message = {0};
    for (size_t i = 0; i < problem->fault_count; i++) {
        char detail[FAULT_DETAIL_BYTES];
        describe_fault(&problem->faults[i], detail);
        strbuf_add_z(&message, i == 0 ? "" : "; ");
        strbuf_add_z(&message, problem->faults[i].name);
        strbuf_add_z(&message, " ");
        strbuf_add_z(&message, detail);
    }
    strbuf_add_z(&message, ".");
    json_out_key(out, "message");
    json_out_str(out, strbuf_str(&message));
    strbuf_fini(&message);
}

static void write_original(const struct problem *problem, const char *request_id,
                           struct json_out *out)
{
    json_out_open(out, '{');
    json_out_member_z(out, "action", "failed");
    json_out_open_member(out, "error", '{');
    json_out_member_z(out, "code", err_code(problem->err));
    if (problem->fault_count > 0) {
        write_faults_message(problem, out);
    } else {
        json_out_member_z(out, "message", err_text(problem->err));
    }
    json_out_close(out, "}");
    json_out_member_z(out, "request_id", request_id);
    json_out_close(out, "}");
}

static void write_fault_pointer(const struct member_fault *fault, struct json_out *out)
{
    struct strbuf pointer = {0};
    add_pointer(&pointer, fault);
    json_out_key(out, "pointer");
    json_out_str(out, strbuf_str(&pointer));
    strbuf_fini(&pointer);
}

static void write_v1(const struct problem *problem, const char *request_id, struct json_out *out)
{
    AUTO(mem_free) char *type = mem_printf("/problems/%s", err_code(problem->err));
    json_out_open(out, '{');
    json_out_member_z(out, "type", type);
    json_out_member_z(out, "title", problem_title(problem->err));
    json_out_member_u64(out, "status", (uint64_t)err_http_status(problem->err));
    json_out_member_z(out, "detail", err_text(problem->err));
    json_out_member_z(out, "code", err_code(problem->err));
    json_out_member_z(out, "request_id", request_id);
    if (problem->fault_count > 0) {
        json_out_open_member(out, "errors", '[');
        for (size_t i = 0; i < problem->fault_count; i++) {
            json_out_open(out, '{');
            write_fault_pointer(&problem->faults[i], out);
            char detail[FAULT_DETAIL_BYTES];
            describe_fault(&problem->faults[i], detail);
            json_out_member_z(out, "detail", detail);
            json_out_close(out, "}");
        }
        json_out_close(out, "]");
    }
    json_out_close(out, "}");
}

const char *problem_write(const struct problem *problem, enum dialect dialect,
                          const char *request_id, struct json_out *out)
{
    if (dialect == DIALECT_ORIGINAL) {
        write_original(problem, request_id, out);
        return "application/json";
    }
    write_v1(problem, request_id, out);
    return "application/problem+json";
}

/* ---- the pages ---- */

bool problem_write_page(struct str code, struct strbuf *text)
{
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        enum err err = kinds[i].err;
        if (!str_eq(code, str_of(err_code(err)))) {
            continue;
        }
        AUTO(mem_free)
        char *page = mem_printf("<!DOCTYPE html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n"
                                "<title>%s</title>\n<h1>%s</h1>\n<p>%s\n<p>%s\n"
                                "<p>Status %d, code <code>%s</code>.\n</html>\n",
                                kinds[i].title, kinds[i].title, err_text(err), kinds[i].advice,
                                err_http_status(err), err_code(err));
        strbuf_clear(text);
        strbuf_add_z(text, page);
        return true;
    }
    return false;
}
