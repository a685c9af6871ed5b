import { execFileSync } from 'node:child_process'
import { join } from 'node:path'

export type CertificateFiles = { readonly certFile: string; readonly keyFile: string }

/** Writes a self-signed certificate for 127.0.0.1 and its key. */
export function writeCertificate(dir: string, name = 'server'): CertificateFiles {
  const [keyFile, certFile] = [join(dir, `${name}.key.pem`), join(dir, `${name}.pem`)]
  const subject = ['-subj', `/CN=${name}`, '-addext', 'subjectAltName=IP:127.0.0.1,DNS:localhost']
  const newKey = ['-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2']
  execFileSync('openssl', ['req', ...newKey, '-keyout', keyFile, '-out', certFile, ...subject], { stdio: 'ignore' })
  return { certFile, keyFile }
}
