// npm run release:dry [-- --tag v0.2.0] [--out DIR]: everything of a release but publishing.
// With --tag, which release.yml passes, the tree must be ready: the tag is the version, and its
// section of the changelog and the lockfile are complete.
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import process from 'node:process'
import { parseArgs } from 'node:util'
import { parseChangelog } from './changelog.ts'
import { smokeTest } from './smoke-test.ts'
import { readVersion, ROOT } from './versions.ts'

const PUBLISHED = ['packages/kafka', 'packages/server']
/** Everything that a package may contain. */
const PACKED_FILES = /^(package\.json|README\.md|LICENSE|dist\/.+\.(js|d\.ts|json|sql|html|css|woff2|svg|png|ico|txt))$/
const MAX_TARBALL_BYTES = 5 * 1024 * 1024

type Packed = {
  readonly name: string
  readonly filename: string
  readonly size: number
  readonly files: readonly { readonly path: string }[]
}

const { values } = parseArgs({ options: { tag: { type: 'string' }, out: { type: 'string' } } })
const { tag } = values
const out = values.out === undefined ? mkdtempSync(join(tmpdir(), 'spanlink-dry-')) : resolve(values.out)
mkdirSync(out, { recursive: true })

let version = ''
let tarballs: readonly string[] = []
try {
  await step('version', () => {
    version = readVersion()
    if (tag !== undefined && tag !== `v${version}`) throw new Error(`the tag is ${tag}, the version ${version}`)
    return version
  })
  await step('changelog', () => {
    const notes = readNotes()
    writeFileSync(join(out, 'release-notes.md'), `${notes}\n`)
    return `${notes.split('\n').length} lines`
  })
  await step('lockfile', () => run('node', ['scripts/check-lockfile.ts', ...(tag === undefined ? [] : ['--strict'])]))
  await step('build', () => run('node', ['scripts/build.ts']).split('\n').at(-1) ?? '')
  await step('pack', packPackages)
  await step('publish --dry-run', () => tarballs.map(dryPublish).join(', '))
  await step('install and run', async () => {
    await smokeTest(tarballs, version)
    return 'stored and returned a span'
  })
  if (values.out === undefined) rmSync(out, { recursive: true, force: true })
  else process.stdout.write(`Packages and release-notes.md are in ${values.out}.\n`)
} catch (error) {
  process.stdout.write(`\n${(error as Error).message}\n`)
  process.exit(1)
}

async function step(name: string, act: () => string | Promise<string>): Promise<void> {
  process.stdout.write(`${name.padEnd(18)} `)
  const started = performance.now()
  const result = await act()
  process.stdout.write(`${result.trim() || 'ok'} (${((performance.now() - started) / 1000).toFixed(1)} s)\n`)
}

/** The section of the version; before a release is prepared, what is unreleased. */
function readNotes(): string {
  const { unreleased, releases } = parseChangelog(readFileSync(join(ROOT, 'CHANGELOG.md'), 'utf8'))
  const notes = releases.find((release) => release.version === version)?.notes
  if (notes !== undefined && unreleased === '') return notes
  if (tag !== undefined) {
    throw new Error(
      notes === undefined
        ? `CHANGELOG.md has no section of ${version}: npm run release:version -- ${version}`
        : `CHANGELOG.md has unreleased changes above ${version}`,
    )
  }
  return unreleased
}

function packPackages(): string {
  const output = run('npm', ['pack', '--json', '--pack-destination', out, ...PUBLISHED.map((path) => `./${path}`)])
  const packed = Object.values(JSON.parse(output) as Record<string, Packed>)
  for (const { name, size, files } of packed) {
    const strange = files.filter(({ path }) => !PACKED_FILES.test(path) || path.includes('.test.'))
    if (strange.length > 0) throw new Error(`${name} contains ${strange.map(({ path }) => path).join(', ')}`)
    if (size > MAX_TARBALL_BYTES) throw new Error(`${name} has ${size} bytes, more than ${MAX_TARBALL_BYTES}`)
  }
  tarballs = packed.map(({ filename }) => join(out, filename))
  return packed
    .map(({ filename, size, files }) => `${filename} ${Math.ceil(size / 1000)} kB, ${files.length} files`)
    .join('; ')
}

function dryPublish(tarball: string): string {
  const output = run('npm', ['publish', tarball, '--dry-run', '--json', '--access', 'public'])
  const [published] = Object.values(JSON.parse(output) as Record<string, { readonly id: string }>)
  return published?.id ?? ''
}

function run(command: string, args: readonly string[]): string {
  const { status, stdout, stderr, error } = spawnSync(command, args, {
    cwd: ROOT,
    encoding: 'utf8',
    maxBuffer: 2 ** 26,
  })
  if (error !== undefined || status !== 0) {
    throw new Error(`${command} ${args.join(' ')} failed:\n${error?.message ?? `${stdout}${stderr}`}`)
  }
  return stdout.trim()
}
