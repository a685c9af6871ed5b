import { expect, test } from 'vitest'
import { minimalSpans, requestOf, sendCompressed, spanWithEvents, spanWithKey, spanWithLinks } from './hostile-spans.ts'
import { expectUnharmed, runAttack } from './run-attack.ts'

const bodies = {
  'a span with 1,000,000 links': () => requestOf([spanWithLinks(1_000_000)]),
  '2,200,000 minimal spans': () => minimalSpans(2_200_000),
  'a span with 10,000,000 empty events': () => requestOf([spanWithEvents(10_000_000)]),
  'an attribute key of 60 MB': () => requestOf([spanWithKey(60_000_000)]),
}

test.each(Object.entries(bodies))(
  '%s, sent twice, harms nobody',
  async (_, bodyOf) => {
    const report = await runAttack({
      attack: async (server) => {
        for (let turn = 0; turn < 2; turn++) {
          const response = await sendCompressed(server, bodyOf())
          await response.arrayBuffer()
          expect([200, 400, 413, 503]).toContain(response.status)
        }
      },
    })
    expectUnharmed(report)
  },
  240_000,
)
