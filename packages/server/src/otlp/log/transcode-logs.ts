import { EnvelopeState, type ItemReader, readEnvelope, copyRows } from '../wire/envelope.ts'
import { describeDroppedId, LogFields, writeLog } from './log-record.ts'
import { Rejections } from '../rejections.ts'
import { RowWriter } from '../row-writer.ts'
import type { LogRows } from '../rows.ts'
import type { Source } from '../wire/source.ts'
import { runSteps, type Steps } from '../steps.ts'
import { WireReader } from '../wire/wire-reader.ts'

class LogState extends EnvelopeState {
  readonly logs = new RowWriter()

  override reset(): void {
    super.reset()
    this.logs.reset()
  }
}

let idle: LogState | undefined
const log = new LogFields()

/** Runs `transcodeLogsInSteps` without pausing. */
export function transcodeLogs(body: Uint8Array, receivedUnixSeconds: number): LogRows {
  return runSteps(transcodeLogsInSteps(body, receivedUnixSeconds))
}

/**
 * Converts an ExportLogsServiceRequest (or LogsData, which has the same bytes) to rows. Records
 * beyond the limits are counted and rejected individually; any other error rejects the request.
 *
 * @param receivedUnixSeconds value of the column `received` of every row
 * @throws OtlpError when the bytes are no such message, or its rows become too large
 */
export function* transcodeLogsInSteps(
  body: Uint8Array,
  receivedUnixSeconds: number,
  rejections = new Rejections('log record'),
): Steps<LogRows> {
  const state = idle ?? new LogState()
  idle = undefined
  try {
    const items = new LogReader(receivedUnixSeconds, state.logs, rejections)
    const sourceCount = yield* readEnvelope(new WireReader(body), state, receivedUnixSeconds, items)
    const [sources, logs] = yield* copyRows(state.sources, state.logs)
    return {
      receivedUnixSeconds,
      sources,
      sourceCount,
      logs,
      logCount: items.count,
      rejectedLogs: rejections.count,
      rejectReason: rejections.describe(),
    }
  } finally {
    state.reset()
    idle = state
  }
}

class LogReader implements ItemReader {
  readonly #received: number
  readonly #logs: RowWriter
  readonly #rejections: Rejections
  count = 0

  constructor(received: number, logs: RowWriter, rejections: Rejections) {
    this.#received = received
    this.#logs = logs
    this.#rejections = rejections
  }

  rowBytes(): number {
    return this.#logs.pos
  }

  readItem(reader: WireReader, source: Source, end: number): undefined {
    const logsAt = this.#logs.pos
    let rejection: string
    try {
      rejection = this.#readLog(reader, source, end)
    } catch (error) {
      rejection = this.#rejections.fromError(error)
      this.#logs.pos = logsAt
    }
    if (rejection === '') this.count++
    else this.#rejections.add(this.count, rejection)
  }

  /** Returns why the record is rejected, or ''. */
  #readLog(reader: WireReader, source: Source, end: number): string {
    reader.nestedValues = 0
    const exceeded = this.#rejections.findExceeded(source, this.count, end - reader.pos)
    if (exceeded !== '') return exceeded
    log.read(reader, end)
    writeLog(reader, this.#logs, this.#received, source, log)
    const warning = describeDroppedId('', log.traceIdLength, log.spanIdLength)
    if (warning !== '') this.#rejections.warn(this.count, warning)
    return ''
  }
}
