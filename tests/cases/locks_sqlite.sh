#!/bin/bash
# sqlite: two programs write one database of a view at the same time, with a rollback journal and with a log; the
# database comes from the lower. Its locks are byte ranges, and its log's are on a mapped file.
# shellcheck source=tests/cases/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

cat >"$dir/writer.py" <<'END'
import sqlite3, sys

# Each transaction reads before it writes: one that another comes between is lost, or refused.
path, name, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
db = sqlite3.connect(path, timeout=30, isolation_level=None)
db.execute("PRAGMA synchronous=OFF")
for n in range(count):
    db.execute("BEGIN IMMEDIATE")
    (value,) = db.execute("SELECT value FROM counter").fetchone()
    db.execute("INSERT INTO log VALUES (?, ?)", (name, n))
    db.execute("UPDATE counter SET value = ?", (value + 1,))
    db.execute("COMMIT")
    if n == count // 2:
        print("half", flush=True)
db.close()
END

writers_end() {
	local pid

	for pid in "${writers[@]}"; do
		wait "$pid" || fail "a writer failed: $(cat "$dir"/err.*)"
	done
}

two_writers() {
	local mode v worker count=60

	for mode in delete wal; do
		sqlite3 "$share/$mode.db" "PRAGMA journal_mode=$mode; CREATE TABLE counter(value); INSERT INTO counter VALUES(0);
			CREATE TABLE log(name, n);" >/dev/null
	done
	mount_start
	v=$(session_make s1)
	for mode in delete wal; do
		writers=()
		for name in a b; do
			"$python" "$dir/writer.py" "$v/$mode.db" "$name" "$count" >"$dir/out.$name" 2>"$dir/err.$name" &
			writers+=($!)
		done
		within 30 grep half "$dir/out.a"
		worker=$(worker_pid)
		kill -9 "$worker"
		writers_end
		is "$(sqlite3 "$v/$mode.db" 'SELECT value FROM counter')" $((2 * count)) "$mode"
		is "$(sqlite3 "$v/$mode.db" 'SELECT count(*) FROM log')" $((2 * count)) "$mode"
		is "$(sqlite3 "$v/$mode.db" 'PRAGMA integrity_check')" ok "$mode"
		is "$(sqlite3 "$share/$mode.db" 'SELECT value FROM counter')" 0 "the share's"
	done
	mount_stop
}

both_ways two_writers
