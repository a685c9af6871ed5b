import type { Link, Span } from '@opentelemetry/api'

/**
 * Gives the links of a recording span their attributes after its start. Links must be there from
 * the start, as samplers go by them; but SDKs copy their attributes before they ask the sampler, so
 * whatever is not sampled would pay for them: the key's decoding, four attributes here, four there,
 * about 700 ns a message. The API can add a link later on and not complete one; the SDKs' spans,
 * 2.x and 3.x, show their links (`ReadableSpan.links`), which are plain objects.
 */
export interface DeferredLinkAttributes {
  /**
   * Whether spans start with bare links. They do until a recording span turns out to keep its links
   * to itself.
   */
  readonly isSupported: boolean
  /**
   * Completes the links that `span` started with, `count` of them; `whole` gives those that have
   * attributes.
   */
  complete(span: Span, count: number, whole: (index: number) => Link | undefined): void
}

export function createDeferredLinkAttributes(): DeferredLinkAttributes {
  let isPossible = true
  return {
    get isSupported() {
      return isPossible
    },
    complete(span, count, whole) {
      const links = readLinks(span)
      // An SDK whose limit is lower than ours keeps the newest.
      const dropped = links === undefined ? 0 : Math.max(0, count - links.length)
      for (let i = dropped; i < count; i += 1) {
        const link = whole(i)
        if (link === undefined) continue
        const started = links?.[i - dropped]
        if (started?.context === link.context && !Object.isFrozen(started)) started.attributes = link.attributes
        else {
          // This one span gets two links to a context; the next ones are whole from the start.
          isPossible = false
          span.addLink(link)
        }
      }
    },
  }
}

function readLinks(span: Span): Link[] | undefined {
  const { links } = span as { readonly links?: unknown }
  return Array.isArray(links) ? (links as Link[]) : undefined
}
