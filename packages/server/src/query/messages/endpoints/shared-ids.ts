import { consumingOperations, producingOperations } from '../../../clickhouse/insert/messaging/semconv.ts'
import { toRefKey, type SpanRef } from '../../links/linked-span.ts'
import type { MessageEndpoint } from './message-endpoint.ts'

/** The span to select when a producer and a consumer share an id. */
export type Side = 'producer' | 'consumer'

/** Selects one span per id, on the given side if there is one. */
export function selectBySide<Row extends SpanRef & Pick<MessageEndpoint, 'operation'>>(
  rows: Iterable<Row>,
  side: Side,
): Map<string, Row> {
  const found = new Map<string, Row>()
  for (const row of rows) {
    const known = found.get(toRefKey(row))
    if (known === undefined || isOnSide(row, side) || !isOnSide(known, side)) found.set(toRefKey(row), row)
  }
  return found
}

function isOnSide({ operation }: Pick<MessageEndpoint, 'operation'>, side: Side): boolean {
  return (side === 'producer' ? producingOperations : consumingOperations).has(operation)
}
