// Starts a broker and waits to be killed.
import { startKafka } from '../src/kafka/kafka.ts'

const kafka = await startKafka()
process.stdout.write(`${JSON.stringify({ pid: kafka.pid, brokers: kafka.brokers })}\n`)
setInterval(() => {}, 60_000)
