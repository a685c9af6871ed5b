// Posts three letters, reads and acknowledges each, and ends.
import { sdk } from './telemetry.ts'
import { openMailbox } from './mailbox.ts'
import { traceMailbox } from './traced-mailbox.ts'

const brokers = (process.env['KAFKA_BROKERS'] ?? 'localhost:9092').split(',')
const reader = `reader-${Date.now()}`

{
  await using mailbox = traceMailbox(await openMailbox(brokers, 'letters', reader), reader)
  await mailbox.post(['dear', 'yours', 'farewell'].map((body) => ({ body })))
  const read = new Set<string>()
  while (read.size < 3) {
    await mailbox.handle(async (letter) => {
      process.stdout.write(`read ${letter.body}\n`)
      await mailbox.acknowledge(letter)
      read.add(letter.body)
    })
  }
}

await sdk.shutdown()
