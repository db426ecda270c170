#include "tests/unit/janusbridge/rtc/sdp_fixtures.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define FINGERPRINT                                                                                \
    "a=fingerprint:sha-256 "                                                                       \
    "C4:BD:42:03:E6:A9:6D:1C:39:E4:DE:43:90:C2:55:D1:03:26:97:4A:4D:33:2B:C8:2F:AB:28:4D:41:9A:7E" \
    ":33\n"

#define CHROMIUM_ICE                                                                               \
    "a=ice-ufrag:XakR\na=ice-pwd:2JR319RaeZdtgp/1CeBunguk\na=ice-options:trickle\n" FINGERPRINT    \
    "a=setup:actpass\n"
#define CHROMIUM_CANDIDATES                                                                        \
    "a=candidate:153149882 1 udp 2122194687 192.0.2.2 55862 typ host generation 0 network-id 1\n"  \
    "a=candidate:240291082 1 udp 2122265343 fd00::2 34869 typ host generation 0 network-id 2\n"    \
    "a=candidate:2012152610 1 tcp 1518214911 192.0.2.2 9 typ host tcptype active generation 0 "    \
    "network-id 1\n"                                                                               \
    "a=candidate:842163049 1 udp 1677729535 93.184.216.34 55862 typ srflx raddr 192.0.2.2 rport "  \
    "55862 generation 0 network-id 1\n"                                                            \
    "a=candidate:3 1 udp 2113937151 1f0e4d2a-ab12-4d55-8a52-0b1c2d3e4f50.local 51001 typ host\n"
#define CHROMIUM_VIDEO_CODECS                                                                      \
    "a=rtcp-mux\na=rtcp-rsize\na=rtcp-xr:rcvr-rtt=all\n"                                           \
    "a=rtpmap:96 VP8/90000\na=rtcp-fb:96 goog-remb\na=rtcp-fb:96 transport-cc\n"                   \
    "a=rtcp-fb:96 ccm fir\na=rtcp-fb:96 nack\na=rtcp-fb:96 nack pli\n"                             \
    "a=rtpmap:97 rtx/90000\na=fmtp:97 apt=96\n"                                                    \
    "a=rtpmap:102 H264/90000\na=rtcp-fb:102 nack pli\n"                                            \
    "a=fmtp:102 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42001f\n"          \
    "a=rtpmap:103 rtx/90000\na=fmtp:103 apt=102\n"                                                 \
    "a=rtpmap:45 AV1/90000\na=fmtp:45 level-idx=5;profile=0;tier=0\n"                              \
    "a=rtpmap:98 VP9/90000\na=fmtp:98 profile-id=0\n"                                              \
    "a=rtpmap:118 red/90000\na=rtpmap:120 ulpfec/90000\n"
#define CHROMIUM_VIDEO_EXTENSIONS                                                                  \
    "a=extmap:14 urn:ietf:params:rtp-hdrext:toffset\n"                                             \
    "a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid\n"                                             \
    "a=extmap:10 urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id\n"                                  \
    "a=extmap:12 https://aomediacodec.github.io/av1-rtp-spec/"                                     \
    "#dependency-descriptor-rtp-header-extension\n"
#define CHROMIUM_AUDIO                                                                             \
    "a=mid:0\n"                                                                                    \
    "a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level\n"                                     \
    "a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid\n"                                             \
    "a=sendonly\n"                                                                                 \
    "a=msid:8b33f5c7-b6a3-4e67-a869-2b2b26d13c10 792aaffb-59d2-49c9-9024-6a213dd5b974\n"           \
    "a=rtcp-mux\na=rtcp-rsize\n"                                                                   \
    "a=rtpmap:111 opus/48000/2\na=rtcp-fb:111 transport-cc\n"                                      \
    "a=fmtp:111 minptime=10;useinbandfec=1\n"                                                      \
    "a=rtpmap:63 red/48000/2\na=fmtp:63 111/111\n"                                                 \
    "a=rtpmap:9 G722/8000\na=rtpmap:13 CN/8000\na=rtpmap:126 telephone-event/8000\n"               \
    "a=ssrc:3231171878 cname:JqiiZ8wlvHHnu23R\n"                                                   \
    "a=ssrc:3231171878 msid:8b33f5c7-b6a3-4e67-a869-2b2b26d13c10 "                                 \
    "792aaffb-59d2-49c9-9024-6a213dd5b974\n"
