# shellcheck shell=bash disable=SC2154,SC2034 # root, majors, also, incomplete are of the script that sources it
# script/test for major versions of PostgreSQL that are named: each in a run of its own, all at a
# time. The first one's table is shown as it grows, the others' in the end.

# The table of a run on standard input, but for its head and its last line: that is added up.
take_over() {
    local line last=
    while IFS= read -r line; do
        if [[ $line =~ ^[0-9]+\ passed,\ [0-9]+\ failed$ ]]; then
            [[ -z $last ]] || printf '%s\n' "$last" # some test's
            last=$line
        elif [[ $line != 'stage '* ]]; then
            printf '%s\n' "$line"
        fi
    done
    if [[ $last =~ ^([0-9]+)\ passed,\ ([0-9]+) ]]; then
        ((total_passed += BASH_REMATCH[1], total_failed += BASH_REMATCH[2], 1))
    else
        ((++total_failed)) # it was cut short
    fi
}

# run_major major stages argument …
run_major() {
    local major=$1 stages=$2 reason
    shift 2
    if ! reason=$(PG_MAJOR=$major prepare 2>&1 >/dev/null); then
        not_run "postgresql@$major" "$(tail -n 1 <<<"$reason")"
        echo '0 passed, 0 failed'
        exit 1
    fi
    PG_MAJOR=$major MFA_MARK=@$major MFA_STAGES=$stages exec "$root/script/test" "$@"
}

# run_majors argument …: those in $majors, without which it fails, and in $also.
run_majors() {
    local i stages all runs=()
    mapfile -t all < <(printf '%s\n' "${majors[@]}" "${also[@]}" | awk '!seen[$0]++')
    "$root/script/bootstrap" >&2 || exit
    folder=$(mktemp -d) || exit
    trap 'rm -rf "$folder"' EXIT
    trap 'kill -TERM "${runs[@]}" 2>/dev/null; wait; exit 143' INT HUP TERM # they clean up
    mkfifo "$folder/0"
    head_row
    for i in "${!all[@]}"; do
        stages=server
        ((i)) || stages=all
        ((i < ${#majors[@]})) || stages=choice
        run_major "${all[i]}" "$stages" "$@" >"$folder/$i" </dev/null &
        runs+=($!)
    done
    for i in "${!all[@]}"; do
        ((!i)) || wait "${runs[i]}"
        take_over <"$folder/$i"
        wait "${runs[i]}" || ((i >= ${#majors[@]})) || incomplete=1
    done
}
