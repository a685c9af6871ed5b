import { signal } from '@preact/signals'
import { useLayoutEffect } from 'preact/hooks'

export interface KeyBinding {
  /** Values of `KeyboardEvent.key`; the shortcuts dialog shows all, the first one first. */
  readonly keys: readonly string[]
  readonly does: string
  readonly run: (event: KeyboardEvent) => void
  /** True where the key also works in text fields, as Escape does. */
  readonly whileTyping?: boolean
  /** True where the key counts only together with Ctrl or Cmd. */
  readonly withMod?: boolean
}

export interface KeyGroup {
  readonly title: string
  readonly bindings: readonly KeyBinding[]
}

/** The bindings of the current page, which the shortcuts dialog lists. */
export const keyGroups = signal<readonly KeyGroup[]>([])

/** Adds the keys of a page; returns a function that removes them. Call it in a layout effect. */
export function bindKeys(group: KeyGroup): () => void {
  keyGroups.value = [...keyGroups.peek(), group]
  return () => {
    keyGroups.value = keyGroups.peek().filter((other) => other !== group)
  }
}

/** Binds the keys of a page while it is shown. */
export function useKeys(title: string, bindings: readonly KeyBinding[]): void {
  useLayoutEffect(() => bindKeys({ title, bindings }), [])
}

/** Leaves the field that is being edited. */
export function leaveField(): void {
  if (document.activeElement instanceof HTMLElement) document.activeElement.blur()
}

export function listenToKeys(): void {
  document.addEventListener('keydown', (event) => {
    if (event.defaultPrevented || event.altKey || event.isComposing) return
    if (document.querySelector('dialog[open]') !== null) return
    const typing = isTyping(event.target)
    const mod = event.ctrlKey || event.metaKey
    // A button or link under focus keeps its Enter and Space.
    if ((event.key === 'Enter' || event.key === ' ') && isControl(event.target)) return
    for (const { bindings } of keyGroups.peek().toReversed()) {
      const found = bindings.find(
        ({ keys, whileTyping, withMod }) =>
          keys.includes(event.key) && (withMod === true) === mod && (!typing || whileTyping === true),
      )
      if (found === undefined) continue
      event.preventDefault()
      found.run(event)
      return
    }
  })
}

function isTyping(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false
  if (target instanceof HTMLInputElement) return !['checkbox', 'radio', 'button'].includes(target.type)
  return target instanceof HTMLTextAreaElement || target instanceof HTMLSelectElement || target.isContentEditable
}

function isControl(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && target.closest('a, button, summary') !== null
}
