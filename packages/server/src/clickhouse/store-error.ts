export type StoreErrorCode =
  | 'data-dir-in-use'
  | 'data-dir-unusable'
  | 'engine-missing'
  | 'unavailable'
  | 'unsupported-schema'
  | 'timeout'
  | 'too-heavy'
  | 'too-complex'
  | 'bad-pattern'
  | 'cancelled'
  | 'bad-rows'
  | 'refused'

/** RowBinary rows derived by an insert that are not stored although the insert's rows are. */
export type UnstoredRows = {
  readonly table: 'traffic_minutes' | 'operations'
  readonly rows: number
  readonly bytes: Uint8Array
}

/** A failure of the store. The message is one line and includes the remedy if there is one. */
export class StoreError extends Error {
  readonly code: StoreErrorCode
  /**
   * Derived rows that are missing although the insert's rows are stored. Repeating the insert, or
   * inserting these rows, stores them.
   */
  readonly unstored: readonly UnstoredRows[]

  constructor(
    code: StoreErrorCode,
    message: string,
    options: ErrorOptions & { readonly unstored?: readonly UnstoredRows[] } = {},
  ) {
    super(message, options)
    this.name = 'StoreError'
    this.code = code
    this.unstored = options.unstored ?? []
  }
}

/** Whether a limit of memory, rows or bytes stopped the statement. */
export function isTooHeavy(error: unknown): boolean {
  return error instanceof StoreError && error.code === 'too-heavy'
}
