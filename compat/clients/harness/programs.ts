import { startGuarded } from '../../../packages/testkit/src/process/guarded-process.ts'

export type Program = {
  /** Resolves with the text after `ready ` in its output. */
  readonly ready: Promise<string>
  /**
   * Resolves when it has ended with its exit code; rejects with its last lines when it has ended
   * with another.
   */
  readonly ended: Promise<void>
  readonly terminate: () => Promise<void>
}

/** Starts a program that ends with this process, however this process ends. */
export async function startProgram(
  name: string,
  argv: readonly string[],
  env: Readonly<Record<string, string>>,
  exitCode: number,
  onLine: (line: string) => void = () => {},
): Promise<Program> {
  const guarded = await startGuarded(argv, { env: { ...process.env, ...env } })
  guarded.onLine(onLine)
  const ended = endWith(exitCode)
  // Whoever waits for it sees the rejection.
  ended.catch(() => {})
  const ready = new Promise<string>((resolve) => {
    guarded.onLine((line) => line.startsWith('ready ') && resolve(line.slice('ready '.length)))
  })
  const terminate = async (): Promise<void> => {
    if (!guarded.hasEnded()) process.kill(guarded.pid, 'SIGTERM')
    await ended
  }
  return { ready, ended, terminate }

  async function endWith(expected: number): Promise<void> {
    const code = await guarded.ended()
    if (code !== expected) throw new Error(`${name} ended with code ${code}, not ${expected}:\n${guarded.output()}`)
  }
}
