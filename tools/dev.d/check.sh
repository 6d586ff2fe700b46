# shellcheck shell=bash
# shellcheck disable=SC2154

#: check                  format, layers, sizes, man pages, banned functions, headers, scripts
cmd_check() {
    need gcc pkg-config clang-format mandoc shellcheck git python3
    local failed=0 log
    log=$(mktemp)
    check_step "format" check_format >"$log" 2>&1 || { failed=1; cat "$log"; }
    check_step "layers" tools/check-layers >"$log" 2>&1 || { failed=1; cat "$log"; }
    check_step "source" tools/check-source >"$log" 2>&1 || { failed=1; cat "$log"; }
    check_step "headers" check_headers >"$log" 2>&1 || { failed=1; cat "$log"; }
    check_step "man pages" check_man >"$log" 2>&1 || { failed=1; cat "$log"; }
    check_step "scripts" check_scripts >"$log" 2>&1 || { failed=1; cat "$log"; }
    rm -f "$log"
    [ $failed = 0 ] && say "check: good"
    return $failed
}

check_step() {
    local name=$1
    shift
    "$@" || { echo "check: $name does not hold"; return 1; }
}

check_format() {
    find src tests bench -name '*.[ch]' -print0 | xargs -0 -P2 -n20 clang-format --dry-run -Werror
}

# Every header stands alone.
check_headers() {
    local flags
    flags="-isystem /usr/share/include"
    # shellcheck disable=SC2086
    find src -name '*.h' -print0 |
        xargs -0 -P2 -I{} gcc -std=gnu17 -D_GNU_SOURCE -Isrc $flags -fsyntax-only -x c -include {} /dev/null
}

check_man() {
    local page said failed=0
    for page in man/*.[1-8]; do
        [ -e "$page" ] || continue
        # A page without an entry in this system's database is no defect of ours.
        said=$(mandoc -Tlint -Wwarning "$page" | grep -v 'cross reference to unknown\|unknown manual section' || true)
        [ -z "$said" ] || { echo "$said"; failed=1; }
    done
    return $failed
}

check_scripts() {
    shellcheck -x dev .ci/run tools/dev.d/*.sh
}
