# shellcheck shell=bash

BENCH_PACKAGES="nginx-light wrk python3 openssl"

#: bench [NAME]           measures; results into bench/results and bench/README.md
cmd_bench() {
    if [ $# = 0 ]; then
        say "benchmarks: $(find bench -name '*.py' ! -name common.py -printf '%f ' | sed 's/\.py//g')"
        return
    fi
    # shellcheck disable=SC2086
    need $BENCH_PACKAGES
    build release
    build debug # the preloaded libraries that make the peer durable
    local name=$1
    shift
    /usr/bin/python3 "bench/$name.py" "$@"
}
