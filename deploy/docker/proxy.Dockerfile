# Debian's HAProxy: owns the port that clients know and spreads over all gateways.
FROM debian:bookworm-slim
COPY deploy/docker/install deploy/packages/image-proxy.txt /tmp/
RUN /tmp/install /tmp/image-proxy.txt
COPY deploy/docker/is-ready /usr/local/bin/
COPY deploy/front/haproxy.cfg deploy/docker/mysql.cfg /usr/local/share/lynks/
ENV LYNKS_FRONT_PLAIN=:60000 LYNKS_FRONT_OPS=127.0.0.1:60001
USER 10008:10008
EXPOSE 60000
STOPSIGNAL SIGUSR1
ENTRYPOINT ["haproxy", "-db", "-f", "/usr/local/share/lynks/haproxy.cfg"]
