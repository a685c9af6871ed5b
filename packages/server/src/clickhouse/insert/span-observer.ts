import { MessagingColumns, messagingColumnNames } from './messaging/messaging-columns.ts'
import { lowCardinalityColumn } from './native/column.ts'
import type { RowWatch, Summary } from './native/native-block.ts'
import type { RowCursor } from './native/row-cursor.ts'
import { Operations } from './operations.ts'
import type { RecentlyStored } from './insert-cache.ts'
import { ROW } from './rollups/span-row.ts'
import { TraceBounds } from './trace-bounds.ts'
import { TrafficMinutes } from './rollups/minutes.ts'

const TEXT = 'LowCardinality(String)'

/**
 * As spans are turned into columns: what messaging attributes say of each, and what other tables
 * keep of all.
 */
export class SpansWatch implements RowWatch {
  readonly #service = lowCardinalityColumn()
  readonly #name = lowCardinalityColumn()
  readonly #messaging = new MessagingColumns(this.#name)
  readonly #minutes = new TrafficMinutes(this.#service, this.#messaging)
  readonly #operations: Operations
  readonly #bounds = new TraceBounds()

  readonly columns: RowWatch['columns'] = {
    service: { column: this.#service, type: TEXT },
    name: { column: this.#name, type: TEXT },
    attrs: { column: this.#messaging.attributes, type: `Map(${TEXT}, String)` },
    ...this.#messaging.columns(),
  }
  readonly derived: ReadonlySet<string> = new Set(messagingColumnNames)

  constructor(stored: RecentlyStored) {
    this.#operations = new Operations(this.#service, this.#name, stored)
  }

  clear(): void {
    this.#bounds.clear()
    this.#operations.clear()
    this.#messaging.clear()
    this.#minutes.clear()
  }

  row({ bytes, view }: RowCursor, start: number): void {
    this.#messaging.take(bytes, view.getUint8(start + ROW.kind))
    this.#bounds.take(view, start)
    this.#minutes.take(bytes, view, start)
    this.#operations.take(view, start)
  }

  async summaries(): Promise<readonly Summary[]> {
    return [
      { table: 'traces', rows: this.#bounds.rows(), isFirst: true },
      { table: 'traffic_minutes', rows: await this.#minutes.rows() },
      { table: 'operations', ...this.#operations.rows() },
    ]
  }
}
