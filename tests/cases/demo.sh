#!/bin/bash
# The demo: its claims hold, it sees when one does not, and it leaves nothing behind.
#
# It wants the real paths, /run/sessionfs and /tmp: it gets a mount namespace with empty ones.
if [[ ! ${DEMO_INSIDE-} ]]; then
	# Without the namespace's own /tmp two demos would meet: they take turns.
	exec 8</tmp
	flock 8
	DEMO_INSIDE=1 exec unshare --mount --pid --fork --kill-child --mount-proc bash "${BASH_SOURCE[0]}"
fi
tree=$(readlink -f "$(dirname "${BASH_SOURCE[0]}")/../..")
case $tree/$(readlink -f "${SESSIONFS_BIN-}") in
/tmp/* | */tmp/*) ;;
*) mount -t tmpfs -o mode=1777 none /tmp ;;
esac
mount -t tmpfs -o mode=755 none /run
# shellcheck source=tests/cases/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

demo=$tree/tests/demo.sh
for path in /tmp/result.json /tmp/tool.lock; do
	[[ ! -e $path ]] || skip "$path is in use"
done

# What is there of a demo: files, mounts, processes.
left() {
	local status path

	# libmount's own notes are not the demo's.
	find /run -mindepth 1 ! -path '/run/mount*'
	compgen -G '/tmp/sessionfs-demo.*' || true
	for path in /tmp/result.json /tmp/tool.lock; do
		[[ ! -e $path ]] || echo "$path"
	done
	find /var/tmp -maxdepth 1 -name 'sessionfs-demo.*' -newer "$dir/config.json"
	grep ' /run/sessionfs ' /proc/self/mountinfo || true
	for status in /proc/[0-9]*/status; do
		grep -q '^State:[[:space:]]*Z' "$status" 2>/dev/null ||
			grep -H '^Name:[[:space:]]*sessionfs' "$status" 2>/dev/null || true
	done
}

# It holds, and says nothing else.
said=$(bash "$demo" 2>"$dir/err") || fail "status $?: $said $(<"$dir/err")"
[[ $said =~ All\ [0-9]+\ claims\ held ]] || fail "$said"
[[ $said != *✗* && $said != *$'\e'* ]] || fail "$said"
is "$(<"$dir/err")" ''
is "$(left)" ''

# The programs alone do not make the claims hold.
mkdir "$dir/fake"
cat >"$dir/fake/sessionfs" <<-END
	#!/bin/bash
	[[ \$1 != run ]] || { while [[ \$1 != -- ]]; do shift; done; shift; exec "\$@"; }
	exec "$cli" "\$@"
END
chmod +x "$dir/fake/sessionfs"
if said=$(SESSIONFS_BIN=$dir/fake bash "$demo"); then
	fail "the demo passes without sessionfs: $said"
fi
[[ $said == *'✗ both results exist'*'✗ the second is told'*'✗ both jobs succeeded'* ]] || fail "$said"
is "$(left)" ''

# Ended in the middle, while a lock is held.
bash "$demo" >"$dir/said" 2>&1 &
job=$!
within 30 grep -q 'has it: cat' "$dir/said"
kill -TERM $job
status=0
wait $job || status=$?
is "$status" 143
is "$(left)" ''

# It overwrites nothing, and takes no mount that is not its own.
echo mine >/tmp/result.json
refuse '/tmp/result.json exists' bash "$demo"
is "$(</tmp/result.json)" mine
rm /tmp/result.json
mkdir /run/sessionfs
mount -t tmpfs none /run/sessionfs
refuse 'mounted at /run/sessionfs already' bash "$demo"
umount /run/sessionfs
rmdir /run/sessionfs
is "$(left)" ''
