import type { TraceModel } from './trace-model.ts'

const SAMPLED = 0x01
/** OTLP span and link flags: bit 8 says that the is-remote bit is known, which only an SDK that fills in flags sets. */
const HAS_IS_REMOTE = 0x100

/** Why the far end of a link may be missing. The link's own flags tell whether it was ever recorded. */
export function missingEndWords(flags: number): string {
  if ((flags & SAMPLED) !== 0) {
    return 'It was sampled, but is not here: still on its way, expired, or sent to another backend.'
  }
  if ((flags & HAS_IS_REMOTE) !== 0) {
    return 'It was not sampled where it was made, so nothing was recorded to open.'
  }
  return 'Not sampled, expired, sent to another backend, or still on its way: the link does not say which.'
}

/** What the reader should know of a trace that is not whole, each as one sentence. */
export function incompleteWords(model: TraceModel): string[] {
  const words: string[] = []
  const orphans = model.orphan.reduce((sum, one) => sum + one, 0)
  const hasRoot = model.parent.some((above, p) => above === -1 && model.orphan[p] === 0)
  if (orphans > 0 && !hasRoot) {
    words.push('The root span is not here: it is still on its way, was not sampled, or went to another backend.')
  } else if (orphans > 0) {
    words.push(
      orphans === 1
        ? '1 span names a parent that is not here, and stands as a root of its own.'
        : `${orphans} spans name parents that are not here, and stand as roots of their own.`,
    )
  }
  const backwards = model.backwardCount
  if (model.truncated)
    words.push(`There are more spans than a page can hold: these are the earliest ${model.count.toLocaleString('en')}.`)
  if (backwards > 0)
    words.push(`${backwards === 1 ? '1 span ends' : `${backwards} spans end`} before the start: a clock stepped back.`)
  return words
}