#define CHROMIUM_VIDEO                                                                             \
    "a=mid:1\n" CHROMIUM_VIDEO_EXTENSIONS "a=sendonly\n"                                           \
    "a=msid:8b33f5c7-b6a3-4e67-a869-2b2b26d13c10 "                                                 \
    "5b832dcb-9090-45ae-8b74-9742a933f582\n" CHROMIUM_VIDEO_CODECS                                 \
    "a=rid:h send\na=rid:m send\na=rid:l send\n"

const char chromium_offer[] =
    "v=0\no=- 4377706521599887478 2 IN IP4 127.0.0.1\ns=-\nt=0 0\n"
    "a=group:BUNDLE 0 1\na=extmap-allow-mixed\n"
    "a=msid-semantic: WMS 8b33f5c7-b6a3-4e67-a869-2b2b26d13c10\n"
    "m=audio 55862 UDP/TLS/RTP/SAVPF 111 63 9 13 126\nc=IN IP4 192.0.2.2\n"
    "a=rtcp:9 IN IP4 0.0.0.0\n" CHROMIUM_CANDIDATES CHROMIUM_ICE CHROMIUM_AUDIO
    "m=video 48703 UDP/TLS/RTP/SAVPF 96 97 102 103 45 98 118 120\nc=IN IP4 192.0.2.2\n"
    "a=rtcp:9 IN IP4 0.0.0.0\n" CHROMIUM_CANDIDATES CHROMIUM_ICE CHROMIUM_VIDEO
    "a=simulcast:send h;m;l\n";

const char chromium_later_offer[] =
    "v=0\no=- 4377706521599887478 4 IN IP4 127.0.0.1\ns=-\nt=0 0\n"
    "a=group:BUNDLE 0 1\na=extmap-allow-mixed\n"
    "a=msid-semantic: WMS 8b33f5c7-b6a3-4e67-a869-2b2b26d13c10\n"
    "m=audio 55862 UDP/TLS/RTP/SAVPF 111 63 9 13 126\nc=IN IP4 192.0.2.2\n"
    "a=rtcp:9 IN IP4 0.0.0.0\n" CHROMIUM_ICE CHROMIUM_AUDIO
    "m=video 48703 UDP/TLS/RTP/SAVPF 96 97 102 103 45 98 118 120\nc=IN IP4 192.0.2.2\n"
    "a=rtcp:9 IN IP4 0.0.0.0\n" CHROMIUM_ICE CHROMIUM_VIDEO "a=simulcast:send h;~m;~l\n"
    "m=video 0 UDP/TLS/RTP/SAVPF 96 97 102 103 45 98 118 120\nc=IN IP4 0.0.0.0\n"
    "a=rtcp:9 IN IP4 0.0.0.0\n" CHROMIUM_ICE "a=mid:2\n" CHROMIUM_VIDEO_EXTENSIONS
    "a=inactive\n" CHROMIUM_VIDEO_CODECS;

#define FIREFOX_ICE "a=ice-pwd:44d0dd2e8b2fb0f3a3c0c6ea7d5f6a2b\na=ice-ufrag:6c0ae1f2\n"
#define FIREFOX_VIDEO_CODECS                                                                       \
    "a=fmtp:126 profile-level-id=42e01f;level-asymmetry-allowed=1;packetization-mode=1\n"          \
    "a=fmtp:120 max-fs=12288;max-fr=60\na=fmtp:124 apt=120\na=fmtp:127 apt=126\n"                  \
    "a=rtcp-fb:120 nack\na=rtcp-fb:120 ccm fir\na=rtcp-fb:* transport-cc\n"                        \
    "a=rtcp-mux\na=rtcp-rsize\n"                                                                   \
    "a=rtpmap:120 VP8/90000\na=rtpmap:124 rtx/90000\na=rtpmap:126 H264/90000\n"                    \
    "a=rtpmap:127 rtx/90000\n"

