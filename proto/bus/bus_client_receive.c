#include "proto/bus/bus_batch.h"
#include "proto/bus/bus_client_parts.h"

/* The call has not been executed, whatever its kind, and goes elsewhere. */
static void on_draining(struct bus_service *service, struct bus_endpoint *endpoint,
                        struct bus_slot *slot)
{
    bus_client_leave_draining(service, endpoint);
    bus_client_review(service);
    /* Otherwise it has been sent elsewhere already, and that answer counts. */
    if (slot->endpoint == endpoint) {
        bus_client_redirect(service, slot);
    }
}

static void refuse(struct bus_client *client, const struct bus_endpoint *endpoint,
                   enum codec_fault fault)
{
    bus_refusals_add(&client->refusals, fault, endpoint->address, clock_mono_ms(client->clock));
}

/* A failure of the endpoint where the call waits no longer may be that endpoint's own. */
static bool is_outrun(const struct bus_slot *slot, const struct bus_endpoint *endpoint,
                      enum err status)
{
    return slot->endpoint != endpoint && status != ERR_DRAINING && err_is_retryable(status);
}

/* An answer that can be matched but not read ends its call: waiting would not make it better. */
static void on_answer(struct bus_service *service, struct bus_endpoint *endpoint,
                      const struct envelope *envelope, const struct msg *reply,
                      enum codec_fault fault)
{
    struct bus_client *client = service->client;
    struct bus_slot *slot = bus_slots_find(client->slots, envelope->correlation_id);
    if (slot == NULL || slot->type->service != service->id ||
        is_outrun(slot, endpoint, envelope->status)) {
        metric_inc(client->late_replies);
    } else if (fault != CODEC_OK) {
        bus_client_finish(client, slot, ERR_PROTOCOL, NULL);
    } else if (envelope->status == ERR_DRAINING) {
        on_draining(service, endpoint, slot);
    } else if (envelope->status != ERR_OK) {
        bus_client_finish(client, slot, envelope->status, NULL);
    } else if (reply->id != slot->type->reply) {
        refuse(client, endpoint, CODEC_UNKNOWN);
        bus_client_finish(client, slot, ERR_PROTOCOL, NULL);
    } else {
        bus_client_finish(client, slot, ERR_OK, reply);
    }
}

void bus_client_on_frame(void *arg, struct bus_endpoint *endpoint, struct str data)
{
    struct bus_service *service = arg;
    struct bus_client *client = service->client;
    struct envelope envelope;
    struct msg reply;
    enum codec_fault fault = codec_decode(client->reply_arena, data, &envelope, &reply);
    if (fault != CODEC_OK) {
        refuse(client, endpoint, fault);
    }
    if (fault == CODEC_OK || fault == CODEC_BODY || fault == CODEC_UNKNOWN) {
        endpoint->answers++;
        endpoint->takes_batches = envelope.minor >= BATCH_MINOR;
        bool is_regained =
            endpoint->trust != BUS_TRUSTED && bus_client_regain(service, endpoint, &envelope);
        on_answer(service, endpoint, &envelope, &reply, fault);
        if (is_regained) {
            bus_client_review(service);
            bus_client_pump(service);
        }
    }
}
