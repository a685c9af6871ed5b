import { readEnvelope, takeRows } from './envelope.ts'
import { LogFields, writeLog } from './log-record.ts'
import { Rejections } from './rejections.ts'
import { RowWriter } from './row-writer.ts'
import type { LogRows } from './rows.ts'
import type { Source } from './source.ts'
import { WireReader } from './wire-reader.ts'

const logs = new RowWriter()
const sources = new RowWriter()
const log = new LogFields()

/**
 * Turns an ExportLogsServiceRequest (or LogsData: the same bytes) into rows. All or nothing, but for records beyond the
 * limits, which are counted and left out one by one.
 *
 * @param receivedUnixSeconds what the column `received` of every row becomes
 * @throws OtlpError when the bytes are no such message, or become too much
 */
export function transcodeLogs(body: Uint8Array, receivedUnixSeconds: number): LogRows {
  logs.reset()
  sources.reset()
  const items = new LogReader(receivedUnixSeconds)
  const sourceCount = readEnvelope(new WireReader(body), sources, receivedUnixSeconds, items)
  const [sourceBytes, logBytes] = takeRows(sources, logs)
  return {
    receivedUnixSeconds,
    sources: sourceBytes,
    sourceCount,
    logs: logBytes,
    logCount: items.count,
    rejectedLogs: items.rejections.count,
    rejectReason: items.rejections.reason,
  }
}

class LogReader {
  readonly received: number
  count = 0
  readonly rejections = new Rejections('log record')

  constructor(received: number) {
    this.received = received
  }

  readItem(reader: WireReader, source: Source, end: number): void {
    const logsAt = logs.pos
    let rejection: string
    try {
      rejection = this.#readLog(reader, source, end)
    } catch (error) {
      rejection = this.rejections.fromError(error)
      logs.pos = logsAt
    }
    if (rejection === '') this.count++
    else this.rejections.add(this.count, rejection)
  }

  /** Returns why it is rejected, or ''. */
  #readLog(reader: WireReader, source: Source, end: number): string {
    const exceeded = this.rejections.findExceeded(source, this.count, end - reader.pos)
    if (exceeded !== '') return exceeded
    log.read(reader, end)
    writeLog(reader, logs, this.received, source, log)
    return ''
  }
}
