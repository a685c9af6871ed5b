#!/bin/sh
# Runs inside the image: starts it as its ENTRYPOINT and CMD do, sends a span, reads it, stops it.
set -eu

if touch /app/written 2>/dev/null || touch /written 2>/dev/null; then
  echo "the root is writable" >&2
  exit 1
fi

server="node /app/packages/server/dist/cli/bin.js"
# Without tokens it refuses, and says what to do.
if message=$($server serve --host 0.0.0.0 2>&1); then
  echo "it started without authentication" >&2
  exit 1
fi
case $message in
  *"token create"*) ;;
  *) echo "no advice in: $message" >&2 && exit 1 ;;
esac

token=$($server token create --role admin --name test 2>/dev/null)
$server serve --host 0.0.0.0 &
pid=$!
tries=0
until node /app/healthcheck.js; do
  tries=$((tries + 1))
  if [ $tries -gt 300 ] || ! kill -0 $pid; then
    echo "it did not become ready" >&2
    exit 1
  fi
  sleep 0.2
done

TOKEN=$token node --input-type=module -e '
const headers = { authorization: `Bearer ${process.env.TOKEN}`, "content-type": "application/json" }
const now = `${Date.now()}000000`
const span = { traceId: "5b8efff798038103d269b633813fc60c", spanId: "eee19b7ec3c1b174", name: "image", kind: 4, startTimeUnixNano: now, endTimeUnixNano: now }
const body = JSON.stringify({ resourceSpans: [{ scopeSpans: [{ spans: [span] }] }] })
const sent = await fetch("http://127.0.0.1:4318/v1/traces", { method: "POST", headers, body })
if (!sent.ok) throw new Error(`OTLP: ${sent.status}`)
while (!(await fetch(`http://127.0.0.1:4319/api/traces/${span.traceId}`, { headers })).ok) await new Promise((r) => setTimeout(r, 100))
const page = await fetch("http://127.0.0.1:4319/", { headers: { ...headers, accept: "text/html" } })
if (!(await page.text()).includes("<script")) throw new Error("no UI")
'
kill -TERM $pid
wait $pid
