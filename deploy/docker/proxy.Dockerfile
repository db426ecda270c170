# Debian's HAProxy: owns the port that clients know and spreads over all gateways.
FROM debian:bookworm-slim
COPY deploy/docker/install deploy/packages/image-proxy.txt /tmp/
RUN /tmp/install /tmp/image-proxy.txt
COPY deploy/docker/is-ready deploy/docker/front-start /usr/local/bin/
COPY deploy/front/haproxy.cfg deploy/front/keep-certificate deploy/docker/mysql.cfg deploy/docker/door.cfg deploy/docker/link.cfg \
    deploy/lib/turn_conf.sh /usr/local/share/lynks/
# A volume that is mounted over it for the first time takes over its owner and mode.
RUN mkdir -m 700 /front /link && chown 10010:10010 /front /link
ENV LYNKS_FRONT_PLAIN=:60000 LYNKS_FRONT_OPS=127.0.0.1:60001
USER 10010:10010
EXPOSE 60000 8443 8080
STOPSIGNAL SIGUSR1
ENTRYPOINT ["front-start", "front"]
