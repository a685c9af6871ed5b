import { createRequire } from 'node:module'
import type { Link, Sampler, Span, TracerProvider } from '@opentelemetry/api'
import {
  createContextKey,
  createTraceState,
  diag,
  DiagLogLevel,
  INVALID_SPAN_CONTEXT,
  ROOT_CONTEXT,
  SamplingDecision,
  SpanKind,
  trace,
  TraceFlags,
} from '@opentelemetry/api'
import * as sdk3 from '@opentelemetry/sdk-trace'
import fc from 'fast-check'
import { afterEach, describe, expect, expectTypeOf, test, vi } from 'vitest'
import { type LinkedSamplerOptions, type MixedLinks, LinkedSampler } from './sampler.ts'

// The 2.x line lives in a package of its own, with its own API: its samplers and ours then
// meet across two copies of the API, which is what a process with both looks like.
type Sdk2 = typeof sdk3 & { readonly BasicTracerProvider: typeof sdk3.TracerProvider }
const sdk2: Sdk2 = createRequire(new URL('../../../compat/otel-sdk-2/package.json', import.meta.url))(
  '@opentelemetry/sdk-trace-base',
)

const on = link(1, TraceFlags.SAMPLED)
const off = link(2, TraceFlags.NONE)
const invalid: Link = { context: { ...INVALID_SPAN_CONTEXT, traceFlags: TraceFlags.SAMPLED } }

afterEach(() => diag.disable())

describe('sampling decision for a span with links', () => {
  test.for<[name: string, links: Link[], any: boolean, first: boolean]>([
    ['one sampled producer samples its consumer', [on], true, true],
    ['one dropped producer drops its consumer', [off], false, false],
    ['producers with equal decisions are followed', [off, off, off], false, false],
    ['a mixed batch that starts with a dropped producer is sampled by any, dropped by first', [off, on], true, false],
    ['a mixed batch that starts with a sampled producer is sampled by any and by first', [on, off], true, true],
    ['an invalid link is ignored', [invalid, off], false, false],
    ['the rule first uses the first valid link', [invalid, off, on], true, false],
    ['the random flag of trace context level 2 does not count as sampled', [link(3, 0x02)], false, false],
    ['the sampled flag counts when other flags are set too', [link(3, 0x03)], true, true],
  ])('%s', ([, links, any, first]) => {
    // The root sampler decides the opposite, so its decision would be visible.
    expect(decide(links, { root: any ? alwaysOff : alwaysOn })).toBe(any)
    expect(decide(links, { root: first ? alwaysOff : alwaysOn, mixed: 'first' })).toBe(first)
  })

  test('a decision adds no attributes and no tracestate', () => {
    const sampler = new LinkedSampler({ root: alwaysOff })
    const result = sampler.shouldSample(ROOT_CONTEXT, traceId(9), 'process orders', SpanKind.CONSUMER, {}, [on])
    expect(result).toEqual({ decision: SamplingDecision.RECORD_AND_SAMPLED })
    expect(Object.isFrozen(result)).toBe(true)
  })

  test.for([SpanKind.INTERNAL, SpanKind.CLIENT, SpanKind.PRODUCER, SpanKind.CONSUMER])(
    'a span of kind %i follows its links',
    (kind) => {
      expect(decide([off], { root: alwaysOn }, kind)).toBe(false)
    },
  )

  test('a SERVER span ignores its links, which name a caller it does not trust', () => {
    expect(decide([off], { root: alwaysOn }, SpanKind.SERVER)).toBe(true)
    expect(decide([on], { root: alwaysOff }, SpanKind.SERVER)).toBe(false)
  })

  test('any samples exactly when a valid link is sampled, first exactly when the first valid link is', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom(on, off, invalid)), (links) => {
        const valid = links.filter((each) => each !== invalid)
        fc.pre(valid.length > 0)
        expect(decide(links, { root: alwaysOff })).toBe(valid.includes(on))
        expect(decide(links, { root: alwaysOff, mixed: 'first' })).toBe(valid[0] === on)
      }),
    )
  })
})

