import type { Field } from '../../src/traceql/syntax/ast.ts'
import type { TestAttributes, TestSpan, TestValue } from './spans.ts'

/** A status or a kind, which is not a string. */
export type EnumValue = { readonly enum: 'status' | 'kind'; readonly word: string }
export type FieldValue = TestValue | EnumValue | undefined

export type EvaluationContext = {
  readonly span: TestSpan
  /** All spans of its trace. */
  readonly trace: readonly TestSpan[]
  readonly event?: TestSpan['events'][number]
  readonly link?: TestSpan['links'][number]
}

/** Evaluates a condition on a span with TraceQL's semantics. */
export function holds(field: Field, context: EvaluationContext): boolean {
  // A bare field of events or links, like a comparison, holds if it holds for one of them.
  if (mentions(field, 'link') && field.kind === 'attribute') {
    return context.span.links.some((link) => valueOf(field, { ...context, link }) === true)
  }
  return valueOf(field, context) === true
}

export function valueOf(field: Field, context: EvaluationContext): FieldValue {
  switch (field.kind) {
    case 'literal':
      return literal(field)
    case 'attribute':
      return attribute(field, context)
    case 'intrinsic':
      return intrinsic(field.name, context)
    case 'unary': {
      const value = valueOf(field.operand, context)
      if (field.op === '!') return typeof value === 'boolean' ? !value : undefined
      return typeof value === 'number' ? -value : typeof value === 'bigint' ? -value : undefined
    }
    case 'binary':
      return binary(field, context)
  }
}

function binary(field: Field & { kind: 'binary' }, context: EvaluationContext): FieldValue {
  if (field.op === '&&') return holds(field.left, context) && holds(field.right, context)
  if (field.op === '||') return holds(field.left, context) || holds(field.right, context)
  const arithmetic: Record<string, (a: number, b: number) => number> = {
    '+': (a, b) => a + b,
    '-': (a, b) => a - b,
    '*': (a, b) => a * b,
    '/': (a, b) => a / b,
    '%': (a, b) => a % b,
    '^': (a, b) => a ** b,
  }
  const calculate = arithmetic[field.op]
  if (calculate) {
    const a = asNumber(valueOf(field.left, context))
    const b = asNumber(valueOf(field.right, context))
    return a === undefined || b === undefined ? undefined : calculate(a, b)
  }
  return comparison(field, context)
}

/**
 * Over the events or links of a span, a comparison holds when it does for one; `= nil` when no one
 * has the field.
 */
function comparison(field: Field & { kind: 'binary' }, context: EvaluationContext): boolean {
  const isNilOnly = [field.left, field.right].every((side) => side.kind === 'literal' && side.type === 'nil')
  if (isNilOnly) return false
  if (field.left.kind === 'literal' && field.left.type === 'nil')
    return comparison({ ...field, left: field.right, right: field.left }, context)
  const isNil = field.right.kind === 'literal' && field.right.type === 'nil'
  const many = mentions(field, 'event')
    ? context.span.events.map((event) => ({ ...context, event }))
    : mentions(field, 'link')
      ? context.span.links.map((link) => ({ ...context, link }))
      : undefined
  const one = (at: EvaluationContext): boolean =>
    compare(valueOf(field.left, at), field.op, valueOf(field.right, at), isNil)
  if (!many) return one(context)
  return isNil && field.op === '=' ? many.every(one) : many.some(one)
}

function mentions(field: Field, scope: 'event' | 'link'): boolean {
  if (field.kind === 'attribute') return field.scope === scope
  if (field.kind === 'intrinsic') return field.name.startsWith(`${scope}:`)
  if (field.kind === 'unary') return mentions(field.operand, scope)
  return field.kind === 'binary' && (mentions(field.left, scope) || mentions(field.right, scope))
}

export function compare(left: FieldValue, op: string, right: FieldValue, isNil = false): boolean {
  if (isNil) return op === '=' ? left === undefined : left !== undefined
  if (left === undefined || right === undefined) return false
  if (Array.isArray(left)) {
    const negative = op === '!=' || op === '!~'
    const positive = op === '!=' ? '=' : op === '!~' ? '=~' : op
    const some = left.some((element: TestValue) => compare(element, positive, right))
    return negative ? !some : some
  }
  if (isEnum(left) || isEnum(right)) {
    if (!isEnum(left) || !isEnum(right) || left.enum !== right.enum) return false
    return op === '=' ? left.word === right.word : left.word !== right.word
  }
  if (typeof left === 'string' && typeof right === 'string') return compareStrings(left, op, right)
  if (typeof left === 'boolean' && typeof right === 'boolean') return op === '=' ? left === right : left !== right
  const numeric = (value: unknown): value is number | bigint => typeof value === 'number' || typeof value === 'bigint'
  return numeric(left) && numeric(right) && ordered(left, op, right)
}

function compareStrings(left: string, op: string, right: string): boolean {
  if (op !== '=~' && op !== '!~') return ordered(left, op, right)
  const ignoreCase = right.startsWith('(?i)')
  const matches = new RegExp(`^(?:${ignoreCase ? right.slice(4) : right})$`, ignoreCase ? 'i' : '').test(left)
  return op === '=~' ? matches : !matches
}

