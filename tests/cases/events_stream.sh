#!/bin/bash
# The file `events`: programs that know nothing of it follow it.
# shellcheck source=tests/cases/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

said() {
	grep -q "\"session_created\",\"session\":\"$1\"" "$2"
}

mount_start
session_make first >/dev/null
tail -n +1 -f "$mnt/events" >"$dir/seen" 2>"$dir/said" &
follower=$!
setpriv --reuid=1234 --regid=1234 --clear-groups tail -n +1 -f "$mnt/events" >"$dir/seen1234" 2>"$dir/said1234" &
other=$!
within 10 said first "$dir/seen"
session_make second >/dev/null
within 10 said second "$dir/seen"
kill -9 "$(worker_pid)"
session_make third >/dev/null
session_make theirs 1234 >/dev/null
within 10 said third "$dir/seen"
within 10 said theirs "$dir/seen1234"
kill "$follower" "$other"
wait "$follower" "$other" || true
is "$(cat "$dir/said" "$dir/said1234")" ''
is "$(jq -r .seq "$dir/seen" | xargs)" '1 2 3 4'
is "$(jq -r .session "$dir/seen1234" | xargs)" theirs
# Its size is that of all that was written to it.
is "$(stat -c %s "$mnt/events")" "$(wc -c < <(cat "$mnt/events"))"
# Dates do not waver.
is "$(stat -c %y "$mnt" "$mnt/locks" "$mnt/status.json" "$mnt/ctl" | sort -u | wc -l)" 1
mount_stop
