# Debian's Janus.
FROM debian:bookworm-slim
COPY deploy/docker/install deploy/packages/image-janus.txt /tmp/
RUN /tmp/install /tmp/image-janus.txt
COPY deploy/docker/is-ready deploy/docker/janus-start deploy/docker/watch-files /usr/local/bin/
COPY deploy/janus /usr/local/share/lynks/janus
COPY deploy/lib/media.sh deploy/lib/turn_conf.sh /usr/local/share/lynks/
USER 10007:10007
EXPOSE 8088 8188
ENTRYPOINT ["janus-start"]
