import { toDataView } from '../../runtime/copy-bytes.ts'
import type { RowWriter } from '../row-writer.ts'
import type { WireReader } from '../wire/wire-reader.ts'

/** Writes a text of the request as a String, without what the patterns of `--redact` match. */
export function writeText(reader: WireReader, writer: RowWriter, at: number, length: number): void {
  const redacted = reader.redactor?.redactText(reader.bytes, at, at + length)
  if (redacted === undefined) writer.string(reader.view, at, length)
  else writer.string(toDataView(redacted), 0, redacted.length)
}

/** Like `writeText`, for a text inside an array or a map. */
export function readRedactedText(reader: WireReader, at: number, end: number): string {
  const redacted = reader.redactor?.redactText(reader.bytes, at, end)
  return redacted?.toString() ?? reader.bytes.toString('utf8', at, end)
}
