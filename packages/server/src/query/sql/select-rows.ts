import type { ColumnDecoder } from '../../clickhouse/read/column-decoders.ts'
import { type NativeBlock, readNative } from '../../clickhouse/read/read-native.ts'
import { StoreError } from '../../clickhouse/store-error.ts'
import type { QueryOptions, QueryParams, Store } from '../../clickhouse/store.ts'

/** By name of a field: SQL of its column, and how it is decoded. */
export type Columns = Readonly<Record<string, readonly [sql: string, decode: ColumnDecoder<unknown>]>>

/** Decodes a field of the current row. */
export type RowOf<Selected extends Columns> = {
  readonly [Field in keyof Selected]: () => ReturnType<ReturnType<Selected[Field][1]>>
}

/**
 * Selects thousands of rows as columns: a third of the CPU time of rows in JSON. Each iteration
 * returns the same object; its functions decode the current row.
 *
 * @param rest of the statement, from `from` on
 */
export async function selectRows<Selected extends Columns>(
  store: Store,
  columns: Selected,
  rest: string,
  params: QueryParams,
  options: QueryOptions,
): Promise<Iterable<RowOf<Selected>>> {
  const list = Object.values(columns).map(([sql], index) => `${sql} as c${index}`)
  const { bytes, rows } = await store.queryBytes(`select ${list.join(', ')} ${rest}`, params, options)
  const blocks = [...readNative(bytes)]
  const received = blocks.reduce((sum, block) => sum + block.rows, 0)
  if (rows !== undefined && rows !== received) {
    throw new StoreError('unavailable', `ClickHouse sent ${received} of ${rows} rows. Is its disk full?`)
  }
  return decodeRows(bytes, blocks, columns)
}

function* decodeRows<Selected extends Columns>(
  bytes: Buffer,
  blocks: readonly NativeBlock[],
  columns: Selected,
): Generator<RowOf<Selected>> {
  for (const block of blocks) {
    let at = 0
    const fields = Object.entries(columns).map(([name, [, decode]], index) => {
      const valueAt = decode(bytes, block.columns[index])
      return [name, () => valueAt(at)] as const
    })
    const row = Object.fromEntries(fields) as RowOf<Selected>
    for (; at < block.rows; at++) yield row
  }
}
