import { StoreError, type StoreErrorCode } from '../../clickhouse/store-error.ts'

/** A port can't be listened on; the message names the flag that gives another. */
export class PortError extends Error {}

const byStoreError: Partial<Record<StoreErrorCode, number>> = {
  'data-dir-unusable': 6,
  'data-dir-in-use': 7,
  'unsupported-schema': 8,
  'engine-missing': 9,
  'engine-down': 9,
  refused: 9,
}

/** Why the server did not start, as an exit code: docs/cli.md lists them. */
export function startExitCode(error: unknown): number {
  if (error instanceof PortError) return 5
  return (error instanceof StoreError ? byStoreError[error.code] : undefined) ?? 1
}
