// Effect of 10% head sampling on flows, by sampler, correlation and batch size: the tables of
// docs/kafka/sampling.md. Ids are seeded, so runs are exactly repeatable.
// node --conditions=spanlink:source bench/src/sampling.ts [events=400000] [ratio=0.1]
import type { Link, Span, SpanContext, Tracer } from '@opentelemetry/api'
import { ROOT_CONTEXT, SpanKind, trace } from '@opentelemetry/api'
import type { IdGenerator, Sampler } from '@opentelemetry/sdk-trace'
import {
  AlwaysOffSampler,
  AlwaysOnSampler,
  ParentBasedSampler,
  SamplingDecision,
  TraceIdRatioBasedSampler,
  TracerProvider,
} from '@opentelemetry/sdk-trace'
import type { MixedLinks } from '../../packages/kafka/src/sampler.ts'
import { LinkedSampler } from '../../packages/kafka/src/sampler.ts'

const events = Number(process.argv[2] ?? 400_000)
const ratio = Number(process.argv[3] ?? 0.1)

type Correlation = 'link' | 'parent'

/**
 * Counts per outcome. An event is one message from its producer's root to the last span that
 * handles it.
 */
interface Outcomes {
  /** Every span of the event is stored. */
  whole: number
  /** Stored at the producer, missing downstream: the flow is cut off. */
  cut: number
  /** Missing at the producer, stored downstream: the link target is not found. */
  headless: number
  absent: number
}

interface BatchSpans {
  batchSpans: number
  batchSpansKept: number
  messageSpans: number
  messageSpansKept: number
  /** Sampled message spans whose parent, the batch span, is not sampled. */
  orphans: number
}

const ratioOnly = (): Sampler => new ParentBasedSampler({ root: ratioSampler() })
const linked = (mixed: MixedLinks): Sampler =>
  new ParentBasedSampler({ root: new LinkedSampler({ root: ratioSampler(), mixed }) })
const linkedThroughout = (mixed: MixedLinks): Sampler =>
  new ParentBasedSampler({
    root: new LinkedSampler({ root: ratioSampler(), mixed }),
    localParentSampled: new LinkedSampler({ root: new AlwaysOnSampler() }),
    localParentNotSampled: new LinkedSampler({ root: new AlwaysOffSampler() }),
  })
// Rejected rules for `mixed`, kept for comparison.
const sharedVote = (name: string, needed: (links: number) => number): Sampler =>
  new ParentBasedSampler({ root: voteSampler(name, needed) })
const all = (): Sampler => sharedVote('all', (links) => links)
const majority = (): Sampler => sharedVote('majority', (links) => Math.floor(links / 2) + 1)

print(`${events} events, ratio ${ratio}, ${process.version}`)

heading('One message, one process span')
row('correlation', 'sampler', 'hops', 'whole', 'cut off', 'headless', 'absent')
rule(7)
for (const hops of [1, 3]) {
  const cases: [Correlation, string, Sampler][] = [
    ['parent', 'ratio', ratioOnly()],
    ['link', 'ratio', ratioOnly()],
    ['link', 'LinkedSampler', linked('any')],
  ]
  for (const [correlation, name, sampler] of cases) {
    const { whole, cut, headless, absent } = singleMessages(correlation, sampler, hops)
    row(correlation, name, hops, ...[whole, cut, headless, absent].map((count) => percent(count, events)))
  }
}

heading('A batch of N messages of N producers, one process span for the batch')
row('sampler', 'N', 'whole', 'cut off', 'headless', 'absent', 'batch spans kept')
rule(7)
const batchSamplers: [string, () => Sampler][] = [
  ['ratio', ratioOnly],
  ["LinkedSampler 'any'", () => linked('any')],
  ["LinkedSampler 'first'", () => linked('first')],
  ['(all)', all],
  ['(majority)', majority],
]
for (const [name, sampler] of batchSamplers) {
  for (const size of [1, 10, 100]) {
    const result = batches('link', sampler(), size, { perMessage: false })
    row(name, size, ...shares(result), percent(result.batchSpansKept, result.batchSpans))
  }
}

heading('A batch of N messages with a process span for each, inside the batch span')
row('correlation', 'sampler', 'N', 'whole', 'cut off', 'headless', 'batch spans kept', 'message spans kept', 'orphans')
rule(9)
const messageSamplers: [Correlation, string, () => Sampler][] = [
  ['parent', 'ratio', ratioOnly],
  ['parent', "LinkedSampler 'any'", () => linked('any')],
  ['link', 'ratio', ratioOnly],
  ['link', "LinkedSampler 'any'", () => linked('any')],
  ['link', "LinkedSampler 'any', throughout", () => linkedThroughout('any')],
  ['link', "LinkedSampler 'first', throughout", () => linkedThroughout('first')],
]
for (const [correlation, name, sampler] of messageSamplers) {
  for (const size of [1, 10, 100]) {
    const result = batches(correlation, sampler(), size, { perMessage: true })
    const batchKept = percent(result.batchSpansKept, result.batchSpans)
    const messagesKept = percent(result.messageSpansKept, result.messageSpans)
    const orphans = percent(result.orphans, result.messageSpansKept)
    row(correlation, name, size, ...shares(result).slice(0, 3), batchKept, messagesKept, orphans)
  }
}

