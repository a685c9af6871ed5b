import { existsSync } from 'node:fs'
import { expect, test } from 'vitest'
import { checkPlatform, findEngineLibrary } from './engine-library.ts'
import { StoreError } from '../store-error.ts'

test('the ClickHouse library for this machine is installed', () => {
  checkPlatform()
  expect(existsSync(findEngineLibrary())).toBe(true)
})

test('Windows is refused with WSL and a container as alternatives', () => {
  const windows = { os: 'win32', arch: 'x64', isMusl: false }
  expect(() => checkPlatform(windows)).toThrow(StoreError)
  expect(() => checkPlatform(windows)).toThrow(/^Spanlink runs on Linux.*macOS.*not on Windows\..*WSL 2.*container/)
})

test('the embedded ClickHouse on musl is refused with a container and --store as alternatives', () => {
  const alpine = { os: 'linux', arch: 'x64', isMusl: true }
  checkPlatform(alpine)
  expect(() => findEngineLibrary(alpine)).toThrow(/Linux.*macOS.*linux x64 with musl\..*container.*--store clickhouse:/)
})

test('the error for an unsupported processor lists supported ones', () => {
  expect(() => findEngineLibrary({ os: 'linux', arch: 's390x', isMusl: false })).toThrow(/x64 and arm64.*linux s390x\./)
})

test('the error for a missing engine library names its npm package', () => {
  const os = process.platform === 'darwin' ? 'linux' : 'darwin'
  expect(() => findEngineLibrary({ os, arch: 'x64', isMusl: false })).toThrow(/@chdb\/lib-.* is missing/)
})
