#!/bin/bash
# What processes do to each other, and to themselves, by files gives on a view what it gives on a
# plain directory: locks, FIFOs, sockets, programs, events.
# shellcheck source=tests/cases/lib_conform.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib_conform.sh"

conform_on_tmpfs
conform_families event lock process
