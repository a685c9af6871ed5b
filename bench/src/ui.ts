/// <reference lib="dom" />
import { randomBytes } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { launchBrowser } from '@spanlink/testkit/browser'
import { kv, type OtlpSpan, tracesOf } from '@spanlink/testkit/otlp'
import { startSpanlink } from '@spanlink/testkit/spanlink'
import { denseFlow } from '../../packages/ui/test/flow-data.ts'
import { frameCpu } from './frame-cpu.ts'
import { describeMachine } from './machine.ts'
import { percentile, table } from './report.ts'

// A trace of 100,000 spans, from the click in the list to its rows, then scrolled and panned; and a
// flow of 200 traces with 2,000 links. In Chromium against the real server.
const SPANS = 100_000
const SPANS_PER_REQUEST = 10_000
const OPENS = 5
const FRAMES = 240
const FLOW_TRACES = 200
const LINKS_PER_TRACE = 10

const traceId = randomBytes(16).toString('hex')
const before = describeMachine()
const server = await startSpanlink()
const browser = await launchBrowser()
try {
  await sendLargeTrace()
  const page = await (await browser.newContext({ viewport: { width: 1400, height: 900 } })).newPage()
  const opens: number[] = []
  for (let open = 0; open < OPENS; open += 1) {
    await page.goto(`${server.url}/`)
    await page.locator('a.trace-link').first().waitFor()
    opens.push(await page.evaluate(clickToRows))
  }
  await page.keyboard.press('E')
  await page.locator('[aria-rowcount="100001"]').waitFor()
  const scrolled = await measureFrames(page, 'scroll')
  const jumped = await measureFrames(page, 'jump')
  const panned = await measureFrames(page, 'pan')
  const flow = await measureFlow(page)
  const startedAt = performance.now()
  const skeleton = await (await fetch(`${server.url}/api/traces/${traceId}/skeleton`)).text()
  const responseMs = performance.now() - startedAt
  const ms = (value: number): string => `${value.toFixed(1)} ms`
  const frames = (name: string, measured: Frames): (readonly [string, string])[] => [
    [`${name}, frame p50`, ms(percentile(measured.intervals, 0.5))],
    [`${name}, frame p95`, ms(percentile(measured.intervals, 0.95))],
    [`${name}, CPU time per frame p50`, ms(percentile(measured.cpu, 0.5))],
    [`${name}, CPU time per frame p95`, ms(percentile(measured.cpu, 0.95))],
  ]
  const lines = [
    `${SPANS.toLocaleString('en')} spans in one trace, Chromium ${browser.version()} headless, 1400 x 900, no GPU`,
    '',
    ...before,
    '',
    ...table([
      ['click to rows on screen, best of ' + OPENS, ms(Math.min(...opens))],
      ['click to rows on screen, median', ms(percentile(opens, 0.5))],
      ['time of the server, about', ms(responseMs)],
      ['response size', `${(skeleton.length / 1e6).toFixed(1)} MB`],
      ...frames('scroll by 3 rows per frame', scrolled),
      ...frames('scroll by 10,000 rows per frame', jumped),
      ...frames('pan in time', panned),
    ]),
    '',
    `a flow of ${FLOW_TRACES} traces and ${flow.links.toLocaleString('en')} links, one row per trace, critical path shown`,
    '',
    ...table([
      ["the flow's response, best of " + OPENS, ms(flow.responseMs)],
      ['navigation to rows on screen', ms(flow.opened)],
      ...frames('scroll by 3 rows per frame', flow.scrolled),
      ...frames('pan in time', flow.panned),
    ]),
    '',
  ]
  console.log(lines.join('\n'))
  await writeFile(new URL('../results/ui.txt', import.meta.url), lines.join('\n'))
} finally {
  await browser.close()
  await server.stop()
}

