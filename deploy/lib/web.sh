# The web client: built with Node.js and npm's packages, unless that was done for the sources as they are.
# shellcheck shell=bash disable=SC2154

web_source=$root/gateway/web
web_built=$build_dir/web        # what the gateway serves, and of which sources it was made (.stamp)
web_work=$build_dir/web-build   # where it is built: a copy, so that the sources stay as they are
web_retreat="LYNKS_WEB=0 $me does without the web client"

# 0: another folder is served, or none.
set_web() {
    web_wanted=$(value LYNKS_WEB)
    [[ $web_wanted =~ ^[01]$ ]] || refuse "LYNKS_WEB must be 0 or 1, not '$web_wanted'"
    [[ -z ${LYNKS_WEB_ROOT:-}${LYNKS_WEB_ROOT_FILE:-} ]] || web_wanted=0
}

web_sources() {
    (cd "$web_source" && find . -name node_modules -prune -o -type f -print0 | sort -z)
}

web_stamp() {
    (cd "$web_source" && web_sources | xargs -0 sha256sum | sha256sum | cut -d' ' -f1)
}

web_is_to_be_built() {
    [[ $web_wanted == 1 && -z ${LYNKS_BUILD:-} ]] &&
        [[ ! -e $web_built/.stamp || $(<"$web_built/.stamp") != "$(web_stamp)" ]]
}

# Node.js of another source and Debian's exclude each other: one that is there and new enough stays.
web_packages() {
    has_node || package_list "$root/deploy/packages/web.txt"
}

copy_web_sources() {
    mkdir -p "$web_work" &&
        find "$web_work" -mindepth 1 -maxdepth 1 ! -name node_modules -exec rm -rf {} + &&
        (cd "$web_source" && web_sources | tar -c --null -T - | tar -x -C "$web_work")
}

# All but what only checks the sources; npm itself says what is there already.
fetch_web_packages() {
    copy_web_sources && cd "$web_work" && {
        cmp -s package-lock.json node_modules/.fetched ||
            { npm ci --omit=dev --ignore-scripts --no-audit --no-fund && cp package-lock.json node_modules/.fetched; }
    }
}

bundle_web() { # stamp
    cd "$web_work" && node build.mjs "$web_work.out" && printf '%s\n' "$1" >"$web_work.out/.stamp" &&
        rm -rf "$web_built" && mv "$web_work.out" "$web_built"
}

# Another deploy/up of this checkout may be at it.
build_web() {
    local web_log=$log/web.log began=$SECONDS stamp
    [[ $web_wanted == 1 ]] || return 0
    if [[ -n ${LYNKS_BUILD:-} ]]; then
        web_built=$(realpath -m -- "$LYNKS_BUILD")/web
        [[ -e $web_built/index.html ]] || die "LYNKS_BUILD: there is no web client in $web_built; $web_retreat"
        return
    fi
    exec 8>"$build_dir/web.lock"
    flock -w 600 8 || die "another run is still building the web client"
    if web_is_to_be_built; then
        local -a packages
        mapfile -t packages < <(web_packages)
        install_packages "${packages[@]}"
        progress client "building"
        : >"$web_log"
        stamp=$(web_stamp)
        quietly "$web_log" fetch_web_packages ||
            die "npm cannot fetch what builds the web client (no network?); see $web_log; $web_retreat"
        quietly "$web_log" bundle_web "$stamp" || build_failed "$web_log"
    fi
    exec 8>&-
    progress client "ready ($((SECONDS - began)) s)"
}
