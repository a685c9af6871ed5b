import { columnNamesNotInRow, MessagingColumns } from './messaging/messaging-columns.ts'
import { createLowCardinalityColumn } from './native/column.ts'
import type { RowObserver } from './native/native-block.ts'
import type { RowCursor } from './native/row-cursor.ts'
import { Operations } from './operations.ts'
import type { InsertCache } from './insert-cache.ts'
import { SPAN_OFFSETS } from './rollups/span-offsets.ts'
import { TraceBounds } from './trace-bounds.ts'
import { TraceRows } from './trace-rows.ts'
import { TrafficMinutes } from './rollups/traffic-minutes.ts'

const LOW_CARDINALITY_STRING = 'LowCardinality(String)'

/** Derives messaging columns and the rows of other tables while spans are converted. */
export class SpanObserver implements RowObserver {
  readonly #service = createLowCardinalityColumn()
  readonly #name = createLowCardinalityColumn()
  readonly #messaging = new MessagingColumns(this.#name)
  readonly #minutes = new TrafficMinutes(this.#service, this.#messaging)
  readonly #operations: Operations
  readonly #bounds = new TraceBounds()
  readonly #traceRows = new TraceRows()

  readonly columns = {
    service: { column: this.#service, type: LOW_CARDINALITY_STRING },
    name: { column: this.#name, type: LOW_CARDINALITY_STRING },
    attrs: { column: this.#messaging.attributes, type: `Map(${LOW_CARDINALITY_STRING}, String)` },
    ...this.#messaging.columns(),
  }
  readonly derivedColumns: ReadonlySet<string> = new Set(columnNamesNotInRow)

  constructor(cache: InsertCache) {
    this.#operations = new Operations(this.#service, this.#name, cache)
  }

  clear(): void {
    this.#bounds.clear()
    this.#traceRows.clear()
    this.#operations.clear()
    this.#messaging.clear()
    this.#minutes.clear()
  }

  observe(cursor: RowCursor, start: number): void {
    const { bytes, view } = cursor
    this.#traceRows.addRow(cursor, start)
    this.#messaging.add(bytes, view.getUint8(start + SPAN_OFFSETS.kind))
    this.#bounds.add(view, start)
    this.#minutes.add(bytes, view, start)
    this.#operations.add(view, start)
  }

  async deriveRows(): ReturnType<NonNullable<RowObserver['deriveRows']>> {
    return {
      blockBefore: { table: 'trace_rows', block: this.#traceRows.toBlock() },
      before: { table: 'traces', rows: this.#bounds.toRows() },
      after: [
        { table: 'traffic_minutes', rows: await this.#minutes.toRows() },
        { table: 'operations', ...this.#operations.toRows() },
      ],
    }
  }
}
