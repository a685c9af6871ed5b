import type { TraceModel } from './trace-model.ts'

const SAMPLED = 0x01
/**
 * OTLP span and link flags: bit 8 says that the is-remote bit is known, which only an SDK that
 * fills in flags sets.
 */
const HAS_IS_REMOTE = 0x100

/**
 * Why the far end of a link may be missing. The link's own flags tell whether it was ever recorded.
 */
export function describeMissingTarget(flags: number): string {
  if ((flags & SAMPLED) !== 0) {
    return 'Sampled, but not found: not yet received, expired, or sent to another backend.'
  }
  if ((flags & HAS_IS_REMOTE) !== 0) {
    return 'Not sampled, so no span was recorded.'
  }
  return 'Not found: not sampled, expired, sent to another backend, or not yet received.'
}

/** What the reader should know of a trace that is not whole, each as one sentence. */
export function describeMissingSpans(model: TraceModel): string[] {
  const words: string[] = []
  const orphans = model.orphan.reduce((sum, one) => sum + one, 0)
  const hasRoot = model.parent.some((above, p) => above === -1 && model.orphan[p] === 0)
  if (orphans > 0 && !hasRoot) {
    words.push('Root span missing: not yet received, not sampled, or sent to another backend.')
  } else if (orphans > 0) {
    words.push(
      orphans === 1
        ? 'Parent span missing of 1 span; it is shown as a root.'
        : `Parent spans missing of ${orphans} spans; they are shown as roots.`,
    )
  }
  const backwards = model.backwardCount
  if (model.truncated)
    words.push(`The trace has more spans: these are the earliest ${model.count.toLocaleString('en')}.`)
  if (backwards > 0) words.push(`Negative duration of ${backwards === 1 ? '1 span' : `${backwards} spans`}.`)
  return words
}
