import { existsSync, readFileSync } from 'node:fs'
import { DataType, load, open } from 'ffi-rs'

/** <sys/mman.h> */
const MADV_DONTNEED = 4

/**
 * Drops the resident code pages of a library: startup touches 120 MiB, an idle engine needs a few.
 * They are unchanged file pages, so the kernel maps them again from its page cache when they are
 * executed. Linux only.
 */
export function dropCodePages(library: string): void {
  const maps = '/proc/self/maps'
  if (!existsSync(maps)) return
  open({ library: 'libc', path: '' })
  for (const line of readFileSync(maps, 'utf8').split('\n')) {
    // Executable and not writable, so the pages are identical to the file.
    const match = /^([0-9a-f]+)-([0-9a-f]+) r-xp /.exec(line)
    if (match === null || !line.endsWith(library)) continue
    const [from, to] = [Number.parseInt(match[1] ?? '', 16), Number.parseInt(match[2] ?? '', 16)]
    // int madvise(void *addr, size_t length, int advice)
    load({
      library: 'libc',
      funcName: 'madvise',
      retType: DataType.I32,
      paramsType: [DataType.I64, DataType.I64, DataType.I32],
      paramsValue: [from, to - from, MADV_DONTNEED],
    })
  }
}
