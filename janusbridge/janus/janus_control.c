#include "janusbridge/janus/janus_control.h"

/* Of an answer that did not come, or not from Janus. */
static struct janus_finding judge_failure(const struct janus_answer *answer)
{
    const struct janus_finding refused = {.outcome = JANUS_OUTCOME_REFUSED,
                                          .fault = JANUS_FAULT_SECRET};
    switch (answer->err) {
    case ERR_OK:
        if (answer->status == 401 || answer->status == 403) {
            return refused;
        }
        return (struct janus_finding){.outcome = JANUS_OUTCOME_SENSELESS,
                                      .detail = "not an answer of Janus"};
    case ERR_UNAVAILABLE:
        return (struct janus_finding){.outcome = JANUS_OUTCOME_LINK, .detail = answer->why};
    case ERR_DEADLINE:
        return (struct janus_finding){.outcome = JANUS_OUTCOME_SILENT, .detail = answer->why};
    default:
        return (struct janus_finding){.outcome = JANUS_OUTCOME_SENSELESS, .detail = answer->why};
    }
}

static struct janus_finding judge_message(const struct janus_control *control,
                                          const struct janus_message *message)
{
    if (!str_eq(message->transaction, str_of(control->transaction))) {
        return (struct janus_finding){.outcome = JANUS_OUTCOME_SENSELESS,
                                      .detail = "wrong transaction"};
    }
    if (message->fault != JANUS_FAULT_NONE) {
        return (struct janus_finding){.outcome = JANUS_OUTCOME_REFUSED,
                                      .fault = message->fault,
                                      .message = message,
                                      .detail = "see the code"};
    }
    return (struct janus_finding){.outcome = JANUS_OUTCOME_OK, .message = message};
}

static void on_control_answer(void *arg, const struct janus_answer *answer)
{
    struct janus_control *control = arg;
    control->transfer = NULL;
    AUTO(janus_document_free) struct janus_document *document = NULL;
    if (answer->err == ERR_OK && answer->status == 200) {
        document = janus_document_parse(answer->body);
    }
    struct janus_message message;
    const bool good = document != NULL && janus_document_count(document) == 1 &&
                      janus_document_get(document, 0, &message);
    const struct janus_finding finding =
        good ? judge_message(control, &message) : judge_failure(answer);
    control->fn(control->parts->arg, &finding);
}

void janus_control_cancel(struct janus_control *control)
{
    const struct janus_transport *transport = control->parts->transport;
    if (control->transfer != NULL) {
        transport->ops->cancel(transport->self, control->transfer);
        control->transfer = NULL;
    }
}

static void begin_request(struct janus_control *control, janus_control_fn *fn)
{
    janus_control_cancel(control);
    janus_transaction_draw(control->transaction);
    control->fn = fn;
}

static void send_request(struct janus_control *control, const char *path, char *body)
{
    const struct janus_control_parts *parts = control->parts;
    const struct janus_request request = {
        .path = path, .body = body, .timeout_ms = parts->timeout_ms};
    const struct janus_transport *transport = parts->transport;
    control->transfer = transport->ops->send(transport->self, &request, on_control_answer, control);
}

void janus_control_send(struct janus_control *control, const char *path, const char *verb,
                        janus_control_fn *fn)
{
    const char *auth = control->parts->auth;
    begin_request(control, fn);
    send_request(control, path,
                 verb != NULL ? janus_json_request(verb, control->transaction, auth)
                              : janus_json_attach(control->transaction, auth));
}

void janus_control_message(struct janus_control *control, const char *path, const char *body,
                           janus_control_fn *fn)
{
    begin_request(control, fn);
    send_request(control, path,
                 janus_json_message(control->transaction, control->parts->auth, body, NULL));
}

static const char *reason_of_refusal(enum janus_fault fault)
{
    switch (fault) {
    case JANUS_FAULT_SECRET:
        return "janus refuses the api secret (LYNKS_JANUS_API_SECRET)";
    case JANUS_FAULT_NO_SECRET:
        return "janus has an api secret: LYNKS_JANUS_API_SECRET is not set";
    case JANUS_FAULT_TOKEN:
        return "janus wants tokens (token_auth), which Lynks has not: give janus an api_secret as "
               "well, and Lynks the same (LYNKS_JANUS_API_SECRET)";
    case JANUS_FAULT_PLUGIN:
        return "janus has no videoroom plugin, or not for us";
    case JANUS_FAULT_DRAINING:
        return "janus takes no new sessions: it is draining";
    case JANUS_FAULT_SESSION:
        return "the janus session was lost";
    case JANUS_FAULT_HANDLE:
        return "the janus handle was lost";
    default:
        return "janus refuses";
    }
}

const char *janus_finding_reason(const struct janus_finding *finding)
{
    switch (finding->outcome) {
    case JANUS_OUTCOME_LINK:
        return "janus cannot be reached";
    case JANUS_OUTCOME_SILENT:
        return "janus does not answer";
    case JANUS_OUTCOME_REFUSED:
        return reason_of_refusal(finding->fault);
    case JANUS_OUTCOME_OK: /* well formed, but not what was asked for */
    case JANUS_OUTCOME_SENSELESS:
        return "janus gives answers that make no sense";
    }
    return "";
}

bool janus_finding_is_our_mistake(const struct janus_finding *finding)
{
    return finding->outcome == JANUS_OUTCOME_REFUSED &&
           (finding->fault == JANUS_FAULT_SECRET || finding->fault == JANUS_FAULT_NO_SECRET ||
            finding->fault == JANUS_FAULT_TOKEN || finding->fault == JANUS_FAULT_PLUGIN);
}
