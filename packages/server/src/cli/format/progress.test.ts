import { expect, test } from 'vitest'
import { progressOn } from './progress.ts'

function streamThat(isTTY: boolean): { readonly isTTY: boolean; readonly write: (text: string) => void; all: string } {
  const stream = { isTTY, all: '', write: (text: string) => void (stream.all += text) }
  return stream
}

test('progress is one line of a terminal, and gone when it ends', () => {
  const stream = streamThat(true)
  const progress = progressOn(stream)
  progress.say('500 traces')
  progress.say('1000 traces')
  progress.end()
  progress.end()
  expect(stream.all).toBe('\r\u001b[K500 traces\r\u001b[K1000 traces\r\u001b[K')
})

test('where nobody watches there is none', () => {
  const stream = streamThat(false)
  const progress = progressOn(stream)
  progress.say('500 traces')
  progress.end()
  expect(stream.all).toBe('')
})
