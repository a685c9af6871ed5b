// The shop on a Kafka of your own: KAFKA_BROKERS (localhost:9092), spans to
// OTEL_EXPORTER_OTLP_ENDPOINT, orders until Ctrl-C.
import { isCorrelation, startShop } from './start-shop.ts'

const brokers = process.env['KAFKA_BROKERS'] || 'localhost:9092'
const correlation = process.env['SHOP_CORRELATION']
try {
  await using shop = await startShop({
    brokers: brokers.split(','),
    otlp: process.env['OTEL_EXPORTER_OTLP_ENDPOINT'],
    correlation: isCorrelation(correlation) ? correlation : 'link',
    gatewayPort: Number(process.env['PORT'] ?? 3000),
  })
  await shop.startLoad(Number(process.env['SHOP_RATE'] ?? 2))
  process.stdout.write(`The shop is open on ${shop.gateway}, Ctrl-C closes it\n`)
  await Promise.race([waitForSignal('SIGINT'), waitForSignal('SIGTERM'), shop.died])
} catch (error) {
  process.stderr.write(`The shop on Kafka ${brokers}: ${error instanceof Error ? error.message : String(error)}\n`)
  process.exitCode = 1
}

async function waitForSignal(signal: NodeJS.Signals): Promise<void> {
  await new Promise<void>((resolve) => process.once(signal, () => resolve()))
}