function ordered<T extends string | number | bigint>(left: T, op: string, right: T): boolean {
  switch (op) {
    case '=':
      // oxlint-disable-next-line eslint/eqeqeq -- 1n equals 1
      return left == right
    case '!=':
      // oxlint-disable-next-line eslint/eqeqeq -- 1n equals 1
      return left != right
    case '<':
      return left < right
    case '<=':
      return left <= right
    case '>':
      return left > right
    case '>=':
      return left >= right
    default:
      return false
  }
}

function isEnum(value: unknown): value is EnumValue {
  return typeof value === 'object' && value !== null && 'enum' in value
}

function asNumber(value: FieldValue): number | undefined {
  return typeof value === 'number' ? value : typeof value === 'bigint' ? Number(value) : undefined
}

function literal(field: Field & { kind: 'literal' }): FieldValue {
  switch (field.type) {
    case 'nil':
      return undefined
    case 'int':
      return BigInt(field.text)
    case 'string':
      // Hex digits of an id mean the same in either case; no other string of the corpus is all
      // upper-case hex.
      return /^[0-9A-F]{32}$/.test(field.value) ? field.value.toLowerCase() : field.value
    case 'status':
    case 'kind':
      return { enum: field.type, word: field.value }
    default:
      return field.value
  }
}

function attribute(field: Field & { kind: 'attribute' }, context: EvaluationContext): FieldValue {
  const span = field.parent ? parentOf(context) : context.span
  if (!span) return undefined
  const own = (attributes: TestAttributes | undefined): TestValue | undefined =>
    attributes && Object.hasOwn(attributes, field.key) ? attributes[field.key] : undefined
  switch (field.scope) {
    case 'span':
      return own(span.attributes)
    case 'resource':
      return own(span.resource)
    case 'instrumentation':
      return own(span.scope.attributes)
    case 'event':
      return own(context.event?.attributes)
    case 'link':
      return own(context.link?.attributes)
    case 'any':
      return Object.hasOwn(span.attributes, field.key) ? own(span.attributes) : own(span.resource)
  }
}

function parentOf({ span, trace }: EvaluationContext): TestSpan | undefined {
  return trace.find((other) => other.spanId === span.parentSpanId)
}

function intrinsic(name: string, { span, trace, event, link }: EvaluationContext): FieldValue {
  const root = trace.filter((other) => other.parentSpanId === '').sort((a, b) => Number(a.start - b.start))[0]
  const ends = trace.map((other) => other.start + other.duration)
  const starts = trace.map((other) => other.start)
  switch (name) {
    case 'span:name':
      return span.name
    case 'span:status':
      return { enum: 'status', word: span.status }
    case 'span:statusMessage':
      return span.statusMessage
    case 'span:kind':
      return { enum: 'kind', word: span.kind }
    case 'span:duration':
      return span.duration
    case 'span:id':
      return span.spanId
    case 'span:parentID':
      return span.parentSpanId === '' ? undefined : span.parentSpanId
    case 'span:childCount':
      return BigInt(trace.filter((other) => other.parentSpanId === span.spanId).length)
    case 'trace:id':
      return span.traceId
    case 'trace:duration':
      return ends.reduce((a, b) => (a > b ? a : b)) - starts.reduce((a, b) => (a < b ? a : b))
    case 'trace:rootName':
      return root?.name
    case 'trace:rootService':
      return root && String(root.resource['service.name'] ?? '')
    case 'event:name':
      return event?.name
    case 'event:timeSinceStart':
      return event && event.time - span.start
    case 'link:traceID':
      return link?.traceId
    case 'link:spanID':
      return link?.spanId
    case 'instrumentation:name':
      return span.scope.name
    case 'instrumentation:version':
      return span.scope.version
    case 'nestedSetLeft':
    case 'nestedSetRight':
    case 'nestedSetParent':
      return nestedSet(trace).get(span.spanId)?.[name] ?? 0n
    default:
      throw new Error(`${name} is not evaluated`)
  }
}

type NestedSet = Readonly<Record<'nestedSetLeft' | 'nestedSetRight' | 'nestedSetParent', bigint>>

const nestedSets = new WeakMap<readonly TestSpan[], ReadonlyMap<string, NestedSet>>()

/** Numbered in depth-first order from every root. */
function nestedSet(trace: readonly TestSpan[]): ReadonlyMap<string, NestedSet> {
  const known = nestedSets.get(trace)
  if (known) return known
  const numbers = new Map<string, NestedSet>()
  nestedSets.set(trace, numbers)
  const inOrder = trace.toSorted((a, b) =>
    a.start === b.start ? (a.spanId < b.spanId ? -1 : 1) : a.start < b.start ? -1 : 1,
  )
  let counted = 0n
  const walk = (span: TestSpan, nestedSetParent: bigint): void => {
    const nestedSetLeft = ++counted
    for (const child of inOrder) if (child.parentSpanId === span.spanId) walk(child, nestedSetLeft)
    numbers.set(span.spanId, { nestedSetLeft, nestedSetRight: ++counted, nestedSetParent })
  }
  for (const span of inOrder) if (span.parentSpanId === '') walk(span, -1n)
  return numbers
}
