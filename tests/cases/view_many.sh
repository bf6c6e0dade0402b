#!/bin/bash
# 50 sessions write 200 files each, all at once and all to the same names: each reads back every byte
# of its own, and the lower is as it was.
# shellcheck source=tests/cases/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

sessions=50
files=200

cat >"$dir/work.py" <<'E2'
import hashlib, os, sys

# A tenth of the names is in the lower, and copied up; sizes cross pages; each byte depends on who
# wrote it, to where.
ROUNDS, root, session = int(sys.argv[1]), sys.argv[2], sys.argv[3]

def content(number):
    seed = hashlib.sha256(f"{session}/{number}".encode()).digest()
    return seed * number + seed[:7]

def path(number):
    return os.path.join(root, f"dir{number % 7}", f"file{number}")

if sys.argv[4] == "write":
    for number in range(ROUNDS):
        os.makedirs(os.path.dirname(path(number)), exist_ok=True)
        data = content(number)
        with open(path(number), "wb") as f:
            f.write(data[: number * 3])
            f.write(data[number * 3 :])
for number in range(ROUNDS):
    with open(path(number), "rb") as f:
        assert f.read() == content(number), path(number)
assert sum(len(names) for _, _, names in os.walk(root)) == ROUNDS
E2

body() {
	local n pids=() pid

	for ((n = 0; n < files; n += 10)); do
		mkdir -p "$share/dir$((n % 7))"
		echo "lower $n" >"$share/dir$((n % 7))/file$n"
	done
	snapshot "$share" >"$dir/before"
	mount_start
	for ((n = 0; n < sessions; n++)); do
		session_make "s$n" >/dev/null
	done
	for ((n = 0; n < sessions; n++)); do
		"$python" "$dir/work.py" "$files" "$mnt/sessions/0/s$n$share" "s$n" write &
		pids+=($!)
	done
	for pid in "${pids[@]}"; do
		wait "$pid"
	done
	# And after all have written; from another process.
	for n in 0 $((sessions / 2)) $((sessions - 1)); do
		"$python" "$dir/work.py" "$files" "$mnt/sessions/0/s$n$share" "s$n" read
	done
	snapshot "$share" >"$dir/after"
	same "$dir/before" "$dir/after" "the lower"
	is "$(status sessions)" "$sessions"
	mount_stop
	is "$(find "$store/sessions" -path '*/upper/*' -type f | wc -l)" $((sessions * files))
}

both_ways body
