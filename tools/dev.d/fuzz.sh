# shellcheck shell=bash

#: fuzz NAME SECONDS      one fuzzer, from and into its corpus; without NAME lists them
cmd_fuzz() {
    if [ $# != 2 ]; then
        sed -n 's/^fuzz_\([a-z0-9_]*\):.*/\1/p' tests/fuzz/*.list
        return
    fi
    build fuzz
    local name=$1 seconds=$2 grown=build/fuzz/corpus/$1
    mkdir -p "$grown"
    # What is found goes into the build folder; only small seeds that we made are committed.
    ASAN_OPTIONS=detect_leaks=0 "build/fuzz/tests/fuzz/fuzz_$name" -max_total_time="$seconds" \
        -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 -artifact_prefix="$grown-" \
        "$grown" "tests/fuzz/corpus/$name"
}
