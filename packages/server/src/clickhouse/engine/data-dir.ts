import {
  chmodSync,
  closeSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readFileSync,
  realpathSync,
  statSync,
  writeSync,
} from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { tryLockFile } from './flock.ts'
import { StoreError } from '../store-error.ts'

export type DataDir = {
  /** Absolute, symbolic links resolved. */
  readonly path: string
  release(): void
}

/**
 * Creates the directory if missing and locks it for this process. A second server fails with
 * `data-dir-in-use`, which names the owner's process id, before it changes anything.
 *
 * The lock is flock(2), which Node lacks: the kernel releases it with the process, even after `kill
 * -9`. It also works between containers that share a volume, where process ids are meaningless.
 */
export function lockDataDir(dir: string): DataDir {
  const path = mapFileError(dir, () => {
    createDirectory(resolve(dir))
    return realpathSync(dir)
  })
  const file = join(path, 'lock')
  const fd = mapFileError(dir, () => openSync(file, 'a+', 0o600))
  if (!tryLockFile(fd)) {
    const owner = readFileSync(file, 'utf8').trim()
    closeSync(fd)
    throw new StoreError(
      'data-dir-in-use',
      `${path} is in use by another Spanlink server${owner === '' ? '' : ` (process ${owner})`}. Stop it, or choose another directory with --data.`,
    )
  }
  mapFileError(dir, () => {
    hideDirectories(path)
    ftruncateSync(fd)
    writeSync(fd, `${process.pid}\n`)
  })
  let isLocked = true
  return {
    path,
    release: () => {
      if (isLocked) closeSync(fd)
      isLocked = false
    },
  }
}

/** Earlier versions let other users read them if the data directory was made by someone else. */
function hideDirectories(path: string): void {
  for (const name of ['clickhouse', 'engine', 'journal', 'kafka-quarantine']) {
    const directory = join(path, name)
    if (isDirectory(directory)) chmodSync(directory, 0o700)
  }
}

/**
 * Not `mkdir` with `recursive`: where the file system returns ENOENT, as /proc does, Node retries
 * forever.
 */
function createDirectory(path: string): void {
  if (isDirectory(path)) return
  createDirectory(dirname(path))
  try {
    mkdirSync(path, { mode: 0o700 })
  } catch (error) {
    // Another process created it first.
    if (!isDirectory(path)) throw error
  }
}

function isDirectory(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false
}

function mapFileError<T>(dir: string, act: () => T): T {
  try {
    return act()
  } catch (cause) {
    const reason = reasonByCode[(cause as NodeJS.ErrnoException).code ?? ''] ?? String(cause)
    throw new StoreError('data-dir-unusable', `Cannot keep data in ${dir}: ${reason}. Choose another with --data.`, {
      cause,
    })
  }
}

const reasonByCode: Readonly<Record<string, string>> = {
  EACCES: 'no permission to write there',
  EPERM: 'no permission to write there',
  EROFS: 'the file system is read-only',
  ENOTDIR: 'part of the path is a file',
  EEXIST: 'it is a file',
  ENOENT: 'no directory can be made there',
  ENOSPC: 'the disk is full',
}
