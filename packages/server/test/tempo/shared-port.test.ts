// HTTP/1.1 and HTTP/2 on the port of the API.
import { once } from 'node:events'
import { Agent, request as requestHttp } from 'node:http'
import { connect as connectHttp2, constants, type ClientHttp2Session, type IncomingHttpHeaders } from 'node:http2'
import { request as requestHttps } from 'node:https'
import { connect as connectTcp, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type ApiPort, openApiPort } from './open-api-port.ts'
import { connectStreaming } from './streaming-client.ts'

const PATH = '/tempopb.StreamingQuerier/SearchTags'
const PREFACE = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'
const timeouts = { requestMs: 600, stalledMs: 2000, checkIntervalMs: 100 }
let plain: ApiPort
let tls: ApiPort

beforeAll(async () => {
  plain = await openApiPort({ timeouts })
  tls = await openApiPort({ timeouts, isTls: true })
})
afterAll(async () => {
  await plain?.[Symbol.asyncDispose]()
  await tls?.[Symbol.asyncDispose]()
})

function open({ api }: ApiPort): Socket {
  const { hostname, port } = new URL(api.url)
  const socket = connectTcp({ host: hostname, port: Number(port) })
  // A reset is an end too.
  socket.on('error', () => {})
  return socket
}

async function readAll(socket: Socket): Promise<string> {
  const chunks: Buffer[] = []
  socket.on('data', (chunk) => chunks.push(chunk))
  if (!socket.closed) await new Promise((resolve) => socket.once('close', resolve))
  return String(Buffer.concat(chunks))
}

const GET = 'GET /api/ready HTTP/1.1\r\nhost: localhost\r\n\r\n'
const LAST = 'GET /api/ready HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n'

test('HTTP/1.1 requests are served one byte at a time, pipelined and after each other', async () => {
  const dripping = open(plain)
  for (const byte of `P${GET.slice(3).replace('/api/ready', '/nowhere')}`.replace('P', 'PUT'))
    await new Promise((resolve) => dripping.write(byte, resolve))
  dripping.write(LAST)
  const statuses = (text: string): readonly string[] => text.match(/HTTP\/1\.1 [0-9]+/g) ?? []
  expect(statuses(await readAll(dripping))).toEqual(['HTTP/1.1 404', 'HTTP/1.1 200'])
  const pipelined = open(plain)
  pipelined.write(GET.repeat(20) + LAST)
  expect(statuses(await readAll(pipelined))).toEqual(Array.from({ length: 21 }, () => 'HTTP/1.1 200'))
})

test('a request body of many packets is received whole', async () => {
  const body = JSON.stringify({ token: 'x'.repeat(900_000) })
  const send = async ({ api, ca }: ApiPort): Promise<number> => {
    const isTls = api.url.startsWith('https')
    const headers = { 'content-type': 'application/json', 'content-length': String(body.length) }
    const request = (isTls ? requestHttps : requestHttp)(`${api.url}/api/session`, { method: 'POST', headers, ca })
    request.end(body)
    const [response] = (await once(request, 'response')) as [NodeJS.ReadableStream & { statusCode: number }]
    response.resume()
    await once(response, 'end')
    return response.statusCode
  }
  expect(await send(plain)).toBe(await send(tls))
})

test('a connection is kept alive for further requests', async () => {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  const ports = new Set<number | undefined>()
  for (let nth = 0; nth < 5; nth++) {
    const request = requestHttp(`${plain.api.url}/api/ready`, { agent })
    request.end()
    const [response] = (await once(request, 'response')) as [NodeJS.ReadableStream]
    ports.add(request.socket?.localPort)
    response.resume()
    await once(response, 'end')
  }
  agent.destroy()
  expect(ports.size).toBe(1)
})

test.each([
  ['no bytes', ''],
  ['one byte of the preface', 'P'],
  ['half of the preface', PREFACE.slice(0, 12)],
  ['all but one byte of the preface', PREFACE.slice(0, -1)],
])('a connection that sends %s is closed with 408', async (_what, start) => {
  const socket = open(plain)
  socket.write(start)
  expect(await readAll(socket)).toMatch(/^HTTP\/1\.1 408 /)
})

test('a connection whose preface arrives one byte at a time is closed in time, or served', async () => {
  const slow = open(plain)
  let sent = 0
  const drip = setInterval(() => slow.write(PREFACE[sent++ % (PREFACE.length - 1)] ?? ''), 100)
  await readAll(slow)
  clearInterval(drip)
  expect(sent).toBeLessThan(PREFACE.length)
  const quick = open(plain)
  for (const byte of PREFACE) await new Promise((resolve) => quick.write(byte, resolve))
  // SETTINGS, without any.
  quick.write(Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0]))
  const [answer] = (await once(quick, 'data')) as [Buffer]
  expect(answer[3]).toBe(4)
  quick.destroy()
})

test('a half-closed connection and a wrong preface are closed', async () => {
  const closing = open(plain)
  closing.end('PRI')
  expect(await readAll(closing)).toBe('')
  const wrong = open(plain)
  wrong.write('PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n')
  expect(await readAll(wrong)).toMatch(/^HTTP\/1\.1 400 /)
})

