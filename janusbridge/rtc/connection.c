#include "janusbridge/rtc/connection.h"

static void free_tracks(struct track *tracks, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        mem_free(&tracks[i].mid);
    }
    mem_free(&tracks);
}

struct track *connection_track(const struct connection *connection, struct str mid)
{
    for (size_t i = 0; i < connection->track_count; i++) {
        if (str_eq(str_of(connection->tracks[i].mid), mid)) {
            return &connection->tracks[i];
        }
    }
    return NULL;
}

struct msg_rtc_track_list connection_track_list(const struct connection *connection,
                                                struct msg_rtc_track *tracks)
{
    for (size_t i = 0; i < connection->track_count; i++) {
        tracks[i] = (struct msg_rtc_track){.mid = str_of(connection->tracks[i].mid),
                                           .source = connection->tracks[i].source};
    }
    return (struct msg_rtc_track_list){tracks, connection->track_count};
}

void connection_set_tracks(struct connection *connection, const struct msg_rtc_track_list *tracks)
{
    struct track *now =
        mem_realloc_array(NULL, tracks->count > 0 ? tracks->count : 1, sizeof(*now));
    for (size_t i = 0; i < tracks->count; i++) {
        const struct track *before = connection_track(connection, tracks->items[i].mid);
        now[i] =
            (struct track){.mid = str_dup(tracks->items[i].mid), .source = tracks->items[i].source};
        if (before != NULL && before->source == now[i].source) {
            now[i].arriving = before->arriving;
            now[i].has_arrived = before->has_arrived;
        }
    }
    free_tracks(connection->tracks, connection->track_count);
    connection->tracks = now;
    connection->track_count = tracks->count;
}

uint64_t connection_published(const struct connection *connection)
{
    uint64_t sources = 0;
    for (size_t i = 0; i < connection->track_count; i++) {
        sources |= connection->tracks[i].has_arrived ? connection->tracks[i].source : 0;
    }
    return sources;
}

uint64_t connection_lost(const struct connection *connection)
{
    uint64_t arriving = 0;
    for (size_t i = 0; i < connection->track_count; i++) {
        arriving |= connection->tracks[i].arriving != 0 ? connection->tracks[i].source : 0;
    }
    return connection_published(connection) & ~arriving;
}

const char *connection_mid_of(const struct connection *connection, enum media_source source)
{
    for (size_t i = 0; i < connection->track_count; i++) {
        if (connection->tracks[i].source == source) {
            return connection->tracks[i].mid;
        }
    }
    return NULL;
}

void connection_set_wishes(struct connection *connection, const struct msg_rtc_wish_list *wishes)
{
    mem_free(&connection->wishes);
    connection->wishes =
        mem_realloc_array(NULL, wishes->count > 0 ? wishes->count : 1, sizeof(struct wish));
    connection->wish_count = wishes->count;
    for (size_t i = 0; i < wishes->count; i++) {
        const struct msg_rtc_wish *wish = &wishes->items[i];
        connection->wishes[i] =
            (struct wish){.participant = wish->participant,
                          .source = wish->source,
                          .layer = wish->has_layer ? wish->layer : JANUS_LAYER_MAX,
                          .is_paused = wish->paused};
    }
}

void connection_clear_streams(struct connection *connection)
{
    for (size_t i = 0; i < connection->stream_count; i++) {
        mem_free(&connection->streams[i].mid);
        mem_free(&connection->streams[i].feed_mid);
    }
    mem_free(&connection->streams);
    connection->stream_count = 0;
}

struct stream *connection_stream(const struct connection *connection, struct str mid)
{
    for (size_t i = 0; i < connection->stream_count; i++) {
        if (str_eq(str_of(connection->streams[i].mid), mid)) {
            return &connection->streams[i];
        }
    }
    return NULL;
}

void connection_set_text(char **dest, struct str text)
{
    char *copy = text.bytes > 0 ? str_dup(text) : NULL;
    mem_free(dest);
    *dest = copy;
}

void connection_free(struct connection *connection)
{
    free_tracks(connection->tracks, connection->track_count);
    connection_clear_streams(connection);
    mem_free(&connection->wishes);
    mem_free(&connection->sdp);
    mem_free(&connection->offer);
    mem_free(&connection->answer);
    mem_free(&connection->pin);
    mem_free(&connection->secret);
    mem_free(&connection);
}
