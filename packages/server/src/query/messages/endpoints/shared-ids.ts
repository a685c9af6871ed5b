import { consumingOperations, producingOperations } from '../../../clickhouse/insert/messaging/semconv.ts'
import { toRefKey, type SpanRef } from '../../links/linked-span.ts'
import type { MessageEnd } from './message-endpoint.ts'

/** Which span is meant where a producer and a consumer share an id. */
export type Side = 'producer' | 'consumer'

/** Of each id the span of that side, if one of those that share it is. */
export function bySide<Row extends SpanRef & Pick<MessageEnd, 'operation'>>(
  rows: Iterable<Row>,
  side: Side,
): Map<string, Row> {
  const found = new Map<string, Row>()
  for (const row of rows) {
    const known = found.get(toRefKey(row))
    if (known === undefined || isOfSide(row, side) || !isOfSide(known, side)) found.set(toRefKey(row), row)
  }
  return found
}

function isOfSide({ operation }: Pick<MessageEnd, 'operation'>, side: Side): boolean {
  return (side === 'producer' ? producingOperations : consumingOperations).has(operation)
}