describe('LinkedSampler root option', () => {
  test('the root sampler decides without a valid link and gets all arguments', () => {
    const shouldSample = vi.fn<Sampler['shouldSample']>(() => ({
      decision: SamplingDecision.RECORD,
      attributes: { 'sampler.rule': 'orders' },
      traceState: createTraceState('ot=th:8'),
    }))
    const context = ROOT_CONTEXT.setValue(createContextKey('test'), 1)
    const sampler = new LinkedSampler({ root: { shouldSample, toString: () => 'Recorder' } })
    for (const links of [[], [invalid], [invalid, invalid]]) {
      const given = [context, traceId(7), 'process orders', SpanKind.CONSUMER, { a: 1 }, links] as const
      const result = sampler.shouldSample(...given)
      expect(shouldSample).toHaveBeenLastCalledWith(...given)
      expect(result).toBe(shouldSample.mock.results.at(-1)?.value)
    }
    expect(shouldSample).toHaveBeenCalledTimes(3)
  })

  test.for<[name: string, links: unknown]>([
    ['undefined', undefined],
    ['null', null],
    ['a number', 7],
    ['an object', {}],
    ['holes', [null, undefined, {}, { context: null }, { context: {} }, 'link']],
    ['ids of other types', [{ context: { traceId: 7, spanId: Symbol('id'), traceFlags: 1 } }]],
    ['short ids', [{ context: { traceId: '0af7', spanId: 'b7ad', traceFlags: 1 } }]],
    ['getters that throw', [{ context: { ...on.context, get traceFlags(): number { throw new Error('no') } } }]], // prettier-ignore
  ])('the root sampler decides when links are %s', ([, links]) => {
    expect(decideRaw(links, alwaysOn)).toBe(true)
    expect(decideRaw(links, alwaysOff)).toBe(false)
  })

  test('any value passed as links yields a decision', () => {
    fc.assert(
      fc.property(fc.anything({ withNullPrototype: true, withBigInt: true }), (links) => {
        expect(decideRaw(links, alwaysOff)).toBe(false)
      }),
    )
  })

  test('a malformed link beside valid ones is ignored', () => {
    expect(decideRaw([null, {}, on], alwaysOff)).toBe(true)
  })

  test('a root sampler that throws drops the span and logs once', () => {
    const { error } = listen()
    const failing: Sampler = {
      shouldSample: () => {
        throw new Error('broken')
      },
      toString: () => 'Failing',
    }
    const sampler = new LinkedSampler({ root: failing })
    for (let i = 0; i < 3; i += 1) expect(isSampledBy(sampler, [])).toBe(false)
    expect(isSampledBy(sampler, [on])).toBe(true)
    expect(error).toHaveBeenCalledOnce()
  })

  test('a missing or invalid root sampler samples every span and logs a warning', () => {
    const { warn } = listen()
    for (const options of [undefined, {}, { root: null }, { root: 0.1 }]) {
      const sampler: LinkedSampler = Reflect.construct(LinkedSampler, [options])
      expect(isSampledBy(sampler, [])).toBe(true)
      expect(isSampledBy(sampler, [off])).toBe(false)
    }
    expect(warn).toHaveBeenCalledTimes(4)
  })
})

test('an unknown rule for mixed batches falls back to any and logs a warning', () => {
  const { warn } = listen()
  const sampler: LinkedSampler = Reflect.construct(LinkedSampler, [{ root: alwaysOff, mixed: 'most' }])
  expect(isSampledBy(sampler, [off, on])).toBe(true)
  expect(warn).toHaveBeenCalledWith(expect.stringContaining('most'))
})

test('the sampler description names its rule and its root sampler', () => {
  const root = new sdk3.TraceIdRatioBasedSampler(0.1)
  expect(String(new LinkedSampler({ root }))).toBe('LinkedSampler{mixed=any, root=TraceIdRatioBased{0.1}}')
  expect(String(new LinkedSampler({ root, mixed: 'first' }))).toContain('mixed=first')
  expect(String(new sdk3.ParentBasedSampler({ root: new LinkedSampler({ root }) }))).toContain('root=LinkedSampler{')
})

test('LinkedSampler has the Sampler type of the SDK and accepts one as root', () => {
  expectTypeOf<LinkedSampler>().toExtend<sdk3.Sampler>()
  expectTypeOf<sdk3.Sampler>().toExtend<LinkedSamplerOptions['root']>()
})

