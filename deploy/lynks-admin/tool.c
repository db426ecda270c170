#include "deploy/lynks-admin/tool.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>

#include "proto/unicode/label.h"

#define IN_FLIGHT_MAX 4
#define AGAIN_MS 100

/* ---- what is said ---- */

void tool_complain_line(char *line)
{
    (void)fprintf(stderr, "lynks-admin: %s\n", line);
    mem_free(&line);
}

void tool_explain(enum err err)
{
    if (err == ERR_UNAVAILABLE || err == ERR_DEADLINE) {
        tool_complain("no answer: is the stack running, and is its database there?");
    } else {
        tool_complain("%s", err_text(err));
    }
}

void tool_draw_key(uint8_t ret_key[TOOL_KEY_BYTES])
{
    randombytes_buf(ret_key, TOOL_KEY_BYTES);
}

/* ---- asking ---- */

struct question {
    const struct msg *request;
    void (*fn)(void *arg, const struct msg *reply);
    void *arg;
    bool is_done;
    enum err err;
};

static void on_tool_reply(void *arg, enum err err, const struct msg *reply)
{
    struct question *question = arg;
    question->is_done = true;
    question->err = err;
    if (err == ERR_OK && reply->id != msg_type_find(question->request->id)->reply) {
        question->err = ERR_PROTOCOL;
    } else if (err == ERR_OK && question->fn != NULL) {
        question->fn(question->arg, reply);
    }
}

static bool question_is_done(void *arg)
{
    const struct question *question = arg;
    return question->is_done;
}

static bool is_never(void *arg)
{
    (void)arg;
    return false;
}

/* The first call goes out before there is a connection, and a service may be about to start. What
 * has a key may be sent again, and so may what changes nothing. */
enum err tool_ask(struct tool *tool, const struct msg *request,
                  void (*fn)(void *arg, const struct msg *reply), void *arg)
{
    const struct clock *clock = loop_clock(tool->loop);
    const uint64_t timeout_ms = tool->config->timeout_s * 1000;
    const struct call_context context = {.request_id = str_of(tool->request_id),
                                         .deadline_ms = clock_mono_ms(clock) + timeout_ms,
                                         .principal = {.kind = PRINCIPAL_ADMIN_TOOL}};
    for (;;) {
        struct question question = {.request = request, .fn = fn, .arg = arg};
        question.err = bus_call(&tool->bus, request, &context, on_tool_reply, &question);
        if (question.err == ERR_OK) {
            (void)loop_run_until(tool->loop, question_is_done, &question, 2 * timeout_ms);
            question.err = question.is_done ? question.err : ERR_DEADLINE;
        }
        if (question.err != ERR_UNAVAILABLE ||
            clock_mono_ms(clock) + AGAIN_MS >= context.deadline_ms) {
            return question.err;
        }
        (void)loop_run_until(tool->loop, is_never, NULL, AGAIN_MS);
    }
}

/* ---- life ---- */

static const char *find_operator(void)
{
    static const char *const names[] = {"LYNKS_OPERATOR", "SUDO_USER", "LOGNAME", "USER"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        const char *value = getenv(names[i]);
        if (value != NULL && value[0] != '\0' && strlen(value) < LABEL_BYTES) {
            return value;
        }
    }
    return NULL;
}

struct msg_origin tool_origin(const struct tool *tool)
{
    return (struct msg_origin){
        .operator_name = tool->operator_name != NULL ? str_of(tool->operator_name) : STR_NONE};
}

bool tool_open(struct tool *tool, const struct tool_config *config)
{
    const char *why = NULL;
    uint8_t id[(sizeof(tool->request_id) - 1) / 2];
    randombytes_buf(id, sizeof(id));
    hex_encode(tool->request_id, id, sizeof(id));
    tool->operator_name = find_operator();
    tool->config = config;
    tool->keys = keys_new("admin", config->bus_secret_key, config->bus_public_keys, &why);
    if (tool->keys == NULL) {
        tool_complain("LYNKS_BUS_SECRET_KEY and LYNKS_BUS_PUBLIC_KEYS: %s", why);
        return false;
    }
    tool->loop = loop_new();
    tool->metrics = metrics_new();
    tool->health = health_new();
    const struct bus_parts parts = {
        .loop = tool->loop, .metrics = tool->metrics, .health = tool->health, .keys = tool->keys};
    const struct bus_client_config client = {.in_flight_max = IN_FLIGHT_MAX,
                                             .in_flight_endpoint_max = IN_FLIGHT_MAX};
    tool->client = bus_client_new(&parts, &client);
    tool->bus = bus_client_bus(tool->client);
    if (bus_client_add_service(tool->client, SERVICE_AUTHSVC, config->authsvc_address) != ERR_OK) {
        tool_complain("LYNKS_AUTHSVC_ADDRESS: %s is no host:port", config->authsvc_address);
        return false;
    }
    if (bus_client_add_service(tool->client, SERVICE_ROOMSVC, config->roomsvc_address) != ERR_OK) {
        tool_complain("LYNKS_ROOMSVC_ADDRESS: %s is no host:port", config->roomsvc_address);
        return false;
    }
    return true;
}

void tool_close(struct tool *tool)
{
    bus_client_free(&tool->client);
    keys_free(&tool->keys);
    health_free(&tool->health);
    metrics_free(&tool->metrics);
    loop_free(&tool->loop);
}
