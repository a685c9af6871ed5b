import type { Log } from '../log.ts'
import type { SealedSegment } from './segment.ts'

export type JournalOptions = {
  /** Segments go to `<dataDir>/journal/`. */
  readonly dataDir: string
  /** Acks wait for fsync, so that a power failure loses nothing. @default false */
  readonly fsync?: boolean
  /** A segment is sealed at this size... @default 32 MiB */
  readonly maxSegmentBytes?: number
  /** ...or this many rows... @default 50_000 */
  readonly maxSegmentRows?: number
  /** ...or this long after its first request, in ms. @default 300 */
  readonly maxSegmentAgeMs?: number
  /** Acknowledged rows not stored yet; beyond it requests are rejected. @default 1 GiB */
  readonly maxBacklogBytes?: number
  /** Sealed segments kept in memory; others are read back from their files. @default 96 MiB */
  readonly maxMemoryBytes?: number
  readonly log: Log
  readonly onSealed: (segment: SealedSegment) => void
}

export const DEFAULT_OPTIONS = {
  fsync: false,
  maxSegmentBytes: 32 * 1024 * 1024,
  maxSegmentRows: 50_000,
  maxSegmentAgeMs: 300,
  maxBacklogBytes: 1024 * 1024 * 1024,
  maxMemoryBytes: 96 * 1024 * 1024,
} as const
