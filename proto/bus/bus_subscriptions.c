#include "proto/bus/bus_subscriptions.h"

#include "proto/base/list.h"
#include "proto/base/log.h"

struct subscription {
    struct list_link link;
    struct bus_subscriptions *all;
    char endpoint[RESOLVE_TEXT_BYTES];
    struct bus_subscriber *subscriber;
};

struct bus_subscriptions {
    struct bus_parts parts;
    struct bus_subscriptions_config config;
    struct resolver *resolver;
    struct list_link subscriptions;
};

static void on_subscribed_event(void *arg, const struct msg *msg, uint64_t number, bool is_next)
{
    const struct subscription *subscription = arg;
    const struct bus_subscriptions_config *config = &subscription->all->config;
    config->on_event(config->arg, subscription->endpoint, msg, number, is_next);
}

static void subscription_end(struct subscription *subscription)
{
    list_remove(&subscription->link);
    bus_subscriber_free(&subscription->subscriber);
    mem_free(&subscription);
}

static void subscription_begin(struct bus_subscriptions *all, const char *endpoint)
{
    struct subscription *subscription = mem_alloc(sizeof(*subscription));
    *subscription = (struct subscription){.all = all};
    (void)str_copy(subscription->endpoint, sizeof(subscription->endpoint), str_of(endpoint));
    const struct bus_subscriber_config config = {.endpoint = subscription->endpoint,
                                                 .role = all->config.role,
                                                 .fn = on_subscribed_event,
                                                 .arg = subscription};
    subscription->subscriber = bus_subscriber_new(&all->parts, &config);
    if (subscription->subscriber == NULL) {
        log_warn("cannot subscribe", LOG_Z("endpoint", endpoint));
    }
    list_add(&all->subscriptions, &subscription->link);
}

static bool is_subscribed(struct bus_subscriptions *all, const char *endpoint)
{
    LIST_EACH (struct subscription, each, &all->subscriptions, link) {
        if (strcmp(each->endpoint, endpoint) == 0) {
            return true;
        }
    }
    return false;
}

static void on_endpoints(void *arg, const struct resolve_set *set)
{
    struct bus_subscriptions *all = arg;
    LIST_EACH (struct subscription, each, &all->subscriptions, link) {
        if (!resolve_set_has(set, each->endpoint)) {
            if (all->config.on_gone != NULL) {
                all->config.on_gone(all->config.arg, each->endpoint);
            }
            subscription_end(each);
        }
    }
    for (size_t i = 0; i < set->count; i++) {
        if (!is_subscribed(all, set->items[i])) {
            subscription_begin(all, set->items[i]);
        }
    }
}

struct bus_subscriptions *bus_subscriptions_new(const struct bus_parts *parts,
                                                const struct bus_subscriptions_config *config)
{
    AUTO(bus_subscriptions_free) struct bus_subscriptions *all = mem_alloc(sizeof(*all));
    *all = (struct bus_subscriptions){.parts = *parts, .config = *config};
    list_init(&all->subscriptions);
    all->resolver = resolver_new(parts->loop, &config->resolver);
    if (resolver_watch(all->resolver, config->address, on_endpoints, all) != ERR_OK) {
        return NULL;
    }
    return STEAL(all);
}

void bus_subscriptions_free(struct bus_subscriptions **all_ref)
{
    struct bus_subscriptions *all = *all_ref;
    if (all == NULL) {
        return;
    }
    resolver_free(&all->resolver);
    for (struct subscription *each;
         (each = LIST_FIRST(struct subscription, &all->subscriptions, link)) != NULL;) {
        subscription_end(each);
    }
    mem_free(all_ref);
}
