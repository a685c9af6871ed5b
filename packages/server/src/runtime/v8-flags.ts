import { spawnSync } from 'node:child_process'

/**
 * V8 collects all garbage each time 64 MiB of buffers were made since the last time, which ingest
 * does ten times a second. Counted in the heap's own limit, and that not small from the start, it
 * is once in seconds: 4.7 us a span of the receiver's CPU instead of 7.7. Both are read when the
 * heap is made, so they have to be on the command line.
 */
const HEAP_FLAGS = ['--external-memory-accounted-in-global-limit', '--initial-old-space-size=128']

/**
 * A span goes through many small functions, of which V8 puts 920 bytes of bytecode into one: with
 * room for more, transcoding takes 7 % less CPU and turning rows into columns 13 %.
 */
const INLINING_FLAG = '--max-inlined-bytecode-size-cumulative=2000'

/**
 * The young generation grows to 96 MiB otherwise, of which ingest, whose spans aren't objects, uses
 * three.
 */
const YOUNG_GENERATION_FLAG = '--max-semi-space-size=8'

export const V8_FLAGS = [...HEAP_FLAGS, INLINING_FLAG, YOUNG_GENERATION_FLAG]

/**
 * glibc keeps buffers of up to 32 MiB in its heaps once they were freed: 200 MiB of holes within
 * half a minute of full ingest. With a fixed threshold whatever is larger goes back to the system.
 */
const MALLOC_ENV = { MALLOC_MMAP_THRESHOLD_: '262144' }

const RESTARTED_ENV = 'SPANLINK_HEAP_FLAGS'

/**
 * Becomes the same program with V8's flags, in the same process (execve), so that pid, signals and
 * stdio stay. Returns where that was done or can't be: Windows, a Node with other heap flags from
 * its user, and one whose V8 has them no more.
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

/** Whether this Node takes the flags: it refuses to start with others. Some 5 ms. */
export function areFlagsSupported(flags: readonly string[]): boolean {
  return spawnSync(process.execPath, [...flags, '--version'], { stdio: 'ignore' }).status === 0
}
