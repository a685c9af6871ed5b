import { fileURLToPath } from 'node:url'
import { startGuarded, waitForLine, type GuardedProcess } from './process/guarded-process.ts'

export interface Demo {
  readonly process: GuardedProcess
  readonly url: string
  readonly dataDir: string
  readonly getJson: <T>(path: string) => Promise<T>
  /** Sends SIGTERM; returns the exit code. */
  readonly stop: () => Promise<number>
  readonly [Symbol.asyncDispose]: () => Promise<void>
}

/** `main.ts` of the server. */
export const MAIN = fileURLToPath(new URL('../../server/src/cli/main.ts', import.meta.url))

const FREE_PORTS = ['--port', '0', '--otlp-http-port', '0', '--otlp-grpc-port', '0']
const START_TIMEOUT = 90_000

/** Runs `spanlink demo` from source on free ports, until it has printed a line that matches. */
export async function startDemo(args: readonly string[] = [], until = /services, topics and groups/): Promise<Demo> {
  const demo = await startGuarded(
    [process.execPath, '--conditions=spanlink:source', MAIN, 'demo', ...FREE_PORTS, ...args],
    {
      onOrphaned: 'kill $program',
    },
  )
  const found = await waitForLine(demo, until, START_TIMEOUT)
  const stop = async (): Promise<number> => {
    if (!demo.hasEnded()) process.kill(demo.pid, 'SIGTERM')
    return await demo.ended()
  }
  if (typeof found === 'string') {
    await stop()
    throw new Error(`spanlink demo ${found}:\n${demo.output()}`)
  }
  const [, url = '', dataDir = ''] = /ready on (\S+)[^]*data in (\S+)/.exec(demo.output()) ?? []
  return {
    process: demo,
    url,
    dataDir,
    getJson: async <T>(path: string) => (await (await fetch(url + path)).json()) as T,
    stop,
    [Symbol.asyncDispose]: async () => void (await stop()),
  }
}