async function sendLargeTrace(): Promise<void> {
  const start = BigInt(Date.now() - 60_000) * 1_000_000n
  const spanId = (i: number): string => (i + 1).toString(16).padStart(16, '0')
  const spans = Array.from({ length: SPANS }, (_, i): OtlpSpan => {
    const at = start + BigInt(i) * 300_000n
    return {
      traceId,
      spanId: spanId(i),
      ...(i === 0 ? {} : { parentSpanId: spanId(i % 50 === 0 ? 0 : i - (i % 50)) }),
      name: i % 50 === 0 ? 'process batch' : `step ${i % 50}`,
      kind: 1,
      startTimeUnixNano: String(at),
      endTimeUnixNano: String(i === 0 ? start + BigInt(SPANS) * 300_000n : at + BigInt(5 + (i % 40)) * 1_000_000n),
      attributes: Array.from({ length: 10 }, (_, k) => kv(`app.attribute.${k}`, `value ${(i * k) % 977}`)),
      status: { code: i % 997 === 0 ? 2 : 0 },
    }
  })
  for (let from = 0; from < SPANS; from += SPANS_PER_REQUEST) {
    const response = await server.sendSpans(
      tracesOf(`service-${(from / SPANS_PER_REQUEST) % 7}`, spans.slice(from, from + SPANS_PER_REQUEST)),
    )
    if (!response.ok) throw new Error(`the receiver returned ${response.status}`)
  }
  for (;;) {
    const response = await fetch(`${server.url}/api/traces/${traceId}/skeleton`)
    if (response.ok && ((await response.json()) as { readonly count: number }).count === SPANS) return
    await sleep(200)
  }
}

async function measureFlow(page: Page) {
  const { traceId, request } = denseFlow(Date.now() - 600_000, 1, FLOW_TRACES, LINKS_PER_TRACE)
  const response = await server.sendSpans(request)
  if (!response.ok) throw new Error(`the receiver returned ${response.status}`)
  const flowUrl = `${server.url}/api/flows/${traceId}`
  const fetchFlow = async () =>
    (await (await fetch(flowUrl)).json()) as { readonly lanes?: unknown[]; readonly edges?: unknown[] }
  while (((await fetchFlow()).lanes?.length ?? 0) < FLOW_TRACES) await sleep(200)
  const times: number[] = []
  let links = 0
  for (let open = 0; open < OPENS; open += 1) {
    const startedAt = performance.now()
    links = (await fetchFlow()).edges?.length ?? 0
    times.push(performance.now() - startedAt)
  }
  const opening = performance.now()
  await page.goto(`${server.url}/flow/${traceId}`)
  await page.locator('.flow-row').first().waitFor()
  const opened = performance.now() - opening
  await page.keyboard.press('E')
  // Missing consumers are rows too.
  await page.waitForFunction(
    (traces) => Number(document.querySelector('[aria-rowcount]')?.getAttribute('aria-rowcount')) > traces,
    FLOW_TRACES,
  )
  const scrolled = await measureFrames(page, 'scroll')
  const panned = await measureFrames(page, 'pan')
  return { responseMs: Math.min(...times), links, opened, scrolled, panned }
}

type Page = Awaited<ReturnType<typeof browser.newPage>>
async function measureFrames(page: Page, motion: 'scroll' | 'jump' | 'pan'): Promise<Frames> {
  const [intervals, cpu] = await frameCpu(
    browser,
    page,
    async () => await page.evaluate(framesWhile, { motion, frames: FRAMES }),
  )
  return { intervals, cpu }
}

type Frames = { readonly intervals: number[]; readonly cpu: number[] }

/** Runs in the page: time from the click to the frame after the first rows were added. */
function clickToRows(): Promise<number> {
  return new Promise((resolve) => {
    const started = performance.now()
    const look = (): void => {
      if (document.querySelector('.span-row') === null) requestAnimationFrame(look)
      else requestAnimationFrame(() => setTimeout(() => resolve(performance.now() - started)))
    }
    document.querySelector<HTMLElement>('a.trace-link')?.click()
    look()
  })
}

/** Runs in the page: times between frames during an animation. */
function framesWhile({
  motion,
  frames,
}: {
  readonly motion: 'scroll' | 'jump' | 'pan'
  readonly frames: number
}): Promise<number[]> {
  return new Promise((resolve) => {
    const box = document.querySelector<HTMLElement>('.tree-body')
    const intervals: number[] = []
    let last = performance.now()
    const turn = (now: number): void => {
      intervals.push(now - last)
      last = now
      if (motion === 'pan')
        document.dispatchEvent(
          new KeyboardEvent('keydown', { key: intervals.length % 40 < 20 ? 'd' : 'a', bubbles: true }),
        )
      else if (box !== null) {
        const by = motion === 'scroll' ? 72 : 240_000
        box.scrollTop = (box.scrollTop + by) % (box.scrollHeight - box.clientHeight)
      }
      if (intervals.length < frames) requestAnimationFrame(turn)
      else resolve(intervals.slice(5))
    }
    if (motion === 'pan')
      for (let i = 0; i < 4; i += 1) document.dispatchEvent(new KeyboardEvent('keydown', { key: '+', bubbles: true }))
    requestAnimationFrame(turn)
  })
}
