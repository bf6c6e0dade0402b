#!/bin/bash
# Locks that programs outside sessionfs hold: who asks for one by its path sees it, and can wait for it.
# shellcheck source=tests/cases/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

lock=$share/t.lock
seen=$mnt/locks$share/t.lock.json
holder=
case_cleanup() {
	[[ $holder ]] && kill "$holder" 2>/dev/null
}

mount_start
mkdir "$share/d.lock" "$share/sub"
sleep 600 &
holder=$!

# While its text names a process that lives.
absent "$seen"
echo "$holder" >"$lock"
is "$(jq -c '[.code, .lock.external, .lock.path, .lock.fencing_token, .holder.pid, .holder.session, .holder.alive]' "$seen")" \
	"[\"LOCK_HELD\",true,\"$lock\",null,$holder,null,true]"
[[ $(jq -r .message "$seen") == "$lock is held by sleep (pid $holder, outside sessionfs, "* ]] || fail "$(jq .message "$seen")"
is "$("$cli" locks "$lock" --json | jq -c '[.data.locks[].lock | .path, .external, .scope]')" "[\"$lock\",true,\"lower\"]"
[[ $("$cli" locks "$lock" -o table) == *"(outside)"* ]] || fail "the table"
# In no list, for nobody told of it.
is "$("$cli" locks --json | jq -c .data.locks)" '[]'
is "$(find "$mnt/locks$share" -mindepth 1 | wc -l)" 0
sh -c 'echo $$' >"$share/dead.lock"
: >"$share/empty.lock"
absent "$mnt/locks$share/dead.lock.json" "$mnt/locks$share/empty.lock.json"
is "$("$cli" locks "$share/dead.lock" --json | jq -c .data.locks)" '[]'

# No lock by its name, or in a lock's directory.
for name in data d.lock/in.lock; do
	echo "$holder" >"$share/$name"
	absent "$mnt/locks$share/$name.json"
	is "$("$cli" locks "$share/$name" --json | jq -c .data.locks)" '[]'
	"$cli" wait "$share/$name" --timeout 0s >/dev/null
done

# Only for who may look there.
chmod 700 "$share/sub"
echo "$holder" >"$share/sub/t.lock"
chmod 755 "$share"
[[ -e $mnt/locks$share/sub/t.lock.json ]] || fail "root does not see it"
refuse "No such file" as 1000 cat "$mnt/locks$share/sub/t.lock.json"
refuse PERMISSION_DENIED as 1000 "$cli" wait "$share/sub/t.lock" --json
# Another user's command line is not shown.
is "$(as 1000 jq -c '[.holder.pid, (.holder | has("command"))]' "$seen")" "[$holder,false]"
is "$(jq -c .holder.command "$seen")" '["sleep","600"]'

# Waiting.
status=0
"$cli" wait "$lock" --timeout 300ms --json >"$dir/json" || status=$?
is "$status $(jq -c '[.error.code, .error.holder.pid, .error.lock.external]' "$dir/json")" "10 [\"TIMEOUT\",$holder,true]"
"$cli" wait "$lock" --timeout 20s >"$dir/waited" &
waiting=$!
within 5 sh -c "grep -q . /proc/$waiting/stat"
sleep 0.3
kill -0 "$waiting" || fail "it did not wait"
rm "$lock"
wait "$waiting" || fail "the wait: $(cat "$dir/waited")"
echo "$holder" >"$lock"
"$cli" wait "$lock" --timeout 20s >"$dir/waited" &
waiting=$!
kill "$holder"
wait "$holder" || true
holder=
wait "$waiting" || fail "it is dead: $(cat "$dir/waited")"
absent "$seen"
mount_stop
