import { expect, test } from 'vitest'
import { addRelease, parseChangelog } from './changelog.ts'

const CHANGELOG = `# Changelog

## Unreleased

### Added

- A thing.

## 0.1.0 - 2026-12-01

First.
`

test('a release moves what is unreleased below its version and date', () => {
  const released = addRelease(CHANGELOG, '0.2.0', '2027-01-31')
  expect(parseChangelog(released)).toEqual({
    unreleased: '',
    releases: [
      { version: '0.2.0', date: '2027-01-31', notes: '### Added\n\n- A thing.' },
      { version: '0.1.0', date: '2026-12-01', notes: 'First.' },
    ],
  })
})

test('a release without changes, or of a version that has a section, is refused', () => {
  expect(() => addRelease(CHANGELOG, '0.1.0', '2027-01-31')).toThrow('0.1.0 has a section already')
  const released = addRelease(CHANGELOG, '0.2.0', '2027-01-31')
  expect(() => addRelease(released, '0.3.0', '2027-01-31')).toThrow('nothing is unreleased')
})

test('a section without a date is refused', () => {
  expect(() => parseChangelog(CHANGELOG.replace(' - 2026-12-01', ''))).toThrow('"## 0.1.0" is not a version')
})
