// Cost of the plugin: `npm run bench:plugin`. Results are also written to bench/results/plugin.txt.
import { spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { startKafka } from '@spanlink/testkit/kafka'
import { describeMachine } from './machine.ts'

interface Cost {
  readonly nanoseconds: number
  readonly bytes: number
}

const OPERATIONS = ['send', 'eachMessage', 'eachBatch'] as const
const SAMPLINGS = ['sampled', 'unsampled', 'no-sdk', 'metrics'] as const
const VARIANTS = ['none', 'raw', 'ours', 'other'] as const
type Case = `${(typeof VARIANTS)[number]} ${(typeof SAMPLINGS)[number]} ${(typeof OPERATIONS)[number]}`

const TITLES: Record<(typeof SAMPLINGS)[number], string> = {
  sampled: 'Every span sampled, exported to nowhere',
  unsampled: 'No span sampled',
  'no-sdk': 'No SDK',
  metrics: 'Every span sampled, and metrics collected',
}

// The machine's load varies: each case runs several times, interleaved, and the fastest counts.
const RUNS = Number(process.env['SPANLINK_BENCH_RUNS'] ?? 3)
const lines: string[] = []
say('Plugin: what instrumentation adds to a message, nothing else in the process')
say('')
for (const line of describeMachine()) say(line)
say(
  `method          kafkajs replaced by an object that answers at once; a process per case, ${RUNS} times, the quickest counts;`,
)
say('                ns of CPU time and heap bytes per message over the same loop without instrumentation')
say("SDK alone       the same spans, headers and contexts written by hand against the API: the SDK's share of the cost")
say('ours            kafkajs adapter; metrics also attribute sockets to clients, by an asynchronous context a send')
say('other           @opentelemetry/instrumentation-kafkajs 0.33.0')

const costs = new Map<Case, Cost>()
for (let run = 0; run < RUNS; run += 1) {
  for (const sampling of SAMPLINGS) {
    for (const operation of OPERATIONS) {
      for (const variant of VARIANTS) {
        const name: Case = `${variant} ${sampling} ${operation}`
        const cost = await measured<Cost>('plugin-case.ts', variant, sampling, operation)
        const known = costs.get(name)
        costs.set(name, known && known.nanoseconds < cost.nanoseconds ? known : cost)
      }
    }
  }
}

for (const sampling of SAMPLINGS) {
  say('')
  say(TITLES[sampling])
  say('                                 SDK alone                ours               other   ours without SDK')
  for (const operation of OPERATIONS) row(operation, sampling, [operation])
  row('send + eachMessage', sampling, ['send', 'eachMessage'])
}

say('')
say(
  'Through a real broker on the same machine, 100 B messages, 100 a send, eachMessage; messages/s of wall-clock time, every span sampled',
)
const kafka = await startKafka()
try {
  const rates = new Map<string, { sent: number; consumed: number }>()
  for (let run = 0; run < 3; run += 1) {
    for (const variant of ['none', 'ours', 'other']) {
      const topic = `t-${randomUUID()}`
      await kafka.createTopic(topic, { partitions: 1 })
      const rate = await measured<{ sent: number; consumed: number }>(
        'plugin-throughput.ts',
        variant,
        kafka.brokers[0]!,
        topic,
        '50000',
      )
      const known = rates.get(variant)
      rates.set(variant, {
        sent: Math.max(rate.sent, known?.sent ?? 0),
        consumed: Math.max(rate.consumed, known?.consumed ?? 0),
      })
    }
  }
  for (const [variant, { sent, consumed }] of rates) {
    say(`  ${variant.padEnd(8)}${`sent ${whole(sent)}`.padStart(18)}${`consumed ${whole(consumed)}`.padStart(22)}`)
  }
} finally {
  await kafka[Symbol.asyncDispose]()
}

say('')
const heap = await measured<number[]>('plugin-leak.ts')
say('Retained heap while a million messages are sent and processed, with metrics, MiB at each tenth:')
say(`  ${heap.map((bytes) => (bytes / 2 ** 20).toFixed(2)).join('  ')}`)

await writeFile(new URL('../results/plugin.txt', import.meta.url), `${lines.join('\n')}\n`)

function row(
  title: string,
  sampling: (typeof SAMPLINGS)[number],
  operations: readonly (typeof OPERATIONS)[number][],
): void {
  const over = (variant: (typeof VARIANTS)[number]): Cost => {
    const sum = { nanoseconds: 0, bytes: 0 }
    for (const operation of operations) {
      const cost = costs.get(`${variant} ${sampling} ${operation}`)!
      const base = costs.get(`none ${sampling} ${operation}`)!
      sum.nanoseconds += cost.nanoseconds - base.nanoseconds
      sum.bytes += cost.bytes - base.bytes
    }
    return sum
  }
  const [raw, ours, other] = [over('raw'), over('ours'), over('other')]
  const cell = ({ nanoseconds, bytes }: Cost): string => `${whole(nanoseconds)} ns ${whole(bytes)} B`.padStart(20)
  const own = `${whole(ours.nanoseconds - raw.nanoseconds)} ns`.padStart(19)
  say(`  ${title.padEnd(20)}${cell(raw)}${cell(ours)}${cell(other)}${own}`)
}

function say(line: string): void {
  lines.push(line)
  process.stdout.write(`${line}\n`)
}

function whole(number: number): string {
  return Math.round(number).toLocaleString('en')
}

async function measured<T>(script: string, ...args: string[]): Promise<T> {
  const path = fileURLToPath(new URL(script, import.meta.url))
  // Without GC in between, heap growth equals the bytes allocated.
  const flags = ['--expose-gc', '--max-semi-space-size=64', '--conditions=spanlink:source']
  // kafkajs 2.2.4 sets timers in the past, which Node 24 warns about.
  const env = { ...process.env, NODE_NO_WARNINGS: '1' }
  const child = spawn(process.execPath, [...flags, path, ...args], { env, stdio: ['ignore', 'pipe', 'inherit'] })
  let output = ''
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()))
  const code = await new Promise<number | null>((resolve, reject) => child.on('close', resolve).on('error', reject))
  if (code !== 0) throw new Error(`${script} ${args.join(' ')} failed (exit ${code})`)
  return JSON.parse(output) as T
}
