import { cp, readFile, rm, stat } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { cached, cacheDir, progress } from './cache.ts'
import { command } from './command.ts'

/**
 * An npm package with a librdkafka addon, which `npm ci` leaves unbuilt: its install script is not
 * allowed to run.
 */
export interface NativeAddon {
  readonly name: string
  /** Whether its releases carry built addons for node-pre-gyp to fetch. */
  readonly prebuilt: boolean
  /** For the build from source. */
  readonly env: Readonly<Record<string, string>>
}

/** Makes `require` of the addon work, or gives why it doesn't, with the command that helps. */
export async function ensureNativeAddon(addon: NativeAddon): Promise<string | undefined> {
  const root = packageRoot(addon.name)
  if (root === undefined) return `${addon.name} is not installed: npm ci`
  if (await loads(root)) return undefined
  const key = `${addon.name.replace(/^@.*\//, '')}-${await versionOf(root)}-${runtime()}`
  try {
    if (await isThere(join(cacheDir(), key))) {
      if (await installs(join(cacheDir(), key), root)) return undefined
      // Built against a system library this machine doesn't have (any more).
      await rm(join(cacheDir(), key), { recursive: true, force: true })
    }
    const built = await cached(key, async (partial) => await fetchOrBuild(addon, root, partial))
    if (await installs(built, root)) return undefined
    return `${addon.name} was built and does not load: node -e 'require("${addon.name}")' says why`
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}

/** In a process of its own: two librdkafkas of one soname in a process would be one. */
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
  if (code === 0 && (await isThere(join(target, 'build', 'Release')))) return true
  await rm(join(target, 'build'), { recursive: true, force: true })
  return false
}

/** In a copy, so that neither a failed nor a killed build leaves anything in node_modules. */
async function build(addon: NativeAddon, root: string, target: string): Promise<void> {
  const source = join(target, 'source')
  await cp(root, source, { recursive: true, verbatimSymlinks: true })
  const env = {
    ...process.env,
    ...addon.env,
    // `nan` is found where the package itself would find it.
    NODE_PATH: nodeModulesOf(root),
    // gyp runs whatever `node` comes first, which must be the one that the addon is for.
    PATH: `${dirname(process.execPath)}:${process.env['PATH'] ?? ''}`,
    ...(await ownHeaders()),
  }
  // npm puts its own node-gyp on the path of scripts; both packages have these two.
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

/**
 * Headers beside Node itself, as its npm package and tarball have them: node-gyp then downloads
 * none.
 */
async function ownHeaders(): Promise<Record<string, string> | undefined> {
  const prefix = dirname(dirname(process.execPath))
  return (await isThere(join(prefix, 'include', 'node', 'node.h'))) ? { npm_config_nodedir: prefix } : undefined
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
 * What librdkafka is built with. Installs what Debian lacks when we may; gives the command when we
 * may not.
 */
async function systemLibraries(): Promise<string | undefined> {
  const query = await command('dpkg-query', ['-W', '-f', '${db:Status-Status} ${Package}\n', ...DEBIAN_PACKAGES])
  // No Debian: the compiler will tell what is missing.
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

/** Everything an addon is built for. */
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

async function isThere(path: string): Promise<boolean> {
  return await stat(path).then(
    () => true,
    () => false,
  )
}