const char firefox_offer[] =
    "v=0\no=mozilla...THIS_IS_SDPARTA-99.0 5566373418063443183 0 IN IP4 0.0.0.0\ns=-\nt=0 0\n"
    "a=sendrecv\n" FINGERPRINT
    "a=group:BUNDLE 0 1 2\na=ice-options:trickle\na=msid-semantic:WMS *\n"
    "m=audio 9 UDP/TLS/RTP/SAVPF 109 9 0 8 101\nc=IN IP4 0.0.0.0\na=sendonly\n"
    "a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level\n"
    "a=extmap:2/recvonly urn:ietf:params:rtp-hdrext:csrc-audio-level\n"
    "a=extmap:3 urn:ietf:params:rtp-hdrext:sdes:mid\n"
    "a=fmtp:109 maxplaybackrate=48000;stereo=1;useinbandfec=1\na=fmtp:101 0-15\n" FIREFOX_ICE
    "a=mid:0\na=msid:{5f1a7d2e-0c9b-4f0e-8f42-1b7c9a3d5e60} "
    "{0f9e8d7c-6b5a-4c3d-9e2f-1a0b9c8d7e6f}\n"
    "a=rtcp-mux\n"
    "a=rtpmap:109 opus/48000/2\na=rtpmap:9 G722/8000/1\na=rtpmap:0 PCMU/8000\n"
    "a=rtpmap:8 PCMA/8000\na=rtpmap:101 telephone-event/8000/1\na=setup:actpass\n"
    "a=ssrc:2468135790 cname:{9a8b7c6d-5e4f-4a3b-8c2d-1e0f9a8b7c6d}\n"
    "m=video 9 UDP/TLS/RTP/SAVPF 120 124 126 127\nc=IN IP4 0.0.0.0\na=sendonly\n"
    "a=extmap:3 urn:ietf:params:rtp-hdrext:sdes:mid\n" FIREFOX_ICE "a=mid:1\n"
    "a=msid:{5f1a7d2e-0c9b-4f0e-8f42-1b7c9a3d5e60} "
    "{a0b1c2d3-e4f5-4a6b-8c7d-9e0f1a2b3c4d}\n" FIREFOX_VIDEO_CODECS "a=setup:actpass\n"
    "a=ssrc:1357924680 cname:{9a8b7c6d-5e4f-4a3b-8c2d-1e0f9a8b7c6d}\n"
    "a=ssrc:1357924681 cname:{9a8b7c6d-5e4f-4a3b-8c2d-1e0f9a8b7c6d}\n"
    "a=ssrc-group:FID 1357924680 1357924681\n"
    "m=video 0 UDP/TLS/RTP/SAVPF 120 124 126 127\nc=IN IP4 0.0.0.0\na=bundle-only\na=sendonly\n"
    "a=extmap:3 urn:ietf:params:rtp-hdrext:sdes:mid\na=mid:2\n" FIREFOX_VIDEO_CODECS;

#define LIBDATACHANNEL_ICE "a=setup:actpass\na=ice-ufrag:04va\na=ice-pwd:Jch/0P8W9x7ybUZuXWIWWk\n"

const char libdatachannel_offer[] =
    "v=0\no=rtc 2330745191 0 IN IP4 127.0.0.1\ns=-\nt=0 0\n"
    "a=group:BUNDLE audio video\na=group:LS audio video\na=msid-semantic:WMS *\n"
    "a=ice-options:ice2,trickle\n" FINGERPRINT
    "m=audio 59755 UDP/TLS/RTP/SAVPF 111\nc=IN IP4 192.0.2.2\na=mid:audio\na=sendonly\n"
    "a=ssrc:1234 cname:cname\na=ssrc:1234 msid:stream a\na=msid:stream a\na=rtcp-mux\n"
    "a=rtpmap:111 opus/48000/2\n"
    "a=fmtp:111 "
    "minptime=10;maxaveragebitrate=96000;stereo=1;sprop-stereo=1;useinbandfec="
    "1\n" LIBDATACHANNEL_ICE "a=candidate:2 1 UDP 2116026111 fd00::2 59755 typ host\n"
    "a=candidate:1 1 UDP 2114977791 192.0.2.2 59755 typ host\na=end-of-candidates\n"
    "m=video 59755 UDP/TLS/RTP/SAVPF 96\nc=IN IP4 192.0.2.2\nb=AS:1500\na=mid:video\na=sendonly\n"
    "a=ssrc:1235 cname:cname\na=ssrc:1235 msid:stream v\na=msid:stream v\na=rtcp-mux\n"
    "a=rtpmap:96 H264/90000\na=rtcp-fb:96 nack\na=rtcp-fb:96 nack pli\na=rtcp-fb:96 goog-remb\n"
    "a=fmtp:96 "
    "profile-level-id=42e01f;packetization-mode=1;level-asymmetry-allowed=1\n" LIBDATACHANNEL_ICE;

