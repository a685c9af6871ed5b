import { expect, test } from 'vitest'
import { showProgress } from './progress.ts'

function createStream(isTTY: boolean): {
  readonly isTTY: boolean
  readonly write: (text: string) => void
  all: string
} {
  const stream = { isTTY, all: '', write: (text: string) => void (stream.all += text) }
  return stream
}

test('progress is one line on a terminal and is cleared at its end', () => {
  const stream = createStream(true)
  const progress = showProgress(stream)
  progress.update('500 traces')
  progress.update('1000 traces')
  progress.end()
  progress.end()
  expect(stream.all).toBe('\r\u001b[K500 traces\r\u001b[K1000 traces\r\u001b[K')
})

test('progress is not written to a pipe', () => {
  const stream = createStream(false)
  const progress = showProgress(stream)
  progress.update('500 traces')
  progress.end()
  expect(stream.all).toBe('')
})
