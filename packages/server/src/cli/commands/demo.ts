import process from 'node:process'
import type { Parser } from '../args.ts'
import { defineCommand } from '../command.ts'
import { chooseDataDir } from '../demo/data-dir.ts'
import { findShop } from '../demo/kafka-shop.ts'
import { streamSamples } from '../demo/stream-samples.ts'
import { runServer } from '../serve/run-server.ts'
import { serveFlags } from '../serve/serve-options.ts'

const DEFAULT_RATE = 2
const MAX_RATE = 100

const rateParser: Parser<number> = {
  expected: `a number above 0, up to ${MAX_RATE}`,
  parse: (text) => {
    const rate = Number(text)
    return rate > 0 && rate <= MAX_RATE ? rate : undefined
  },
}

const brokersParser: Parser<readonly string[]> = {
  expected: 'host:port, several separated by commas',
  parse: (text) => {
    const brokers = text.split(',').map((broker) => broker.trim())
    return brokers.every((broker) => /^[^\s:/]+:\d{1,5}$/.test(broker)) ? brokers : undefined
  },
}

export const demoCommand = defineCommand({
  summary: 'shows a sample shop on Kafka: no Kafka needed',
  description: `Starts a server and sends it an hour of sample telemetry, then more as it happens, until Ctrl-C: orders that are
retried, dead-lettered or redelivered, a slow consumer, a stuck one, and batches.`,
  usage: ['demo [options]'],
  exitCodes: '0 stopped, 2 invalid arguments, 5 to 9 not started, 1 failed',
  flags: {
    rate: {
      value: 'NUMBER',
      parser: rateParser,
      default: String(DEFAULT_RATE),
      description: 'orders per second',
    },
    kafka: {
      value: 'BROKERS',
      parser: brokersParser,
      default: 'samples',
      description: 'run the shop itself on this Kafka, host:port,…; needs @spanlink/kafka and kafkajs',
    },
    'no-open': { default: 'opens it in a terminal', description: 'open no browser' },
    data: { value: 'DIR', default: 'a temporary directory', description: 'keep the data in this directory' },
    port: serveFlags.port,
    'otlp-http-port': serveFlags['otlp-http-port'],
    'otlp-grpc-port': serveFlags['otlp-grpc-port'],
  },
  run: async (flags, _positionals, out) => {
    const { rate = DEFAULT_RATE, kafka, data } = flags
    const isBrowserWanted = flags['no-open'] !== true && process.stdout.isTTY
    const shop = kafka === undefined ? undefined : await findShop(kafka)
    return await runServer(
      async () => ({
        dataDir: await chooseDataDir(data),
        port: flags.port,
        otlpHttpPort: flags['otlp-http-port'],
        otlpGrpcPort: flags['otlp-grpc-port'],
        logLevel: 'warn',
      }),
      out,
      shop === undefined
        ? (server, stopped) => streamSamples(server, { rate, isBrowserWanted, out }, stopped)
        : (server, stopped) => shop.run(server, { rate, isBrowserWanted, out }, stopped),
    )
  },
})
