#include "tests/integration/janus/real_janus.h"

#include <stdio.h>
#include <stdlib.h>

#include "tests/support/c/http_client.h"

#define SCRIPT LYNKS_SOURCE_DIR "/tests/support/janus"

/* Runs a command line of ours; its output is read whole. */
static char *run(const char *command)
{
    FILE *pipe = popen(command, "re");
    assert_non_null(pipe);
    char *output = mem_strdup("");
    char line[1024];
    while (fgets(line, sizeof(line), pipe) != NULL) {
        char *longer = mem_printf("%s%s", output, line);
        mem_free(&output);
        output = longer;
    }
    if (pclose(pipe) != 0) {
        fail_msg("%s: %s", command, output);
    }
    return output;
}

static void read_value(const char *lines, const char *name, char *dest)
{
    AUTO(mem_free) char *start = mem_printf("%s=", name);
    const char *at = strstr(lines, start);
    assert_non_null(at);
    at += strlen(start);
    assert_true(str_copy(dest, REAL_JANUS_VALUE_BYTES, (struct str){at, strcspn(at, "\n")}));
}

static void start(struct real_janus *janus, const char *environment)
{
    char pid[REAL_JANUS_VALUE_BYTES];
    AUTO(mem_free)
    char *command =
        mem_printf("env %s " SCRIPT " start '%s' %d", environment, janus->folder, janus->port);
    AUTO(mem_free) char *lines = run(command);
    read_value(lines, "JANUS_PID", pid);
    read_value(lines, "JANUS_PLAIN_URL", janus->plain_url);
    read_value(lines, "LYNKS_JANUS_URL", janus->url);
    read_value(lines, "LYNKS_JANUS_CA_FILE", janus->ca_file);
    read_value(lines, "LYNKS_JANUS_ADMIN_KEY", janus->admin_key);
    janus->pid = (int)strtol(pid, NULL, 10);
    janus->port = (int)strtol(strrchr(janus->plain_url, ':') + 1, NULL, 10);
}

void real_janus_start(struct real_janus *janus, const char *environment)
{
    const char *tmp = getenv("TMPDIR");
    *janus = (struct real_janus){0};
    (void)snprintf(janus->folder, sizeof(janus->folder), "%s/lynks-janus.XXXXXX",
                   tmp != NULL ? tmp : P_tmpdir);
    assert_non_null(mkdtemp(janus->folder));
    start(janus, environment);
}

void real_janus_start_again(struct real_janus *janus)
{
    start(janus, "");
}

static void command(const struct real_janus *janus, const char *verb)
{
    AUTO(mem_free) char *line = mem_printf(SCRIPT " %s '%s'", verb, janus->folder);
    free(run(line));
}

void real_janus_kill(struct real_janus *janus)
{
    command(janus, "kill");
}

void real_janus_remove(struct real_janus *janus)
{
    command(janus, "stop");
    AUTO(mem_free) char *line = mem_printf("rm -rf '%s'", janus->folder);
    free(run(line));
    janus->folder[0] = '\0';
}

uint64_t real_janus_last_session(const struct real_janus *janus)
{
    AUTO(mem_free)
    char *line = mem_printf("sed -n 's/^Creating new session: \\([0-9]*\\);.*/\\1/p' "
                            "'%s/janus.log' | tail -n 1",
                            janus->folder);
    AUTO(mem_free) char *output = run(line);
    return strtoull(output, NULL, 10);
}

size_t real_janus_logged(const struct real_janus *janus, const char *text)
{
    AUTO(mem_free)
    char *line = mem_printf("grep -cF '%s' '%s/janus.log' || true", text, janus->folder);
    AUTO(mem_free) char *output = run(line);
    return strtoul(output, NULL, 10);
}

/* HTTP/1.0: the answer's body is everything up to the end of the connection. */
static char *ask(struct rig *rig, const struct real_janus *janus, const char *method,
                 const char *path, const char *body)
{
    AUTO(http_client_free)
    struct http_client *client = http_client_new(rig->loop, (uint16_t)janus->port, NULL);
    http_client_sendf(client, "%s /janus%s HTTP/1.0\r\nContent-Length: %zu\r\n\r\n%s", method, path,
                      strlen(body), body);
    assert_true(http_client_await_close(client, RIG_PATIENCE_MS));
    AUTO(mem_free) char *received = str_dup(http_client_received(client));
    const char *start = strstr(received, "\r\n\r\n");
    assert_non_null(start);
    return mem_strdup(start + 4);
}

char *real_janus_ask(struct rig *rig, const struct real_janus *janus, const char *path,
                     const char *body)
{
    return ask(rig, janus, "POST", path, body);
}

char *real_janus_get(struct rig *rig, const struct real_janus *janus, const char *path)
{
    return ask(rig, janus, "GET", path, "");
}
