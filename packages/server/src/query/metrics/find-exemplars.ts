import type { Exemplar } from '@spanlink/api-schema'
import { decodeAttributes } from '../../otlp/wire/attributes.ts'
import type { QueryOptions, Store } from '../../clickhouse/store.ts'
import { toNumber, type Window } from './load-points.ts'
import type { SeriesFilter } from './series-filter.ts'

const MAX_EXEMPLARS = 500

/**
 * Finds exemplars of the window's points in order of time, sampled if there are many. A cumulative
 * series repeats an exemplar until it has a newer one; it is returned once.
 */
export async function findExemplars(
  store: Store,
  filter: SeriesFilter,
  window: Window,
  options: QueryOptions,
): Promise<Exemplar[]> {
  const rows = await store.query<Row>(
    `select time as timeUnixNano, value, hex(trace) as traceId, hex(span) as spanId, attributes, service, types
    from (
      select series_id, e.time as time, e.value as value, e.trace_id as trace, e.span_id as span,
        arrayZip(mapKeys(e.attrs), mapValues(e.attrs)) as attributes, e.attr_types as types
      from metric_points array join exemplars as e
      where series_id in (select series_id from metric_series where ${filter.where})
        and metric_points.time > {windowStart:UInt64} and metric_points.time <= {end:UInt64}
        and e.time > {windowStart:UInt64} and e.time <= {end:UInt64}
      order by cityHash64(time, trace, span, value)
      limit 1 by series_id, time, trace, span, value
      limit ${MAX_EXEMPLARS}
    ) as found
    left any join (select series_id, service from metric_series) as series using series_id
    order by time`,
    {
      ...filter.params,
      windowStart: String(window.start),
      end: String(window.start + window.step * BigInt(window.steps)),
    },
    options,
  )
  return rows.map(({ types, ...row }) => ({
    ...row,
    value: toJsonNumber(toNumber(row.value)),
    traceId: toId(row.traceId),
    spanId: toId(row.spanId),
    attributes: decodeAttributes(row.attributes, types),
  }))
}

/** JSON cannot represent NaN and infinities; OTLP/JSON uses these strings. */
export function toJsonNumber(value: number): number | string {
  return Number.isFinite(value) ? value : String(value)
}

type Row = Omit<Exemplar, 'attributes'> & {
  readonly attributes: readonly (readonly [string, string])[]
  readonly types: string
}

function toId(hex: string): string {
  return /^0*$/.test(hex) ? '' : hex.toLowerCase()
}
