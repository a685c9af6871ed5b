import { readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { command } from '../process/command.ts'

export interface TlsKeystore {
  /** Broker properties of a listener named `SSL`. */
  readonly properties: Readonly<Record<string, string>>
  /** PEM, as the `ca` option of clients. */
  readonly certificate: string
}

/** A self-signed key for 127.0.0.1, made by the keytool beside `java` in `directory`. */
export async function tlsKeystore(java: string, directory: string): Promise<TlsKeystore> {
  const keytool = java.includes('/') ? join(dirname(java), 'keytool') : 'keytool'
  const keystore = join(directory, 'keystore.p12')
  const certificate = join(directory, 'certificate.pem')
  const store = ['-alias', 'broker', '-keystore', keystore, '-storetype', 'PKCS12', '-storepass', PASSWORD]
  const name = ['-dname', 'CN=127.0.0.1', '-ext', 'SAN=ip:127.0.0.1', '-validity', '7']
  await run(keytool, ['-genkeypair', '-keyalg', 'EC', '-groupname', 'secp256r1', ...name, ...store])
  await run(keytool, ['-exportcert', '-rfc', '-file', certificate, ...store])
  return {
    properties: {
      'ssl.keystore.location': keystore,
      'ssl.keystore.type': 'PKCS12',
      'ssl.keystore.password': PASSWORD,
      'ssl.key.password': PASSWORD,
    },
    certificate: await readFile(certificate, 'utf8'),
  }
}

// The directory is private and lives as long as the broker.
const PASSWORD = 'for-tests'

async function run(keytool: string, args: readonly string[]): Promise<void> {
  const { code, stderr, stdout } = await command(keytool, [...args])
  if (code !== 0)
    throw new Error(`${keytool} could not make a key: ${code === null ? 'it is not there' : stdout + stderr}`)
}
