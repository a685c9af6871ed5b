/** How long the other end of a connection may take, in milliseconds. */
export type Timeouts = {
  /**
   * Until all headers of a request are there, from its first byte or from the connection's start.
   */
  readonly headersMs: number
  /** Until all of a request is there, however steadily it drips. */
  readonly requestMs: number
  /** Between the requests of a connection. */
  readonly idleMs: number
  /** Between two looks at which connections are late. */
  readonly checkIntervalMs: number
  /**
   * Between two pings of an HTTP/2 connection; one whose other end has gone is closed after at most
   * this and `pongMs`.
   */
  readonly pingIntervalMs: number
  readonly pongMs: number
}

export const DEFAULT_TIMEOUTS: Timeouts = {
  headersMs: 10_000,
  requestMs: 60_000,
  idleMs: 75_000,
  checkIntervalMs: 2000,
  pingIntervalMs: 60_000,
  pongMs: 20_000,
}