#define JANUS_ICE                                                                                  \
    "a=rtcp-mux\na=ice-ufrag:ZvCI\na=ice-pwd:lrR7CfrSQF+o/QdjtfkfLv\na=ice-options:trickle\n"
#define JANUS_CANDIDATES                                                                           \
    "a=candidate:1 1 udp 2015363327 192.0.2.2 43406 typ host\n"                                    \
    "a=candidate:2 1 udp 2015363839 198.51.100.7 43406 typ host\na=end-of-candidates\n"

const char janus_offer[] =
    "v=0\no=- 1795989920112678 1 IN IP4 192.0.2.2\ns=VideoRoom 77\nt=0 0\na=group:BUNDLE 0 1\n"
    "a=ice-options:trickle\n" FINGERPRINT "a=extmap-allow-mixed\na=msid-semantic: WMS *\n"
    "m=audio 9 UDP/TLS/RTP/SAVPF 111\nc=IN IP4 192.0.2.2\na=sendonly\na=mid:0\n" JANUS_ICE
    "a=setup:actpass\na=rtpmap:111 opus/48000/2\na=rtcp-fb:111 transport-cc\n"
    "a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid\na=fmtp:111 useinbandfec=1;stereo=1\n"
    "a=msid:janus janus0\na=ssrc:4268495364 cname:janus\n" JANUS_CANDIDATES
    "m=video 9 UDP/TLS/RTP/SAVPF 107 108\nc=IN IP4 192.0.2.2\na=sendonly\na=mid:1\n" JANUS_ICE
    "a=setup:actpass\na=rtpmap:107 H264/90000\na=rtcp-fb:107 nack pli\n"
    "a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid\n"
    "a=fmtp:107 profile-level-id=42e01f;packetization-mode=1\na=rtpmap:108 rtx/90000\n"
    "a=fmtp:108 apt=107\na=ssrc-group:FID 1932656503 3268172660\na=msid:janus janus1\n"
    "a=ssrc:1932656503 cname:janus\na=ssrc:3268172660 cname:janus\n" JANUS_CANDIDATES;

const char janus_answer[] =
    "v=0\no=- 4377706521599887478 2 IN IP4 192.0.2.2\ns=VideoRoom 77\nt=0 0\n"
    "a=group:BUNDLE 0 1\na=ice-options:trickle\n" FINGERPRINT
    "a=extmap-allow-mixed\na=msid-semantic: WMS *\n"
    "m=audio 9 UDP/TLS/RTP/SAVPF 111\nc=IN IP4 192.0.2.2\na=recvonly\na=mid:0\n" JANUS_ICE
    "a=setup:active\na=rtpmap:111 opus/48000/2\na=fmtp:111 useinbandfec=1\n"
    "a=msid:janus janus0\na=ssrc:2822252274 cname:janus\n" JANUS_CANDIDATES
    "m=video 9 UDP/TLS/RTP/SAVPF 96 97\nc=IN IP4 192.0.2.2\na=recvonly\na=mid:1\n" JANUS_ICE
    "a=setup:active\na=rtpmap:96 VP8/90000\na=rtcp-fb:96 nack pli\na=rtpmap:97 rtx/90000\n"
    "a=fmtp:97 apt=96\na=msid:janus janus1\na=ssrc:3518827684 cname:janus\n"
    "a=rid:h recv\na=rid:m recv\na=rid:l recv\na=simulcast: recv h;m;l\n" JANUS_CANDIDATES;

#define ANSWER_ICE                                                                                 \
    "a=ice-ufrag:Fxw8\na=ice-pwd:luCyf33EKYxa+p4bgdOQPgaI\na=ice-options:trickle\n" FINGERPRINT    \
    "a=setup:active\n"

