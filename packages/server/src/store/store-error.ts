const storeErrorCodes = [
  'data-dir-in-use',
  'data-dir-unusable',
  'engine-missing',
  'engine-down',
  'newer-schema',
  'timeout',
  'too-heavy',
  'too-complex',
  'bad-pattern',
  'cancelled',
  'bad-rows',
  'refused',
] as const

export type StoreErrorCode = (typeof storeErrorCodes)[number]

/** What went wrong at the store, in one line that says what to do about it where there is something to do. */
export class StoreError extends Error {
  readonly code: StoreErrorCode
  /** Of an insert: the rows are stored, and only the same insert again completes what is summed up of them. */
  readonly isStoredInPart: boolean

  constructor(
    code: StoreErrorCode,
    message: string,
    options: ErrorOptions & { readonly isStoredInPart?: boolean } = {},
  ) {
    super(message, options)
    this.name = 'StoreError'
    this.code = code
    this.isStoredInPart = options.isStoredInPart ?? false
  }
}
