import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { freePorts } from './process/free-ports.ts'
import { aptInstall } from './install/apt.ts'

const PROGRAM = '/usr/sbin/nginx'

/** Installs Debian's nginx if permitted. @returns why there is none */
export async function ensureNginx(): Promise<string | undefined> {
  return existsSync(PROGRAM) ? undefined : await aptInstall(['nginx-light'], '3 MB')
}

export type Proxy = { readonly port: number } & AsyncDisposable

/** Runs nginx with the directives of a `server` block, on a free port of loopback. */
export async function startNginx(directives: string, port?: number): Promise<Proxy> {
  const problem = await ensureNginx()
  if (problem !== undefined) throw new Error(`No nginx to test with: ${problem}`)
  const [listenPort = 0] = port === undefined ? await freePorts(1) : [port]
  const dir = await mkdtemp(join(tmpdir(), 'spanlink-nginx-'))
  const config = `
    daemon off; master_process off; pid ${dir}/pid; error_log stderr warn;
    events {}
    http {
      access_log off;
      client_body_temp_path ${dir}; proxy_temp_path ${dir}; fastcgi_temp_path ${dir};
      uwsgi_temp_path ${dir}; scgi_temp_path ${dir};
      server { listen 127.0.0.1:${listenPort}; ${directives} }
    }`
  await writeFile(join(dir, 'nginx.conf'), config)
  const child = spawn(PROGRAM, ['-c', join(dir, 'nginx.conf')], { stdio: ['ignore', 'ignore', 'pipe'] })
  let log = ''
  child.stderr.on('data', (text) => (log += String(text)))
  while (!(await accepts(listenPort))) {
    if (child.exitCode !== null) throw new Error(`nginx ended: ${log}`)
    await setTimeout(50)
  }
  return {
    port: listenPort,
    [Symbol.asyncDispose]: async () => {
      child.kill('SIGKILL')
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
      await rm(dir, { recursive: true, force: true })
    },
  }
}

async function accepts(port: number): Promise<boolean> {
  return await new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false))
    socket.once('connect', () => socket.destroy())
  })
}
