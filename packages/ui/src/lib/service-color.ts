/** The colour of a service: a hue in one of two tones. */
export interface ServiceColor {
  /** Degrees in OKLCH. */
  readonly hue: number
  readonly tone: 'bright' | 'deep'
}

/**
 * A hash of the name, so that a service keeps its colour across pages and traces. Hues near 25
 * (red) are left out, because red means an error. Steps of 17 degrees are about the smallest
 * visible difference at our chroma; with two tones that makes 36 colours.
 */
export function serviceColor(service: string): ServiceColor {
  const slot = (hash(service) >>> 8) % (HUES * 2)
  return { hue: (FIRST_HUE + (slot % HUES) * HUE_STEP) % 360, tone: slot < HUES ? 'bright' : 'deep' }
}

const FIRST_HUE = 58
const HUE_STEP = 17
/** 58 .. 347. */
const HUES = 18

/**
 * FNV-1a over code units, then a multiplier chosen by trial so that twenty common service names
 * (gateway, payment, inventory…) get distinct colours. Only the start of a long name is hashed.
 */
function hash(text: string): number {
  let value = 0x811c9dc5
  const length = Math.min(text.length, 256)
  for (let at = 0; at < length; at += 1) value = Math.imul(value ^ text.charCodeAt(at), 0x01000193)
  value ^= value >>> 15
  return Math.imul(value, 0x83c56c2b) >>> 0
}
