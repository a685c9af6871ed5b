import { existsSync } from 'node:fs'
import { cp, readFile, rm } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { cached, cacheDir, progress } from './cache.ts'
import { command } from '../process/command.ts'

/**
 * An npm package with a librdkafka addon. `npm ci` does not build it, because install scripts are
 * disabled.
 */
export interface NativeAddon {
  readonly name: string
  /** Whether its releases include prebuilt addons for node-pre-gyp. */
  readonly prebuilt: boolean
  /** Environment of the build from source. */
  readonly env: Readonly<Record<string, string>>
}

/** Makes the addon loadable, or returns the reason why not, with the command that fixes it. */
export async function ensureNativeAddon(addon: NativeAddon): Promise<string | undefined> {
  const root = packageRoot(addon.name)
  if (root === undefined) return `${addon.name} is not installed: npm ci`
  if (await loads(root)) return undefined
  const key = `${addon.name.replace(/^@.*\//, '')}-${await versionOf(root)}-${runtime()}`
  try {
    if (existsSync(join(cacheDir(), key))) {
      if (await installs(join(cacheDir(), key), root)) return undefined
      // Built against a system library that is missing on this machine, or was removed.
      await rm(join(cacheDir(), key), { recursive: true, force: true })
    }
    const built = await cached(key, async (partial) => await fetchOrBuild(addon, root, partial))
    if (await installs(built, root)) return undefined
    return `${addon.name} was built and does not load: node -e 'require("${addon.name}")' says why`
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}

/** In a child process: two librdkafkas with the same soname in one process would be shared. */
async function loads(root: string): Promise<boolean> {
  const { code } = await command(process.execPath, ['-e', `require(${JSON.stringify(root)})`], { timeout: 30_000 })
  return code === 0
}

async function installs(built: string, root: string): Promise<boolean> {
  await cp(join(built, 'build'), join(root, 'build'), { recursive: true, verbatimSymlinks: true })
  return await loads(root)
}

async function fetchOrBuild(addon: NativeAddon, root: string, target: string): Promise<void> {
  const started = Date.now()
  if (addon.prebuilt && (await fetches(root, target))) return
  progress(`building ${addon.name} from source (about a minute, once)`)
  const missing = await systemLibraries()
  if (missing !== undefined) throw new Error(`${addon.name} cannot be built: ${missing}`)
  await build(addon, root, target)
  progress(`${addon.name} is built, ${((Date.now() - started) / 1000).toFixed(0)} s`)
}

async function fetches(root: string, target: string): Promise<boolean> {
  const { resolve } = createRequire(join(root, 'package.json'))
  const nodePreGyp = join(dirname(resolve('@mapbox/node-pre-gyp/package.json')), 'bin', 'node-pre-gyp')
  await cp(join(root, 'package.json'), join(target, 'package.json'))
  const { code } = await command(process.execPath, [nodePreGyp, 'install'], { cwd: target, timeout: 60_000 })
  if (code === 0 && existsSync(join(target, 'build', 'Release'))) return true
  await rm(join(target, 'build'), { recursive: true, force: true })
  return false
}

/** Builds a copy, so that a failed or killed build leaves nothing in node_modules. */
async function build(addon: NativeAddon, root: string, target: string): Promise<void> {
  const source = join(target, 'source')
  await cp(root, source, { recursive: true, verbatimSymlinks: true })
  const env = {
    ...process.env,
    ...addon.env,
    // Lets the build resolve `nan` as the package itself would.
    NODE_PATH: nodeModulesOf(root),
    // gyp runs the first `node` in PATH, which must be the version that the addon is built for.
    PATH: `${dirname(process.execPath)}:${process.env['PATH'] ?? ''}`,
    ...ownHeaders(),
  }
  // npm adds its bundled node-gyp to the PATH of scripts; both packages have these two scripts.
  for (const script of ['configure', 'build']) {
    const { code, stdout, stderr } = await command('npm', ['run', '--silent', script], { cwd: source, env })
    if (code === 0) continue
    const reason = (stderr + stdout).trim().split('\n').slice(-12).join('\n')
    throw new Error(`${addon.name} cannot be built (npm run ${script}):\n${reason}`)
  }
  const outputs = join(source, 'build')
  for (const folder of ['Release', 'deps']) {
    await cp(join(outputs, folder), join(target, 'build', folder), {
      recursive: true,
      verbatimSymlinks: true,
      filter: (path) => path === join(outputs, folder) || /\.(node|so(\.\d+)?|dylib)$/.test(path),
    })
  }
  await rm(source, { recursive: true, force: true })
}

/** Headers beside Node, as in its npm package and tarball; with them node-gyp downloads none. */
function ownHeaders(): Record<string, string> | undefined {
  const prefix = dirname(dirname(process.execPath))
  return existsSync(join(prefix, 'include', 'node', 'node.h')) ? { npm_config_nodedir: prefix } : undefined
}

const DEBIAN_PACKAGES = [
  'g++',
  'make',
  'python3',
  'libcurl4-openssl-dev',
  'libssl-dev',
  'zlib1g-dev',
  'libzstd-dev',
  'libsasl2-dev',
]

/**
 * Build dependencies of librdkafka. Installs missing Debian packages if permitted, else returns the
 * command that does.
 */
async function systemLibraries(): Promise<string | undefined> {
  const query = await command('dpkg-query', ['-W', '-f', '${db:Status-Status} ${Package}\n', ...DEBIAN_PACKAGES])
  // Not Debian: the compiler reports missing libraries.
  if (query.code === null) return undefined
  const installed = new Set([...query.stdout.matchAll(/^installed (.*)$/gm)].map(([, name]) => name))
  const missing = DEBIAN_PACKAGES.filter((name) => !installed.has(name))
  if (missing.length === 0) return undefined
  const advice = `apt-get install --no-install-recommends ${missing.join(' ')}`
  if (process.getuid?.() !== 0) return advice
  progress(advice)
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  await command('apt-get', ['update', '-qq'], { env })
  const { code, stderr } = await command('apt-get', ['install', '-y', '-qq', '--no-install-recommends', ...missing], {
    env,
  })
  return code === 0 ? undefined : `${advice}\n${stderr.trim()}`
}

/** Cache key of everything that an addon build depends on. */
function runtime(): string {
  const report = process.report.getReport() as { readonly header?: { readonly glibcVersionRuntime?: string } }
  const libc = process.platform === 'linux' ? (report.header?.glibcVersionRuntime ? '-glibc' : '-musl') : ''
  return `node${process.versions.modules}-${process.platform}-${process.arch}${libc}`
}

function packageRoot(name: string): string | undefined {
  try {
    return dirname(createRequire(import.meta.url).resolve(`${name}/package.json`))
  } catch {
    return undefined
  }
}

function nodeModulesOf(root: string): string {
  return root.slice(0, root.lastIndexOf('node_modules') + 'node_modules'.length)
}

async function versionOf(root: string): Promise<string> {
  const { version } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as { readonly version: string }
  return version.replace(/^v/, '')
}
