#include "tests/integration/db/registry.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "tests/integration/db/store_fixture.h"

#define WAIT_MS 15000

static bool registry_is_ready(void *arg)
{
    const struct registry *r = arg;
    return health_is_ready(r->health);
}

struct registry registry_new(void)
{
    struct registry r = {.loop = loop_new(), .metrics = metrics_new(), .health = health_new()};
    const struct db_pool_config config = {
        .name = "rooms-test", .db = &fixture.config, .threads = 1, .queue_max = 16};
    r.pool = db_pool_new(r.loop, r.metrics, r.health, &config);
    r.rooms = room_store_mysql(r.pool);
    r.life = life_store_mysql(r.pool);
    assert_true(loop_run_until(r.loop, registry_is_ready, &r, WAIT_MS));
    return r;
}

void registry_free(struct registry *r)
{
    db_pool_free(&r->pool);
    health_free(&r->health);
    metrics_free(&r->metrics);
    loop_free(&r->loop);
    must_run(fixture.db, "DELETE FROM rooms");
}
