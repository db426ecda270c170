# Debian's MariaDB. Its data is a volume on /data.
FROM debian:bookworm-slim
COPY deploy/docker/install deploy/packages/image-mysql.txt /tmp/
RUN /tmp/install /tmp/image-mysql.txt \
    && mkdir /data && chown 10006:10006 /data && chmod 700 /data
COPY deploy/docker/mysql-start deploy/docker/mysql-is-ready /usr/local/bin/
COPY deploy/docker/accounts.sql /usr/local/share/lynks/
# Where `mariadb` finds root's password: `docker compose exec mysql mariadb lynks_db` just works.
ENV HOME=/run/mysql
USER 10006:10006
EXPOSE 3306
ENTRYPOINT ["mysql-start"]
