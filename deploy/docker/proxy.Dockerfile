# Debian's HAProxy: owns the port that clients know and spreads over all gateways.
FROM debian:bookworm-slim
COPY deploy/docker/install deploy/packages/image-proxy.txt /tmp/
RUN /tmp/install /tmp/image-proxy.txt
COPY deploy/docker/is-ready /usr/local/bin/
COPY deploy/docker/haproxy.cfg deploy/docker/mysql.cfg /usr/local/share/lynks/
USER 10008:10008
EXPOSE 60000
STOPSIGNAL SIGUSR1
ENTRYPOINT ["haproxy", "-db", "-f", "/usr/local/share/lynks/haproxy.cfg"]
