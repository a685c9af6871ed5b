import { constants } from 'node:os'
import { DataType, load, open } from 'ffi-rs'
import { StoreError } from '../store-error.ts'

// <sys/file.h>, the same on Linux and macOS.
const LOCK_EX = 2
const LOCK_NB = 4

let isLibcOpen = false

/**
 * Takes flock(2) on an open file, which Node lacks. The kernel releases it with the file or
 * process.
 *
 * @returns false when another process holds it
 */
export function tryLockFile(fd: number): boolean {
  // An empty path is dlopen(NULL): the process itself, which contains libc.
  if (!isLibcOpen) open({ library: 'libc', path: '' })
  isLibcOpen = true
  const result = load({
    library: 'libc',
    funcName: 'flock',
    retType: DataType.I32,
    paramsType: [DataType.I32, DataType.I32],
    paramsValue: [fd, LOCK_EX | LOCK_NB],
    errno: true,
  }) as { readonly value: number; readonly errnoCode: number; readonly errnoMessage: string }
  if (result.value === 0) return true
  if (result.errnoCode === constants.errno.EWOULDBLOCK) return false
  throw new StoreError('data-dir-unusable', `Cannot lock the data directory: ${result.errnoMessage}.`)
}