function singleMessages(correlation: Correlation, sampler: Sampler, hops: number): Outcomes {
  const ids = seededIds()
  const services = Array.from({ length: hops + 1 }, () => createTracer(sampler, ids))
  const outcomes = noOutcomes()
  for (let event = 0; event < events; event += 1) {
    const [producer, ...consumers] = services
    if (!producer) throw new Error('a flow has a producer')
    let sent = request(producer)
    const kept = [sent.isRecording()]
    for (const consumer of consumers) {
      const processed = processSpan(consumer, correlation, creationContext(sent))
      kept.push(processed.isRecording())
      sent = child(consumer, processed, 'send', SpanKind.PRODUCER)
    }
    count(outcomes, kept)
  }
  return outcomes
}

function batches(
  correlation: Correlation,
  sampler: Sampler,
  size: number,
  { perMessage }: { readonly perMessage: boolean },
): Outcomes & BatchSpans {
  const ids = seededIds()
  const producer = createTracer(sampler, ids)
  const consumer = createTracer(sampler, ids)
  const result = { ...noOutcomes(), batchSpans: 0, batchSpansKept: 0, messageSpans: 0, messageSpansKept: 0, orphans: 0 }
  for (let event = 0; event < events; event += size) {
    const sent = Array.from({ length: size }, () => request(producer))
    const links = sent.map((span) => ({ context: creationContext(span) }))
    const batch = consumer.startSpan('process orders', { kind: SpanKind.CONSUMER, links }, ROOT_CONTEXT)
    result.batchSpans += 1
    result.batchSpansKept += Number(batch.isRecording())
    for (const span of sent) {
      const handler = perMessage ? processSpan(consumer, correlation, creationContext(span), batch) : batch
      if (perMessage) {
        result.messageSpans += 1
        result.messageSpansKept += Number(handler.isRecording())
        // In parent mode the message span's parent is its producer, whose decision it follows.
        if (correlation === 'link' && handler.isRecording() && !batch.isRecording()) result.orphans += 1
      }
      count(result, [span.isRecording(), handler.isRecording()])
    }
  }
  return result
}

/** Starts the root span of a message and its send span, whose context the message carries. */
function request(tracer: Tracer): Span {
  const root = tracer.startSpan('POST /orders', { kind: SpanKind.SERVER }, ROOT_CONTEXT)
  return child(tracer, root, 'send orders', SpanKind.PRODUCER)
}

function processSpan(tracer: Tracer, correlation: Correlation, creation: SpanContext, ambient?: Span): Span {
  const links: Link[] = [{ context: creation }]
  const options = { kind: SpanKind.CONSUMER, links }
  if (correlation === 'parent') {
    if (ambient) links.push({ context: ambient.spanContext() })
    return tracer.startSpan('process orders', options, trace.setSpanContext(ROOT_CONTEXT, creation))
  }
  return tracer.startSpan('process orders', options, ambient ? trace.setSpan(ROOT_CONTEXT, ambient) : ROOT_CONTEXT)
}

function child(tracer: Tracer, parent: Span, name: string, kind: SpanKind): Span {
  return tracer.startSpan(name, { kind }, trace.setSpan(ROOT_CONTEXT, parent))
}

function creationContext(span: Span): SpanContext {
  return { ...span.spanContext(), isRemote: true }
}

function count(outcomes: Outcomes, kept: readonly boolean[]): void {
  if (kept.every(Boolean)) outcomes.whole += 1
  else if (!kept.some(Boolean)) outcomes.absent += 1
  else if (kept[0]) outcomes.cut += 1
  else outcomes.headless += 1
}

function noOutcomes(): Outcomes {
  return { whole: 0, cut: 0, headless: 0, absent: 0 }
}

function shares({ whole, cut, headless, absent }: Outcomes): string[] {
  const total = whole + cut + headless + absent
  return [whole, cut, headless, absent].map((part) => percent(part, total))
}

function ratioSampler(): Sampler {
  return new TraceIdRatioBasedSampler(ratio)
}

function voteSampler(name: string, needed: (links: number) => number): Sampler {
  const root = ratioSampler()
  return {
    shouldSample: (context, traceId, spanName, spanKind, attributes, links) => {
      if (links.length === 0) return root.shouldSample(context, traceId, spanName, spanKind, attributes, links)
      const votes = links.filter((link) => link.context.traceFlags % 2 === 1).length
      const { RECORD_AND_SAMPLED, NOT_RECORD } = SamplingDecision
      return { decision: votes >= needed(links.length) ? RECORD_AND_SAMPLED : NOT_RECORD }
    },
    toString: () => name,
  }
}

function createTracer(sampler: Sampler, idGenerator: IdGenerator): Tracer {
  return new TracerProvider({ sampler, idGenerator }).getTracer('sampling-study')
}

/**
 * Ids from a seeded mulberry32: 32 bits per step and a period of 2^32; the longest case takes 12
 * million steps.
 */
function seededIds(): IdGenerator {
  let state = 0x5eed
  const next = (): string => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0).toString(16).padStart(8, '0')
  }
  return { generateTraceId: () => next() + next() + next() + next(), generateSpanId: () => next() + next() }
}

function percent(part: number, whole: number): string {
  return `${((100 * part) / whole).toFixed(2)} %`
}

function heading(text: string): void {
  print(`\n${text}\n`)
}

function row(...cells: readonly (string | number)[]): void {
  print(`| ${cells.join(' | ')} |`)
}

function rule(columns: number): void {
  print(`|${' --- |'.repeat(columns)}`)
}

function print(line: string): void {
  process.stdout.write(`${line}\n`)
}
