#!/bin/bash
# More programs that people use, in a view over a filled lower: repositories, databases, archives,
# terminals. What is in the lower stays as it is; lock files come and go in it.
# shellcheck source=tests/cases/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

export HOME=$dir GIT_CONFIG_NOSYSTEM=1

make_lower() {
	local n

	git config --file "$HOME/.gitconfig" user.name tester
	git config --file "$HOME/.gitconfig" user.email tester@localhost
	git -c init.defaultBranch=main init -q "$share/repo"
	mkdir "$share/repo/src"
	for n in {1..60}; do
		echo "line $n" >"$share/repo/src/file$n"
	done
	git -C "$share/repo" add .
	git -C "$share/repo" commit -qm first
	sqlite3 "$share/app.db" 'pragma journal_mode=wal; create table t(who text, n integer)' >/dev/null
	sqlite3 "$share/plain.db" 'create table t(who text, n integer)'
	mkdir -p "$share/package/DEBIAN" "$share/package/usr/share/thing"
	printf 'Package: thing\nVersion: 1\nArchitecture: all\nMaintainer: t <t@localhost>\nDescription: thing\n' \
		>"$share/package/DEBIAN/control"
	echo data >"$share/package/usr/share/thing/data"
	ln -s data "$share/package/usr/share/thing/link"
}

# Everything git does to files of the lower: renames of directories, packs, locks, work trees.
git_works() {
	git -C repo mv src lib
	git -C repo commit -qm 'a directory of the lower moved'
	git -C repo worktree add -q ../tree -b side
	echo side >tree/lib/file1
	git -C tree commit -qam side
	git -C repo merge -q side
	is "$(cat repo/lib/file1)" side
	git -C repo worktree remove tree
	git -C repo gc -q --prune=now
	git -C repo repack -qad
	git clone -q --no-local repo cloned
	git -C cloned fsck --strict 2>&1
	git -C repo stash list
	git -C repo reset -q --hard HEAD~1
	git -C repo clean -qfdx
	is "$(git -C repo status --porcelain)" ''
	git -C repo fsck --strict 2>&1
}

# insert DATABASE WHO: sqlite3 waits for the other writer, it does not fail.
insert() {
	local n

	for n in {1..12}; do
		echo "insert into t values ('$2', $n);"
	done | sqlite3 -cmd '.timeout 20000' "$1"
}

sqlite_works() {
	local database pids pid

	for database in app.db plain.db; do
		pids=()
		insert $database one &
		pids+=($!)
		insert $database two &
		pids+=($!)
		for pid in "${pids[@]}"; do
			wait "$pid"
		done
		is "$(sqlite3 $database 'select count(*), count(distinct who) from t; pragma integrity_check' | xargs)" '24|2 ok'
	done
}

archives_work() {
	dpkg-deb --build --root-owner-group package thing.deb >/dev/null
	dpkg-deb --raw-extract thing.deb extracted
	diff -r package extracted
	rsync -a --delete package/ mirror/
	echo more >>package/usr/share/thing/data
	rm package/usr/share/thing/link
	rsync -a --delete package/ mirror/
	diff -r package mirror
	is "$(rsync -ain --delete package/ mirror/)" ''
	tar -cf all.tar package mirror
	rm -r package mirror extracted
	tar -xf all.tar
	diff -r package mirror
}

terminals_work() {
	tmux -S "$PWD/tmux.socket" -f /dev/null new-session -d -x 80 -y 24 "echo started >tmux.out; cat >tmux.in"
	within 10 test -s tmux.out
	tmux -S "$PWD/tmux.socket" send-keys 'typed' Enter
	within 10 grep -q typed tmux.in
	tmux -S "$PWD/tmux.socket" kill-server
}

environments_work() {
	"$python" -m venv --without-pip --copies env
	env/bin/python -c 'import sys; assert sys.prefix != sys.base_prefix'
	mkdir env/lib/here
	echo 'value = 7' >env/lib/here/module.py
	PYTHONDONTWRITEBYTECODE='' PYTHONPATH=env/lib/here env/bin/python -c 'import module'
	is "$(find env/lib/here/__pycache__ -name 'module.*.pyc' | wc -l)" 1
}

body() {
	make_lower
	content "$share" >"$dir/before"
	mount_start
	cd "$(session_make s)"
	git_works
	sqlite_works
	archives_work
	terminals_work
	environments_work
	rm -rf -- * .[!.]*
	is "$(ls -A)" '' "after removing everything"
	cd /
	content "$share" >"$dir/after"
	same "$dir/before" "$dir/after" "the lower"
	mount_stop
}

# Sanitized, once is enough: the programs are what takes the time.
if [[ ${SESSIONFS_TREE-} == asan ]]; then
	body
else
	both_ways body
fi
