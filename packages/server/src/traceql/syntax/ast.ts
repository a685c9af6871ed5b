import type { IntrinsicName } from './intrinsics.ts'

/** Offsets into the query's text. */
type Span = { readonly from: number; readonly to: number }

export type Query =
  | ({ readonly kind: 'search'; readonly pipeline: Pipeline; readonly hints: readonly Hint[] } & Span)
  | ({ readonly kind: 'metrics'; readonly metrics: Metrics; readonly hints: readonly Hint[] } & Span)

export type Hint = { readonly name: string; readonly value: Literal }

/** A spanset expression and the stages applied to its spansets in order. */
export type Pipeline = { readonly kind: 'pipeline'; readonly source: Spanset; readonly stages: readonly Stage[] } & Span

export type Spanset =
  | Filter
  | Pipeline
  | ({ readonly kind: 'operation'; readonly op: SpansetOp; readonly left: Spanset; readonly right: Spanset } & Span)

/** `{ condition }`; without a condition every span matches. */
export type Filter = { readonly kind: 'filter'; readonly condition: Field | undefined } & Span

export const logicalOps = ['&&', '||'] as const
export const structuralOps = ['>>', '>', '<<', '<', '~'] as const
export const negatedOps = ['!>>', '!>', '!<<', '!<', '!~'] as const
export const unionOps = ['&>>', '&>', '&<<', '&<', '&~'] as const
export const linkOps = ['->>', '<<-', '&->>', '&<<-'] as const

export type LinkOp = (typeof linkOps)[number]
type StructuralOp = (typeof structuralOps)[number] | (typeof negatedOps)[number] | (typeof unionOps)[number]
export type SpansetOp = (typeof logicalOps)[number] | StructuralOp | LinkOp

export type Stage =
  | ({ readonly kind: 'spanset'; readonly spanset: Spanset } & Span)
  | ({ readonly kind: 'compare'; readonly op: ScalarOp; readonly left: Scalar; readonly right: Scalar } & Span)
  | ({ readonly kind: 'by'; readonly fields: readonly Field[] } & Span)
  | ({ readonly kind: 'select'; readonly fields: readonly Field[] } & Span)
  | ({ readonly kind: 'coalesce' } & Span)

export const scalarOps = ['=', '!=', '>=', '>', '<=', '<'] as const
export const arithmeticOps = ['+', '-', '*', '/', '%', '^'] as const

/** Every binary operator but `=~`. */
export const operators = [linkOps, negatedOps, unionOps, structuralOps, logicalOps, scalarOps, arithmeticOps].flat()

export type ScalarOp = (typeof scalarOps)[number]
export type ArithmeticOp = (typeof arithmeticOps)[number]

export type Scalar =
  | ({ readonly kind: 'number'; readonly value: number } & Span)
  | ({ readonly kind: 'aggregate'; readonly fn: AggregateFn; readonly field: Field | undefined } & Span)
  | ({ readonly kind: 'arithmetic'; readonly op: ArithmeticOp; readonly left: Scalar; readonly right: Scalar } & Span)

export const aggregateFns = ['count', 'avg', 'min', 'max', 'sum'] as const

type AggregateFn = (typeof aggregateFns)[number]

export type Field =
  | ({ readonly kind: 'literal' } & Literal & Span)
  | Attribute
  | Intrinsic
  | ({ readonly kind: 'unary'; readonly op: '!' | '-'; readonly operand: Field } & Span)
  | ({ readonly kind: 'binary'; readonly op: FieldOp; readonly left: Field; readonly right: Field } & Span)

export type FieldOp = (typeof logicalOps)[number] | ScalarOp | '=~' | '!~' | ArithmeticOp

export const scopes = ['span', 'resource', 'event', 'link', 'instrumentation'] as const

/** `any` is the unscoped `.key`: the span's own attribute, otherwise the resource's. */
export type Scope = 'any' | (typeof scopes)[number]

export type Attribute = {
  readonly kind: 'attribute'
  readonly scope: Scope
  /** Whether it is an attribute of the parent span. */
  readonly parent: boolean
  readonly key: string
} & Span

export type Intrinsic = { readonly kind: 'intrinsic'; readonly name: IntrinsicName } & Span

/** Durations are nanoseconds. `text` of an integer is exact even if `value` is not. */
export type Literal =
  | { readonly type: 'string'; readonly value: string }
  | { readonly type: 'int'; readonly value: number; readonly text: string }
  | { readonly type: 'float'; readonly value: number }
  | { readonly type: 'duration'; readonly value: number }
  | { readonly type: 'boolean'; readonly value: boolean }
  | { readonly type: 'status'; readonly value: string }
  | { readonly type: 'kind'; readonly value: string }
  | { readonly type: 'nil' }

export type Metrics =
  | MetricsAggregate
  | MetricsCompare
  | ({ readonly kind: 'second'; readonly of: Metrics; readonly stages: readonly SecondStage[] } & Span)
  | ({ readonly kind: 'arithmetic'; readonly op: ArithmeticOp; readonly left: Metrics; readonly right: Metrics } & Span)
  | ({ readonly kind: 'number'; readonly value: number } & Span)

export type MetricsAggregate = {
  readonly kind: 'aggregate'
  readonly source: Pipeline
  readonly fn: MetricsFn
  readonly field: Field | undefined
  /** Between 0 and 1, only for quantile_over_time. */
  readonly quantiles: readonly number[]
  readonly by: readonly Field[]
  readonly second: readonly SecondStage[]
} & Span

/**
 * `compare({ … }, top, start, end)`: compares the attributes of selected spans with those of all
 * others.
 */
export type MetricsCompare = {
  readonly kind: 'compare'
  readonly source: Pipeline
  /** The selected spans. */
  readonly selection: Filter
  /** Number of values returned per attribute. */
  readonly top: number
  /** Range of the selected spans' start, Unix nanoseconds. */
  readonly within: { readonly start: bigint; readonly end: bigint } | undefined
} & Span

export const metricsFns = [
  'rate',
  'count_over_time',
  'sum_over_time',
  'min_over_time',
  'max_over_time',
  'avg_over_time',
  'quantile_over_time',
  'histogram_over_time',
] as const

type MetricsFn = (typeof metricsFns)[number]

export type SecondStage =
  | { readonly kind: 'topk' | 'bottomk'; readonly count: number }
  | { readonly kind: 'compare'; readonly op: ScalarOp; readonly value: number }
