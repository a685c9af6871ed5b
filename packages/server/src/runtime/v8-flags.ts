import { spawnSync } from 'node:child_process'

/**
 * V8 runs a full GC after every 64 MiB of new buffers: ten a second under ingest. Counting buffers
 * in the heap limit, with a larger initial heap, makes it one every few seconds: 4.7 us of CPU a
 * span instead of 7.7. V8 reads both when it creates the heap, so they must be command-line flags.
 */
const HEAP_FLAGS = ['--external-memory-accounted-in-global-limit', '--initial-old-space-size=128']

/**
 * V8 inlines at most 920 bytes of bytecode into a function by default. With 2000, transcoding takes
 * 7 % less CPU and the conversion of rows to columns 13 % less.
 */
const INLINING_FLAG = '--max-inlined-bytecode-size-cumulative=2000'

/** The young generation would grow to 96 MiB; ingest creates few objects and needs 3 MiB. */
const YOUNG_GENERATION_FLAG = '--max-semi-space-size=8'

export const V8_FLAGS = [...HEAP_FLAGS, INLINING_FLAG, YOUNG_GENERATION_FLAG]

/**
 * glibc raises its mmap threshold to up to 32 MiB and keeps freed buffers below it in its heaps:
 * 200 MiB of holes after 30 s of full ingest. With a fixed threshold, larger buffers are unmapped.
 */
const MALLOC_ENV = { MALLOC_MMAP_THRESHOLD_: '262144' }

const RESTARTED_ENV = 'SPANLINK_HEAP_FLAGS'

/**
 * Restarts the program with `V8_FLAGS` in the same process (execve), so that pid, signals and stdio
 * stay (docs/adr/0017-restart-with-v8-flags.md). Returns if the flags are set already, the user set
 * heap flags, the platform is Windows, or this Node has no execve or doesn't support the flags.
 */
export function restartWithV8Flags(): void {
  const { execve, execPath, execArgv, argv, env, platform } = process
  const own = execArgv.some((flag) => flag.includes('old-space-size'))
  if (
    env[RESTARTED_ENV] !== undefined ||
    own ||
    platform === 'win32' ||
    execve === undefined ||
    !areFlagsSupported(V8_FLAGS)
  ) {
    delete env[RESTARTED_ENV]
    return
  }
  execve(execPath, [execPath, ...V8_FLAGS, ...execArgv, ...argv.slice(1)], {
    ...MALLOC_ENV,
    ...env,
    [RESTARTED_ENV]: '1',
  })
}

/** Whether this Node supports the flags: it doesn't start with unknown ones. Takes about 5 ms. */
export function areFlagsSupported(flags: readonly string[]): boolean {
  return spawnSync(process.execPath, [...flags, '--version'], { stdio: 'ignore' }).status === 0
}
