import { serviceColor } from '../service-color.ts'

/** The colours a canvas needs, read from the same custom properties that style the DOM. */
export interface Palette {
  readonly grid: string
  readonly accent: string
  readonly text: string
  readonly muted: string
  readonly error: string
  readonly match: string
  readonly row: string
  readonly event: string
  /** Queue time, links between rows, and the critical path, on flows. */
  readonly queue: string
  readonly queueText: string
  readonly wire: string
  readonly path: string
  readonly warn: string
  readonly service: (name: string) => string
  readonly font: string
}

/** Reads the current tokens for these services; another theme or trace needs a new palette. */
export function readPalette(serviceNames: readonly string[]): Palette {
  const probe = document.createElement('span')
  probe.className = 'service'
  probe.hidden = true
  document.body.append(probe)
  const computed = getComputedStyle(probe)
  const token = (name: string): string => {
    probe.style.color = `var(${name})`
    return computed.color
  }
  const fixed = {
    grid: token('--line'),
    accent: token('--accent-fill'),
    text: token('--text'),
    muted: token('--text-muted'),
    error: token('--error'),
    match: token('--match'),
    row: token('--surface'),
    event: token('--text'),
    queue: token('--queue'),
    queueText: token('--queue-text'),
    wire: token('--line-strong'),
    path: token('--text'),
    warn: token('--warn'),
    font: computed.fontFamily,
  }
  const services = new Map(
    serviceNames.map((name) => {
      const { hue, tone } = serviceColor(name)
      probe.className = `service ${tone}`
      probe.style.setProperty('--hue', String(hue))
      return [name, token('--service-fill')] as const
    }),
  )
  probe.remove()
  return {
    ...fixed,
    service: (name) => services.get(name) ?? fixed.muted,
  }
}
