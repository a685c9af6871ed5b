import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, existsSync, openSync, readFileSync, statSync, truncateSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { type EngineSettings, writeEngineConfig } from './engine-config.ts'
import { findEngineLibrary } from './engine-library.ts'
import { tryLockFile } from './flock.ts'
import { repairDedupLogs } from './repair-dedup-log.ts'
import type { Log } from '../../log.ts'
import type { Access } from '../client.ts'
import { StoreError } from '../store-error.ts'

export type EngineOptions = EngineSettings & {
  /** Already locked with `lockDataDir`. */
  readonly dataDir: string
  /** Resolves true once the engine behind `access` answers queries. */
  readonly ping: (access: Access) => Promise<boolean>
  /** Called at the start and after each restart, with a new port and password. */
  readonly onReady: (access: Access) => Promise<void>
  readonly onDown: () => void
  readonly log: Log
}

export type Engine = {
  state(): 'starting' | 'ready' | 'down'
  restarts(): number
  /** Process id while the engine runs. */
  pid(): number | undefined
  stop(): Promise<void>
}

/**
 * Starts the embedded engine and keeps it running until `stop()`. Rejects when the first start
 * fails.
 */
export async function startEngine(options: EngineOptions): Promise<Engine> {
  const library = findEngineLibrary()
  let state: 'starting' | 'ready' | 'down' = 'starting'
  let restarts = 0
  let child: ChildProcess | undefined
  const stopped = new AbortController()

  await launch().catch(async (error) => {
    await terminate(child)
    throw error
  })

  async function launch(): Promise<void> {
    const run = await startProcess(library, options, stopped.signal, (started) => {
      child = started
      if (stopped.signal.aborted) started.kill('SIGKILL')
    })
    await options.onReady(run.access)
    state = 'ready'
    killWhenUnresponsive(run, options.ping)
    void relaunchAfterExit(run.ended)
  }

  async function relaunchAfterExit(ended: Promise<string>): Promise<void> {
    const reason = await ended
    child = undefined
    state = 'down'
    if (stopped.signal.aborted) return
    options.onDown()
    options.log(`Embedded ClickHouse exited (${reason}); restarting.`, { level: 'warn' })
    for (let delayMs = 50; ; delayMs = Math.min(delayMs * 2, 5000)) {
      await sleep(delayMs, undefined, { signal: stopped.signal }).catch(() => {})
      if (stopped.signal.aborted) return
      restarts += 1
      try {
        return await launch()
      } catch (error) {
        if (!stopped.signal.aborted)
          options.log(`Embedded ClickHouse did not start: ${(error as Error).message}`, { level: 'error' })
        await terminate(child)
      }
    }
  }

  return {
    state: () => state,
    restarts: () => restarts,
    pid: () => child?.pid,
    stop: async () => {
      stopped.abort()
      await terminate(child)
      state = 'down'
    },
  }
}

type EngineProcess = { readonly child: ChildProcess; readonly access: Access; readonly ended: Promise<string> }

const PING_INTERVAL_MS = 10_000
const MAX_FAILED_PINGS = 6

/** Kills an engine that doesn't respond for a minute; its exit starts a new one. */
function killWhenUnresponsive({ child, access, ended }: EngineProcess, ping: EngineOptions['ping']): void {
  let failedPings = 0
  const timer = setInterval(async () => {
    failedPings = (await ping(access).catch(() => false)) ? 0 : failedPings + 1
    if (failedPings >= MAX_FAILED_PINGS) child.kill('SIGKILL')
  }, PING_INTERVAL_MS)
  timer.unref()
  void ended.finally(() => clearInterval(timer))
}

// Transient failures: another program takes the free port before the engine binds it, or the engine
// of a killed server has not yet released the directory.
const MAX_RETRY_MS = 10_000

// Seen once in some thousands of starts: "SIGSEGV: cannot lock mutex".
const CRASH = /^SIG/
const MAX_CRASHES = 2

