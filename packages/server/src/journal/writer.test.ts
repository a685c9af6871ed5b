import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import {
  manyRows,
  rowsOf,
  rowsStored,
  segmentFiles,
  startInserter,
  storeThat,
} from '../../test/durability/inserter-setup.ts'
import { StoreError } from '../clickhouse/store-error.ts'
import type { Store, StoreWriter } from '../clickhouse/store.ts'
import type { JournalOptions } from './journal-options.ts'

let dataDir: string

beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'spanlink-writer-'))
})

afterEach(() => rm(dataDir, { recursive: true, force: true }))

async function startWithWriter(store: Store, limits: Partial<JournalOptions> = {}) {
  const writers: StoreWriter[] = []
  const attachWriter = (writer: StoreWriter): void => void writers.push(writer)
  const started = await startInserter(dataDir, { ...store, attachWriter }, limits)
  return { ...started, writer: writers[0] as StoreWriter }
}

test('a flush waits until all pieces of a segment that is split are stored', async () => {
  const { store, inserts } = storeThat((table, text) => {
    if (table === 'spans' && text.split(',').length > 3) throw new StoreError('too-heavy', 'memory limit')
  })
  const { journal, inserter, writer } = await startWithWriter(store)
  await journal.append(manyRows('a', 8))
  await writer.flush(new AbortController().signal)
  expect(rowsStored(inserts, 'spans').toSorted()).toEqual(Array.from({ length: 8 }, (_, at) => `span a${at}`))
  expect(await segmentFiles(dataDir)).toEqual([])
  await journal.close()
  await inserter.drain(5000)
})

test('a flush ends with its signal while nothing can be stored', async () => {
  const { store } = storeThat(() => {
    throw new StoreError('unavailable', 'ClickHouse is not running.')
  })
  const { journal, inserter, writer } = await startWithWriter(store)
  await journal.append(rowsOf('a'))
  const left = new AbortController()
  const flushed = writer.flush(left.signal)
  left.abort(new Error('the client left'))
  await expect(flushed).rejects.toThrow('the client left')
  await journal.close()
  await inserter.drain(0)
})

test('while inserts are paused, nothing is inserted, rows are acknowledged, and earlier ones are in files', async () => {
  const { store, inserts } = storeThat(() => {})
  const { journal, inserter, writer } = await startWithWriter(store, { maxSegmentRows: 1 })
  await journal.append(rowsOf('a'))
  await writer.pause(async (files) => {
    const stored = rowsStored(inserts, 'spans').length
    expect(stored + files.length).toBe(1)
    for (const name of ['b', 'c', 'd']) {
      await inserter.waitForCapacity()
      await journal.append(rowsOf(name))
    }
    expect(rowsStored(inserts, 'spans')).toHaveLength(stored)
  })
  await journal.close()
  await inserter.drain(5000)
  expect(rowsStored(inserts, 'spans').toSorted()).toEqual(['span a', 'span b', 'span c', 'span d'])
})
