// What `npm test` needs and npm cannot install: Apache Kafka, Chromium, and the native addons of
// Kafka clients. Nothing to do takes half a second.
import { chromiumPath } from '../packages/testkit/src/browser.ts'
import { ensureConfluent, ensureRdkafka } from '../packages/testkit/src/install/confluent.ts'
import { kafkaSource } from '../packages/testkit/src/kafka/kafka.ts'

const results = await Promise.allSettled([kafkaSource(), chromiumPath()])
for (const result of results) {
  if (result.status === 'rejected') {
    process.stderr.write(`${result.reason instanceof Error ? result.reason.message : String(result.reason)}\n`)
    process.exitCode = 1
  }
}

// One after the other: each build takes all cores. Without them the tests of that client are
// skipped.
for (const ensure of [ensureConfluent, ensureRdkafka]) {
  const problem = await ensure()
  if (problem !== undefined) process.stderr.write(`spanlink: SKIPPING the tests of this client: ${problem}\n`)
}
