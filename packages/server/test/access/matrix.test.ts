import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { request as requestHttp } from 'node:http'
import { request as requestHttps } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  Client,
  credentials as grpcCredentials,
  Metadata,
  type ServiceError,
  status as grpcStatus,
} from '@grpc/grpc-js'
import Fastify from 'fastify'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createOpenAccess } from '../../src/access/access.ts'
import type { RouteRole } from '../../src/access/roles.ts'
import { openAccess } from '../../src/cli/serve/open-access.ts'
import { openEmbeddedStore } from '../../src/clickhouse/engine/open-embedded.ts'
import type { Store } from '../../src/clickhouse/store.ts'
import { guardAccess, type GuardedRoute } from '../../src/http/access-guard.ts'
import { type Api, startApi } from '../../src/http/server.ts'
import { type Ingest, startIngest } from '../../src/receivers/ingest.ts'
import { routes as otlpRoutes } from '../../src/receivers/otlp-routes.ts'
import { signals } from '../../src/receivers/signals.ts'
import { connectStreaming, METHODS, type Method } from '../tempo/streaming-client.ts'
import { writeCertificate } from './certificate.ts'
import { writeToken } from './write-token.ts'

type Ports = { readonly api: Api; readonly ingest: Ingest; readonly ca: Buffer | undefined }

let dir: string
let store: Store
const tokens: Record<string, string | undefined> = {}
const ports: Partial<Record<'plain' | 'TLS', Ports>> = {}

const who = ['no credentials', 'wrong', 'ingest', 'read', 'admin'] as const
const transports = ['plain', 'TLS'] as const

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'spanlink-access-'))
  const tokensFile = join(dir, 'tokens.json')
  for (const role of ['ingest', 'read', 'admin'] as const) tokens[role] = writeToken(tokensFile, [role])
  tokens['wrong'] = `${tokens['admin']?.slice(0, -2)}AA`
  const tls = writeCertificate(dir)
  store = await openEmbeddedStore(join(dir, 'data'), { log: () => {} })
  for (const transport of transports) {
    const options = transport === 'TLS' ? { tokensFile, tls } : { tokensFile }
    const access = openAccess(options, { host: '127.0.0.1', dataDir: dir }, () => {})
    const dataDir = join(dir, transport)
    const ingest = await startIngest({ dataDir, store, access, otlpHttpPort: 0, otlpGrpcPort: 0 })
    const common = { version: '0', host: '127.0.0.1', port: 0, draining: () => false, log: () => {} }
    const api = await startApi({ ...common, store, ingest, access })
    const ca = transport === 'TLS' ? await readFile(tls.certFile) : undefined
    ports[transport] = { api, ingest, ca }
  }
})

afterAll(async () => {
  for (const { api, ingest } of Object.values(ports)) {
    await api.close()
    await ingest.drain(1000)
  }
  await store?.close()
  await rm(dir, { recursive: true, force: true })
})

describe.each(transports)('over %s', (transport) => {
  test.each(who)('each route of the API answers %s as its role says', async (credentials) => {
    const { api, ca } = ports[transport] as Ports
    expect(api.routes.length).toBeGreaterThan(40)
    const answers = await Promise.all(
      api.routes.map(async (route) => {
        const status = await send(`${api.url}${toPath(route)}`, {
          method: route.method,
          ca,
          token: tokens[credentials],
        })
        return [`${route.method} ${route.url}`, toVerdict(status), `(${status})`]
      }),
    )
    const expected = api.routes.map((route) =>
      isSession(route) && credentials === 'wrong' ? '401' : expectedVerdict(route.role, credentials),
    )
    expect(answers.filter(([, verdict], at) => verdict !== expected[at])).toEqual([])
  })

  test.each(who)('each path of the OTLP/HTTP port answers %s as the role ingest says', async (credentials) => {
    const { ingest, ca } = ports[transport] as Ports
    for (const path of otlpRoutes.keys()) {
      const options = { method: 'POST', ca, token: tokens[credentials], body: path.includes('spans') ? '[]' : '{}' }
      const verdict = toVerdict(await send(`${ingest.otlpHttpUrl}${path}`, options))
      expect([path, verdict]).toEqual([path, expectedVerdict('ingest', credentials)])
    }
  })

  test.each(who)('each method of the OTLP/gRPC port answers %s as the role ingest says', async (credentials) => {
    const { ingest, ca } = ports[transport] as Ports
    for (const { grpcService } of signals) {
      const code = await exportGrpc(ingest.otlpGrpcUrl ?? '', grpcService, ca, tokens[credentials])
      expect([grpcService, toGrpcVerdict(code)]).toEqual([grpcService, expectedVerdict('ingest', credentials)])
    }
  })

  test.each(who)('each method of Tempo over gRPC answers %s as the role read says', async (credentials) => {
    const { api, ca } = ports[transport] as Ports
    using client = connectStreaming(api.url, ca)
    for (const method of Object.keys(METHODS) as Method[]) {
      const code = await client.call(method, {}, { token: tokens[credentials] }).then(
        () => grpcStatus.OK,
        (error: ServiceError) => error.code,
      )
      expect([method, toGrpcVerdict(code)]).toEqual([method, expectedVerdict('read', credentials)])
    }
  })
})

