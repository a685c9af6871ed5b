#!/usr/bin/env node
// A static import of a missing API ends older versions of Node with a stack trace, so the program
// is imported after the check.
import process from 'node:process'

const MIN_NODE = [22, 15] as const

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
if (major > MIN_NODE[0] || (major === MIN_NODE[0] && minor >= MIN_NODE[1])) await import('./main.ts')
else {
  process.stderr.write(`spanlink needs Node ${MIN_NODE.join('.')} or newer, this is ${process.versions.node}.\n`)
  process.exitCode = 1
}
