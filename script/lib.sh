# shellcheck shell=bash
# What the scripts here and in bench share. A script sources it and calls enter_scratch: from there
# on it runs once more, in a copy of the source in a scratch folder, as an unprivileged user, with a
# clean environment. It may do there what it likes: the folder goes when it ends, however it ends.
# Nothing is installed in the system's PostgreSQL, and no server but its own is touched.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)

say() { printf '%s: %s\n' "${0##*/}" "$*" >&2; }
die() { say "$@"; exit 1; }

# The major version to work with: PG_MAJOR, else the newest server here, else the distribution's.
pg_major() {
    local server
    if [[ -n ${PG_MAJOR:-} ]]; then
        echo "$PG_MAJOR"
        return
    fi
    server=$(printf '%s\n' /usr/lib/postgresql/*/bin/postgres | sort -V | tail -n 1)
    if [[ -x $server ]]; then
        echo "$server" | cut -d / -f 5
    else
        apt-cache show postgresql | sed -n 's/^Depends:.*postgresql-\([0-9]*\).*/\1/p' | head -n 1
    fi
}

# --- outside the scratch folder -------------------------------------------------------------------

# Installs what is missing. For a version that this system's apt does not know, prints the folder of
# another system: see script/postgres-tree.
prepare() {
    local major=${PG_MAJOR:-}
    PG_MAJOR='' "$root/script/bootstrap" >&2 || return
    if [[ -z $major || -x /usr/lib/postgresql/$major/bin/postgres || $major == "$(PG_MAJOR='' pg_major)" ]]; then
        return
    elif [[ -n $(apt-cache show "postgresql-$major" 2>/dev/null) ]]; then
        "$root/script/bootstrap" >&2
    else
        "$root/script/postgres-tree" "$major"
    fi
}

# What git would commit; without git, all that .gitignore does not name.
copy_source() {
    local git=(git -c safe.directory='*' -C "$root")
    if [[ $("${git[@]}" rev-parse --show-toplevel 2>/dev/null) == "$root" ]]; then
        comm -z -23 <("${git[@]}" ls-files -z --cached --others --exclude-standard | sort -zu) \
            <("${git[@]}" ls-files -z --deleted | sort -zu) |
            tar -C "$root" -c --null -T -
    else
        tar -C "$root" -c --exclude-vcs --exclude-vcs-ignores .
    fi | tar -x --no-same-owner -C "$1"
}

# Ends what still runs there, by what identifies it as ours: the process group, and servers (each in
# a session of its own) by the data directory that they live in. Then removes the folder.
leave_scratch() {
    local file pid i
    set +e
    trap '' HUP INT TERM # once is enough
    disown "$child" 2>/dev/null # no report of how it ended
    kill -TERM -- "-$child" 2>/dev/null
    for ((i = 0; i < 100; i++)); do # a test that is told to stop stops its server first
        kill -0 -- "-$child" 2>/dev/null || break
        sleep 0.1
    done
    kill -KILL -- "-$child" 2>/dev/null
    while IFS= read -r file; do
        read -r pid <"$file"
        [[ /proc/$pid/cwd -ef ${file%/*} ]] || continue
        kill -QUIT "$pid" # immediate shutdown
        for ((i = 0; i < 100; i++)); do
            kill -0 "$pid" 2>/dev/null || break
            sleep 0.05
        done
    done < <(find "$scratch" -name postmaster.pid)
    if [[ -d $scratch/results ]]; then
        mkdir -p "${results:?}" && cp -r "$scratch/results/." "$results"
    fi
    if [[ -n $keep ]]; then say "kept $scratch"; else rm -rf "$scratch"; fi
}

# The newest PostgreSQL here that is older than version $1, and that can be built for.
older_major() {
    local server major
    while IFS= read -r server; do
        major=$(cut -d / -f 5 <<<"$server")
        [[ ! $major =~ ^[0-9]+$ || $major -ge $1 || ! -e /usr/include/postgresql/$major/server/postgres.h ]] || echo "$major"
    done < <(compgen -G '/usr/lib/postgresql/*/bin/postgres') | sort -n | tail -n 1
}

# A copy of it for folder $1, to upgrade from. In another system, $2, it needs libraries of this one: those
# that are not there.
bring_older() {
    local major from library
    major=$(older_major "$(pg_major)")
    [[ -n $major ]] || return 0
    mkdir -p "$1"/{lib,share,include}/postgresql "$1/libraries" || return
    for from in lib share include; do
        cp -a "/usr/$from/postgresql/$major" "$1/$from/postgresql/" || return
    done
    [[ -n $2 ]] || return 0
    rm -f "$1/lib/postgresql/$major/lib"/llvmjit* # a compiler is too much, and the server does without it
    while IFS= read -r library; do
        [[ -n $(find "$2/usr/lib" "$2/usr/lib64" -maxdepth 2 -name "${library##*/}" -print -quit) ]] ||
            cp -L "$library" "$1/libraries/" || return
    done < <(find "$1/lib" \( -path '*/bin/*' -o -name '*.so' \) -type f -exec ldd {} + 2>/dev/null |
        sed -nE 's/.* => (\/[^ ]+) .*/\1/p' | sort -u)
}

# enter_scratch "$@": returns in the copy only. With --keep among the arguments, the folder outlives
# a failure. What a script leaves in the folder results there is copied to the one that $results
# names. Settings pass by the names MFA_* and PG_MAJOR, everything else (PGHOST, CFLAGS, …) stays.
# A major version that this system has not comes with its own system: there, the scratch folder is
# /tmp/mfa, all else is read-only or private, and loopback is the only network.
enter_scratch() {
    if [[ -n ${MFA_SCRATCH:-} && $root == "$MFA_SCRATCH/src" ]]; then
        cd "$root" || exit
        return
    fi
    local tree drop=() inside tmp user name status script
    tree=$(prepare) || exit

    # Root's may be closed to others. A socket's path is 107 bytes at most.
    tmp=${TMPDIR:-/tmp}
    if ((EUID == 0 || ${#tmp} > 70)); then tmp=/tmp; fi
    if ((EUID == 0)); then
        user=postgres
        id -u "$user" >/dev/null 2>&1 || user=nobody
        drop=(setpriv --reuid "$user" --regid "$(id -g "$user")" --clear-groups)
    fi
    scratch=$(mktemp -d "$tmp/mfa.XXXXXX") || exit
    trap 'rm -rf "$scratch"' EXIT
    mkdir "$scratch"/{src,log,socket}
    copy_source "$scratch/src" || exit
    [[ ${0##*/} != test ]] || bring_older "$scratch/older" "$tree" || exit
    if ((EUID == 0)); then
        chown -R "$user": "$scratch" || exit
    fi

    inside=$scratch
    if [[ -n $tree ]]; then
        mkdir "$scratch/tmp" && chown --reference="$scratch" "$scratch/tmp" || exit
        inside=/tmp/mfa
        drop+=(bwrap --ro-bind "$tree" / --dev /dev --proc /proc --bind "$scratch/tmp" /tmp
            --bind "$scratch" "$inside" --unshare-all --uid 1000 --gid 1000 --die-with-parent --chdir /)
    fi

    local environment=(PATH=/usr/local/bin:/usr/bin:/bin HOME="$inside" LC_ALL=C.UTF-8
        TERM="${TERM:-dumb}" MFA_SCRATCH="$inside" MFA_TREE="$tree" PG_MAJOR="$(pg_major)")
    for name in "${!MFA_@}"; do
        [[ $name == MFA_SCRATCH || $name == MFA_TREE ]] || environment+=("$name=${!name}")
    done

    script=$(realpath --relative-to="$root" "$0") # while a relative $0 still holds
    # A process group of its own, so that a signal here reaches all that runs there, and only that.
    set -m
    (cd / && exec env -i "${environment[@]}" "${drop[@]}" \
        bash "$inside/src/$script" "$@") </dev/null &
    child=$! keep=
    trap leave_scratch EXIT
    trap 'exit 130' INT
    trap 'exit 143' HUP TERM
    wait "$child" && exit
    status=$?
    [[ " $* " != *" --keep "* ]] || keep=1
    exit "$status"
}

# --- inside it ------------------------------------------------------------------------------------

# PostgreSQL finds its files from where its programs are: a copy of the distribution's two folders
# is an installation in its own right, into which we may install. Sets PATH and PG_CONFIG.
private_postgres() {
    local pg=$MFA_SCRATCH/pg
    mkdir -p "$pg/lib/postgresql" "$pg/share/postgresql" "$pg/include"
    cp -a "/usr/lib/postgresql/$PG_MAJOR" "$pg/lib/postgresql/" || return
    cp -a "/usr/share/postgresql/$PG_MAJOR" "$pg/share/postgresql/" || return
    ln -s /usr/include/postgresql "$pg/include/postgresql"
    export PG_CONFIG=$pg/lib/postgresql/$PG_MAJOR/bin/pg_config
    export PATH=${PG_CONFIG%/*}:$PATH
}

build_and_install() { "$@" make -s -j2 && make -s install; } # behind nice, say

# start_cluster [setting=value …]: a throw-away server with mfa preloaded, on a Unix socket only.
# Sets PGHOST and PGUSER. It ends with the script.
start_cluster() {
    local cluster=$MFA_SCRATCH/cluster
    export PGHOST=$MFA_SCRATCH/socket PGUSER=postgres
    initdb -D "$cluster" -U postgres -A trust -E UTF8 --locale=C.UTF-8 -N --no-instructions \
        >"$MFA_SCRATCH/log/initdb.log" || return
    {
        printf '%s\n' "listen_addresses = ''" "unix_socket_directories = '$PGHOST'" \
            "shared_preload_libraries = 'mfa'" 'fsync = off' 'max_prepared_transactions = 10' \
            'max_worker_processes = 16' "log_line_prefix = '%m %b[%p] %q%d '"
        printf '%s\n' "$@"
    } >>"$cluster/postgresql.conf"
    pg_ctl -D "$cluster" -l "$MFA_SCRATCH/log/server.log" -w -s start
}