describe.each([
  ['3.x', sdk3.SamplingDecision, sdk3Provider],
  ['2.x', sdk2.SamplingDecision, sdk2Provider],
] as const)('with SDK %s', (_, decisions, provider) => {
  test('sampling decisions have the same numbers as in the API', () => {
    expect({ ...decisions }).toEqual({ ...SamplingDecision })
  })

  test('every flow of three hops is recorded whole or not at all at 10 %', () => {
    const flows = flowsThrough(provider('any'), 2000)
    expect(flows.filter((flow) => new Set(flow.map(recorded)).size > 1)).toHaveLength(0)
    expect(flows.filter((flow) => flow.every(recorded)).length).toBeGreaterThan(0)
    expect(flows.filter((flow) => !flow.some(recorded)).length).toBeGreaterThan(0)
  })

  test('every hop of a flow has its own trace', () => {
    for (const flow of flowsThrough(provider('any'), 5)) {
      expect(new Set(flow.map((span) => span.spanContext().traceId)).size).toBe(4)
    }
  })

  test('a child span follows the decision of its local root and ignores links', () => {
    const tracer = provider('any').getTracer('test')
    for (const linked of [on, off]) {
      const root = tracer.startSpan('process orders', { kind: SpanKind.CONSUMER, links: [linked] }, ROOT_CONTEXT)
      const child = tracer.startSpan('insert', {}, trace.setSpan(ROOT_CONTEXT, root))
      expect([recorded(root), recorded(child)]).toEqual([linked === on, linked === on])
    }
  })

  test('as localParentSampled, each message of a sampled batch follows its own producer', () => {
    const tracer = provider('any', true).getTracer('test')
    const batch = tracer.startSpan('process orders', { kind: SpanKind.CONSUMER, links: [off, on] }, ROOT_CONTEXT)
    const within = trace.setSpan(ROOT_CONTEXT, batch)
    const messages = [off, on].map((each) =>
      tracer.startSpan('process orders', { kind: SpanKind.CONSUMER, links: [each] }, within),
    )
    const children = messages.map((span) => tracer.startSpan('insert', {}, trace.setSpan(ROOT_CONTEXT, span)))
    expect([batch, ...messages, ...children].map(recorded)).toEqual([true, false, true, false, true])
  })
})

const alwaysOn = new sdk3.AlwaysOnSampler()
const alwaysOff = new sdk3.AlwaysOffSampler()

function sdk3Provider(mixed: MixedLinks, perMessage = false): TracerProvider {
  const root = new LinkedSampler({ root: new sdk3.TraceIdRatioBasedSampler(0.1), mixed })
  const localParentSampled = perMessage ? new LinkedSampler({ root: new sdk3.AlwaysOnSampler() }) : undefined
  return new sdk3.TracerProvider({ sampler: new sdk3.ParentBasedSampler({ root, localParentSampled }) })
}

function sdk2Provider(mixed: MixedLinks, perMessage = false): TracerProvider {
  const root = new LinkedSampler({ root: new sdk2.TraceIdRatioBasedSampler(0.1), mixed })
  const localParentSampled = perMessage ? new LinkedSampler({ root: new sdk2.AlwaysOnSampler() }) : undefined
  return new sdk2.BasicTracerProvider({ sampler: new sdk2.ParentBasedSampler({ root, localParentSampled }) })
}

/** Flows of a producer and three consumers, each in a new trace that links to the previous hop. */
function flowsThrough(provider: TracerProvider, count: number): Span[][] {
  const tracer = provider.getTracer('test')
  return Array.from({ length: count }, () => {
    const flow = [tracer.startSpan('send orders', { kind: SpanKind.PRODUCER }, ROOT_CONTEXT)]
    for (let hop = 0; hop < 3; hop += 1) {
      const links = flow.slice(-1).map((span) => ({ context: span.spanContext() }))
      flow.push(tracer.startSpan('process orders', { kind: SpanKind.CONSUMER, links }, ROOT_CONTEXT))
    }
    return flow
  })
}

function recorded(span: Span): boolean {
  return span.isRecording()
}

function decide(links: Link[], options: LinkedSamplerOptions, kind = SpanKind.CONSUMER): boolean {
  return isSampledBy(new LinkedSampler(options), links, kind)
}

function decideRaw(links: unknown, root: Sampler): boolean {
  const sampler = new LinkedSampler({ root })
  const given = [ROOT_CONTEXT, traceId(9), 'process orders', SpanKind.CONSUMER, {}, links]
  const result: unknown = Reflect.apply(sampler.shouldSample, sampler, given)
  return JSON.stringify(result) === JSON.stringify({ decision: SamplingDecision.RECORD_AND_SAMPLED })
}

function isSampledBy(sampler: LinkedSampler, links: Link[], kind = SpanKind.CONSUMER): boolean {
  const { decision } = sampler.shouldSample(ROOT_CONTEXT, traceId(9), 'process orders', kind, {}, links)
  return decision === SamplingDecision.RECORD_AND_SAMPLED
}

function link(id: number, traceFlags: number): Link {
  return { context: { traceId: traceId(id), spanId: id.toString(16).padStart(16, '0'), traceFlags, isRemote: true } }
}

function traceId(id: number): string {
  return id.toString(16).padStart(32, '0')
}

function listen() {
  const logger = { error: vi.fn(), warn: vi.fn(), info: vi.fn(), debug: vi.fn(), verbose: vi.fn() }
  diag.setLogger(logger, { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true })
  return logger
}