async function startProcess(
  library: string,
  options: EngineOptions,
  stopped: AbortSignal,
  onChild: (child: ChildProcess) => void,
): Promise<EngineProcess> {
  const deadline = performance.now() + MAX_RETRY_MS
  let crashes = 0
  for (;;) {
    if (!repairDataDir(options) && performance.now() < deadline) {
      await sleep(30)
      continue
    }
    const { configFile, workingDir, access } = writeEngineConfig(options.dataDir, await findFreePort(), options)
    const child = spawnEngine(library, configFile, workingDir)
    onChild(child)
    const ended = waitForExit(child, join(workingDir, 'engine.log'))
    const reason = await Promise.race([ended, waitUntilReady(access, options.ping, ended)])
    if (reason === 'ready') return { child, access, ended }
    await terminate(child)
    const isCrash = !stopped.aborted && CRASH.test(reason) && ++crashes <= MAX_CRASHES
    const isTransient = /Cannot lock file|Address already in use|NETWORK_ERROR/.test(reason)
    if (isCrash)
      options.log(`Embedded ClickHouse crashed at its start (${reason}), starting it again.`, { level: 'warn' })
    else if (!isTransient || performance.now() > deadline) {
      throw new StoreError(
        'unavailable',
        `Embedded ClickHouse did not start: ${reason}. Its log: ${workingDir}/engine.log`,
      )
    }
    await sleep(30)
  }
}

/** @returns false while another engine still holds the directory */
function repairDataDir({ dataDir, log }: EngineOptions): boolean {
  const clickhouseDir = join(dataDir, 'clickhouse')
  const lock = join(clickhouseDir, 'status')
  if (!existsSync(lock)) return true
  // The engine's lock (StatusFile.cpp): no part may be committed while tokens are compared with
  // parts.
  const fd = openSync(lock, 'r')
  try {
    if (!tryLockFile(fd)) return false
    const repaired = repairDedupLogs(clickhouseDir)
    if (repaired > 0) log(`ClickHouse stopped during ${repaired} inserts; retrying them.`)
    return true
  } finally {
    closeSync(fd)
  }
}

function spawnEngine(library: string, configFile: string, workingDir: string): ChildProcess {
  const self = fileURLToPath(import.meta.url)
  const entry = fileURLToPath(new URL(`./engine-child${self.slice(self.lastIndexOf('.'))}`, import.meta.url))
  const logFile = join(workingDir, 'engine.log')
  const log = openSync(logFile, 'a', 0o600)
  if (statSync(logFile).size > 4 * 1024 * 1024) truncateSync(logFile)
  try {
    return spawn(process.execPath, ['--max-old-space-size=32', entry, library, configFile], {
      // The engine loads a config.xml that it finds in its working directory.
      cwd: workingDir,
      stdio: ['ignore', log, log, 'ipc'],
      // A separate process group: a terminal's Ctrl-C reaches only the server, which drains first.
      detached: true,
      env: { PATH: process.env['PATH'] ?? '', TZ: 'UTC' },
    })
  } finally {
    closeSync(log)
  }
}

/** Resolves with the reason when the process ends or cannot start. */
function waitForExit(child: ChildProcess, logFile: string): Promise<string> {
  return new Promise((resolve) => {
    let reported: string | undefined
    child.on('message', (message) => (reported = String((message as { reason?: unknown }).reason)))
    child.on('error', (error) => resolve(error.message))
    child.on('exit', (code, signal) => resolve(reported ?? `${signal ?? `exit ${code}`}${readLastLine(logFile)}`))
  })
}

function readLastLine(logFile: string): string {
  const line = readFileSync(logFile, 'utf8').trim().split('\n').at(-1) ?? ''
  return line === '' ? '' : `: ${line.slice(0, 300)}`
}

const MAX_START_MS = 30_000

async function waitUntilReady(access: Access, ping: EngineOptions['ping'], ended: Promise<string>): Promise<string> {
  const giveUp = performance.now() + MAX_START_MS
  while (performance.now() < giveUp) {
    if (await ping(access)) return 'ready'
    // `undefined` after 10 ms if the engine still runs.
    const end = await Promise.race([ended, sleep(10)])
    if (end !== undefined) return end
  }
  return `no response within ${MAX_START_MS / 1000} s`
}

async function terminate(child: ChildProcess | undefined): Promise<void> {
  if (child === undefined || child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return
  const exited = new Promise((resolve) => child.once('exit', resolve))
  child.kill('SIGTERM')
  const killTimer = setTimeout(() => child.kill('SIGKILL'), 3000)
  await exited
  clearTimeout(killTimer)
}

async function findFreePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}
