// The static checks, all of them, each with its own verdict: `npm run check`.
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))

const checks: readonly (readonly [name: string, command: string, ...args: string[]])[] = [
  ['format', 'oxfmt', '--check', '.'],
  ['lint and import rules', 'oxlint', '--deny-warnings', '.'],
  ['types', 'tsc', '-b', 'tsconfig.json'],
  ['layout', 'node', 'scripts/check-layout.ts'],
  ['API report of @spanlink/kafka', 'node', 'scripts/api-report.ts', '--check'],
  ['links and paths in documents', 'node', 'scripts/check-docs.ts'],
  ['endpoints in docs/api.md', 'node', '--conditions=spanlink:source', 'scripts/docs/api-docs.ts', '--check'],
  ['references in docs', 'node', '--conditions=spanlink:source', 'scripts/docs/reference.ts', '--check'],
  ['integrity of the lockfile', 'node', 'scripts/check-lockfile.ts'],
  ['unused files, exports and dependencies', 'knip'],
  ['build', 'node', 'scripts/build.ts', '--if-stale'],
  ['publint @spanlink/kafka', 'publint', 'packages/kafka', '--strict'],
  ['publint spanlink', 'publint', 'packages/server', '--strict'],
  ['types as published: @spanlink/kafka', 'attw', '--pack', 'packages/kafka', '--profile', 'strict'],
  ['types as published: spanlink', 'attw', '--pack', 'packages/server', '--profile', 'esm-only'],
]

let failed = 0
for (const [name, command, ...args] of checks) {
  const { code, output } = await run(command, args)
  process.stdout.write(`${code === 0 ? 'ok  ' : 'FAIL'}  ${name}\n`)
  if (code !== 0) {
    failed += 1
    process.stdout.write(`${output}\n`)
  }
}
if (failed > 0) {
  process.stdout.write(`\n${failed} of ${checks.length} checks failed. \`npm run format\` repairs the first kind.\n`)
  process.exit(1)
}

async function run(command: string, args: readonly string[]): Promise<{ code: number | null; output: string }> {
  const child = spawn(join(root, 'node_modules/.bin', command), args, {
    cwd: root,
    env: { ...process.env, PATH: `${join(root, 'node_modules/.bin')}:${process.env['PATH']}` },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  child.stdout.on('data', (chunk) => (output += chunk))
  child.stderr.on('data', (chunk) => (output += chunk))
  const code = await new Promise<number | null>((resolve, reject) => child.on('close', resolve).on('error', reject))
  return { code, output }
}
