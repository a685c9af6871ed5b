import { readEnvelope, takeRows } from './envelope.ts'
import { LogFields, writeLog } from './log-record.ts'
import { RowWriter } from './row-writer.ts'
import type { LogRows } from './rows.ts'
import type { Source } from './source.ts'
import { WireReader } from './wire-reader.ts'

const logs = new RowWriter()
const sources = new RowWriter()
const log = new LogFields()

/**
 * Turns an ExportLogsServiceRequest (or LogsData: the same bytes) into rows. All or nothing: there is no record that
 * couldn't be stored.
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
  return { receivedUnixSeconds, sources: sourceBytes, sourceCount, logs: logBytes, logCount: items.count }
}

class LogReader {
  readonly received: number
  count = 0

  constructor(received: number) {
    this.received = received
  }

  readItem(reader: WireReader, source: Source, end: number): void {
    log.read(reader, end)
    writeLog(reader, logs, this.received, source, log)
    this.count++
  }
}
