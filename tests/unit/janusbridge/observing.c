#include "tests/unit/janusbridge/observing.h"

#define EVENT                                                                                      \
    "[{\"janus\":\"event\",\"session_id\":11,\"sender\":%" PRIu64 "%s,"                            \
    "\"plugindata\":{\"plugin\":\"janus.plugin.videoroom\",\"data\":%s}}]"
#define TRANSACTION ",\"transaction\":\"%.16s\""

static void put_event(struct bridge_fixture *b, uint64_t sender, const char *transaction,
                      const char *data)
{
    AUTO(mem_free) char *text = mem_printf(EVENT, sender, transaction, data);
    fixture_event(&b->f, text);
}

void observing_event(struct bridge_fixture *b, uint64_t sender, const char *data)
{
    put_event(b, sender, "", data);
}

void observing_answer(struct bridge_fixture *b, const char *text, uint64_t sender, const char *data)
{
    struct janus_transfer *request = mock_transport_get(&b->f.janus, text);
    const char *start = strstr(request->body, "\"transaction\":\"");
    assert_non_null(start);
    AUTO(mem_free)
    char *transaction = mem_printf(TRANSACTION, start + strlen("\"transaction\":\""));
    mock_transport_answer(request, ACK);
    put_event(b, sender, transaction, data);
}

void observing_attach(struct bridge_fixture *b, uint64_t handle_id)
{
    AUTO(mem_free)
    char *answer = mem_printf(
        "{\"janus\":\"success\",\"transaction\":\"$T\",\"data\":{\"id\":%" PRIu64 "}}", handle_id);
    fixture_answer(&b->f, "\"attach\"", answer);
}

void observing_pulse(struct bridge_fixture *b)
{
    observing_answer(b, PULSE, OBSERVER,
                     "{\"videoroom\":\"event\",\"room\":1234,\"configured\":\"ok\"}");
}

void observing_begin(struct bridge_fixture *b, const char *publishers)
{
    fixture_bring_up(&b->f);
    (void)bridge_list(b);
    fixture_answer(&b->f, PARTICIPANTS, LIST(""));
    observing_attach(b, OBSERVER);
    AUTO(mem_free)
    char *joined = mem_printf("{\"videoroom\":\"joined\",\"room\":1234,\"id\":9001,"
                              "\"private_id\":5,\"publishers\":[%s]}",
                              publishers);
    observing_answer(b, "\"join\"", OBSERVER, joined);
    observing_pulse(b);
}

bool observing_is_known(struct bridge_fixture *b)
{
    const size_t before = bridge_sent(b, PARTICIPANTS);
    const struct mock_call *call = bridge_list(b);
    assert_true((call->answers == 1) == (bridge_sent(b, PARTICIPANTS) == before));
    return call->answers == 1;
}

void observing_expect(struct bridge_fixture *b, const uint64_t *ids)
{
    assert_true(observing_is_known(b));
    const struct u64_list *list =
        &b->calls[b->count - 1].reply.bridge_participants_reply.publishers;
    assert_int_equal(b->calls[b->count - 1].err, ERR_OK);
    size_t count = 0;
    for (; ids[count] != 0; count++) {
        bool is_there = false;
        for (size_t i = 0; i < list->count; i++) {
            is_there = is_there || list->items[i] == ids[count];
        }
        assert_true(is_there);
    }
    assert_int_equal(list->count, count);
}

uint64_t observing_counter(struct bridge_fixture *b, const char *name)
{
    return fixture_counter(&b->f, name, NULL);
}
