import { existsSync } from 'node:fs'
import { expect, test } from 'vitest'
import { findEngineLibrary } from './engine-library.ts'
import { StoreError } from '../store-error.ts'

test('the library for this machine is installed', () => {
  expect(existsSync(findEngineLibrary())).toBe(true)
})

test('a platform without an engine is told which have one, and what else there is', () => {
  expect(() => findEngineLibrary('win32', 'x64')).toThrow(StoreError)
  expect(() => findEngineLibrary('win32', 'x64')).toThrow(/Linux.*macOS.*win32 x64.*--store clickhouse:/)
})

test('an engine that npm left out is told by its package', () => {
  const other = process.platform === 'darwin' ? 'linux' : 'darwin'
  expect(() => findEngineLibrary(other, 'x64')).toThrow(/@chdb\/lib-.* is missing/)
})
