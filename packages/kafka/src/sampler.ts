import type { Attributes, Context, Link, Sampler, SamplingResult, SpanContext } from '@opentelemetry/api'
import { diag, isSpanContextValid, SamplingDecision, SpanKind, TraceFlags } from '@opentelemetry/api'

export interface LinkedSamplerOptions {
  /**
   * Decides for spans without a valid link, and for SERVER spans: usually the ratio sampler you
   * have now.
   */
  readonly root: Sampler
  /**
   * Decides when some of the linked contexts are sampled and some are not, which only batches can
   * bring about. `'any'` samples: no sampled producer loses its consumer, but a batch of N is kept
   * with 1 - (1 - p)^N. `'first'` follows the first valid link alone: a batch of any size is
   * kept with p, and most sampled producers lose the batch span.
   * @default 'any'
   */
  readonly mixed?: MixedLinks
}

export type MixedLinks = (typeof MIXED_LINKS)[number]

/**
 * Samples a span as the spans it links to were sampled, so that a message's producer and its
 * consumer, two traces joined by a link, are kept or dropped together.
 *
 * Ignores parents: wrap it in `ParentBasedSampler`.
 *
 *     const root = new LinkedSampler({ root: new TraceIdRatioBasedSampler(0.1) })
 *     const sampler = new ParentBasedSampler({ root })
 *
 * A SERVER span's links are not followed: there a link is how a public endpoint refuses its
 * caller's decision (https://opentelemetry.io/docs/specs/otel/overview/#links-between-spans). Never
 * throws: what cannot be read as links is no links, and an unusable `root` samples everything and
 * warns.
 */
export class LinkedSampler implements Sampler {
  readonly #root: Sampler
  readonly #mixed: MixedLinks
  #hasReportedRoot = false

  constructor(options: LinkedSamplerOptions) {
    this.#root = checkRoot(options?.root)
    this.#mixed = checkMixed(options?.mixed)
  }

  shouldSample(
    context: Context,
    traceId: string,
    spanName: string,
    spanKind: SpanKind,
    attributes: Attributes,
    links: Link[],
  ): SamplingResult {
    const followed = spanKind === SpanKind.SERVER ? undefined : decideByLinks(links, this.#mixed)
    if (followed !== undefined) return followed ? SAMPLED : DROPPED
    try {
      return this.#root.shouldSample(context, traceId, spanName, spanKind, attributes, links)
    } catch (error) {
      if (!this.#hasReportedRoot) diag.error('LinkedSampler: the root sampler threw; its spans are dropped', error)
      this.#hasReportedRoot = true
      return DROPPED
    }
  }

  toString(): string {
    return `LinkedSampler{mixed=${this.#mixed}, root=${this.#root.toString()}}`
  }
}

const MIXED_LINKS = ['any', 'first'] as const

// Shared: the SDK copies results, so that a decision allocates nothing.
const SAMPLED: SamplingResult = Object.freeze({ decision: SamplingDecision.RECORD_AND_SAMPLED })
const DROPPED: SamplingResult = Object.freeze({ decision: SamplingDecision.NOT_RECORD })

const ALWAYS_ON: Sampler = { shouldSample: () => SAMPLED, toString: () => 'AlwaysOnSampler' }

/** Returns the links' decision; undefined if no link is valid or they cannot be read. */
function decideByLinks(links: readonly Link[], mixed: MixedLinks): boolean | undefined {
  let valid = false
  try {
    for (const link of links) {
      const linked = link?.context
      if (!linked) continue
      // Checks the flag first: validity reads 48 characters, and a batch has hundreds of links.
      if (isSampled(linked)) {
        if (isSpanContextValid(linked)) return true
      } else if (!valid && isSpanContextValid(linked)) {
        if (mixed === 'first') return false
        valid = true
      }
    }
  } catch {
    return undefined
  }
  return valid ? false : undefined
}

function isSampled(spanContext: SpanContext): boolean {
  return (spanContext.traceFlags & TraceFlags.SAMPLED) !== 0
}

function checkRoot(root: Sampler | undefined): Sampler {
  if (typeof root?.shouldSample === 'function') return root
  diag.warn('LinkedSampler: `root` is not a sampler, so every span without links is sampled; pass a sampler')
  return ALWAYS_ON
}

function checkMixed(mixed: MixedLinks | undefined): MixedLinks {
  if (mixed === undefined || MIXED_LINKS.includes(mixed)) return mixed ?? 'any'
  diag.warn(`LinkedSampler: \`mixed\` is ${String(mixed)}, so 'any' is used; pass ${MIXED_LINKS.join(' or ')}`)
  return 'any'
}
