import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { readAuthorities, readCertificate } from './read-tls.ts'

const dir = mkdtempSync(join(tmpdir(), 'spanlink-pem-'))
afterAll(() => rmSync(dir, { recursive: true }))

const [first, second] = [createCertificate('first'), createCertificate('second')]
const [firstPem, secondPem] = [first, second].map(({ certFile }) => readFileSync(certFile, 'utf8')) as [string, string]

test('a file of several certificate authorities with comments is read', () => {
  const pem = `Subject: first\n${firstPem}\n# second\n${secondPem}`
  expect(readAuthorities('--ca', write(pem)).toString()).toBe(pem)
})

test.each([
  ['no certificate', 'secret1\n', 'expected certificates in PEM'],
  ['a private key', readFileSync(first.keyFile, 'utf8'), 'expected certificates in PEM'],
  ['a certificate that is cut off', firstPem + secondPem.slice(0, -40), 'certificate 2 of 2 is invalid'],
  ['a damaged certificate', firstPem.replace('\nMII', '\nAAA'), 'certificate 1 of 1 is invalid'],
])('a file of certificate authorities with %s is rejected', (_, pem, reason) => {
  const file = write(pem)
  expect(() => readAuthorities('--ca', file)).toThrow(`invalid --ca ${JSON.stringify(file)}: ${reason}`)
})

test('a certificate is read with its key, and rejected with another key or without PEM', () => {
  const flags = { cert: '--cert', key: '--key' }
  const key = readFileSync(first.keyFile)
  expect(readCertificate(flags, first)).toEqual({ cert: Buffer.from(firstPem), key })
  const other = { ...first, keyFile: second.keyFile }
  expect(() => readCertificate(flags, other)).toThrow(/^invalid --cert ".*" with --key ".*": .*key values mismatch/)
  const noKey = { ...first, keyFile: write('secret1\n') }
  expect(() => readCertificate(flags, noKey)).toThrow(/^invalid --cert ".*" with --key ".*": /)
  const noCertificate = { ...first, certFile: write('secret1\n') }
  expect(() => readCertificate(flags, noCertificate)).toThrow(/^invalid --cert ".*": expected certificates in PEM/)
})

test('a file that does not exist is rejected with its flag', () => {
  expect(() => readAuthorities('--ca', join(dir, 'nowhere'))).toThrow(/^cannot read --ca: ENOENT/)
})

function write(pem: string): string {
  const file = join(mkdtempSync(join(dir, 'file-')), 'file.pem')
  writeFileSync(file, pem)
  return file
}

function createCertificate(name: string): { readonly certFile: string; readonly keyFile: string } {
  const [certFile, keyFile] = [join(dir, `${name}.pem`), join(dir, `${name}-key.pem`)]
  const options = ['-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2']
  const files = ['-keyout', keyFile, '-out', certFile]
  execFileSync('openssl', ['req', ...options, ...files, '-subj', `/CN=${name}`], { stdio: 'ignore' })
  return { certFile, keyFile }
}
