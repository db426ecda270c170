/* Metrics, as a scraper reads them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdlib.h>

#include "proto/base/metrics.h"

static void the_text_is_what_prometheus_reads(void **state)
{
    (void)state;
    AUTO(metrics_free) struct metrics *metrics = metrics_new();
    struct metric *a = metrics_counter(metrics, "x_total", "Xs.", "kind=\"a\"");
    struct metric *gauge = metrics_gauge(metrics, "depth", "Depth.", NULL);
    struct metric *b = metrics_counter(metrics, "x_total", "Xs.", "kind=\"b\"");
    assert_ptr_equal(a, metrics_counter(metrics, "x_total", "Xs.", "kind=\"a\""));
    metric_inc(a);
    metric_add(b, 5);
    metric_set(gauge, -3);
    size_t bytes = 0;
    AUTO(mem_free) char *text = metrics_write(metrics, &bytes);
    assert_int_equal(bytes, strlen(text));
    assert_string_equal(text, "# HELP x_total Xs.\n# TYPE x_total counter\nx_total{kind=\"a\"} 1\n"
                              "x_total{kind=\"b\"} 5\n# HELP depth Depth.\n# TYPE depth gauge\n"
                              "depth -3\n");
}

static void histogram_counts_up(void **state)
{
    (void)state;
    AUTO(metrics_free) struct metrics *metrics = metrics_new();
    struct metric *h = metrics_histogram(metrics, "t_seconds", "T.", "p=\"x\"");
    metric_observe_us(h, 400);
    metric_observe_us(h, 900);
    metric_observe_us(h, 60000000);
    size_t bytes = 0;
    AUTO(mem_free) char *text = metrics_write(metrics, &bytes);
    assert_non_null(strstr(text, "t_seconds_bucket{p=\"x\",le=\"0.0005\"} 1\n"));
    assert_non_null(strstr(text, "t_seconds_bucket{p=\"x\",le=\"0.001\"} 2\n"));
    assert_non_null(strstr(text, "t_seconds_bucket{p=\"x\",le=\"10\"} 2\n"));
    assert_non_null(strstr(text, "t_seconds_bucket{p=\"x\",le=\"+Inf\"} 3\n"));
    assert_non_null(strstr(text, "t_seconds_sum{p=\"x\"} 60.001300\n"));
    assert_non_null(strstr(text, "t_seconds_count{p=\"x\"} 3\n"));
    assert_int_equal(metric_value(h), 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_text_is_what_prometheus_reads),
        cmocka_unit_test(histogram_counts_up),
    };
    return cmocka_run_group_tests_name("metrics", tests, NULL, NULL);
}
