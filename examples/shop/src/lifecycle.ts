import { flushTelemetry } from './telemetry.ts'

type Close = () => Promise<unknown>

let closers: readonly Close[] = []
let stopping = false

/** Reports that the service is ready, and closes its parts in order when it is stopped. */
export function ready(where: string, ...close: readonly Close[]): void {
  closers = close
  process.stdout.write(`ready ${where}\n`)
}

async function stop(): Promise<void> {
  if (stopping) return
  stopping = true
  for (const close of closers) await close()
  await flushTelemetry()
  process.exit()
}

process.on('SIGTERM', () => void stop())
process.on('SIGINT', () => void stop())
// Whoever started us with an IPC channel is gone, however it went.
process.on('disconnect', () => void stop())
