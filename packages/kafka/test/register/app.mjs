// An ES module without tracing code that sends one message and consumes it.
import { run } from './clients.cjs'

const load = {
  kafkajs: () => import('kafkajs'),
  confluent: () => import('@confluentinc/kafka-javascript'),
  'node-rdkafka': () => import('node-rdkafka'),
  'confluent-rdkafka': () => import('@confluentinc/kafka-javascript'),
  platformatic: () => import('@platformatic/kafka'),
}
const [name] = process.argv.slice(2)
await run(name, await load[name]())
