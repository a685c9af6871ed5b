import { MessagingColumns } from './messaging/messaging-columns.ts'
import { createLowCardinalityColumn } from './native/column.ts'
import type { RowObserver } from './native/native-block.ts'
import type { RowCursor } from './native/row-cursor.ts'
import { Operations } from './operations.ts'
import type { InsertCache } from './insert-cache.ts'
import { SPAN_OFFSETS } from './rollups/span-offsets.ts'
import { spanFields } from './span-fields.ts'
import { TrafficMinutes } from './rollups/traffic-minutes.ts'

const LOW_CARDINALITY_STRING = 'LowCardinality(String)'

/** Derives messaging columns and the rows of other tables while spans are converted. */
export class SpanObserver implements RowObserver {
  readonly #service = createLowCardinalityColumn()
  readonly #name = createLowCardinalityColumn()
  readonly #messaging = new MessagingColumns(this.#name)
  readonly #minutes = new TrafficMinutes(this.#service, this.#messaging)
  readonly #operations: Operations

  readonly columns = {
    service: { column: this.#service, type: LOW_CARDINALITY_STRING },
    name: { column: this.#name, type: LOW_CARDINALITY_STRING },
    attrs: { column: this.#messaging.attributes, type: `Map(${LOW_CARDINALITY_STRING}, String)` },
    ...this.#messaging.columns(),
  }
  readonly fields = spanFields

  constructor(cache: InsertCache) {
    this.#operations = new Operations(this.#service, this.#name, cache)
  }

  clear(): void {
    this.#operations.clear()
    this.#messaging.clear()
    this.#minutes.clear()
  }

  observe({ bytes, view }: RowCursor, start: number): void {
    this.#messaging.add(bytes, view.getUint8(start + SPAN_OFFSETS.kind))
    this.#minutes.add(bytes, view, start)
    this.#operations.add(view, start)
  }

  async deriveRows(): ReturnType<NonNullable<RowObserver['deriveRows']>> {
    return [
      { table: 'traffic_minutes', rows: await this.#minutes.toRows() },
      { table: 'operations', ...this.#operations.toRows() },
    ]
  }
}
