import { AsyncLocalStorage } from 'node:async_hooks'
import { subscribe } from 'node:diagnostics_channel'
import type { Socket } from 'node:net'
import { quietly } from '../core/diagnostics.ts'

// Clients in plain JavaScript don't tell about their connections; Node does, for every socket, TLS
// included. Whose it is, the asynchronous context tells: a client's calls run in `within`, and the
// application's handlers outside of it. https://nodejs.org/api/diagnostics_channel.html#net

export interface SocketListener {
  connected(broker: Broker): void
  /** Not connected at all. */
  failed(broker: Broker, error: unknown): void
  /** `error` if it was closed by one. */
  disconnected(broker: Broker, error: unknown): void
  /** Bytes since the last call for this socket. */
  io(broker: Broker, read: number, written: number): void
}

export interface Broker {
  readonly address: string | undefined
  readonly port: number | undefined
}

export interface Sockets {
  /** Calls `fn`; sockets that are opened by it, however much later, belong to `listener`. */
  within<R>(listener: SocketListener, fn: () => R): R
  /** Calls `fn`, whose sockets belong to nobody here. */
  outside<R>(fn: () => R): R
  /** Watches a socket that is connected already, whoever opened it. */
  follow(socket: Socket, broker: Broker, listener: SocketListener): void
  /** Tells every listener the bytes of its open sockets. */
  refresh(): void
}

let watched: Sockets | undefined

/** The one watcher of the process. Nothing is watched before the first call. */
export function watchSockets(): Sockets {
  watched ??= startWatching()
  return watched
}

function startWatching(): Sockets {
  const owner = new AsyncLocalStorage<SocketListener | undefined>()
  const open = new Set<() => void>()
  subscribe('net.client.socket', (message) => {
    const listener = owner.getStore()
    if (listener !== undefined) {
      quietly('watch a socket', () => followConnecting((message as { readonly socket: Socket }).socket, listener, open))
    }
  })
  return {
    within: (listener, fn) => owner.run(listener, fn),
    outside: (fn) => (owner.getStore() === undefined ? fn() : owner.run(undefined, fn)),
    follow: (socket, broker, listener) => followConnected(socket, broker, listener, open),
    refresh() {
      for (const tell of open) tell()
    },
  }
}

function followConnecting(socket: Socket, listener: SocketListener, open: Set<() => void>): void {
  let host: string | undefined
  let isConnected = false
  // An address is looked up only where a name was given, and the name is what the conventions want.
  socket.once('lookup', (_error, _address, _family, name) => (host = name))
  socket.once('connect', () => {
    isConnected = true
    followConnected(socket, { address: host ?? socket.remoteAddress, port: socket.remotePort }, listener, open)
  })
  // No listener for 'error': with one, an error that the client doesn't handle would no longer be
  // unhandled.
  socket.once('close', (hadError: boolean) => {
    if (isConnected) return
    const error = closedBy(socket, hadError) ?? new Error('closed before it was connected')
    const { address, port } = error as { readonly address?: string; readonly port?: number }
    listener.failed({ address: host ?? address, port }, error)
  })
}

function followConnected(socket: Socket, broker: Broker, listener: SocketListener, open: Set<() => void>): void {
  let read = 0
  let written = 0
  const tellBytes = (): void => {
    const { bytesRead, bytesWritten } = socket
    listener.io(broker, bytesRead - read, (bytesWritten ?? written) - written)
    read = bytesRead
    written = bytesWritten ?? written
  }
  open.add(tellBytes)
  listener.connected(broker)
  socket.once('close', (hadError: boolean) => {
    open.delete(tellBytes)
    tellBytes()
    listener.disconnected(broker, closedBy(socket, hadError))
  })
}

function closedBy(socket: Socket, hadError: boolean): Error | undefined {
  return hadError ? (socket.errored ?? new Error('closed by an error')) : undefined
}
