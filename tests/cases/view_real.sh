#!/bin/bash
# Programs that people use, in two sessions at once: each as if alone.
# shellcheck source=tests/cases/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

export HOME=$dir GIT_CONFIG_NOSYSTEM=1

make_lower() {
	local n

	cd "$share"
	git -c init.defaultBranch=main init -q origin
	git config --file "$HOME/.gitconfig" user.name tester
	git config --file "$HOME/.gitconfig" user.email tester@localhost
	git config --file "$HOME/.gitconfig" gc.auto 0
	mkdir project
	for n in {1..8}; do
		printf 'int f%d(int x);\nint f%d(int x) { return x + %d; }\n' "$n" "$n" "$n" >"project/f$n.c"
	done
	cat >project/main.c <<-'END'
		#include <stdio.h>
		int f1(int), f8(int);
		int main(void) { printf("%d\n", f1(f8(0))); return 0; }
	END
	# shellcheck disable=SC2016 # they are make's
	printf 'program: %s\n\t$(CC) -o $@ $^\n%%.o: %%.c\n\t$(CC) -c -o $@ $<\n' \
		"main.o $(printf 'f%d.o ' {1..8})" >project/Makefile
	cp -r project origin/
	git -C origin add . && git -C origin commit -qm first
	sqlite3 data.db 'create table t(x integer); insert into t values (0)'
	echo '{"count": 0}' >settings.json
	cd /
}

# use VIEW NAME: what a developer does. Other files of the same names are in the other session.
use() {
	local n

	cd "$1"
	git clone -q origin clone
	echo "$2" >clone/"$2"
	git -C clone add "$2"
	git -C clone commit -qm "$2"
	git -C clone fsck --strict 2>&1
	is "$(git -C clone status --porcelain)" ""
	git -C origin checkout -q -b "$2"
	git -C origin mv project "project-$2"
	git -C origin commit -qm moved
	git -C origin gc -q
	git -C origin fsck --strict 2>&1
	git -C clone pull -q origin main

	make -s -C project -j 2
	is "$(project/program)" 9
	touch -d '1 minute' project/f1.c
	is "$(make -n -C project | grep -c -- '-o f1.o')" 1

	sqlite3 data.db 'pragma journal_mode=wal' >/dev/null
	for n in {1..50}; do
		echo "insert into t values ($n);"
	done | sqlite3 data.db
	is "$(sqlite3 data.db 'select sum(x), count(*) from t; pragma integrity_check' | xargs)" "1275|51 ok"

	"$python" - "$2" <<-'PYTHON'
		import json, os, sys, tempfile
		for n in range(50):
		    with open("settings.json") as f:
		        settings = json.load(f)
		    settings["count"] += 1
		    settings[sys.argv[1]] = n
		    with tempfile.NamedTemporaryFile("w", dir=".", delete=False) as f:
		        json.dump(settings, f)
		        os.fsync(f.fileno())
		    os.replace(f.name, "settings.json")
		assert json.load(open("settings.json")) == {"count": 50, sys.argv[1]: 49}
	PYTHON

	tar -cf project.tar project
	mkdir unpacked
	tar -C unpacked -xf project.tar
	diff -r project unpacked/project
	tar -df project.tar
	cp -a project copied
	diff -r project copied
	rm -rf unpacked copied project/*.o
	find . -name '*.o' | grep . && fail "objects are left"
	cd /
}

body() {
	local pids=() pid

	make_lower
	snapshot "$share" >"$dir/before"
	mount_start
	for name in one two; do
		v=$(session_make "$name")
		(use "$v" "$name") >"$dir/log_$name" 2>&1 &
		pids+=($!)
	done
	for pid in "${pids[@]}"; do
		wait "$pid"
	done
	snapshot "$share" >"$dir/after"
	same "$dir/before" "$dir/after" "the lower"
	mount_stop
}

both_ways body
