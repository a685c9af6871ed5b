import { formatCountOf } from '../../lib/format/number.ts'
import type { TraceModel } from './trace-model.ts'

const SAMPLED = 0x01
/**
 * OTLP span and link flags: bit 8 means that the is-remote bit (9) is known. Only SDKs that set
 * flags set it.
 */
const HAS_IS_REMOTE = 0x100

/** Explains why a link's target may be missing. The flags show whether the target was sampled. */
export function describeMissingTarget(flags: number): string {
  if ((flags & SAMPLED) !== 0) {
    return 'Sampled, but not found: not yet received, expired, or sent to another backend.'
  }
  if ((flags & HAS_IS_REMOTE) !== 0) {
    return 'Not sampled, so no span was recorded.'
  }
  return 'Not found: not sampled, expired, sent to another backend, or not yet received.'
}

/** Describes missing spans and clock problems of a trace, one sentence each. */
export function describeMissingSpans(model: TraceModel): string[] {
  const messages: string[] = []
  const orphans = model.orphan.reduce((sum, one) => sum + one, 0)
  const hasRoot = model.parent.some((above, p) => above === -1 && model.orphan[p] === 0)
  if (orphans > 0 && !hasRoot) {
    messages.push('Root span missing: not yet received, not sampled, or sent to another backend.')
  } else if (orphans > 0) {
    messages.push(
      orphans === 1
        ? '1 span without its parent, shown as a root.'
        : `${orphans.toLocaleString('en')} spans without their parents, shown as roots.`,
    )
  }
  const backwards = model.backwardCount
  if (model.truncated)
    messages.push(`The trace has more spans. Showing the earliest ${model.count.toLocaleString('en')}.`)
  if (backwards > 0) messages.push(`${formatCountOf(backwards, 'span')} with negative duration.`)
  return messages
}
