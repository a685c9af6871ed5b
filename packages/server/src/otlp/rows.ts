/**
 * RowBinary rows per table of one OTLP request, in the column order of `schema/<table>.sql`, ready
 * to be journalled and inserted unchanged.
 */
export type TraceRows = {
  /** The `received` column of every row: all rows of a request are in one daily partition. */
  readonly receivedUnixSeconds: number
  readonly spans: Uint8Array
  readonly spanLinks: Uint8Array
  readonly sources: Uint8Array
  readonly spanCount: number
  /** Number of rows, not links: two per link, or one if the link's target is unknown. */
  readonly linkCount: number
  readonly sourceCount: number
  /**
   * Spans rejected individually (invalid ids, beyond the limits), and the reasons with their
   * counts.
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
  /** Records rejected individually (beyond the limits), and the reasons with their counts. */
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
   * Points rejected individually (histograms whose buckets contradict their bounds, beyond the
   * limits), and the reasons with their counts.
   */
  readonly rejectedPoints: number
  readonly rejectReason: string
}
