# Programs and scripts of an installed Lynks: a folder for each version under /usr/local/lib/lynks/releases, whole or not at all,
# and "current", a link to the one that runs. One that has been installed is not changed any more.
# shellcheck shell=bash disable=SC2154

programs_dir=/usr/local/lib/lynks
releases=$programs_dir/releases
tool=/usr/local/sbin/lynks

current_release() { # nothing: there is none
    readlink -e "$programs_dir/current" || true
}

copy_release() { # folder
    local name
    install -d -m 755 "$1" "$1/bin"
    for name in $build_targets; do
        install -m 755 "$bin/$name" "$1/bin/$name"
    done
    cp -R "$root/sql" "$root/deploy" "$1/"
    [[ $web_wanted == 0 ]] || cp -R "$web_built" "$1/web"
    chmod -R u=rwX,go=rX "$1"
}

# Called by what is in it. Sets $release.
make_release() {
    local fresh=$releases/.new id
    install -d -m 755 "$releases"
    rm -rf "$fresh"
    copy_release "$fresh"
    id=$(cd "$fresh" && find . -type f -print0 | sort -z | xargs -0 sha256sum | sha256sum | cut -c1-12)
    release=$releases/$id
    if [[ ! -e $release/.release ]]; then
        : >"$fresh/.release"
        sync -f "$fresh"
        mv -T "$fresh" "$release"
        progress programs "copied to $release"
    fi
    rm -rf "$fresh"
}

# The one before stays, for who has to go back by hand.
set_current() {
    local before folder
    before=$(current_release)
    ln -sfn "$root" "$programs_dir/.current" && mv -T "$programs_dir/.current" "$programs_dir/current"
    install -d -m 755 "${tool%/*}"
    install -m 755 "$root/deploy/lib/lynks" "$tool.new" && mv "$tool.new" "$tool"
    [[ $before != "$root" ]] || return 0
    for folder in "$releases"/*; do
        [[ $folder == "$root" || $folder == "$before" ]] || rm -rf "$folder"
    done
}
