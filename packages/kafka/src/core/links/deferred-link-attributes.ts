import type { Link, Span } from '@opentelemetry/api'

/**
 * Adds link attributes after a span's start, only if it records. SDKs copy attributes before they
 * sample, which costs unsampled spans about 700 ns a message. The API cannot complete a link; the
 * spans of SDK 2.x and 3.x expose theirs (`ReadableSpan.links`) as plain objects.
 */
export interface DeferredLinkAttributes {
  /** Whether spans may start with bare links: until a recording span does not expose its links. */
  readonly isSupported: boolean
  /**
   * Completes the `count` links that `span` started with; `whole` returns those with attributes.
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
          // This span gets two links to the context; later spans start with whole links.
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
