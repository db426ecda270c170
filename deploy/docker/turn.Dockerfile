# Debian's coturn.
FROM debian:bookworm-slim
COPY deploy/docker/install deploy/packages/image-turn.txt /tmp/
RUN /tmp/install /tmp/image-turn.txt
COPY deploy/docker/turn-start /usr/local/bin/
COPY deploy/lib/turn_conf.sh deploy/lib/media.sh /usr/local/share/lynks/
USER 10009:10009
EXPOSE 3478/udp 3478/tcp
ENTRYPOINT ["turn-start"]
