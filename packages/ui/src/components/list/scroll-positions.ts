interface ListPlace {
  readonly top: number
  /** Of the link that had the focus. */
  readonly href: string | null
}

/** Where one was in a list when leaving it, by history entry. For as long as the page lives. */
const left = new Map<string, ListPlace>()

export function placeLeft(entry: string): ListPlace | undefined {
  return left.get(entry)
}

export function leaveList(entry: string, box: HTMLElement): void {
  const link = box.contains(document.activeElement) ? document.activeElement : null
  left.set(entry, { top: box.scrollTop, href: link?.getAttribute('href') ?? null })
}
