import { readFileSync } from 'node:fs'
import { type KafkaAccess, type SaslMechanism, saslMechanisms } from '../../receivers/kafka/access.ts'
import { UsageError } from '../usage-error.ts'

/** Where and how OTLP requests are received from Kafka. */
export type KafkaOptions = {
  readonly brokers: readonly string[]
  readonly groupId: string
  /** Topic and what it carries: `traces`, `logs` or `metrics`. */
  readonly topics: readonly (readonly [topic: string, signal: string])[]
  /** PEM files; without any, the system's authorities are trusted. @default plain text */
  readonly tls?: { readonly caFile?: string; readonly certFile?: string; readonly keyFile?: string }
  /** @default no authentication */
  readonly sasl?: NonNullable<KafkaAccess['sasl']>
}

const text = { type: 'string' } as const

/**
 * Flags of `serve` that are about Kafka. There is none for the password: other users see the
 * arguments of a process.
 */
export const kafkaFlags = {
  'kafka-brokers': text,
  'kafka-topics': text,
  'kafka-group': text,
  'kafka-tls': { type: 'boolean' },
  'kafka-tls-ca': text,
  'kafka-tls-cert': text,
  'kafka-tls-key': text,
  'kafka-sasl-mechanism': text,
  'kafka-sasl-username': text,
  'kafka-sasl-password-file': text,
} as const

type Flags = Partial<Record<Exclude<keyof typeof kafkaFlags, 'kafka-tls'>, string>> & { readonly 'kafka-tls'?: boolean }

/** @throws UsageError */
export function parseKafkaOptions(
  flags: Flags,
  env: Readonly<Record<string, string | undefined>>,
): KafkaOptions | undefined {
  const brokers = flags['kafka-brokers'] ?? env['SPANLINK_KAFKA_BROKERS']
  if (brokers === undefined) {
    const [flag] = Object.keys(flags).filter((name) => Object.hasOwn(kafkaFlags, name))
    if (flag !== undefined) throw new UsageError(`--${flag} needs --kafka-brokers.`)
    return undefined
  }
  const tls = parseTls(flags)
  const sasl = parseSasl(flags, env)
  return {
    brokers: brokers.split(',').map((broker) => broker.trim()),
    groupId: flags['kafka-group'] ?? 'spanlink',
    topics: parseTopics(flags['kafka-topics'] ?? 'traces=otlp_spans'),
    ...(tls === undefined ? {} : { tls }),
    ...(sasl === undefined ? {} : { sasl }),
  }
}

/** The Collector's own names of topics and signals are the default. */
function parseTopics(topics: string): KafkaOptions['topics'] {
  return topics.split(',').map((pair) => {
    const match = /^\s*(traces|logs|metrics)=([a-zA-Z0-9._-]{1,249})\s*$/.exec(pair)
    if (match?.[1] === undefined || match[2] === undefined) {
      throw new UsageError(
        `invalid --kafka-topics ${JSON.stringify(topics)}: expected traces=otlp_spans,logs=otlp_logs.`,
      )
    }
    return [match[2], match[1]] as const
  })
}

function parseTls(flags: Flags): KafkaOptions['tls'] {
  const { 'kafka-tls-ca': caFile, 'kafka-tls-cert': certFile, 'kafka-tls-key': keyFile } = flags
  if ((certFile === undefined) !== (keyFile === undefined)) {
    throw new UsageError('--kafka-tls-cert and --kafka-tls-key go together.')
  }
  if (flags['kafka-tls'] !== true && caFile === undefined && certFile === undefined) return undefined
  return {
    ...(caFile === undefined ? {} : { caFile }),
    ...(certFile === undefined || keyFile === undefined ? {} : { certFile, keyFile }),
  }
}

function parseSasl(flags: Flags, env: Readonly<Record<string, string | undefined>>): KafkaOptions['sasl'] {
  const username = flags['kafka-sasl-username'] ?? env['SPANLINK_KAFKA_SASL_USERNAME']
  const mechanism = flags['kafka-sasl-mechanism']
  const passwordFile = flags['kafka-sasl-password-file']
  if (username === undefined) {
    if (mechanism === undefined && passwordFile === undefined) return undefined
    throw new UsageError('SASL needs --kafka-sasl-username.')
  }
  const password = passwordFile === undefined ? env['SPANLINK_KAFKA_SASL_PASSWORD'] : readSecret(passwordFile)
  if (password === undefined || password === '') {
    throw new UsageError('SASL needs a password, from --kafka-sasl-password-file or SPANLINK_KAFKA_SASL_PASSWORD.')
  }
  return { mechanism: parseMechanism(mechanism ?? 'plain'), username, password }
}

function parseMechanism(text: string): SaslMechanism {
  const mechanism = saslMechanisms.find((one) => one === text.toLowerCase())
  if (mechanism !== undefined) return mechanism
  throw new UsageError(`invalid --kafka-sasl-mechanism ${JSON.stringify(text)}: expected ${saslMechanisms.join(', ')}.`)
}

function readSecret(file: string): string {
  try {
    return readFileSync(file, 'utf8').replace(/\r?\n$/, '')
  } catch (error) {
    throw new UsageError(`--kafka-sasl-password-file can't be read: ${(error as Error).message}.`)
  }
}
