import { pickDurationUnit } from '@spanlink/api-schema/duration'

export type Terminal = {
  readonly columns: number
  readonly paint: (text: string, style: Style) => string
}

type Style = 'dim' | 'bold' | 'red' | 'yellow' | number

/** NO_COLOR (https://no-color.org) and FORCE_COLOR override the detection by stdout. */
export function detectTerminal(
  stdout: { readonly isTTY?: boolean; readonly columns?: number },
  env: Readonly<Record<string, string | undefined>>,
): Terminal {
  const envColumns = Number(env['COLUMNS'])
  const columns = stdout.columns ?? (envColumns > 0 ? envColumns : 100)
  const isForced = env['FORCE_COLOR'] !== undefined && env['FORCE_COLOR'] !== '0'
  const isPlain = (env['NO_COLOR'] ?? '') !== '' || env['TERM'] === 'dumb' || stdout.isTTY !== true
  const isColoured = isForced || !isPlain
  return {
    columns: Math.max(40, Math.min(columns, 240)),
    paint: (text, style) => (isColoured && text !== '' ? `\u001b[${styleCode(style)}m${text}\u001b[0m` : text),
  }
}

function styleCode(style: Style): string {
  return typeof style === 'number' ? `38;5;${style}` : STYLE_CODES[style]
}

const STYLE_CODES = { dim: '2', bold: '1', red: '31', yellow: '33' } as const

/** 256-colour codes, readable on dark and light backgrounds and not close to red (errors). */
const PALETTE = [33, 208, 35, 134, 178, 37, 105, 71, 169, 136, 67, 100]

/** Assigns colours to services in the order of the calls. */
export function createColourPicker(): (service: string) => number {
  const known = new Map<string, number>()
  return (service) => {
    const colour = known.get(service) ?? PALETTE[known.size % PALETTE.length] ?? 33
    known.set(service, colour)
    return colour
  }
}

/** Cuts with … or fills with blanks to exactly `width` columns. */
export function fitToWidth(text: string, width: number): string {
  if (width <= 0) return ''
  const all = measureWidth(text)
  if (all <= width) return text + ' '.repeat(width - all)
  let [kept, used] = ['', 0]
  for (const { segment } of graphemes.segment(text)) {
    const wide = measureWidth(segment)
    if (used + wide > width - 1) break
    kept += segment
    used += wide
  }
  return `${kept}…${' '.repeat(width - 1 - used)}`
}

const graphemes = new Intl.Segmenter()

/** East Asian and emoji graphemes take two columns, marks on others none. */
export function measureWidth(text: string): number {
  if (/^[\x20-\x7e]*$/.test(text)) return text.length
  let columns = 0
  for (const { segment } of graphemes.segment(text)) {
    columns += WIDE.test(segment) ? 2 : /^[\p{M}\u200b\ufeff]+$/u.test(segment) ? 0 : 1
  }
  return columns
}

const WIDE =
  /^[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\ua960-\ua97f\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff01-\uff60\uffe0-\uffe6]|\p{Emoji_Presentation}|[\u{20000}-\u{3fffd}]/u

/** `1.23 ms`: three or four digits in at most eight columns. */
export function formatDuration(nanos: bigint | string): string {
  const value = Number(nanos)
  const [name, size] = pickDurationUnit(Math.abs(value), 'h')
  const scaled = value / size
  if (size === 1) return `${scaled} ns`
  if (size >= 60e9) return `${scaled.toFixed(1)} ${name === 'm' ? 'min' : name}`
  return `${scaled.toFixed(Math.abs(scaled) >= 100 ? 0 : Math.abs(scaled) >= 10 ? 1 : 2)} ${name}`
}

export function formatTime(unixNano: string): string {
  const millis = Number(BigInt(unixNano) / 1_000_000n)
  return millis > 8.64e15 ? `${unixNano} ns` : new Date(millis).toISOString().replace('T', ' ')
}

/** Links to a trace, and links of its spans. */
export function formatLinkCounts(linksIn: number, linksOut: number): string[] {
  return [
    ...(linksIn === 0 ? [] : [`→ ${formatCount(linksIn, 'link')} in`]),
    ...(linksOut === 0 ? [] : [`← ${formatCount(linksOut, 'link')} out`]),
  ]
}

export function formatCount(count: number, noun: string): string {
  return `${count.toLocaleString('en')} ${noun}${count === 1 ? '' : 's'}`
}

/** `12.3 MB` */
export function formatBytes(bytes: number): string {
  const unit = Math.min(Math.floor(Math.log10(Math.max(bytes, 1)) / 3), BYTE_UNITS.length - 1)
  return `${unit === 0 ? bytes : (bytes / 1000 ** unit).toFixed(1)} ${BYTE_UNITS[unit]}`
}

const BYTE_UNITS = ['B', 'kB', 'MB', 'GB', 'TB']
