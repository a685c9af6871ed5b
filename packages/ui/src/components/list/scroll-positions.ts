interface ScrollPosition {
  readonly top: number
  /** `href` of the link that had the focus. */
  readonly href: string | null
}

/** The position in a list when it was left, by history entry; kept until the page is reloaded. */
const left = new Map<string, ScrollPosition>()

export function readScrollPosition(entry: string): ScrollPosition | undefined {
  return left.get(entry)
}

export function saveScrollPosition(entry: string, box: HTMLElement): void {
  const link = box.contains(document.activeElement) ? document.activeElement : null
  left.set(entry, { top: box.scrollTop, href: link?.getAttribute('href') ?? null })
}
