/**
 * Calls `load` now and again `intervalMs` after each call has ended, so that requests never
 * overlap. Pauses while the tab is hidden. Returns a function that stops it.
 */
export function poll(load: () => Promise<void>, intervalMs: number): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined
  let stopped = false
  let busy = false
  const turn = async (): Promise<void> => {
    clearTimeout(timer)
    if (stopped || busy || document.hidden) return
    busy = true
    await load()
    busy = false
    if (!stopped) timer = setTimeout(() => void turn(), intervalMs)
  }
  const onVisible = (): void => void turn()
  document.addEventListener('visibilitychange', onVisible)
  void turn()
  return () => {
    stopped = true
    clearTimeout(timer)
    document.removeEventListener('visibilitychange', onVisible)
  }
}
