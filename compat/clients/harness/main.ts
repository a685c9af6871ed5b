// npm run test:compat: clients of other projects send through Kafka, and the results of the built
// server are checked for each of them.
// node compat/clients/harness/main.ts [--only NAME,NAME] [--keep]
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { startKafka } from '@spanlink/testkit/kafka'
import { startSpanlink } from '@spanlink/testkit/spanlink'
import { checkFlowOrigin, checkFlows } from './check-flows.ts'
import { checkLinkCounts, checkLinks } from './check-links.ts'
import { checkMessages, checkNeverConsumed } from './check-messages.ts'
import { checkTopology } from './check-topology.ts'
import { CLIENTS, type Client } from './clients.ts'
import { checkCollector } from './collector.ts'
import { Results } from './results.ts'
import { type Played, playScenario } from './scenario.ts'
import { MissingToolchainError } from './toolchains.ts'

const { values } = parseArgs({ options: { only: { type: 'string' }, keep: { type: 'boolean', default: false } } })
const only = values.only?.split(',')
const clients = CLIENTS.filter(({ name }) => only === undefined || only.includes(name))
const main = fileURLToPath(new URL('../../../packages/server/dist/cli/main.js', import.meta.url))

// kafkajs 2.2.4 sets a timer in the past, and Node 24 warns
// (https://github.com/tulios/kafkajs/issues/1751).
process.removeAllListeners('warning')
const results = new Results()
const kafka = await startKafka()
await runClients()
if (only === undefined || only.includes('collector')) await checkCollector(results, kafka, main)
await kafka.stop()
process.exit(results.print())

async function runClients(): Promise<void> {
  const runnables: { readonly client: Client; readonly argv: readonly string[] }[] = []
  // One after the other: each build uses all cores.
  for (const client of clients) {
    try {
      runnables.push({ client, argv: await client.prepare() })
    } catch (error) {
      if (error instanceof MissingToolchainError) results.skip(client.name, error.message)
      else await results.check(client.name, 'builds', () => Promise.reject(error as Error))
    }
  }
  if (runnables.length === 0) return
  await using spanlink = await startSpanlink({ main })
  let played: Played | undefined
  await results.check('scenario', 'runs', async () => {
    played = await playScenario(kafka, spanlink, runnables)
  })
  if (played === undefined) return
  for (const [name, error] of played.failures) {
    await results.check(name, 'completes the scenario', () => Promise.reject(error))
  }
  for (const client of played.clients) {
    await checkFlows(results, spanlink, played, client)
    await checkLinks(results, spanlink, played, client)
    await checkTopology(results, spanlink, played, client)
    await checkMessages(results, spanlink, played, client)
  }
  await checkFlowOrigin(results, spanlink, played)
  await checkLinkCounts(results, spanlink, played)
  await checkNeverConsumed(results, spanlink, played)
  if (!values.keep) return
  process.stdout.write(`${spanlink.url} is kept until Ctrl-C; ${JSON.stringify(played.orders, undefined, 2)}\n`)
  const alive = setInterval(() => {}, 60_000)
  await once(process, 'SIGINT')
  clearInterval(alive)
}
