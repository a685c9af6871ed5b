import { X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createSecureContext } from 'node:tls'
import { UsageError } from '../args.ts'

const CERTIFICATE = /-----BEGIN (?:X509 |TRUSTED )?CERTIFICATE-----[^-]*(?:-----END [A-Z0-9 ]*-----)?/g

/**
 * Reads a PEM file of certificate authorities. Node ignores invalid ones without an error, and then
 * each connection fails as if its certificate were self-signed.
 *
 * @param flag named in errors
 * @throws UsageError if a certificate is invalid or there is none
 */
export function readAuthorities(flag: string, file: string): Buffer {
  const pem = readFlagFile(flag, file)
  const certificates = pem.toString('latin1').match(CERTIFICATE) ?? []
  const invalid = `invalid ${flag} ${JSON.stringify(file)}`
  if (certificates.length === 0) throw new UsageError(`${invalid}: expected certificates in PEM`)
  for (const [at, certificate] of certificates.entries()) {
    try {
      void new X509Certificate(certificate)
    } catch (error) {
      const which = `certificate ${at + 1} of ${certificates.length}`
      throw new UsageError(`${invalid}: ${which} is invalid: ${(error as Error).message}`)
    }
  }
  return pem
}

/**
 * Reads the PEM files of a certificate chain and its private key.
 *
 * @param flags named in errors
 * @throws UsageError if a certificate is invalid, or the key is not that of the first one
 */
export function readCertificate(
  flags: { readonly cert: string; readonly key: string },
  { certFile, keyFile }: { readonly certFile: string; readonly keyFile: string },
): { readonly cert: Buffer; readonly key: Buffer } {
  const cert = readAuthorities(flags.cert, certFile)
  const key = readFlagFile(flags.key, keyFile)
  try {
    createSecureContext({ cert, key })
  } catch (error) {
    const files = `${flags.cert} ${JSON.stringify(certFile)} with ${flags.key} ${JSON.stringify(keyFile)}`
    throw new UsageError(`invalid ${files}: ${(error as Error).message}`)
  }
  return { cert, key }
}

/** @throws UsageError */
export function readFlagFile(flag: string, file: string): Buffer {
  try {
    return readFileSync(file)
  } catch (error) {
    throw new UsageError(`cannot read ${flag}: ${(error as Error).message}`)
  }
}
