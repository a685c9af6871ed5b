// The image without a container engine: its build script in an empty root with a clean environment,
// then the result as user 1000 with a read-only root and its own network.
import { existsSync } from 'node:fs'
import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { homedir, tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { command } from '../../packages/testkit/src/process/command.ts'
import { check, SkippedError } from './checks.ts'
import { run } from './tools.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const NODE = dirname(dirname(process.execPath))
const SYSTEM = [
  '/usr',
  '/bin',
  '/sbin',
  '/lib',
  '/lib64',
  '/etc/ssl',
  '/etc/resolv.conf',
  '/etc/hosts',
  '/etc/nsswitch.conf',
]

export async function checkImage(): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'spanlink-image-'))
  try {
    let isBuilt = false
    await check('the image builds in an empty root', async () => {
      await requireNamespaces()
      await copySource(join(folder, 'source'))
      await build(folder)
      isBuilt = true
    })
    if (!isBuilt) return
    await check('the image runs as user 1000 with a read-only root', () => runServer(folder))
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

async function requireNamespaces(): Promise<void> {
  const { code, stderr } = await command('unshare', ['--mount', '--net', 'true'])
  if (code !== 0) throw new SkippedError(`needs root and namespaces: ${stderr.trim() || 'unshare is not installed'}`)
}

/** What `COPY . /source` copies: the files of the repository. */
async function copySource(target: string): Promise<void> {
  const list = ['ls-files', '-z', '--cached', '--others', '--exclude-standard']
  const files = (await run('git', ['-C', ROOT, ...list])).split('\0').filter((file) => existsSync(join(ROOT, file)))
  for (const file of files.filter((name) => name !== '')) {
    await mkdir(dirname(join(target, file)), { recursive: true })
    await cp(join(ROOT, file), join(target, file))
  }
}

async function build(folder: string): Promise<void> {
  await mkdir(join(folder, 'app'))
  // npm's settings of this machine: its registry and certificates.
  const npmrc = join(homedir(), '.npmrc')
  if (existsSync(npmrc)) await cp(npmrc, join(folder, 'npmrc'))
  else await writeFile(join(folder, 'npmrc'), '')
  const cache = (await run('npm', ['config', 'get', 'cache'])).trim()
  await mkdir(cache, { recursive: true })
  const binds = { source: join(folder, 'source'), app: join(folder, 'app'), npmrc: join(folder, 'npmrc'), cache }
  const certificates = process.env['NODE_EXTRA_CA_CERTS']
  await inRoot(
    folder,
    binds,
    [],
    `env -i PATH=/node/bin:/usr/bin:/bin HOME=/tmp NPM_CONFIG_USERCONFIG=/npmrc NPM_CONFIG_CACHE=/cache \
      ${certificates === undefined ? '' : `NODE_EXTRA_CA_CERTS=${certificates}`} \
      /source/deploy/image/build.sh /source /app`,
  )
}

async function runServer(folder: string): Promise<void> {
  await mkdir(join(folder, 'data'))
  await run('chown', ['1000:1000', join(folder, 'data')])
  await cp(fileURLToPath(new URL('in-image.sh', import.meta.url)), join(folder, 'app/in-image.sh'))
  const user = 'setpriv --reuid 1000 --regid 1000 --clear-groups --no-new-privs --bounding-set -all'
  await inRoot(
    folder,
    { app: join(folder, 'app'), data: join(folder, 'data') },
    ['app'],
    `env -i PATH=/node/bin:/usr/bin:/bin NODE_ENV=production SPANLINK_DATA=/data ${user} sh /app/in-image.sh`,
    'ip link set lo up; mount -o remount,ro "$root"',
  )
}

/** Runs a command in a root that has the system's programs, Node and the given folders only. */
async function inRoot(
  folder: string,
  binds: Readonly<Record<string, string>>,
  readOnly: readonly string[],
  program: string,
  before = '',
): Promise<void> {
  const root = join(folder, 'root')
  await mkdir(root, { recursive: true })
  const mounts = [
    ...SYSTEM.filter(existsSync).map((path) => [path, path, 'ro'] as const),
    [NODE, '/node', 'ro'] as const,
    ...Object.entries(binds).map(([name, path]) => [path, `/${name}`, readOnly.includes(name) ? 'ro' : 'rw'] as const),
  ]
  const script = `
set -eu
root=${root}
mount -t tmpfs tmpfs "$root"
bind() {
  if [ -d "$1" ]; then mkdir -p "$root$2"; else mkdir -p "$(dirname "$root$2")"; : > "$root$2"; fi
  mount --bind "$1" "$root$2"
  [ "$3" = rw ] || mount -o remount,bind,ro "$root$2"
}
${mounts.map((mount) => `bind ${mount.join(' ')}`).join('\n')}
mkdir -p "$root/proc" "$root/dev" "$root/tmp"
mount -t proc proc "$root/proc"
mount --rbind /dev "$root/dev"
mount -t tmpfs tmpfs "$root/tmp"
chmod 1777 "$root/tmp"
${before}
chroot "$root" ${program}`
  const network = 'data' in binds ? ['--net'] : []
  await run('unshare', ['--mount', '--propagation', 'private', ...network, 'sh', '-c', script])
}
