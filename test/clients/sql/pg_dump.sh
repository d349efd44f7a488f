#!/bin/bash
# pg_dump in four forms, then what was dumped is loaded into a schema of its own name again by psql, and dumped once more.
set -eu
export PGAPPNAME=matrix-$SCHEMA
emit() { printf '{"case":"%s","got":["%s","%s"]}\n' "$1" "$(sed "s/\b$SCHEMA\b/shop/g" "$2" | md5sum | cut -d' ' -f1)" "$(wc -l < "$2")"; }
plain=(pg_dump --schema="$SCHEMA" --restrict-key=matrix)

cd "$SCRATCH"
"${plain[@]}" > plain.sql
emit 'plain' plain.sql
"${plain[@]}" --inserts --rows-per-insert=50 --serializable-deferrable --quote-all-identifiers > inserts.sql
emit 'inserts, serializable' inserts.sql
pg_dump --schema="$SCHEMA" --format=directory --compress=0 --file=folder
LC_ALL=C sort folder/[0-9]*.dat > folder.data
emit 'directory' folder.data
pg_dump --schema="$SCHEMA" --format=custom --file=custom
psql -X -q -v ON_ERROR_STOP=1 -c "set client_min_messages = warning; drop schema $SCHEMA cascade" > /dev/null
pg_restore --dbname="$PGDATABASE" custom
"${plain[@]}" > restored.sql
emit 'restored' restored.sql
cmp plain.sql restored.sql
printf '{"case":"the text","got":%s}\n' "$(/usr/bin/python3 -c 'import json, sys; print(json.dumps(open(sys.argv[1]).read().splitlines()))' plain.sql)"