test('each operation of the OpenAPI document has the role of its route', async () => {
  const { api } = ports.plain as Ports
  const headers = { authorization: `Bearer ${tokens['read']}` }
  const document = (await (await fetch(`${api.url}/api/openapi.json`, { headers })).json()) as {
    readonly paths: Readonly<Record<string, Readonly<Record<string, { readonly 'x-role': string }>>>>
  }
  const documented = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => [method.toUpperCase(), path, operation['x-role']]),
  )
  expect(documented.length).toBeGreaterThan(15)
  for (const [method, path = '', role] of documented) {
    const url = path.replaceAll(/\{(\w+)\}/g, ':$1')
    expect(api.routes.find((route) => route.method === method && route.url === url)).toMatchObject({ role })
  }
})

test('agents need the role read', () => {
  const { api } = ports.plain as Ports
  const routes = api.routes.filter(({ url }) => url === '/mcp')
  expect(routes.map(({ method, role }) => `${method} ${role}`)).toEqual(['GET read', 'DELETE read', 'POST read'])
})

test('a route without a role prevents the start', async () => {
  const app = Fastify()
  guardAccess(app, createOpenAccess(), () => {})
  app.get('/api/new', () => 'secret')
  await expect(app.ready()).rejects.toThrow('Route GET /api/new has no role.')
})

/** Public, but a wrong token is an error there too. */
function isSession({ method, url }: GuardedRoute): boolean {
  return url === '/api/session' && (method === 'GET' || method === 'HEAD')
}

function expectedVerdict(role: RouteRole, credentials: (typeof who)[number]): string {
  if (role === 'public') return 'answered'
  if (credentials === 'no credentials' || credentials === 'wrong') return '401'
  return credentials === role || credentials === 'admin' ? 'answered' : '403'
}

function toVerdict(status: number): string {
  return status === 401 || status === 403 ? String(status) : 'answered'
}

function toGrpcVerdict(code: number): string {
  if (code === grpcStatus.UNAUTHENTICATED) return '401'
  return code === grpcStatus.PERMISSION_DENIED ? '403' : 'answered'
}

function toPath({ url }: GuardedRoute): string {
  const values: Readonly<Record<string, string>> = { list: 'late', spanId: 'cd'.repeat(8), service: 's', tag: 't' }
  return url.replaceAll(/:(\w+)/g, (_, name: string) => values[name] ?? 'ab'.repeat(16)).replace('*', 'x')
}

type Sent = {
  readonly method: string
  readonly ca: Buffer | undefined
  readonly token: string | undefined
  readonly body?: string
}

/** The status, without waiting for the end of a stream. */
function send(url: string, { method, ca, token, body }: Sent): Promise<number> {
  return new Promise((resolve, reject) => {
    const headers = {
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    }
    const options = { method, headers, agent: false, ...(ca === undefined ? {} : { ca }) }
    const sent = (ca === undefined ? requestHttp : requestHttps)(url, options, (response) => {
      resolve(response.statusCode ?? 0)
      response.destroy()
    })
    sent.once('error', reject)
    sent.end(body)
  })
}

function exportGrpc(url: string, service: string, ca: Buffer | undefined, token: string | undefined): Promise<number> {
  const channel = ca === undefined ? grpcCredentials.createInsecure() : grpcCredentials.createSsl(ca)
  const client = new Client(new URL(url).host, channel)
  const metadata = new Metadata()
  if (token !== undefined) metadata.set('authorization', `Bearer ${token}`)
  const asIs = (bytes: Buffer): Buffer => bytes
  return new Promise((resolve) => {
    client.makeUnaryRequest(`/${service}/Export`, asIs, asIs, Buffer.alloc(0), metadata, (error) => {
      client.close()
      resolve(error?.code ?? grpcStatus.OK)
    })
  })
}