const char chromium_answer[] =
    "v=0\no=- 783537057438016092 2 IN IP4 127.0.0.1\ns=-\nt=0 0\na=group:BUNDLE 0 1\n"
    "a=extmap-allow-mixed\na=msid-semantic: WMS\n"
    "m=audio 51127 UDP/TLS/RTP/SAVPF 111\nc=IN IP4 192.0.2.2\na=rtcp:9 IN IP4 "
    "0.0.0.0\n" CHROMIUM_CANDIDATES ANSWER_ICE
    "a=mid:0\na=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid\n"
    "a=recvonly\na=rtcp-mux\na=rtcp-rsize\na=rtpmap:111 opus/48000/2\n"
    "a=rtcp-fb:111 transport-cc\na=fmtp:111 minptime=10;useinbandfec=1\n"
    "m=video 9 UDP/TLS/RTP/SAVPF 107 108\nc=IN IP4 0.0.0.0\na=rtcp:9 IN IP4 0.0.0.0\n" ANSWER_ICE
    "a=mid:1\na=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid\na=recvonly\na=rtcp-mux\n"
    "a=rtpmap:107 H264/90000\na=rtcp-fb:107 nack pli\n"
    "a=fmtp:107 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f\n"
    "a=rtpmap:108 rtx/90000\na=fmtp:108 apt=107\n";

#define LEAST(mode)                                                                                \
    "v=0\no=- 1 1 IN IP4 127.0.0.1\ns=-\nt=0 0\na=group:BUNDLE 0\n"                                \
    "m=audio 9 UDP/TLS/RTP/SAVPF 111\na=mid:0\n" mode "a=rtcp-mux\na=rtpmap:111 opus/48000/2\n"    \
    "a=ice-ufrag:abcd\na=ice-pwd:abcdefghijklmnopqrstuv\n" FINGERPRINT

const char least_offer[] = LEAST("a=sendonly\n") "a=setup:actpass\n";
const char least_answer[] = LEAST("a=recvonly\n") "a=setup:active\n";

struct msg_rtc_track_list some_tracks(size_t count)
{
    static const struct msg_rtc_track tracks[] = {
        {.mid = {"0", 1}, .source = MEDIA_AUDIO},
        {.mid = {"1", 1}, .source = MEDIA_VIDEO},
        {.mid = {"2", 1}, .source = MEDIA_SCREEN},
    };
    assert_true(count <= ARRAY_LEN(tracks));
    return (struct msg_rtc_track_list){.items = tracks, .count = count};
}

char *sdp_with(const char *text, const char *old, const char *new)
{
    const char *at = strstr(text, old);
    if (at == NULL) {
        fail_msg("nowhere: %s", old);
    }
    return mem_printf("%.*s%s%s", (int)(at - text), text, new, at + strlen(old));
}

char *sdp_without_line(const char *text, size_t number)
{
    const char *at = text;
    for (size_t i = 0; i < number && *at != '\0'; i++) {
        at += strcspn(at, "\n") + 1;
    }
    return *at == '\0' ? NULL
                       : mem_printf("%.*s%s", (int)(at - text), text, at + strcspn(at, "\n") + 1);
}

char *sdp_with_cr(const char *text)
{
    char *copy = mem_alloc(2 * strlen(text) + 1);
    char *end = copy;
    for (const char *at = text; *at != '\0'; at++) {
        if (*at == '\n') {
            *end++ = '\r';
        }
        *end++ = *at;
    }
    return copy;
}

char *sdp_filler(char c, size_t count)
{
    char *text = mem_alloc(count + 1);
    memset(text, c, count);
    return text;
}

char *sdp_repeated(const char *text, size_t count)
{
    const char *mark = strchr(text, '#');
    AUTO(strbuf_fini) struct strbuf all = {0};
    for (size_t i = 0; i < count; i++) {
        AUTO(mem_free)
        char *one = mark == NULL ? mem_strdup(text)
                                 : mem_printf("%.*s%03zu%s", (int)(mark - text), text, i, mark + 1);
        strbuf_add_z(&all, one);
    }
    return str_dup(strbuf_str(&all));
}
