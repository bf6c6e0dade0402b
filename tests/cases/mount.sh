#!/bin/bash
# The life of a mount: made, found again, survived by what its worker and supervisor do, ended.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

# Processes of this instance's daemon; zombies that nobody reaps do not count.
daemons() {
	pgrep -r R,S,D,T -f "^[^ ]*sessionfsd .*$dir" || true
}

gone() {
	[[ ! -e /proc/$1 || $(cut -d ' ' -f 3 "/proc/$1/stat" 2>/dev/null) == Z ]]
}

mounted() {
	grep -q " $mnt " /proc/self/mountinfo
}

# The answer of `mount`, and what stands then.
mount_start
json_envelope "$dir/mount.json"
is "$(jq -c .data.shares "$dir/mount.json")" "[{\"path\":\"$share\",\"mode\":\"overlay\"}]"
is "$(jq -r .data.mountpoint "$dir/mount.json")" "$mnt"
is "$(jq .data.noop "$dir/mount.json")" false
is "$(status supervisor_pid)" "$supervisor"
is "$(stat -c %a "$mnt")" 755
is "$(stat -c %a "$store")" 700
first=$supervisor

# The same again is success; another is refused, and says why.
mount_start
is "$(jq .data.noop "$dir/mount.json")" true
is "$supervisor" "$first"
other=("$cli" mount "$mnt" --store "$store" --config "$dir/config.json")
refuse 'differs in: shares' "${other[@]}" --share "$share,lock=*.other"
refuse 'differs in: passthrough' "${other[@]}" --share "$share" --no-passthrough
echo '{"sessions": {"max_files": 7}}' >"$dir/limit.json"
refuse 'differs in: sessions.max_files' "$cli" mount "$mnt" --store "$store" --share "$share" \
	--config "$dir/limit.json"
refuse 'differs in: store' "$cli" mount "$mnt" --store "$dir/store2" --share "$share"
refuse 'in use by another instance' "$cli" mount "$dir/mnt2" --store "$store" --share "$share"
absent "$dir/store2" "$dir/mnt2"

# A worker that is killed is replaced, whoever asks waits; one that ends by itself too.
for signal in KILL TERM HUP; do
	before=$(status worker_pid)
	kill -s "$signal" "$before"
	within 10 gone "$before"
	[[ $(status worker_pid) != "$before" ]] || fail "the worker is the same after $signal"
done
is "$(status worker_restarts)" 3
is "$(status supervisor_pid)" "$first"
is "$(grep -c 'starting another' "$store/log")" 3

# In use: refused, and it is said by whom.
(exec 9<"$mnt/status.json" && exec sleep 60) &
user=$!
within 5 grep -q sleep "/proc/$user/comm"
refuse "in use by sleep (pid $user)" "$cli" umount "$mnt"
"$cli" umount "$mnt" >"$dir/umount.json" || true
is "$(jq -r '.error.processes[0].uses' "$dir/umount.json")" 'fd 9'
mounted || fail 'it is unmounted'
kill $user
wait $user || true

# Unmounted: the daemon is gone, the store free, and the mount point that was made is removed.
timeout 30 "$cli" umount "$mnt" >"$dir/umount.json"
json_envelope "$dir/umount.json"
gone "$first" || fail 'umount returned before its daemon was gone'
is "$(daemons)" ''
absent "$mnt"
flock -n "$store/instance" true || fail 'the store is still locked'

# A mount point that stood stays.
mkdir "$mnt"
mount_start
mount_stop
[[ -d $mnt ]] || fail 'the mount point is gone'
rmdir "$mnt"

# A killed supervisor leaves a dead mount, which the next one clears away.
mount_start
worker=$(status worker_pid)
kill -9 "$supervisor"
mount_start
[[ $(status worker_pid) != "$worker" ]] || fail 'the old worker still serves'
is "$(grep -c " $mnt " /proc/self/mountinfo)" 1
# The mount point that the killed one made goes with the next.
mount_stop
absent "$mnt" "$store/mountpoint"
# Dead for good, umount clears it away too.
mount_start
kill -9 "$supervisor"
within 10 gone "$(status worker_pid 2>/dev/null || echo 0)"
timeout 30 "$cli" umount "$mnt" >"$dir/umount.json"
is "$(jq .data.dead "$dir/umount.json")" true
supervisor=
! mounted || fail 'the dead mount stands'
# Who had made it was killed.
rmdir "$mnt"

# Unmounted by somebody else, the daemon ends by itself.
mount_start
umount "$mnt"
within 10 gone "$supervisor"
# Told to end, it unmounts first, also where files are open.
mount_start
exec 9<"$mnt/status.json"
kill -TERM "$supervisor"
within 10 gone "$supervisor"
! mounted || fail 'it is still mounted'
exec 9<&-
supervisor=

# umount --force: runs end, and what has files open gets an error instead.
mount_start
# shellcheck disable=SC2016
"$cli" run --session stubborn -- bash -c 'trap "" TERM; echo begun >"$1"; while :; do sleep 0.1; done' \
	- "$dir/begun" 2>"$dir/run.err" &
run=$!
within 10 test -s "$dir/begun"
refuse 'lives on' "$cli" umount "$mnt"
"$cli" umount "$mnt" >"$dir/umount.json" || true
is "$(jq -r '.error.runs[0].session' "$dir/umount.json")" stubborn
exec 9<"$mnt/status.json"
timeout 30 "$cli" umount "$mnt" --force >"$dir/umount.json"
json_envelope "$dir/umount.json"
is "$(jq -r '.data.ended_runs[0].session' "$dir/umount.json")" stubborn
gone "$supervisor" || fail 'the daemon lives'
supervisor=
status=0
wait $run || status=$?
is "$status" 137 "of run: $(cat "$dir/run.err")"
is "$(sed /LEFTOVER/d "$dir/run.err")" ''
exec 9<&-

# A worker that hangs: umount says so, --force ends it.
mount_start
kill -STOP "$(status worker_pid)"
refuse 'does not answer' timeout 30 "$cli" umount "$mnt"
refuse 'does not answer' timeout 30 "$cli" mount "$mnt" --store "$store" --share "$share"
timeout 40 "$cli" umount "$mnt" --force >/dev/null
! mounted || fail 'it is still mounted'
within 15 gone "$supervisor"
supervisor=

rm "$dir/mount.json"
# In the foreground: says so on stdout, logs to stderr, ends with status 0 when told.
"$cli" mount "$mnt" --foreground --store "$store" --config "$dir/config.json" --share "$share" --json \
	>"$dir/mount.json" 2>"$dir/log.foreground" &
supervisor=$!
within 10 test -s "$dir/mount.json"
json_envelope "$dir/mount.json"
is "$(jq .data.supervisor_pid "$dir/mount.json")" "$supervisor"
kill -INT "$supervisor"
wait "$supervisor" || fail "status $?"
supervisor=
grep -q "mounted at $mnt" "$dir/log.foreground"
absent "$mnt"

# The mount point in the share: what is below it shows the directory, never the mount.
mkdir "$share/inside"
mnt=$share/inside
export SESSIONFS_MOUNT=$mnt
mount_start
view=$(session_make s1)
is "$(ls -A "$view/inside")" ''
touch "$view/inside/x"
is "$(ls -A "$view/inside")" x
mount_stop
is "$(daemons)" ''
