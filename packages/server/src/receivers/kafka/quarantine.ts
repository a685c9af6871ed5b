import { mkdir, readdir, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Log } from '../../log.ts'

/** Records that can't be stored: a batch as Kafka stores it, or the value of one record. */
export type UnreadableRecords = {
  readonly topic: string
  readonly partition: number
  readonly baseOffset: string
  readonly lastOffset: string
  readonly error: string
  readonly bytes: Uint8Array
}

export type QuarantineCounts = {
  /** Since the start of the process. */
  readonly batches: number
  /** Size of the files, including those of earlier runs. */
  readonly bytes: number
  readonly lastError: string
}

export type KafkaQuarantine = {
  getCounts(): QuarantineCounts
  /**
   * Writes the records to a file and logs their offsets; never rejects. The same records overwrite
   * their file.
   */
  add(records: UnreadableRecords): Promise<void>
}

/** Any producer of the topic can fill it. Beyond the limit only the offsets are logged. */
const MAX_QUARANTINE_BYTES = 256 * 1024 * 1024

/**
 * Opens the directory `kafka-quarantine` of the data directory. Its files are
 * `<topic>-<partition>-<offsets>.batch`, each with its reason in a `.json` file of the same name.
 */
export async function openKafkaQuarantine(dataDir: string, log: Log): Promise<KafkaQuarantine> {
  const directory = join(dataDir, 'kafka-quarantine')
  let bytes = await sumFileBytes(directory)
  let batches = 0
  let lastError = ''
  const write = async ({ bytes: content, ...reason }: UnreadableRecords): Promise<string> => {
    if (bytes + content.length > MAX_QUARANTINE_BYTES) return `not kept: ${directory} is full`
    const { topic, partition, baseOffset, lastOffset } = reason
    const file = join(directory, `${topic}-${partition}-${baseOffset}-${lastOffset}`)
    bytes += content.length
    await mkdir(directory, { recursive: true, mode: 0o700 })
    await writeFile(`${file}.json`, `${JSON.stringify(reason)}\n`, { mode: 0o600 })
    await writeFile(`${file}.batch`, content, { mode: 0o600 })
    return `kept in ${file}.batch`
  }
  return {
    getCounts: () => ({ batches, bytes, lastError }),
    add: async (records) => {
      const { topic, partition, baseOffset, lastOffset, error } = records
      batches++
      const offsets = baseOffset === lastOffset ? `offset ${baseOffset}` : `offsets ${baseOffset} to ${lastOffset}`
      lastError = `${topic}/${partition}, ${offsets}: ${error}`
      const outcome = await write(records).catch((cause: unknown) => `not kept: ${String(cause)}`)
      const fields = { level: 'error', topic, partition, baseOffset, lastOffset, error } as const
      log(`Kafka records skipped, ${lastError}; ${outcome}`, fields)
    },
  }
}

async function sumFileBytes(directory: string): Promise<number> {
  const names = await readdir(directory).catch(() => [])
  const sizes = names
    .filter((name) => name.endsWith('.batch'))
    .map(async (name) => (await stat(join(directory, name))).size)
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0)
}
