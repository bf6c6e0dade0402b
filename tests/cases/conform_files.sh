#!/bin/bash
# What is done to open files gives on a view what it gives on a plain directory, on a disk.
# shellcheck source=tests/cases/lib_conform.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib_conform.sh"

conform_families data map open xattr
