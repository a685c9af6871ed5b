import type { Attribute, Field, Literal } from '../syntax/ast.ts'
import type { IntrinsicName } from '../syntax/intrinsics.ts'
import { calculate, isArithmetic } from '../analyze/constant-folding.ts'
import { toValue, toWord, type Value } from './compare-values.ts'
import type { StoredValue } from '../../query/trace-rows/trace-row.ts'
import type { FetchedSpan, SpanEvent, SpanItem, SpanLink, TraceSpan } from './trace-span.ts'

/** Reads a value of a span, or of one of its events or links. */
export type Read<T> = (span: TraceSpan, item?: SpanItem) => T

/** Reads attributes, intrinsics, literals and arithmetic. For conditions see condition.ts. */
export function readOperand(field: Field): Read<Value | undefined> {
  switch (field.kind) {
    case 'literal': {
      const value = toLiteralValue(field)
      return () => value
    }
    case 'attribute': {
      const read = readAttribute(field)
      return (span, item) => {
        const stored = read(span, item)
        return stored && toValue(stored)
      }
    }
    case 'intrinsic':
      return readIntrinsic[field.name]
    default:
      return readNumber(field)
  }
}

/** Undefined for everything but numbers. */
export function readNumber(field: Field): Read<number | undefined> {
  if (field.kind === 'unary') {
    if (field.op === '!') return readNothing
    const read = readNumber(field.operand)
    return (span, item) => {
      const value = read(span, item)
      return value === undefined ? undefined : -value
    }
  }
  if (field.kind === 'binary') {
    const { op } = field
    if (!isArithmetic(op)) return readNothing
    const [left, right] = [readNumber(field.left), readNumber(field.right)]
    return (span, item) => {
      const [a, b] = [left(span, item), right(span, item)]
      return a === undefined || b === undefined ? undefined : calculate(op, a, b)
    }
  }
  const read = readOperand(field)
  return (span, item) => {
    const value = read(span, item)
    return typeof value === 'number' || typeof value === 'bigint' ? Number(value) : undefined
  }
}

function readNothing(): undefined {}

/** Whether the span has the field, of any type. */
export function readExists(field: Field): Read<boolean> {
  if (field.kind === 'literal') return () => field.type !== 'nil'
  if (field.kind === 'unary' && field.op === '!') return () => true
  const read: Read<unknown> = field.kind === 'attribute' ? readAttribute(field) : readOperand(field)
  return (span, item) => read(span, item) !== undefined
}

function toLiteralValue(literal: Literal): Value | undefined {
  if (literal.type === 'nil') return undefined
  return literal.type === 'status' || literal.type === 'kind' ? toWord(literal.type, literal.value) : literal.value
}

export function readAttribute({ scope, key, parent }: Attribute): Read<StoredValue | undefined> {
  const ofSpan = (span: TraceSpan | undefined): StoredValue | undefined => {
    switch (scope) {
      case 'any':
        return span?.attributes.get(key) ?? span?.source?.resource.get(key)
      case 'span':
        return span?.attributes.get(key)
      case 'resource':
        return span?.source?.resource.get(key)
      default:
        return span?.source?.scope.get(key)
    }
  }
  if (scope === 'event' || scope === 'link') return (_, item) => item?.attributes.get(key)
  return parent ? (span) => ofSpan(span.parent) : ofSpan
}

const readIntrinsic: Readonly<Record<IntrinsicName, Read<Value | undefined>>> = {
  'span:name': (span) => span.name,
  'span:status': (span) => toWord('status', span.status),
  'span:statusMessage': (span) => span.statusMessage,
  'span:kind': (span) => toWord('kind', span.kind),
  'span:duration': (span) => span.duration,
  'span:id': (span) => span.spanId,
  'span:parentID': (span) => span.parentSpanId || undefined,
  'span:childCount': (span) => span.trace.childCounts[span.at] ?? 0,
  'trace:id': (span) => span.traceId,
  'trace:duration': (span) => span.trace.duration,
  'trace:rootName': (span) => span.trace.root?.name,
  'trace:rootService': (span) => span.trace.root?.service,
  'event:name': (_, item) => (item as SpanEvent | undefined)?.name,
  'event:timeSinceStart': (span, item) => item && toInt64((item as SpanEvent).time) - toInt64(span.start),
  'link:traceID': (_, item) => (item as SpanLink | undefined)?.traceId,
  'link:spanID': (_, item) => (item as SpanLink | undefined)?.spanId,
  'instrumentation:name': (span) => span.source?.scopeName ?? '',
  'instrumentation:version': (span) => span.source?.scopeVersion ?? '',
  nestedSetParent: (span) => span.trace.nested().nestedSetParent[span.at] ?? 0,
  nestedSetLeft: (span) => span.trace.nested().nestedSetLeft[span.at] ?? 0,
  nestedSetRight: (span) => span.trace.nested().nestedSetRight[span.at] ?? 0,
}

/** Times are unsigned in rows; durations between them are signed. */
function toInt64(time: bigint): bigint {
  return BigInt.asIntN(64, time)
}

/** Nanoseconds from the first start to the last end. */
export function measureTrace(spans: readonly FetchedSpan[]): bigint {
  let [first, last]: [bigint | undefined, bigint | undefined] = [undefined, undefined]
  for (const { start, duration } of spans) {
    const from = toInt64(start)
    const to = from + duration
    if (first === undefined || from < first) first = from
    if (last === undefined || to > last) last = to
  }
  return (last ?? 0n) - (first ?? 0n)
}
