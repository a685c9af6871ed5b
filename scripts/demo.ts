// npm run demo: `spanlink demo`, whose arguments it takes. With --kafka and no broker it starts one:
// Java 17 and Maven, Docker, or KAFKA_BROKERS.
import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { startKafka } from '../packages/testkit/src/kafka/kafka.ts'

const main = fileURLToPath(new URL('../packages/server/dist/cli/main.js', import.meta.url))
const args = process.argv.slice(2)
const at = args.indexOf('--kafka')

if (at !== -1 && (args[at + 1] ?? '-').startsWith('-')) {
  process.stdout.write('Starting Kafka …\n')
  await using kafka = await startKafka()
  process.exitCode = await runDemo(args.toSpliced(at + 1, 0, kafka.brokers.join()))
} else process.exitCode = await runDemo(args)

async function runDemo(given: readonly string[]): Promise<number> {
  const child = spawn(process.execPath, [main, 'demo', ...given], { stdio: 'inherit' })
  // Ctrl-C in a terminal reaches the child as well. This process waits: the broker ends last.
  process.on('SIGINT', () => {})
  process.on('SIGTERM', () => child.kill('SIGTERM'))
  return await new Promise((resolve) => child.on('close', (code) => resolve(code ?? 1)))
}
