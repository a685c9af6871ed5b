import { UsageError } from '../args.ts'
import { StoreError, type StoreErrorCode } from '../../clickhouse/store-error.ts'

/** A port that can't be listened on; the message names its flag. */
export class PortError extends Error {}

const exitCodeByStoreError: Partial<Record<StoreErrorCode, number>> = {
  'data-dir-unusable': 6,
  'data-dir-in-use': 7,
  'unsupported-schema': 8,
  'engine-missing': 9,
  unavailable: 9,
  refused: 9,
}

/** The exit code of a server that failed to start, listed in docs/cli.md. */
export function startExitCode(error: unknown): number {
  if (error instanceof UsageError) return 2
  if (error instanceof PortError) return 5
  return (error instanceof StoreError ? exitCodeByStoreError[error.code] : undefined) ?? 1
}

/** The message of an expected error, the stack of any other. */
export function describeError(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const missing = findMissingPackage(error)
  if (missing !== undefined)
    return `The package ${missing} is missing. Install spanlink again, without --omit=optional.`
  const isExpected = error instanceof StoreError || error instanceof UsageError || error.cause !== undefined
  return isExpected ? error.message : (error.stack ?? error.message)
}

/** The name of a package that an import didn't find; of a file that isn't a package, undefined. */
function findMissingPackage({ message, code }: NodeJS.ErrnoException): string | undefined {
  if (code !== 'MODULE_NOT_FOUND' && code !== 'ERR_MODULE_NOT_FOUND') return undefined
  return /^Cannot find (?:module|package) '((?:@[\w.-]+\/)?[\w-][\w.-]*)/.exec(message)?.[1]
}
