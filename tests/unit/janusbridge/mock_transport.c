#include "tests/unit/janusbridge/mock_transport.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "janusbridge/janus/janus_sieve.h"

#define TRANSACTION_KEY "\"transaction\":\""

static struct janus_transfer *send_request(void *self, const struct janus_request *request,
                                           janus_answer_fn *fn, void *arg)
{
    struct mock_transport *mock = self;
    assert_true(mock->count < MOCK_REQUESTS_MAX);
    assert_true(request->timeout_ms > 0);
    struct janus_transfer *transfer = &mock->sent[mock->count++];
    *transfer =
        (struct janus_transfer){.path = mem_strdup(request->path),
                                .body = request->body != NULL ? request->body : mem_strdup(""),
                                .timeout_ms = request->timeout_ms,
                                .is_poll = request->is_poll,
                                .fn = fn,
                                .arg = arg,
                                .is_open = true};
    return transfer;
}

static void cancel(void *self, struct janus_transfer *transfer)
{
    (void)self;
    assert_true(transfer->is_open);
    transfer->is_open = false;
}

void mock_transport_init(struct mock_transport *mock)
{
    static const struct janus_transport_ops ops = {send_request, cancel};
    *mock = (struct mock_transport){.transport = {.ops = &ops, .self = mock}};
}

void mock_transport_fini(struct mock_transport *mock)
{
    for (size_t i = 0; i < mock->count; i++) {
        mem_free(&mock->sent[i].path);
        mem_free(&mock->sent[i].body);
    }
}

static bool holds(const struct janus_transfer *transfer, const char *text)
{
    return strstr(transfer->path, text) != NULL || strstr(transfer->body, text) != NULL;
}

struct janus_transfer *mock_transport_get(struct mock_transport *mock, const char *text)
{
    for (size_t i = 0; i < mock->count; i++) {
        if (mock->sent[i].is_open && holds(&mock->sent[i], text)) {
            return &mock->sent[i];
        }
    }
    fail_msg("no open request holds %s", text);
    return NULL;
}

static size_t count(const struct mock_transport *mock, const char *text, bool only_open)
{
    size_t found = 0;
    for (size_t i = 0; i < mock->count; i++) {
        found += (mock->sent[i].is_open || !only_open) && holds(&mock->sent[i], text);
    }
    return found;
}

size_t mock_transport_open(const struct mock_transport *mock, const char *text)
{
    return count(mock, text, true);
}

size_t mock_transport_sent(const struct mock_transport *mock, const char *text)
{
    return count(mock, text, false);
}

static char *put_transaction(const char *text, const char *body)
{
    const char *start = strstr(body, TRANSACTION_KEY);
    const char *transaction = start != NULL ? start + strlen(TRANSACTION_KEY) : "";
    const size_t bytes = start != NULL ? strcspn(transaction, "\"") : 0;
    char *result = mem_strdup(text);
    for (char *mark; (mark = strstr(result, "$T")) != NULL;) {
        char *next = mem_printf("%.*s%.*s%s", (int)(mark - result), result, (int)bytes, transaction,
                                mark + 2);
        mem_free(&result);
        result = next;
    }
    return result;
}

void mock_transport_answer_status(struct janus_transfer *transfer, int status, const char *text)
{
    assert_true(transfer->is_open);
    transfer->is_open = false;
    AUTO(mem_free) char *body = put_transaction(text, transfer->body);
    AUTO(janus_sieve_free) struct janus_sieve *sieve = janus_sieve_new();
    janus_sieve_begin(sieve, MOCK_KEPT_BYTES_MAX);
    const bool is_json = janus_sieve_take(sieve, body, strlen(body));
    const struct janus_answer answer = {.err = ERR_OK,
                                        .status = status,
                                        .body = is_json ? janus_sieve_text(sieve) : STR_NONE,
                                        .why = "",
                                        .was_repeated = transfer->was_repeated};
    transfer->fn(transfer->arg, &answer);
}

void mock_transport_answer(struct janus_transfer *transfer, const char *text)
{
    mock_transport_answer_status(transfer, 200, text);
}

void mock_transport_break(struct janus_transfer *transfer, enum err err)
{
    assert_true(transfer->is_open);
    transfer->is_open = false;
    const struct janus_answer answer = {.err = err, .why = "broken by the test"};
    transfer->fn(transfer->arg, &answer);
}
