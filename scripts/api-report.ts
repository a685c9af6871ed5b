// What @spanlink/kafka promises, as one text per entry point for review: `node
// scripts/api-report.ts`. With --check it only compares.
import { spawn } from 'node:child_process'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const packageDirectory = join(root, 'packages/kafka')
const reports = join(packageDirectory, 'etc')

const declarations = await mkdtemp(join(tmpdir(), 'spanlink-api-'))
let differing = 0
try {
  await emitDeclarations(declarations)
  await mkdir(reports, { recursive: true })
  for (const [name, entry] of await entryPoints()) differing += (await report(name, entry)) ? 0 : 1
} finally {
  await rm(declarations, { recursive: true, force: true })
}
if (differing > 0) process.exit(1)

/** Writes the report of an entry point, or compares it. */
async function report(name: string, entry: string): Promise<boolean> {
  const file = join(reports, `${name}.api.txt`)
  const exported = await exportsOf(join(declarations, entry))
  const text = `${exported.join('\n\n') || 'No exports: importing it is all there is to do.'}\n`
  if (!process.argv.includes('--check')) {
    await writeFile(file, text)
    return true
  }
  const known = await readFile(file, 'utf8').catch(() => '')
  if (known === text) return true
  process.stdout.write(`${file} is not what the sources promise: node scripts/api-report.ts\n`)
  return false
}

async function entryPoints(): Promise<[name: string, file: string][]> {
  const { exports } = JSON.parse(await readFile(join(packageDirectory, 'package.json'), 'utf8')) as {
    exports: Record<string, string | { readonly types?: string }>
  }
  return Object.entries(exports).flatMap(([specifier, entry]): [string, string][] =>
    typeof entry === 'object' && entry.types
      ? [[specifier === '.' ? 'index' : basename(specifier), entry.types.replace('./dist/', '')]]
      : [],
  )
}

/**
 * The declarations that a module exports, of its own and from others, by name and with their
 * comments.
 */
async function exportsOf(file: string): Promise<string[]> {
  const found = new Map<string, string>()
  for (const statement of statementsOf(await readFile(file, 'utf8'))) {
    const reexport = /^export (?:type )?\{([^}]*)\} from '([^']*)'/.exec(statement)
    if (reexport === null) {
      const name = nameOf(statement)
      if (name !== undefined) found.set(name, statement)
      continue
    }
    const source = join(dirname(file), reexport[2]!.replace(/\.[jt]s$/, '.d.ts'))
    const theirs = statementsOf(await readFile(source, 'utf8'))
    for (const name of reexport[1]!.split(',').map(trimmed).filter(Boolean)) {
      const declared = theirs.filter((one) => nameOf(one) === name)
      if (declared.length === 0) throw new Error(`${source} does not declare ${name}`)
      found.set(name, declared.join('\n'))
    }
  }
  return [...found].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, statement]) => statement)
}

/**
 * Top-level statements, each with the comment above it: a declaration file has nothing else at the
 * beginning of a line.
 */
function statementsOf(text: string): string[] {
  const statements: string[] = []
  let current: string[] = []
  let isOpen = false
  for (const line of text.split('\n')) {
    const begins = /^(?:export|declare|import|\/\*\*|\/\/)/.test(line)
    if (begins && isOpen) {
      statements.push(current.join('\n').trimEnd())
      current = []
    }
    if (begins) isOpen = !/^(?:\/\*\*|\/\/)/.test(line)
    current.push(line)
  }
  statements.push(current.join('\n').trimEnd())
  return statements.filter(Boolean)
}

function trimmed(specifier: string): string {
  return specifier.trim().replace(/^type /, '')
}

function nameOf(statement: string): string | undefined {
  const declaration = /^export (?:declare )?(?:abstract )?(?:function|class|interface|type|const|enum) ([\w$]+)/m
  return declaration.exec(statement)?.[1]
}

async function emitDeclarations(outDir: string): Promise<void> {
  const args = ['-p', join(packageDirectory, 'tsconfig.build.json'), '--emitDeclarationOnly', '--outDir', outDir]
  const child = spawn(join(root, 'node_modules/.bin/tsc'), args, { cwd: root, stdio: ['ignore', 2, 2] })
  const code = await new Promise<number | null>((resolve, reject) => child.on('close', resolve).on('error', reject))
  if (code !== 0) throw new Error(`tsc failed (exit ${code})`)
}
