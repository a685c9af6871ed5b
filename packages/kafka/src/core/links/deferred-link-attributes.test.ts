import { TraceFlags, type Link, type Span, type SpanContext } from '@opentelemetry/api'
import { expect, test } from 'vitest'
import { createDeferredLinkAttributes } from './deferred-link-attributes.ts'

const contextOf = (n: number): SpanContext => ({
  traceId: String(n).padStart(32, '1'),
  spanId: String(n).padStart(16, '1'),
  traceFlags: TraceFlags.SAMPLED,
})
const completeLinks = [0, 1, 2].map((n): Link => ({ context: contextOf(n), attributes: { n } }))
const linksWithoutAttributes = () => completeLinks.map(({ context }): Link => ({ context }))

function spanWith(links: unknown): { readonly span: Span; readonly added: Link[] } {
  const added: Link[] = []
  return { span: { links, addLink: (link: Link) => void added.push(link) } as unknown as Span, added }
}

test('links get their attributes later when the span exposes its links', () => {
  const deferred = createDeferredLinkAttributes()
  const links = linksWithoutAttributes()
  const { span, added } = spanWith(links)
  deferred.complete(span, 3, (i) => completeLinks[i])
  expect(links).toEqual(completeLinks)
  expect(added).toEqual([])
  expect(deferred.isSupported).toBe(true)
})

test('links keep the right attributes when the SDK dropped the oldest ones', () => {
  const links = linksWithoutAttributes().slice(1)
  createDeferredLinkAttributes().complete(spanWith(links).span, 3, (i) => completeLinks[i])
  expect(links).toEqual(completeLinks.slice(1))
})

test.each([
  ['hides its links', undefined],
  ['has other links', linksWithoutAttributes().toReversed()],
  ['froze its links', linksWithoutAttributes().map((link) => Object.freeze(link))],
])('a span that %s gets a second link with attributes, and later spans start with complete links', (_name, links) => {
  const deferred = createDeferredLinkAttributes()
  const { span, added } = spanWith(links)
  deferred.complete(span, 1, (i) => completeLinks[i])
  expect(added).toEqual([completeLinks[0]])
  expect(deferred.isSupported).toBe(false)
})
