import { randomBytes } from 'node:crypto'
import type { Random } from './random.ts'

/** 32 lower-case hex digits, never all zero. Random unless a seeded source is given. */
export function randomTraceId(random?: Random): string {
  return hex(4, random)
}

/** 16 lower-case hex digits, never all zero. */
export function randomSpanId(random?: Random): string {
  return hex(2, random)
}

function hex(words: number, random: Random | undefined): string {
  let digits = ''
  for (let word = 0; word < words; word++) {
    const value = random ? Math.floor(random() * 2 ** 32) : randomBytes(4).readUInt32BE()
    digits += value.toString(16).padStart(8, '0')
  }
  return /[^0]/.test(digits) ? digits : digits.replace(/.$/, '1')
}
