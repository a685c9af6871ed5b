import { spawn } from 'node:child_process'
import { Socket } from 'node:net'
import { createInterface } from 'node:readline'

/**
 * A child process that cannot outlive us. `sh` holds the read end of a pipe whose only writer is
 * this process. However we die, `kill -9` included, the kernel closes the pipe and the shell runs
 * the clean-up. Requires nothing of the program, so it works for a JVM and a container.
 */
export interface GuardedProcess {
  readonly pid: number
  /**
   * Resolves with the exit code (128 + n for signal n) after the program has exited and its
   * clean-up is done. Keeps our process alive until then.
   */
  readonly ended: () => Promise<number>
  /** The same without keeping our process alive. */
  readonly onEnd: (end: (code: number) => void) => void
  /** The last lines of the program's stdout and stderr. */
  readonly output: () => string
  readonly hasEnded: () => boolean
  /** Calls `line` for each further line that the program writes. */
  readonly onLine: (line: (text: string) => void) => void
  /** Lets our process exit without waiting for this one. */
  readonly unref: () => void
}

export interface GuardedOptions {
  /** Removed after the program has exited for any reason. */
  readonly directory?: string
  /** Removed only after our process has died. */
  readonly orphanedDirectory?: string
  readonly env?: NodeJS.ProcessEnv
  /** Run with the pid as `$program` after our process has died. @default 'kill -9 $program' */
  readonly onOrphaned?: string
}

export async function startGuarded(argv: readonly string[], options: GuardedOptions): Promise<GuardedProcess> {
  const child = spawn('/bin/sh', ['-c', GUARD, 'guard', ...argv], {
    // A separate process group: Ctrl-C in a terminal reaches only us, and we stop children in
    // order.
    detached: true,
    stdio: ['pipe', 'pipe', 'pipe'],
    env: {
      ...(options.env ?? process.env),
      GUARD_DIRECTORY: options.directory ?? '',
      GUARD_ORPHANED: options.onOrphaned ?? 'kill -9 $program',
      GUARD_ORPHANED_DIRECTORY: options.orphanedDirectory ?? '',
    },
  })
  // The guard may exit first; nothing is written to its pipe, but the pipe emits an error.
  child.stdin.on('error', () => {})

  const kept: string[] = []
  let listeners: ((text: string) => void)[] = []
  createInterface({ input: child.stderr }).on('line', (text) => {
    kept.push(text)
    if (kept.length > KEPT_LINES) kept.shift()
    for (const listener of listeners) listener(text)
  })

  let hasEnded = false
  const ended = new Promise<number>((resolve) => {
    child.on('close', (code) => {
      hasEnded = true
      listeners = []
      resolve(code ?? 1)
    })
  })
  const pid = await new Promise<number>((resolve, reject) => {
    child.on('error', reject)
    child.on('close', () => reject(new Error(`${argv[0]} did not start: ${kept.join('\n')}`)))
    createInterface({ input: child.stdout }).once('line', (line) => resolve(Number(line)))
  })

  const hold = (way: 'ref' | 'unref'): void => {
    child[way]()
    for (const stream of [child.stdin, child.stdout, child.stderr]) {
      // Typed as plain streams, but they are sockets for piped stdio.
      if (stream instanceof Socket) stream[way]()
    }
  }
  return {
    pid,
    ended: async () => {
      hold('ref')
      return await ended
    },
    onEnd: (end) => void ended.then(end),
    output: () => kept.join('\n'),
    hasEnded: () => hasEnded,
    onLine: (listener) => void listeners.push(listener),
    unref: () => hold('unref'),
  }
}

/** Waits for a line that matches. Returns the match, or the reason why there is none. */
export async function waitForLine(
  guarded: GuardedProcess,
  pattern: RegExp,
  timeoutMs: number,
): Promise<RegExpExecArray | string> {
  let timer: NodeJS.Timeout | undefined
  try {
    return await Promise.race([
      new Promise<RegExpExecArray>((resolve) => {
        guarded.onLine((line) => {
          const found = pattern.exec(line)
          if (found !== null) resolve(found)
        })
      }),
      guarded.ended().then((code) => `ended with code ${code} while starting`),
      new Promise<string>((resolve) => {
        timer = setTimeout(() => resolve(`was not ready within ${timeoutMs} ms`), timeoutMs)
      }),
    ])
  } finally {
    clearTimeout(timer)
  }
}

const KEPT_LINES = 2000

// The watcher loops over the shell's `read`; a `cat` would be another process to track. The shell
// closes its stderr: it reports a killed program there, and after our death that write would kill
// it before its clean-up.
const GUARD = `
remove() { [ -z "$1" ] || rm -rf "$1"; }
exec 3<&0
"$@" </dev/null >&2 &
program=$!
echo $program
(while read -r _ <&3; do :; done; eval "$GUARD_ORPHANED"; remove "$GUARD_ORPHANED_DIRECTORY") 2>/dev/null >/dev/null &
watcher=$!
exec >&- 2>/dev/null
wait $program
status=$?
kill $watcher 2>/dev/null
remove "$GUARD_DIRECTORY"
exit $status
`
