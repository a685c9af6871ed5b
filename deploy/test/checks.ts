/** A check that cannot run on this machine, with the reason. */
export class SkippedError extends Error {}

const counts = { passed: 0, failed: 0, skipped: 0 }

/** Runs a check and prints its result; the following ones run in any case. */
export async function check(name: string, act: () => Promise<unknown>): Promise<void> {
  const startedAt = performance.now()
  const print = (result: string): void => {
    const seconds = ((performance.now() - startedAt) / 1000).toFixed(1)
    process.stdout.write(`${result.padEnd(8)} ${name} (${seconds} s)\n`)
  }
  try {
    await act()
    counts.passed += 1
    print('passed')
  } catch (error) {
    if (error instanceof SkippedError) {
      counts.skipped += 1
      print('skipped')
    } else {
      counts.failed += 1
      print('FAILED')
    }
    process.stdout.write(`         ${(error as Error).message.trimEnd().replaceAll('\n', '\n         ')}\n`)
  }
}

/** Prints the counts. @returns whether nothing failed */
export function reportCounts(): boolean {
  process.stdout.write(`${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped\n`)
  return counts.failed === 0
}
