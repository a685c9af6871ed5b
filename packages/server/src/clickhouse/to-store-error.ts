import { ClickHouseError } from '@clickhouse/client'
import { StoreError, type UnstoredRows } from './store-error.ts'

// https://github.com/ClickHouse/ClickHouse/blob/master/src/Common/ErrorCodes.cpp
const codeByNumber: Readonly<Record<string, keyof typeof messages>> = {
  '159': 'timeout', // TIMEOUT_EXCEEDED
  '160': 'timeout', // TOO_SLOW
  '162': 'too-complex', // TOO_DEEP_SUBQUERIES: over Distributed tables all subqueries count
  '427': 'bad-pattern', // CANNOT_COMPILE_REGEXP: nested counts make it too large
  '158': 'too-heavy', // TOO_MANY_ROWS
  '241': 'too-heavy', // MEMORY_LIMIT_EXCEEDED
  '173': 'too-heavy', // CANNOT_ALLOCATE_MEMORY
  '307': 'too-heavy', // TOO_MANY_BYTES
  '396': 'too-heavy', // TOO_MANY_ROWS_OR_BYTES
  '75': 'unavailable', // CANNOT_WRITE_TO_FILE_DESCRIPTOR
  '202': 'unavailable', // TOO_MANY_SIMULTANEOUS_QUERIES
  '209': 'unavailable', // SOCKET_TIMEOUT
  '210': 'unavailable', // NETWORK_ERROR
  '242': 'unavailable', // TABLE_IS_READ_ONLY
  '236': 'unavailable', // ABORTED: the server shuts down, also after a fatal error
  '243': 'unavailable', // NOT_ENOUGH_SPACE
  '252': 'unavailable', // TOO_MANY_PARTS
  '279': 'unavailable', // ALL_CONNECTION_TRIES_FAILED
  '285': 'unavailable', // TOO_FEW_LIVE_REPLICAS
  '319': 'unavailable', // UNKNOWN_STATUS_OF_INSERT
  '999': 'unavailable', // KEEPER_EXCEPTION
  '6': 'bad-rows', // CANNOT_PARSE_TEXT
  '9': 'bad-rows', // SIZES_OF_COLUMNS_DOESNT_MATCH
  '27': 'bad-rows', // CANNOT_PARSE_INPUT_ASSERTION_FAILED
  '32': 'bad-rows', // ATTEMPT_TO_READ_AFTER_EOF
  '33': 'bad-rows', // CANNOT_READ_ALL_DATA
  '69': 'bad-rows', // ARGUMENT_OUT_OF_BOUND
  '117': 'bad-rows', // INCORRECT_DATA
  '128': 'bad-rows', // TOO_LARGE_ARRAY_SIZE
  '131': 'bad-rows', // TOO_LARGE_STRING_SIZE
  '190': 'bad-rows', // SIZES_OF_ARRAYS_DONT_MATCH
  '691': 'bad-rows', // UNKNOWN_ELEMENT_OF_ENUM
}

/** @param unstored derived rows that are not stored although the inserted rows are */
export function toStoreError(error: unknown, unstored: readonly UnstoredRows[] = []): StoreError {
  if (error instanceof StoreError) return error
  const options = { cause: error, unstored }
  if (error instanceof RangeError) return new StoreError('bad-rows', error.message, options)
  // The statement or a parameter exceeds ClickHouse's limit for a form field.
  if (error instanceof Error && error.message.includes('Field value too long')) {
    return new StoreError('too-complex', `${messages['too-complex']} ${error.message}`, options)
  }
  if (!(error instanceof ClickHouseError)) {
    return new StoreError('unavailable', `ClickHouse is not reachable: ${(error as Error).message}`, options)
  }
  const code = codeByNumber[error.code] ?? 'refused'
  return new StoreError(code, `${messages[code]} ${error.message}`, options)
}

const messages = {
  unavailable: 'ClickHouse cannot do this now.',
  timeout: 'The query took too long.',
  'too-heavy': 'The query exceeds its memory limit.',
  'too-complex': 'The query has too many parts.',
  'bad-pattern': 'ClickHouse cannot compile the regular expression.',
  'bad-rows': 'ClickHouse rejected the rows.',
  refused: 'ClickHouse rejected the statement.',
} as const
