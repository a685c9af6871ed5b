/** Letters and digits only, because both are written into JAAS configuration. */
export interface SaslUser {
  readonly username: string
  readonly password: string
}

/**
 * One user for every mechanism of a listener named `SASL_SSL`; for SCRAM the credentials of
 * `scramUsers` must be stored.
 */
export function saslProperties({ username, password }: SaslUser): Record<string, string> {
  const listener = 'listener.name.sasl_ssl'
  const scram = 'org.apache.kafka.common.security.scram.ScramLoginModule required;'
  const plain = `org.apache.kafka.common.security.plain.PlainLoginModule required user_${username}="${password}";`
  return {
    [`${listener}.sasl.enabled.mechanisms`]: 'PLAIN,SCRAM-SHA-256,SCRAM-SHA-512',
    [`${listener}.plain.sasl.jaas.config`]: plain,
    [`${listener}.scram-sha-256.sasl.jaas.config`]: scram,
    [`${listener}.scram-sha-512.sasl.jaas.config`]: scram,
  }
}

/** Users in the format of `formatStorage`. */
export function scramUsers({ username, password }: SaslUser): string[] {
  return ['SCRAM-SHA-256', 'SCRAM-SHA-512'].map((mechanism) => `${mechanism}=[name=${username},password=${password}]`)
}
