import process from 'node:process'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Output } from '../command.ts'
import { showProgress } from '../format/progress.ts'
import type { SpanlinkServer } from '../serve/serve.ts'
import { markDataDir } from './data-dir.ts'
import { exportTelemetry } from './export.ts'
import { openBrowser } from './open-browser.ts'
import type { Story } from './order.ts'
import { type Simulation, startSimulation } from './simulation.ts'

export type DemoOptions = {
  /** Orders per second. */
  readonly rate: number
  readonly isBrowserWanted: boolean
  readonly out: Output
}

const HISTORY_MS = 60 * 60_000
/** The group `loyalty` has been stuck for this long. */
const STUCK_MS = 25 * 60_000
const SEED_STEP_MS = 2 * 60_000
const LIVE_STEP_MS = 500

/** Sends an hour of samples, prints what is worth a look, and sends more as it happens. */
export async function streamSamples(
  server: SpanlinkServer,
  { rate, isBrowserWanted, out }: DemoOptions,
  stopped: AbortSignal,
): Promise<void> {
  markDataDir(server.dataDir)
  const nowMs = Date.now()
  const startMs = nowMs - HISTORY_MS
  const simulation = startSimulation({ startMs, rate, stuckMs: nowMs - STUCK_MS })
  const progress = showProgress(process.stderr)
  for (let toMs = startMs + SEED_STEP_MS; toMs < Date.now() && !stopped.aborted; toMs += SEED_STEP_MS) {
    await exportTelemetry(server.otlpHttpUrl, simulation.advance(toMs))
    progress.update(`Sending an hour of samples: ${Math.round((100 * (toMs - startMs)) / HISTORY_MS)} %`)
  }
  await exportTelemetry(server.otlpHttpUrl, simulation.advance(Date.now()))
  progress.end()
  if (stopped.aborted) return
  await printHighlights(server, simulation, out, stopped)
  if (isBrowserWanted) openBrowser(server.url)
  while (!stopped.aborted) {
    await sleep(LIVE_STEP_MS, undefined, { signal: stopped }).catch(() => {})
    if (!stopped.aborted) await exportTelemetry(server.otlpHttpUrl, simulation.advance(Date.now()))
  }
}

const DESCRIPTIONS: readonly (readonly [story: Story, description: string])[] = [
  ['dead-lettered', 'an order whose fraud check failed three times and was dead-lettered'],
  ['slow-database', 'a slow order: the critical path leads to the database'],
  ['redelivered', 'an order that inventory received twice'],
]

async function printHighlights(
  { url }: SpanlinkServer,
  simulation: Simulation,
  out: Output,
  stopped: AbortSignal,
): Promise<void> {
  const found = DESCRIPTIONS.flatMap(([story, description]) => {
    const highlight = simulation.findHighlight(story, Date.now())
    return highlight === undefined ? [] : [{ ...highlight, description }]
  })
  for (const { traceId } of found) await waitUntilStored(`${url}/api/traces/${traceId}`, stopped)
  out.line('\nA shop on Kafka, with new orders until Ctrl-C. Worth a look:')
  for (const { traceId, description } of found) out.line(`  ${url}/flow/${traceId}\n    ${description}`)
  out.line(
    `  ${url}/messages?list=unconsumed&group=loyalty\n    messages that the stuck group loyalty has not consumed`,
  )
  out.line(`  ${url}/topology\n    services, topics and groups, with their lag`)
}

async function waitUntilStored(url: string, stopped: AbortSignal): Promise<void> {
  while (!stopped.aborted && !(await fetch(url)).ok) await sleep(50)
}
