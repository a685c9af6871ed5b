import { filters } from './queries/filters.ts'
import { intrinsics } from './queries/intrinsics.ts'
import { pipelines } from './queries/pipelines.ts'
import { structure } from './queries/structure.ts'

/** The corpus. `evaluate.ts` computes the expected results. */
export const searches: readonly string[] = [...filters, ...intrinsics, ...structure, ...pipelines]

export { metrics } from './queries/metrics.ts'
