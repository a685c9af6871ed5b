import type { ConnectionOptions } from 'node:tls'

export type KafkaAccess = {
  readonly brokers: readonly string[]
  /** @default plain text */
  readonly tls?: Pick<ConnectionOptions, 'ca' | 'cert' | 'key'>
  /** @default no authentication */
  readonly sasl?: {
    readonly mechanism: SaslMechanism
    readonly username: string
    readonly password: string
  }
}

export const saslMechanisms = ['plain', 'scram-sha-256', 'scram-sha-512'] as const
export type SaslMechanism = (typeof saslMechanisms)[number]
