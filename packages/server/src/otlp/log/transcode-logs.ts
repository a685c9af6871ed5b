import { createTranscoder, ItemReader } from '../wire/envelope.ts'
import { describeDroppedId, LogFields, writeLog } from './log-record.ts'
import type { Source } from '../wire/source.ts'
import { WireReader } from '../wire/wire-reader.ts'

const log = new LogFields()

class LogReader extends ItemReader {
  readonly #logs = this.addTable('logs')

  override readItem(reader: WireReader, source: Source, end: number): undefined {
    const logsAt = this.#logs.pos
    let rejection: string
    try {
      rejection = this.#readLog(reader, source, end)
    } catch (error) {
      rejection = this.rejections.fromError(error)
      this.#logs.pos = logsAt
    }
    if (rejection === '') this.#logs.rows++
    else this.rejections.add(this.#logs.rows, rejection)
  }

  /** Returns why the record is rejected, or ''. */
  #readLog(reader: WireReader, source: Source, end: number): string {
    reader.nestedValues = 0
    const exceeded = this.rejections.findExceeded(source, this.#logs.rows, end - reader.pos)
    if (exceeded !== '') return exceeded
    log.read(reader, end)
    writeLog(reader, this.#logs, this.received, source, log)
    const warning = describeDroppedId('', log.traceIdLength, log.spanIdLength)
    if (warning !== '') this.rejections.warn(this.#logs.rows, warning)
    return ''
  }
}

export const transcodeLogs = createTranscoder('log record', () => new LogReader())
