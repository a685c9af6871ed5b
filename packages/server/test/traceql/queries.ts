import { filters } from './queries/filters.ts'
import { intrinsics } from './queries/intrinsics.ts'
import { pipelines } from './queries/pipelines.ts'
import { structure } from './queries/structure.ts'

/**
 * The corpus. What each answers is worked out by `evaluate.ts`, so a line there needs no expected
 * value.
 */
export const searches: readonly string[] = [...filters, ...intrinsics, ...structure, ...pipelines]

export { metrics } from './queries/metrics.ts'
