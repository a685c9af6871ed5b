import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { startKafka } from './kafka/kafka.ts'
import { startSpanlink } from './spanlink.ts'
import { type StoredTrace, storedTraces } from './stored-traces.ts'

/**
 * Runs `src/main.ts` of an example against its own Kafka and Spanlink.
 *
 * @param testUrl `import.meta.url` of its test
 * @param enough number of spans, or condition, that ends the wait for traces
 * @param nodeArguments for Node, in the folder of the example
 */
export async function runExample(
  testUrl: string,
  enough: Parameters<typeof storedTraces>[1],
  ...nodeArguments: readonly string[]
): Promise<{ readonly stdout: string; readonly traces: readonly StoredTrace[] }> {
  await using kafka = await startKafka()
  await using spanlink = await startSpanlink()
  const args = ['--conditions=spanlink:source', ...nodeArguments, 'src/main.ts']
  const { stdout } = await promisify(execFile)(process.execPath, args, {
    cwd: fileURLToPath(new URL('..', testUrl)),
    env: { ...process.env, KAFKA_BROKERS: kafka.brokers.join(), OTEL_EXPORTER_OTLP_ENDPOINT: spanlink.otlpHttp },
  })
  return { stdout, traces: await storedTraces(spanlink, enough) }
}
