/** Captures the pointer of a press until its release: `move` gets the movements, `up` the end. */
export function dragPointer(
  element: HTMLElement,
  down: PointerEvent,
  move: (event: PointerEvent) => void,
  up?: () => void,
): void {
  element.setPointerCapture(down.pointerId)
  element.addEventListener('pointermove', move)
  const end = (): void => {
    element.removeEventListener('pointermove', move)
    up?.()
  }
  element.addEventListener('lostpointercapture', end, { once: true })
}
