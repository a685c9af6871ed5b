import { TraceFlags } from '@opentelemetry/api'
import type { Link, Span, SpanContext } from '@opentelemetry/api'
import { expect, test } from 'vitest'
import { createDeferredLinkAttributes } from './deferred-link-attributes.ts'

const contextOf = (n: number): SpanContext => ({
  traceId: String(n).padStart(32, '1'),
  spanId: String(n).padStart(16, '1'),
  traceFlags: TraceFlags.SAMPLED,
})
const whole = [0, 1, 2].map((n): Link => ({ context: contextOf(n), attributes: { n } }))
const bare = () => whole.map(({ context }): Link => ({ context }))

function spanWith(links: unknown): { readonly span: Span; readonly added: Link[] } {
  const added: Link[] = []
  return { span: { links, addLink: (link: Link) => void added.push(link) } as unknown as Span, added }
}

test('links of a span that shows them get their attributes', () => {
  const later = createDeferredLinkAttributes()
  const links = bare()
  const { span, added } = spanWith(links)
  later.complete(span, 3, (i) => whole[i])
  expect(links).toEqual(whole)
  expect(added).toEqual([])
  expect(later.isSupported).toBe(true)
})

test('an SDK that dropped the oldest keeps the rest right', () => {
  const links = bare().slice(1)
  createDeferredLinkAttributes().complete(spanWith(links).span, 3, (i) => whole[i])
  expect(links).toEqual(whole.slice(1))
})

test.each([
  ['hides its links', undefined],
  ['has others', bare().toReversed()],
  ['froze them', bare().map((link) => Object.freeze(link))],
])('a span that %s is linked once more, and the next spans start with whole links', (_name, links) => {
  const later = createDeferredLinkAttributes()
  const { span, added } = spanWith(links)
  later.complete(span, 1, (i) => whole[i])
  expect(added).toEqual([whole[0]])
  expect(later.isSupported).toBe(false)
})
