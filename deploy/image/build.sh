#!/bin/sh
# Builds what the image runs: the server and its production dependencies, in the versions of the
# lockfile. Needs Node 22.15 or newer, npm and the registry; writes to SOURCE and TARGET only.
# usage: build.sh SOURCE TARGET [CPU]
#   CPU  of the machine that runs it, x64 or arm64; default: this one
set -eu

source=$(cd "$1" && pwd)
mkdir -p "$2"
target=$(cd "$2" && pwd)
cpu=${3:-$(node -p process.arch)}
case $cpu in
  amd64) cpu=x64 ;;
  x64 | arm64) ;;
  *) echo "build.sh: CPU is x64 or arm64, not $cpu" >&2 && exit 2 ;;
esac

cd "$source"
npm ci --no-audit --no-fund --prefer-offline --ignore-scripts
npm run build

# npm needs the manifest of every workspace to read the lockfile.
manifests=$(find . -name package.json -not -path '*/node_modules/*' -not -path '*/dist/*')
for manifest in $manifests package-lock.json; do
  mkdir -p "$target/$(dirname "$manifest")"
  cp "$manifest" "$target/$manifest"
done
cd "$target"
npm ci --no-audit --no-fund --prefer-offline --ignore-scripts --omit=dev --workspace packages/server --os linux --cpu "$cpu" --libc glibc
# Optional for the package, needed for --kafka-brokers. It has no dependencies.
cp -R "$source/node_modules/kafkajs" node_modules/kafkajs
cp -R "$source/packages/server/dist" "$source/packages/server/README.md" "$source/LICENSE" packages/server/

node "$source/deploy/image/prune.js" "$target" packages/server/package.json kafkajs

# The other workspaces' manifests are of no use.
for folder in packages/* examples compat bench; do
  [ "$folder" = packages/server ] || rm -rf "$folder"
done
rm -f package.json package-lock.json node_modules/.package-lock.json
cp "$source/deploy/image/healthcheck.js" healthcheck.js
