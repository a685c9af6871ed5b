import { AssertionError } from 'node:assert'
import type { Attributes, Link } from '@opentelemetry/api'
import { isSameSpan, type RecordedSpan } from './recorded-span.ts'

// Functions instead of matchers work in every test runner.

/**
 * Asserts that `consumer` links straight to `producer`.
 * @returns the link, for its attributes: topic, partition, offset, key
 */
export function expectLinked(consumer: RecordedSpan, producer: RecordedSpan): Link {
  const link = consumer.links.find(({ context }) => isSameSpan(context, producer.spanContext()))
  if (link !== undefined) return link
  const targets = consumer.links.map(({ context }) => describeContext(context))
  return failAssertion(
    `expected '${consumer.name}' to link to '${producer.name}' (${describeContext(producer.spanContext())}); ` +
      `it has ${targets.length === 0 ? 'no links' : `links to ${targets.join(', ')}`}`,
    expectLinked,
  )
}

/** Asserts that `consumer` has no link to `producer`. */
export function expectNotLinked(consumer: RecordedSpan, producer: RecordedSpan): void {
  if (consumer.links.some(({ context }) => isSameSpan(context, producer.spanContext()))) {
    failAssertion(`expected '${consumer.name}' not to link to '${producer.name}'`, expectNotLinked)
  }
}

/** Asserts that `child` is a direct child of `parent`. */
export function expectChild(child: RecordedSpan, parent: RecordedSpan): void {
  const { parentSpanContext } = child
  if (isSameSpan(parentSpanContext, parent.spanContext())) return
  failAssertion(
    `expected '${child.name}' to be a child of '${parent.name}' (${describeContext(parent.spanContext())}); ` +
      `it is ${parentSpanContext ? `a child of ${describeContext(parentSpanContext)}` : 'a root'}`,
    expectChild,
  )
}

/** Asserts that `span` begins a trace. */
export function expectRoot(span: RecordedSpan): void {
  if (span.parentSpanContext !== undefined) {
    failAssertion(
      `expected '${span.name}' to be a root; it is a child of ${describeContext(span.parentSpanContext)}`,
      expectRoot,
    )
  }
}

/** Asserts that `span` has these attributes, among others. */
export function expectAttributes(span: RecordedSpan, attributes: Attributes): void {
  const differing = Object.entries(attributes).filter(
    ([name, value]) => JSON.stringify(span.attributes[name]) !== JSON.stringify(value),
  )
  if (differing.length === 0) return
  const listed = differing.map(
    ([name, value]) => `${name} is ${JSON.stringify(span.attributes[name])}, not ${JSON.stringify(value)}`,
  )
  failAssertion(`attributes of '${span.name}': ${listed.join('; ')}`, expectAttributes)
}

function describeContext({ traceId, spanId }: { readonly traceId: string; readonly spanId: string }): string {
  return `${traceId}-${spanId}`
}

function failAssertion(message: string, stackStartFn: (...args: never[]) => unknown): never {
  throw new AssertionError({ message, stackStartFn: stackStartFn as (...args: unknown[]) => unknown })
}