test('under TLS, ALPN chooses gRPC for clients that know only h2, and HTTP/1.1 for all others', async () => {
  const negotiate = async (protocols: readonly string[]): Promise<string | false | null> => {
    const { hostname, port } = new URL(tls.api.url)
    const ALPNProtocols = [...protocols]
    const socket = connectTls({
      host: hostname,
      port: Number(port),
      ca: tls.ca,
      ALPNProtocols,
      servername: 'localhost',
    })
    await once(socket, 'secureConnect')
    const chosen = socket.alpnProtocol
    socket.destroy()
    return chosen
  }
  expect(await negotiate(['h2'])).toBe('h2')
  expect(await negotiate(['h2', 'http/1.1'])).toBe('http/1.1')
  expect(await negotiate(['http/1.1'])).toBe('http/1.1')
  expect(await negotiate([])).toBe(false)
  using client = connectStreaming(tls.api.url, tls.ca)
  expect(await client.call('SearchTagsV2', {})).toMatchObject([{ scopes: expect.any(Array) }])
  using insecure = connectStreaming(tls.api.url)
  await expect(insecure.call('SearchTagsV2', {})).rejects.toMatchObject({ code: 14 })
})

type Answer = { readonly headers: IncomingHttpHeaders; readonly trailers: IncomingHttpHeaders }

function send(
  session: ClientHttp2Session,
  headers: Readonly<Record<string, string>>,
  body: readonly Buffer[] = [Buffer.alloc(5)],
): Promise<Answer> {
  const stream = session.request({
    ':method': 'POST',
    ':path': PATH,
    'content-type': 'application/grpc',
    te: 'trailers',
    ...headers,
  })
  stream.on('error', () => {})
  for (const part of body) stream.write(part)
  stream.end()
  return new Promise((resolve) => {
    const answer = { headers: {}, trailers: {} }
    stream.on('response', (received) => (answer.headers = received))
    stream.on('trailers', (received) => (answer.trailers = received))
    stream.on('close', () => resolve(answer))
    stream.resume()
  })
}

const frame = (length: number, flag = 0): Buffer => {
  const prefix = Buffer.alloc(5)
  prefix.writeUInt8(flag)
  prefix.writeUInt32BE(length, 1)
  return prefix
}

test.each([
  ['a frame that announces 4 GiB', {}, [frame(2 ** 32 - 1)], '8'],
  ['a message above 1 MiB', {}, [frame(1024 * 1024 + 1), Buffer.alloc(1024 * 1024 + 1)], '8'],
  ['a frame without its message', {}, [frame(100)], '3'],
  ['no message', {}, [], '3'],
  ['two messages', {}, [frame(0), frame(0)], '3'],
  ['bytes that are not protobuf', {}, [frame(3), Buffer.from([0x0a, 0xff, 0xff])], '3'],
  ['a field of type 7', {}, [frame(1), Buffer.from([0x0f])], '3'],
  ['an unknown compression', { 'grpc-encoding': 'br' }, [frame(1, 1), Buffer.alloc(1)], '12'],
  ['another host', { ':authority': 'evil.example' }, [frame(0)], '7'],
  ['another origin', { origin: 'http://evil.example' }, [frame(0)], '7'],
  ['an unknown path', { ':path': '/api/ready' }, [frame(0)], '12'],
  ['another service', { ':path': '/tempopb.Querier/SearchTags' }, [frame(0)], '12'],
] as const)('a call with %s gets an error of gRPC', async (_what, headers, body, code) => {
  const session = connectHttp2(plain.api.url)
  session.on('error', () => {})
  const answer = await send(session, headers, body)
  expect(answer.headers).toMatchObject({ ':status': 200, 'grpc-status': code })
  // The session survives.
  expect((await send(session, {})).trailers).toMatchObject({ 'grpc-status': '0' })
  session.close()
})

test('HTTP/2 requests that are not gRPC get 405 or 415', async () => {
  const session = connectHttp2(plain.api.url)
  expect((await send(session, { ':method': 'PUT' })).headers).toMatchObject({ ':status': 405 })
  expect((await send(session, { 'content-type': 'application/json' })).headers).toMatchObject({ ':status': 415 })
  session.close()
})

test('a call whose message does not arrive in time ends with DEADLINE_EXCEEDED', async () => {
  const session = connectHttp2(plain.api.url)
  const stream = session.request({ ':method': 'POST', ':path': PATH, 'content-type': 'application/grpc' })
  stream.on('error', () => {})
  stream.write(frame(1000))
  const drip = setInterval(() => stream.write('a'), 50)
  const [headers] = (await once(stream, 'response')) as [IncomingHttpHeaders]
  clearInterval(drip)
  expect(headers).toMatchObject({ 'grpc-status': '4', 'grpc-message': expect.stringContaining('600 ms') })
  stream.resume()
  await once(stream, 'close')
  expect(stream.rstCode).toBe(constants.NGHTTP2_NO_ERROR)
  session.close()
})

test('localhost is served on each of its addresses', async () => {
  await using port = await openApiPort({ host: 'localhost', timeouts })
  const { port: number } = new URL(port.api.url)
  expect((await fetch(`http://127.0.0.1:${number}/api/ready`)).status).toBe(200)
  using client = connectStreaming(`http://127.0.0.1:${number}`)
  expect(await client.call('SearchTagsV2', {})).toHaveLength(1)
})
