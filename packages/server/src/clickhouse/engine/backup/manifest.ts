import { tableNames } from '../../tables.ts'

/** A file that is no usable backup. The message is one line. */
export class BackupError extends Error {}

export const MANIFEST = 'manifest.json'

/** Authentication is on where there is one. */
export const TOKENS_FILE = 'tokens.json'

const FORMAT = 'spanlink-backup'
const FORMAT_VERSION = 1

/** The last file of a backup. */
export type Manifest = {
  readonly format: typeof FORMAT
  readonly formatVersion: number
  /** Of Spanlink. */
  readonly version: string
  readonly schemaVersion: number
  /** ISO 8601. */
  readonly createdAt: string
  /** Whether the data directory had tokens, which a backup does not contain. */
  readonly hasTokens?: boolean
  readonly parts: readonly ManifestPart[]
  /** All files but this one, in the order of the archive. */
  readonly files: readonly ManifestFile[]
}

export type ManifestPart = { readonly table: string; readonly name: string; readonly rows: number }

export type ManifestFile = { readonly name: string; readonly size: number; readonly sha256: string }

type Contents = Omit<Manifest, 'format' | 'formatVersion' | 'createdAt'>

export function createManifest(contents: Contents): Manifest {
  return { format: FORMAT, formatVersion: FORMAT_VERSION, createdAt: new Date().toISOString(), ...contents }
}

/** @throws BackupError for JSON that isn't a manifest, or of a newer version */
export function parseManifest(text: string, schemaVersion: number): Manifest {
  const manifest = parseJson(text)
  if (!isRecord(manifest) || manifest['format'] !== FORMAT) throw new BackupError('It is not a backup of Spanlink.')
  const { formatVersion, version, schemaVersion: schema, parts, files } = manifest
  if (formatVersion !== FORMAT_VERSION || (typeof schema === 'number' && schema > schemaVersion)) {
    throw new BackupError(`A newer Spanlink${typeof version === 'string' ? ` (${version.slice(0, 40)})` : ''} made it.`)
  }
  const isValid =
    schema === schemaVersion &&
    Array.isArray(parts) &&
    parts.every(isPart) &&
    Array.isArray(files) &&
    files.every(isFile) &&
    new Set(files.map(({ name }) => name)).size === files.length
  if (!isValid) throw new BackupError('Its manifest is invalid.')
  return manifest as Manifest
}

/** Names that `path` may have: files of parts, of deduplication logs and of the journal. */
export function isFileName(path: string): boolean {
  return FILE_NAME.test(path) && !path.split('/').some((name) => name.startsWith('.'))
}

const FILE_NAME = new RegExp(
  String.raw`^(?:tables/(?:${tableNames.join('|')})/[\w-]{1,200}|journal|journal/quarantine)/[\w.%@~-]{1,250}$`,
)

function isPart(part: unknown): part is ManifestPart {
  if (!isRecord(part)) return false
  const { table, name, rows } = part
  return tableNames.some((one) => one === table) && /^[\w-]{1,200}$/.test(String(name)) && isCount(rows)
}

function isFile(file: unknown): file is ManifestFile {
  if (!isRecord(file)) return false
  const { name, size, sha256 } = file
  return typeof name === 'string' && isFileName(name) && isCount(size) && /^[0-9a-f]{64}$/.test(String(sha256))
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
