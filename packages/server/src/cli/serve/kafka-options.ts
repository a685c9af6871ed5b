import { type KafkaAccess, saslMechanisms } from '../../receivers/kafka/access.ts'
import { type FlagTable, type FlagValues, type Parser, UsageError } from '../args.ts'
import { choiceParser, listParser } from '../parsers.ts'
import { readFlagFile } from './read-tls.ts'

/** Where and how OTLP requests are received from Kafka. */
export type KafkaOptions = {
  readonly brokers: readonly string[]
  readonly groupId: string
  /** Topic and its signal: `traces`, `logs` or `metrics`. */
  readonly topics: readonly (readonly [topic: string, signal: string])[]
  /** PEM files; without any, the system's authorities are trusted. @default plain text */
  readonly tls?: { readonly caFile?: string; readonly certFile?: string; readonly keyFile?: string }
  /** @default no authentication */
  readonly sasl?: NonNullable<KafkaAccess['sasl']>
}

const topicsParser: Parser<KafkaOptions['topics']> = {
  expected: 'signals and topics such as traces=otlp_spans,logs=otlp_logs',
  parse: (text) => {
    const pairs = text.split(',').map((pair) => /^\s*(traces|logs|metrics)=([a-zA-Z0-9._-]{1,249})\s*$/.exec(pair))
    if (pairs.includes(null)) return undefined
    return pairs.map((pair) => [pair?.[2] ?? '', pair?.[1] ?? ''] as const)
  },
}

/** The Collector's names of topic and signal. */
const DEFAULT_TOPICS = [['otlp_spans', 'traces']] as const
const DEFAULT_GROUP_ID = 'spanlink'

/** No flag takes the password: other users see the arguments of a process. */
export const kafkaFlags = {
  'kafka-brokers': {
    value: 'LIST',
    parser: listParser,
    env: 'SPANLINK_KAFKA_BROKERS',
    description: 'also receive OTLP requests from the topics of this cluster, host:port (needs the package kafkajs)',
  },
  'kafka-topics': {
    value: 'LIST',
    parser: topicsParser,
    default: 'traces=otlp_spans',
    description: 'signal and topic: traces=TOPIC, logs=TOPIC or metrics=TOPIC, separated by commas',
  },
  'kafka-group': { value: 'GROUP', default: DEFAULT_GROUP_ID, description: 'consumer group' },
  'kafka-tls': { description: 'connect to Kafka with TLS; implied by the next three' },
  'kafka-tls-ca': {
    value: 'FILE',
    default: "the system's",
    description: 'certificate authorities of the brokers, PEM',
  },
  'kafka-tls-cert': { value: 'FILE', description: 'client certificate, PEM' },
  'kafka-tls-key': { value: 'FILE', description: 'private key of that certificate, PEM' },
  'kafka-sasl-username': {
    value: 'NAME',
    env: 'SPANLINK_KAFKA_SASL_USERNAME',
    description: 'authenticate as this user',
  },
  'kafka-sasl-password-file': {
    value: 'FILE',
    default: '$SPANLINK_KAFKA_SASL_PASSWORD, the password itself',
    description: 'file that holds the password',
  },
  'kafka-sasl-mechanism': {
    value: 'NAME',
    parser: choiceParser(saslMechanisms),
    default: 'plain',
    description: 'plain, scram-sha-256 or scram-sha-512',
  },
} as const satisfies FlagTable

type KafkaFlags = FlagValues<typeof kafkaFlags>

/** @throws UsageError */
export function toKafkaOptions(
  flags: KafkaFlags,
  env: Readonly<Record<string, string | undefined>>,
): KafkaOptions | undefined {
  const brokers = flags['kafka-brokers']
  if (brokers === undefined) {
    // The user name may stand in the environment of a server that receives from no topic.
    const { 'kafka-sasl-username': username } = flags
    const isFromEnvironment = username !== undefined && username === env['SPANLINK_KAFKA_SASL_USERNAME']
    const given = { ...flags, ...(isFromEnvironment && { 'kafka-sasl-username': undefined }) }
    const flag = Object.keys(kafkaFlags).find((name) => given[name as keyof KafkaFlags] !== undefined)
    if (flag !== undefined) throw new UsageError(`--${flag} requires --kafka-brokers`)
    return undefined
  }
  return {
    brokers,
    groupId: flags['kafka-group'] ?? DEFAULT_GROUP_ID,
    topics: flags['kafka-topics'] ?? DEFAULT_TOPICS,
    tls: toTlsOptions(flags),
    sasl: toSaslOptions(flags, env),
  }
}

function toTlsOptions(flags: KafkaFlags): KafkaOptions['tls'] {
  const { 'kafka-tls-ca': caFile, 'kafka-tls-cert': certFile, 'kafka-tls-key': keyFile } = flags
  if ((certFile === undefined) !== (keyFile === undefined)) {
    throw new UsageError('--kafka-tls-cert and --kafka-tls-key require each other')
  }
  if (flags['kafka-tls'] !== true && caFile === undefined && certFile === undefined) return undefined
  return { caFile, certFile, keyFile }
}

function toSaslOptions(flags: KafkaFlags, env: Readonly<Record<string, string | undefined>>): KafkaOptions['sasl'] {
  const {
    'kafka-sasl-username': username,
    'kafka-sasl-mechanism': mechanism,
    'kafka-sasl-password-file': passwordFile,
  } = flags
  if (username === undefined) {
    if (mechanism === undefined && passwordFile === undefined) return undefined
    throw new UsageError('SASL requires --kafka-sasl-username')
  }
  const password =
    passwordFile === undefined
      ? env['SPANLINK_KAFKA_SASL_PASSWORD']
      : readFlagFile('--kafka-sasl-password-file', passwordFile)
          .toString()
          .replace(/\r?\n$/, '')
  if (password === undefined || password === '') {
    throw new UsageError('SASL requires --kafka-sasl-password-file or SPANLINK_KAFKA_SASL_PASSWORD')
  }
  return { mechanism: mechanism ?? 'plain', username, password }
}
