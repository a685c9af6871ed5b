import { existsSync } from 'node:fs'
import { expect, test } from 'vitest'
import { findEngineLibrary } from './engine-library.ts'
import { StoreError } from '../store-error.ts'

test('the ClickHouse library for this machine is installed', () => {
  expect(existsSync(findEngineLibrary())).toBe(true)
})

test('the error for an unsupported platform lists supported ones and --store', () => {
  expect(() => findEngineLibrary('win32', 'x64')).toThrow(StoreError)
  expect(() => findEngineLibrary('win32', 'x64')).toThrow(/Linux.*macOS.*win32 x64.*--store clickhouse:/)
})

test('the error for a missing engine library names its npm package', () => {
  const other = process.platform === 'darwin' ? 'linux' : 'darwin'
  expect(() => findEngineLibrary(other, 'x64')).toThrow(/@chdb\/lib-.* is missing/)
})
