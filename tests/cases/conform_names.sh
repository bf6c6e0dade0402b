#!/bin/bash
# What is done to names, attributes and rights gives on a view what it gives on a plain directory.
# shellcheck source=tests/cases/lib_conform.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib_conform.sh"

conform_on_tmpfs
# None of them reads or writes much.
conform_views=(passthrough)
conform_families attr create dir rename rights
