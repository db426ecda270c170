# Our own programs: compiled once, one target for each image; and the web client. Runs with BuildKit and without.

FROM debian:bookworm-slim AS web
COPY deploy/docker/install deploy/packages/web.txt /tmp/
RUN /tmp/install /tmp/web.txt
WORKDIR /src
COPY gateway/web/package.json gateway/web/package-lock.json ./
RUN npm ci --omit=dev --ignore-scripts --no-audit --no-fund
COPY gateway/web ./
RUN node build.mjs /usr/share/lynks/web

FROM debian:bookworm-slim AS build
COPY deploy/docker/install deploy/packages/build.txt /tmp/
RUN /tmp/install /tmp/build.txt
WORKDIR /src
COPY CMakeLists.txt CMakePresets.json ./
COPY proto proto
COPY gateway/CMakeLists.txt gateway/*.c gateway/*.h gateway/
COPY gateway/api gateway/api
COPY gateway/follow gateway/follow
COPY gateway/http gateway/http
COPY gateway/turn gateway/turn
COPY authsvc authsvc
COPY roomsvc roomsvc
COPY janusbridge janusbridge
COPY sql sql
COPY deploy/CMakeLists.txt deploy/keygen.c deploy/
COPY deploy/supervise deploy/supervise
COPY deploy/lynks-admin deploy/lynks-admin
RUN cmake --preset release && cmake --build build/release --target \
        lynks-gateway lynks-authsvc lynks-hash lynks-roomsvc lynks-janusbridge lynks-migrate lynks-keygen \
        lynks-admin \
    && strip build/release/bin/lynks-*

# Each process has a user id of its own, which its volume of secrets is made for; none has a name, a home or a shell.

FROM debian:bookworm-slim AS secrets
COPY deploy/docker/install deploy/packages/image-secrets.txt /tmp/
RUN /tmp/install /tmp/image-secrets.txt
COPY deploy/docker/secrets-start /usr/local/bin/
COPY --from=build /src/build/release/bin/lynks-keygen /usr/local/bin/
# A volume that is mounted over one of these folders for the first time takes over its owner and mode.
RUN cd / && mkdir secrets && cd secrets \
    && mkdir own gateway authsvc roomsvc janusbridge migrate mysql janus admin turn && chown 10000:10000 own \
    && chown 10000:10001 gateway && chown 10000:10002 authsvc && chown 10000:10003 roomsvc \
    && chown 10000:10004 janusbridge && chown 10000:10005 migrate && chown 10000:10006 mysql \
    && chown 10000:10007 janus && chown 10000:10008 admin && chown 10000:10009 turn && chmod 750 ./*
USER 10000:10000
ENTRYPOINT ["secrets-start"]

FROM debian:bookworm-slim AS migrate
COPY deploy/docker/install deploy/packages/image-migrate.txt /tmp/
RUN /tmp/install /tmp/image-migrate.txt
COPY sql/*.sql /usr/local/share/lynks/sql/
COPY sql/seed /usr/local/share/lynks/sql/seed
COPY --from=build /src/build/release/bin/lynks-migrate /usr/local/bin/
ENV LYNKS_SQL_DIR=/usr/local/share/lynks/sql
USER 10005:10005
ENTRYPOINT ["lynks-migrate"]

FROM debian:bookworm-slim AS service
COPY deploy/docker/install deploy/packages/image-service.txt /tmp/
RUN /tmp/install /tmp/image-service.txt
COPY deploy/docker/is-ready /usr/local/bin/

FROM service AS gateway
COPY deploy/docker/gateway-start /usr/local/bin/
COPY deploy/lib/turn_conf.sh /usr/local/share/lynks/
COPY --from=build /src/build/release/bin/lynks-gateway /usr/local/bin/
COPY --from=web /usr/share/lynks/web /usr/share/lynks/web
ENV LYNKS_WEB_ROOT=/usr/share/lynks/web
USER 10001:10001
EXPOSE 60000
ENTRYPOINT ["gateway-start"]

FROM service AS database-service
COPY deploy/docker/install deploy/packages/image-database-service.txt /tmp/
RUN /tmp/install /tmp/image-database-service.txt

FROM database-service AS authsvc
COPY --from=build /src/build/release/bin/lynks-authsvc /src/build/release/bin/lynks-hash /usr/local/bin/
USER 10002:10002
ENTRYPOINT ["lynks-authsvc"]

FROM database-service AS roomsvc
COPY --from=build /src/build/release/bin/lynks-roomsvc /usr/local/bin/
USER 10003:10003
ENTRYPOINT ["lynks-roomsvc"]

FROM service AS janusbridge
COPY deploy/docker/install deploy/packages/image-janusbridge.txt /tmp/
RUN /tmp/install /tmp/image-janusbridge.txt
COPY --from=build /src/build/release/bin/lynks-janusbridge /usr/local/bin/
USER 10004:10004
ENTRYPOINT ["lynks-janusbridge"]

# With the migrator: a back-up of an earlier version is brought up to date.
FROM service AS admin
COPY deploy/docker/install deploy/packages/image-admin.txt /tmp/
RUN /tmp/install /tmp/image-admin.txt
COPY sql/*.sql /usr/local/share/lynks/sql/
COPY sql/seed /usr/local/share/lynks/sql/seed
COPY deploy/lib/common.sh deploy/lib/backup.sh /usr/local/share/lynks/lib/
COPY deploy/docker/admin-start /usr/local/bin/
COPY --from=build /src/build/release/bin/lynks-admin /src/build/release/bin/lynks-migrate /usr/local/bin/
ENV LYNKS_SQL_DIR=/usr/local/share/lynks/sql
USER 10008:10008
ENTRYPOINT ["admin-start"]
