#include "janusbridge/janus/janus_stats.h"

static struct metric *loss_counter(struct metrics *metrics, const char *labels)
{
    return metrics_counter(metrics, "lynks_janus_losses_total",
                           "Times that Janus was lost after it was ready, by what was found",
                           labels);
}

void janus_stats_init(struct janus_stats *stats, struct metrics *metrics)
{
    stats->made =
        metrics_counter(metrics, "lynks_janus_sessions_made_total", "Janus sessions made", NULL);
    stats->keepalives = metrics_counter(metrics, "lynks_janus_keepalives_total",
                                        "Keepalives sent while ready", NULL);
    stats->ready = metrics_gauge(metrics, "lynks_janus_ready",
                                 "1 while there is a session and a handle", NULL);
    stats->lost_session = loss_counter(metrics, "cause=\"session\"");
    stats->lost_handle = loss_counter(metrics, "cause=\"handle\"");
    stats->lost_link = loss_counter(metrics, "cause=\"link\"");
    stats->lost_restart = loss_counter(metrics, "cause=\"restart\"");
}
