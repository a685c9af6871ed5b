/**
 * What a codec makes of one OTLP request: RowBinary rows per table, in the column order of
 * `schema/<table>.sql`, ready to be journalled and inserted as they are.
 */
export type TraceRows = {
  /** The column `received` of every row: all rows of a request are in one daily partition. */
  readonly receivedUnixSeconds: number
  readonly spans: Uint8Array
  readonly spanLinks: Uint8Array
  readonly sources: Uint8Array
  readonly spanCount: number
  /** Rows, not links: two a link, one when its target isn't known. */
  readonly linkCount: number
  readonly sourceCount: number
  /**
   * Spans left out one by one (invalid ids, beyond the limits), and the reasons with how many each
   * is of.
   */
  readonly rejectedSpans: number
  readonly rejectReason: string
}

export type LogRows = {
  readonly receivedUnixSeconds: number
  readonly sources: Uint8Array
  readonly sourceCount: number
  readonly logs: Uint8Array
  readonly logCount: number
  /** Records left out one by one (beyond the limits), and the reasons with how many each is of. */
  readonly rejectedLogs: number
  readonly rejectReason: string
}

export type MetricRows = {
  readonly receivedUnixSeconds: number
  readonly sources: Uint8Array
  readonly sourceCount: number
  readonly series: Uint8Array
  readonly seriesCount: number
  readonly points: Uint8Array
  readonly pointCount: number
  /**
   * Points left out one by one (histograms whose buckets contradict their bounds, beyond the
   * limits), and the reasons with how many each is of.
   */
  readonly rejectedPoints: number
  readonly rejectReason: string
}
