import assert from 'node:assert/strict'
import type { LinksResponse, TraceResponse, TracesResponse } from '@spanlink/api-schema'
import type { SpanlinkServer } from '@spanlink/testkit/spanlink'
import type { Client } from './clients.ts'
import type { Results } from './results.ts'
import { ORDERS, type Played } from './scenario.ts'

/**
 * From the gateway's send to the consumer: backlinks in link mode, children in parent mode, with
 * the record's metadata.
 */
export async function checkLinks(
  results: Results,
  spanlink: SpanlinkServer,
  { orders }: Played,
  client: Client,
): Promise<void> {
  const { name, expected } = client
  const { id, traceId, offset } = orders.shipped
  const record = { topic: ORDERS, partition: '0', offset, key: id }

  await results.check(name, 'backlinks of a shipped order', async () => {
    const { links } = (await spanlink.getJson(`/api/traces/${traceId}/links?direction=in&limit=1000`)) as LinksResponse
    const own = links.filter(({ peer, span }) => peer?.service === name && span?.service === 'gateway')
    results.figure(name, 'backlinks', own.length)
    assert.equal(own.length, expected.backlinks)
    for (const {
      record: { cluster: _, ...found },
      queueTimeNano,
    } of own) {
      assert.deepEqual(found, record)
      assert.ok(queueTimeNano !== null && BigInt(queueTimeNano) >= 0n, `queue time ${queueTimeNano}`)
    }
  })

  await results.check(name, 'consumer spans in the trace of a shipped order', async () => {
    const { spans } = (await spanlink.getJson(`/api/traces/${traceId}`)) as TraceResponse
    const own = spans.filter(({ service, kind }) => service === name && kind === 'consumer')
    results.figure(name, 'children', own.length)
    assert.equal(own.length, expected.children)
    for (const span of own) {
      const { cluster: _, ...found } = span.record!
      assert.deepEqual(found, record)
    }
    // The child of the send waited in the topic; a process span under it did not.
    const waits = own.flatMap(({ queueTimeNano }) => queueTimeNano ?? [])
    assert.equal(waits.length, Math.min(expected.children, 1), 'queue times')
    assert.ok(
      waits.every((wait) => BigInt(wait) >= 0n),
      `queue times ${waits}`,
    )
  })
}

/**
 * Links into the shipped order's trace, as its row in a search counts them: consumers in link mode,
 * and the ledger's of children.
 */
export async function checkLinkCounts(results: Results, spanlink: SpanlinkServer, played: Played): Promise<void> {
  await results.check('server', 'link counts of a trace in search results', async () => {
    const { traceId } = played.orders.shipped
    const query = new URLSearchParams({ q: `{ trace:id = "${traceId}" }` })
    const { traces } = (await spanlink.getJson(`/api/traces?${query}`)) as TracesResponse
    const consumers = played.clients.reduce((sum, { expected }) => {
      const shipments = expected.children > 0 && expected.tracesHandler ? 1 : 0
      return sum + expected.backlinks + shipments
    }, 0)
    assert.deepEqual(
      traces.map(({ linksIn, linksOut }) => ({ linksIn, linksOut })),
      [{ linksIn: consumers, linksOut: 0 }],
    )
  })
}
