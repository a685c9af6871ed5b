/** How a service is drawn: a hue, and one of two tones of it. */
export interface ServiceColor {
  /** Degrees in OKLCH. */
  readonly hue: number
  readonly tone: 'bright' | 'deep'
}

/**
 * A service keeps its colour over pages, traces and days: it is a hash of the name. Hues near 25
 * (red) are left out, because red means an error here; steps of 17 degrees are about the least that
 * eyes tell apart at our chroma, and two tones of each make 36 colours.
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
 * FNV-1a over code units, then a multiplier that was tried until twenty common names of services
 * (gateway, payment, inventory…) lay well apart. A name of 1 MB costs no more than its start.
 */
function hash(text: string): number {
  let value = 0x811c9dc5
  const length = Math.min(text.length, 256)
  for (let at = 0; at < length; at += 1) value = Math.imul(value ^ text.charCodeAt(at), 0x01000193)
  value ^= value >>> 15
  return Math.imul(value, 0x83c56c2b) >>> 0
}
