// Builds what is published: the plugin (tsc), the server (Vite, one file per module) and the UI
// into the server.
// node scripts/build.ts [--if-stale]
import { createHash } from 'node:crypto'
import { spawn } from 'node:child_process'
import { chmod, copyFile, cp, glob, mkdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { writeCommonJsEntries } from './commonjs-entries.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const stampFile = join(root, 'node_modules/.cache/spanlink/build-stamp')

const inputs = [
  'packages/*/package.json',
  'packages/*/vite.config.ts',
  'packages/*/tsconfig*.json',
  'packages/{api-schema,kafka,server,ui}/src/**/*',
  'examples/shop/src/*',
  'packages/ui/{index.html,public/**/*}',
  'scripts/{build,commonjs-entries}.ts',
  'tsconfig.base.json',
  'package-lock.json',
]
const outputs = [
  'packages/kafka/dist/index.js',
  'packages/kafka/dist/cjs/index.js',
  'packages/server/dist/cli/bin.js',
  'packages/server/dist/cli/main.js',
  'packages/server/dist/cli/demo/shop/start-shop.js',
  'packages/server/dist/index.d.ts',
  'packages/server/dist/ui/index.html',
]

const stamp = await fingerprint()
if (process.argv.includes('--if-stale') && (await isFresh(stamp))) process.exit(0)

process.stderr.write('Building Spanlink …\n')
const started = performance.now()
await rm(stampFile, { force: true })
await rm(join(root, 'packages/kafka/dist'), { recursive: true, force: true })
await run('tsc', ['-p', 'packages/kafka/tsconfig.build.json'])
await writeCommonJsEntries(join(root, 'packages/kafka/dist'), [
  'index',
  'register/auto/index',
  'instrumentation',
  'register/index',
  'sampler',
  'testing/index',
])
await rm(join(root, 'packages/server/dist'), { recursive: true, force: true })
await run('tsc', ['-p', 'packages/server/tsconfig.build.json'])
await run('vite', ['build', '--logLevel', 'warn', '--config', 'packages/server/vite.config.ts', 'packages/server'])
await cp(join(root, 'packages/server/src/clickhouse/schema'), join(root, 'packages/server/dist/clickhouse/schema'), {
  recursive: true,
  filter: (path) => !path.endsWith('.ts'),
})
// For `spanlink demo --kafka`.
await run('tsc', ['-p', 'packages/server/tsconfig.shop.json'])
for (const name of ['bin', 'main']) await chmod(join(root, `packages/server/dist/cli/${name}.js`), 0o755)
await run('vite', ['build', '--logLevel', 'warn', 'packages/ui'])
for (const name of ['kafka', 'server']) await copyFile(join(root, 'LICENSE'), join(root, `packages/${name}/LICENSE`))
await mkdir(join(stampFile, '..'), { recursive: true })
await writeFile(stampFile, stamp)
// `npm ci` leaves out the command of a package that is not built yet; npx then finds none.
const command = fileURLToPath(new URL('../node_modules/.bin/spanlink', import.meta.url))
await rm(command, { force: true })
await symlink('../spanlink/dist/cli/bin.js', command)

process.stderr.write(`Built in ${((performance.now() - started) / 1000).toFixed(1)} s\n`)

async function fingerprint(): Promise<string> {
  const hash = createHash('sha256')
  for (const pattern of inputs) {
    const files: string[] = []
    for await (const file of glob(pattern, { cwd: root, exclude: (name) => name === 'node_modules' })) files.push(file)
    for (const file of files.sort()) {
      if (!(await stat(join(root, file))).isFile() || file.endsWith('.test.ts')) continue
      hash
        .update(file)
        .update('\0')
        .update(await readFile(join(root, file)))
    }
  }
  return hash.digest('hex')
}

async function isFresh(expected: string): Promise<boolean> {
  const built = await readFile(stampFile, 'utf8').catch(() => '')
  if (built !== expected) return false
  const there = await Promise.all(outputs.map((file) => stat(join(root, file)).catch(() => null)))
  return there.every((file) => file !== null)
}

async function run(command: string, args: readonly string[]): Promise<void> {
  const child = spawn(join(root, 'node_modules/.bin', command), args, { cwd: root, stdio: ['ignore', 2, 2] })
  const code = await new Promise<number | null>((resolve, reject) => child.on('close', resolve).on('error', reject))
  if (code === 0) return
  process.stderr.write(`The build stopped: ${command} ${args.join(' ')} failed (exit ${code}).\n`)
  process.exit(1)
}
