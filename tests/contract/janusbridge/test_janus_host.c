/* The bridge before a Janus whose URL has a name: it is found when the name has an address, and
 * again when it has another one; a name server that is silent holds nothing up. */
#include "tests/contract/janusbridge/rig.h"
#include "tests/support/c/dns_server.h"

struct fixture {
    struct rig *rig;
    struct dns_server dns;
};

/* The scripted Janus is called by this name. */
static int set_up(void **state, const char *name)
{
    struct fixture *f = mem_alloc(sizeof(*f));
    *state = f;
    log_capture_setup(NULL);
    f->rig = rig_new();
    dns_server_init(&f->dns, f->rig->loop);
    f->rig->janus = scripted_janus_new(f->rig->loop);
    AUTO(mem_free)
    char *url = mem_printf("http://%s%s", name, strrchr(scripted_janus_url(f->rig->janus), ':'));
    const struct rig_config config = {.url = url,
                                      .ca_file = "",
                                      .api_secret = "",
                                      .admin_key = "",
                                      .name_servers = f->dns.endpoint,
                                      .keepalive_ms = 200,
                                      .control_timeout_ms = RIG_DOUBT_MS};
    rig_init(f->rig, &config);
    return 0;
}

static int set_up_named(void **state)
{
    return set_up(state, "janus.test");
}

static int set_up_silent(void **state)
{
    return set_up(state, "silent.test");
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    rig_fini(f->rig);
    dns_server_fini(&f->dns);
    rig_free(&f->rig);
    mem_free(state);
    return log_capture_teardown(NULL);
}

static bool has_been_asked(void *arg)
{
    const struct dns_server *dns = arg;
    return dns->answered + dns->ignored > 0;
}

static void test_janus_is_found_when_its_name_is_known(void **state)
{
    struct fixture *f = *state;
    log_capture_expect("host name of Janus not resolved");
    assert_true(loop_run_until(f->rig->loop, has_been_asked, &f->dns, RIG_PATIENCE_MS));
    f->dns.addresses[0] = "127.0.0.1";
    assert_true(rig_wait_ready(f->rig, RIG_PATIENCE_MS));
    assert_int_equal(log_capture_count("host name of Janus not resolved"), 1);
    assert_int_equal(rig_answer(f->rig, rig_create(f->rig, RIG_ROOM)), ERR_OK);
}

static void test_janus_is_found_at_another_address(void **state)
{
    struct fixture *f = *state;
    log_capture_expect("janus is not ready");
    f->dns.addresses[0] = "127.0.0.3"; /* nobody is there */
    assert_true(loop_run_until(f->rig->loop, has_been_asked, &f->dns, RIG_PATIENCE_MS));
    assert_false(rig_wait_ready(f->rig, 100));
    assert_int_equal(scripted_janus_counts(f->rig->janus).accepted, 0);
    f->dns.addresses[0] = "127.0.0.1";
    assert_true(rig_wait_ready(f->rig, RIG_PATIENCE_MS));
    /* A name that fails keeps its address. */
    log_capture_expect("host name of Janus not resolved");
    f->dns.addresses[0] = NULL;
    f->dns.answered = 0;
    assert_true(loop_run_until(f->rig->loop, has_been_asked, &f->dns, RIG_PATIENCE_MS));
    assert_int_equal(rig_answer(f->rig, rig_create(f->rig, RIG_ROOM)), ERR_OK);
}

static void test_a_silent_name_server_does_not_hold_up_the_end(void **state)
{
    struct fixture *f = *state;
    assert_true(loop_run_until(f->rig->loop, has_been_asked, &f->dns, RIG_PATIENCE_MS));
    assert_false(rig_wait_ready(f->rig, 20)); /* its request waits for the address */
    const uint64_t begin_ms = rig_now_ms(f->rig);
    rig_fini(f->rig);
    assert_true(rig_now_ms(f->rig) - begin_ms < 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_janus_is_found_when_its_name_is_known, set_up_named,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_janus_is_found_at_another_address, set_up_named,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_a_silent_name_server_does_not_hold_up_the_end,
                                        set_up_silent, tear_down),
    };
    return cmocka_run_group_tests_name("Janus' host", tests, NULL, NULL);
}
