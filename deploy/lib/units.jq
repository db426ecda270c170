# systemd's units from the process table (deploy/supervise/table.h), and the environment of each: file names and their texts,
# each ended by a NUL. $state is the state folder.
def quoted: "\"" + gsub("(?<c>[\"\\\\])"; "\\\(.c)") + "\"";
def word: gsub("%"; "%%") | gsub("\\$"; "$$") | quoted; # of a command line
def path: gsub("%"; "%%");
def assignment: "\(.key)=\"" + (.value | gsub("(?<c>[\"\\\\$`])"; "\\\(.c)")) + "\"";
def seconds: tostring + "ms";
def unit: "lynks-\(.name)";
def address: if .host | contains(":") then "[\(.host)]:\(.port)" else "\(.host):\(.port)" end;

# What is not one of our services: what it needs beyond them, or may have less of.
def of_mysql: .name == "mysql";
def of_janus: .name == "janus";
def of_files: .dir | startswith($state + "/front/");

# It speaks sd_notify.
def notifies: .is_service or of_mysql;

def sees:
    if of_mysql then "BindPaths=\($state)/mysql"
    elif of_files then "BindPaths=\($state)/front" +
        (if .env.LYNKS_KEEP_AUTHORITY then " " + (.env.LYNKS_KEEP_AUTHORITY | path) else "" end)
    elif .name == "turn" then "BindPaths=\(.dir | path)" # its process id
    else "BindReadOnlyPaths=\(.dir | path)" end,
    # Janus' process id, for who counts its descriptors.
    if of_janus then "BindPaths=\($state)/run" elif .env.LYNKS_JANUS_PID_FILE then "BindReadOnlyPaths=\($state)/run" else empty end;

# Of the keeper of certificates that runs as root: it reads the files of others, and gives copies away.
def capabilities: if .user then "" else "CAP_DAC_OVERRIDE CAP_CHOWN CAP_FOWNER CAP_SETGID" end;

def hardening: [
    "NoNewPrivileges=yes",
    "CapabilityBoundingSet=\(capabilities)",
    "AmbientCapabilities=",
    "ProtectSystem=strict",
    "ProtectHome=\(if .user then "yes" else "read-only" end)",
    "TemporaryFileSystem=\($state):ro",
    sees,
    (if .user then empty else "PrivateNetwork=yes" end),
    "PrivateTmp=yes",
    "PrivateDevices=yes",
    "PrivateUsers=\(if .user then "yes" else "no" end)",
    "ProtectClock=yes",
    "ProtectControlGroups=yes",
    "ProtectHostname=yes",
    "ProtectKernelLogs=yes",
    "ProtectKernelModules=yes",
    "ProtectKernelTunables=yes",
    "ProtectProc=\(if .env.LYNKS_JANUS_PID_FILE then "default" else "invisible" end)",
    "LockPersonality=yes",
    # Regular expressions of MariaDB and HAProxy are compiled while they run.
    (if of_mysql or .name == "front" then empty else "MemoryDenyWriteExecute=yes" end),
    "RemoveIPC=yes",
    "RestrictNamespaces=yes",
    "RestrictRealtime=yes",
    "RestrictSUIDSGID=yes",
    # Netlink tells of the machine's addresses.
    "RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK",
    (if of_mysql then "IPAddressAllow=localhost", "IPAddressDeny=any" else empty end),
    "SystemCallArchitectures=native",
    "SystemCallFilter=@system-service",
    (if .user then "SystemCallFilter=~@privileged" else empty end),
    "SystemCallErrorNumber=EPERM",
    "UMask=0077",
    "LimitCORE=0"];

# A socket is there before its program is, and when it starts again.
def socket: [
    "[Unit]",
    "Description=Lynks: sockets of \(.name)",
    "PartOf=lynks.target",
    "",
    "[Socket]",
    (.listen[] | "ListenStream=\(address)"),
    "BindIPv6Only=both",
    "Backlog=4096",
    "FreeBind=yes",
    # Who comes in thousands is no reason to give up.
    "TriggerLimitIntervalSec=0"];

def service($before): [
    "[Unit]",
    "Description=Lynks: \(.name)",
    "PartOf=lynks.target",
    "After=network-online.target\($before)",
    "Wants=network-online.target",
    (if .listen then "Requires=\(unit).socket", "After=\(unit).socket" else empty end),
    "StartLimitIntervalSec=60",
    "StartLimitBurst=\(if .step then 5 else 100 end)",
    "",
    "[Service]",
    "Type=\(if .step then "oneshot" elif notifies then "notify" else "exec" end)",
    (if .step then "RemainAfterExit=yes" else empty end),
    (if .user then "User=\(.user)" else empty end),
    "WorkingDirectory=\(.dir | path)",
    "EnvironmentFile=-\($state)/env/\(.name)",
    "ExecStart=" + (.argv | map(word) | join(" ")),
    (if of_janus then "ExecStartPost=+/bin/sh -c 'umask 022; echo $MAINPID >\($state)/run/janus.pid'" else empty end),
    "Restart=\(if .step then "on-failure" else "always" end)",
    "RestartSec=\(if .step then "1s" else "200ms" end)",
    # What did not change does not work the next time either.
    (if of_mysql then empty else "RestartPreventExitStatus=2" end),
    (if .is_service then "SuccessExitStatus=3" else empty end),
    "TimeoutStartSec=\(.ready_within_ms // 60000 | seconds)",
    "TimeoutStopSec=\(.stop_within_ms // 8000 | seconds)",
    "KillMode=mixed",
    "LimitNOFILE=65536",
    hardening[]];

def target: [
    "[Unit]",
    "Description=Lynks",
    "Wants=" + ([.[] | (if .listen then "\(unit).socket" else empty end), "\(unit).service"] | join(" ")),
    "",
    "[Install]",
    "WantedBy=multi-user.target"];

def file($name): $name, "\u0000", (map(. + "\n") | add // ""), "\u0000";

[.entries[] | .is_service = (.rolling // false)] |
    # The database, Janus and migrate come first; the others wait for each other by themselves.
    ([.[] | select(.name == "mysql" or .name == "janus" or .step) | " \(unit).service"]) as $first |
    (target | file("units/lynks.target")),
    (.[] |
        unit as $own | .name as $name |
        (if .step then $first - [" \($own).service"] elif .is_service then $first else [] end | join("")) as $before |
        (service($before) | file("units/\($own).service")),
        (if .listen then socket | file("units/\($own).socket") else empty end),
        (.env // {} | to_entries | map(assignment) | file("env/\($name)")))
