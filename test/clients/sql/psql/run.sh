#!/bin/bash
# psql: each script of this folder is one case: what it printed, out and err together, with its exit code.
set -u
export PGAPPNAME=matrix-$SCHEMA PGOPTIONS="-c search_path=$SCHEMA -c statement_timeout=$((30000 + INSTANCE))"
here=$(dirname "$0")
for script in "$here"/*.sql; do
  cp "$script" "$SCRATCH/script.sql"
  out=$(cd "$SCRATCH" && psql -X -a -P pager=off -v instance="$INSTANCE" -v application="$PGAPPNAME" -f script.sql 2>&1)
  code=$?
  name=$(basename "$script" .sql) out=$out code=$code /usr/bin/python3 -c '
import json, os, re
env = os.environ
text = re.sub(r"(room_|PID )\d+", r"\1N", env["out"])  # the only numbers that may differ
print(json.dumps({"case": env["name"], "got": [env["code"], text.split("\n")]}, ensure_ascii=False))' || exit 1
  [ "$code" -le 3 ] || exit 1
done
