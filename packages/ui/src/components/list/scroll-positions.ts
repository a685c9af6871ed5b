interface ScrollPosition {
  readonly top: number
  /** Of the link that had the focus. */
  readonly href: string | null
}

/** Where one was in a list when leaving it, by history entry. For as long as the page lives. */
const left = new Map<string, ScrollPosition>()

export function readScrollPosition(entry: string): ScrollPosition | undefined {
  return left.get(entry)
}

export function saveScrollPosition(entry: string, box: HTMLElement): void {
  const link = box.contains(document.activeElement) ? document.activeElement : null
  left.set(entry, { top: box.scrollTop, href: link?.getAttribute('href') ?? null })
}
