import { createServer as createHttpServer, type RequestListener, type Server, type ServerOptions } from 'node:http'
import { createServer as createHttp2Server, type Http2ServerRequest, type Http2ServerResponse } from 'node:http2'
import { createServer as createHttpsServer, type Server as TlsServer } from 'node:https'
import type { Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import type { Tls } from '../../access/tls.ts'
import { HTTP2_OPTIONS, trackSessions } from '../../receivers/grpc/grpc-sessions.ts'
import { DEFAULT_TIMEOUTS } from '../../receivers/receiver-options.ts'
import { sniffPreface } from './sniff-preface.ts'

export type SharedPort = {
  /** Listens; serves HTTP/1.1. */
  readonly server: Server
  /** Ends HTTP/2 sessions when their calls have ended, and all at the deadline. */
  close(deadlineMs: number): Promise<void>
}

/** In milliseconds. */
export type PortTimeouts = {
  /** Limit for receiving a whole request, and for the first bytes of a connection. */
  readonly requestMs: number
  /**
   * Closes a connection of HTTP/1.1 or a gRPC call without traffic after this time, for example if
   * the client stops reading a response.
   */
  readonly stalledMs: number
  /** Interval of checks for requests over `requestMs`. */
  readonly checkIntervalMs: number
}

/** Between two requests of a connection; clients that keep connections for a minute reuse them. */
const KEEP_ALIVE_MS = 72_000

export type SharedPortOptions = {
  readonly timeouts: PortTimeouts
  /** @default plain text */
  readonly tls?: Tls | undefined
  readonly serveHttp1: RequestListener
  readonly serveHttp2: (request: Http2ServerRequest, response: Http2ServerResponse) => void
}

/**
 * Creates a server for HTTP/1.1 and HTTP/2 on one port: by ALPN under TLS, else by the first bytes
 * of the connection (docs/adr/0040-http1-and-h2c-on-one-port.md).
 */
export function createSharedPort(options: SharedPortOptions): SharedPort {
  const { timeouts, tls } = options
  // Node's default for headers is 60 s, and it applies the longer limit to the request.
  const limits = {
    headersTimeout: timeouts.requestMs,
    requestTimeout: timeouts.requestMs,
    connectionsCheckingInterval: timeouts.checkIntervalMs,
    keepAliveTimeout: KEEP_ALIVE_MS,
  }
  const http2 = createHttp2Server(HTTP2_OPTIONS, options.serveHttp2)
  const sessions = trackSessions(http2, DEFAULT_TIMEOUTS)
  let isClosing = false
  const undecided = new Set<Socket>()
  const server =
    tls === undefined ? createHttpServer(limits, options.serveHttp1) : createTlsServer(tls, limits, options.serveHttp1)
  server.setTimeout(timeouts.stalledMs)
  const serveSocket = (socket: Socket, isHttp2: boolean, serveHttp1: SocketListener): void => {
    // Servers count them as open; a request would keep a closing one open for minutes.
    if (isClosing) socket.destroy()
    else if (isHttp2) {
      // Sockets of node:http may be half open. Sessions of node:http2 would not notice their end.
      socket.allowHalfOpen = false
      http2.emit('connection', socket)
    } else serveHttp1.call(server, socket)
  }
  if (tls === undefined) {
    replaceListener(server, 'connection', (socket, serveHttp1) => {
      undecided.add(socket)
      socket.once('close', () => undecided.delete(socket))
      sniffPreface(socket, timeouts.requestMs, (isHttp2) => {
        undecided.delete(socket)
        serveSocket(socket, isHttp2, serveHttp1)
      })
    })
  } else {
    replaceListener(server, 'secureConnection', (socket, serveHttp1) =>
      serveSocket(socket, (socket as TLSSocket).alpnProtocol === 'h2', serveHttp1),
    )
  }
  return {
    server,
    close: async (deadlineMs) => {
      isClosing = true
      for (const socket of undecided) socket.destroy()
      const timer = setTimeout(sessions.destroy, deadlineMs)
      await sessions.close()
      clearTimeout(timer)
    },
  }
}

function createTlsServer(tls: Tls, limits: ServerOptions, serveHttp1: RequestListener): TlsServer {
  // Browsers offer both protocols and get HTTP/1.1: HTTP/2 serves gRPC only.
  const server = createHttpsServer({ ...limits, ...tls.certificate, ALPNProtocols: ['http/1.1', 'h2'] }, serveHttp1)
  tls.follow(server)
  return server
}

type SocketListener = (this: Server, socket: Socket) => void

/** Replaces the one listener with which `node:http` takes connections, and passes it on. */
function replaceListener(
  server: Server,
  event: 'connection' | 'secureConnection',
  listener: (socket: Socket, serveHttp1: SocketListener) => void,
): void {
  const [serveHttp1, ...others] = server.listeners(event) as SocketListener[]
  if (serveHttp1 === undefined || others.length > 0) throw new Error(`node:http has other listeners of ${event}.`)
  server.removeAllListeners(event)
  server.on(event, (socket: Socket) => listener(socket, serveHttp1))
}
