/* What all commands share: the way to the services, and how results are shown. */
#ifndef LYNKS_DEPLOY_LYNKS_ADMIN_TOOL_H
#define LYNKS_DEPLOY_LYNKS_ADMIN_TOOL_H

#include "deploy/lynks-admin/show.h"
#include "proto/bus/bus_client.h"

struct tool_config {
    char *authsvc_address;
    char *roomsvc_address;
    char *bus_secret_key;
    char *bus_public_keys;
    uint64_t timeout_s;
    char *first_password; /* path: the first admin's password, as it was drawn; "": not known */
};

struct tool {
    const struct tool_config *config;
    bool wants_json;
    struct loop *loop;
    struct metrics *metrics;
    struct health *health;
    struct keys *keys;
    struct bus_client *client;
    struct bus bus;
    char request_id[17];       /* of this run, in the logs of the services and in the audit */
    const char *operator_name; /* the account of who runs it, as his shell says; may be NULL */
};

/* config is borrowed. False: it has complained. */
bool tool_open(struct tool *tool, const struct tool_config *config);
void tool_close(struct tool *tool);

/* Asks as the admin tool and waits, at most as long as configured. fn is called within this, with a
 * reply of the kind that the request has, only if the answer is good. Anything else is for the
 * caller to say (tool_explain says what is the same for all). */
enum err tool_ask(struct tool *tool, const struct msg *request,
                  void (*fn)(void *arg, const struct msg *reply), void *arg);

/* A line on stderr, after the program's name: a printf format and its values. */
#define tool_complain(...) tool_complain_line(mem_printf(__VA_ARGS__))
void tool_complain_line(char *line); /* takes line */
/* Why it failed, where that has nothing to do with what was asked for. */
void tool_explain(enum err err);

/* For the audit of a command. */
struct msg_origin tool_origin(const struct tool *tool);

/* 16 random bytes that name a command, so that it is done once however often it arrives. */
#define TOOL_KEY_BYTES 16
void tool_draw_key(uint8_t ret_key[TOOL_KEY_BYTES]);

#endif
