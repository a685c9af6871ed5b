const storeErrorCodes = [
  'data-dir-in-use',
  'data-dir-unusable',
  'engine-missing',
  'unavailable',
  'unsupported-schema',
  'timeout',
  'too-heavy',
  'too-complex',
  'bad-pattern',
  'cancelled',
  'bad-rows',
  'refused',
] as const

export type StoreErrorCode = (typeof storeErrorCodes)[number]

/**
 * Rows in RowBinary that an insert of others makes, and that are not stored though the others are.
 */
export type UnstoredRows = {
  readonly table: 'traffic_minutes' | 'operations'
  readonly rows: number
  readonly bytes: Uint8Array
}

/**
 * What went wrong at the store, in one line that says what to do about it where there is something
 * to do.
 */
export class StoreError extends Error {
  readonly code: StoreErrorCode
  /**
   * Of an insert whose rows are stored: what is summed up of them, which the same insert again or
   * one of these rows stores.
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
