# A thin front: CMake describes the build, packaging/ holds what is run.
DESTDIR ?=
PREFIX ?= /usr/local

.PHONY: all demo test test-long bench lint install clean distclean

all:
	@packaging/build release

demo: all
	@packaging/setup demo
	@bash tests/demo.sh

test:
	@packaging/run-tests

test-long:
	@packaging/run-tests --long

bench: all
	@packaging/setup bench
	@bash tests/bench/bench.sh

lint:
	@packaging/setup build lint
	@packaging/build release
	@packaging/lint

install: all
	@DESTDIR="$(DESTDIR)" cmake --install build --prefix "$(PREFIX)"

# The built libfuse stays: nothing in this tree changes it.
clean:
	@if [ -d build ]; then find build -mindepth 1 -maxdepth 1 ! -name deps -exec rm -rf {} +; fi

distclean:
	@rm -rf build
