# shellcheck shell=bash

#: demo                   a collector, a small simulated fleet, and what an operator sees of it
cmd_demo() {
    build release
    local dir=build/demo port
    rm -rf "$dir"
    mkdir -p "$dir"
    port=$(demo_port)
    cat >"$dir/werd.yaml" <<YAML
data: data
ingest:
    listen: ["127.0.0.1:$port"]
    disk_reserve: {cabinets: 256 MiB, reports: 64 MiB}
YAML
    DEMO_PID=
    trap demo_stop EXIT
    build/release/werd -c "$dir/werd.yaml" >"$dir/werd.out" 2>"$dir/werd.log" &
    DEMO_PID=$!
    demo_wait_ready "$dir"
    printf 'A collector listens on 127.0.0.1:%s. 500 machines report to it:\n\n' "$port"
    build/release/werload run --server 127.0.0.1 --port "$port" --machines 500 --seed 1 \
        --reports 4000 --connections 16 --cabs --cab-bytes 40000 --acknowledged "$dir/acknowledged"
    demo_wait_analyzed "$dir"
    demo_show "$dir" "stats" stats
    demo_show "$dir" "buckets --limit 10" buckets --limit 10
    demo_show "$dir" "reports --limit 8" reports --limit 8
    local id
    id=$(build/release/werctl -c "$dir/werd.yaml" reports --limit 500 --json |
        python3 -c 'import json,sys; print([r["id"] for r in map(json.loads, sys.stdin)
            if r["class_bucket"] and r["event_type"] == "APPCRASH"][0])')
    demo_show "$dir" "report $id" report "$id"
    build/release/werload verify --data "$dir/data" --acknowledged "$dir/acknowledged"
    printf '\nLook around:  %s -c %s help\n' build/release/werctl "$dir/werd.yaml"
    printf 'The store:    %s/data    the log: %s/werd.log\n' "$dir" "$dir"
    if [ -t 0 ] && [ -t 1 ]; then
        printf 'The collector runs until you press Ctrl-C.\n'
        trap 'exit 0' INT
        wait "$DEMO_PID"
    fi
}

demo_port() {
    python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

demo_wait_ready() {
    local i
    for i in $(seq 100); do
        grep -q 'ready$' "$1/werd.out" && return
        kill -0 "$DEMO_PID" 2>/dev/null || break
        sleep 0.1
    done
    say "the collector did not start after $i tries:"
    cat "$1/werd.log" >&2
    exit 1
}

# Counts lag by up to 2 s, and then each cabinet is read.
demo_wait_analyzed() {
    local i waiting=1
    sleep 3
    for i in $(seq 60); do
        waiting=$(build/release/werctl -c "$1/werd.yaml" reports --limit 0 --json |
            grep -c '"state":"waiting"') || true
        [ "$waiting" = 0 ] && return
        sleep 1
    done
    say "$waiting cabinets were not read after $i tries"
    exit 1
}

demo_show() {
    local dir=$1 words=$2
    shift 2
    printf '\n$ werctl %s\n' "$words"
    build/release/werctl -c "$dir/werd.yaml" "$@"
}

demo_stop() {
    [ -z "$DEMO_PID" ] || kill "$DEMO_PID" 2>/dev/null || true
    [ -z "$DEMO_PID" ] || wait "$DEMO_PID" 2>/dev/null || true
}
