import { toRefKey, toSpanKey } from '../../links/span-ref.ts'
import type { MessagingSpan } from '../messaging-spans/messaging-span.ts'
import type { Delivery } from './delivery.ts'

type Scanned = {
  /** Deliveries to the scanned spans, also to those inside of other consuming spans. */
  readonly incoming: readonly Delivery[]
  readonly scannedKeys: ReadonlySet<string>
  /** @default any */
  readonly group: string | undefined
}

/**
 * Selects the deliveries of messages that one group may have consumed twice: most have one
 * `receive` and one `process` span. Spans inside of a scanned span are scanned too, as they start
 * later; only spans that are not scanned may contain others.
 */
export function selectRepeatable(deliveries: readonly Delivery[], scanned: Scanned): Delivery[] {
  const consumersOf = new Map<string, Map<string, MessagingSpan>>()
  for (const { producerRef, consumed } of [...deliveries, ...scanned.incoming]) {
    if (consumed === undefined) continue
    const key = toRefKey(producerRef)
    const consumers = consumersOf.get(key) ?? new Map<string, MessagingSpan>()
    consumersOf.set(key, consumers.set(toSpanKey(consumed), consumed))
  }
  const repeatable = new Set<string>()
  for (const [key, consumers] of consumersOf) if (mayRepeat([...consumers.values()], scanned)) repeatable.add(key)
  return deliveries.filter(({ producerRef }) => repeatable.has(toRefKey(producerRef)))
}

function mayRepeat(consumers: readonly MessagingSpan[], { scannedKeys, group }: Scanned): boolean {
  if (consumers.length < 2) return false
  const isScanned = (span: MessagingSpan): boolean => scannedKeys.has(toSpanKey(span))
  // A span inside of it may name any group.
  if (consumers.some((span) => span.group === '' && !isScanned(span))) return true
  const groupsOf = Map.groupBy(
    consumers.filter((span) => span.group !== ''),
    ({ service }) => service,
  )
  const ids = Map.groupBy(
    consumers.flatMap((span) => {
      const named = span.group === '' ? groupsOf.get(span.service) : [span]
      const names = named === undefined ? [''] : new Set(named.map((one) => one.group))
      return [...names].map((name) => ({ id: name === '' ? `service ${span.service}` : `group ${name}`, name, span }))
    }),
    ({ id }) => id,
  )
  return [...ids.values()].some((same) => {
    if (same.length < 2 || (group !== undefined && same[0]?.name !== group)) return false
    const operations = new Set(same.map(({ span }) => span.operation))
    return operations.size < same.length || same.some(({ span }) => !isScanned(span))
  })
}
