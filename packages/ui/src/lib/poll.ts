/**
 * Calls `ask` now and then `everyMillis` after each response, so a slow server is never asked twice
 * at once. Rests while nobody looks at the tab and asks at once when somebody does again. Returns
 * what stops it.
 */
export function poll(ask: () => Promise<void>, everyMillis: number): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined
  let stopped = false
  let busy = false
  const turn = async (): Promise<void> => {
    clearTimeout(timer)
    if (stopped || busy || document.hidden) return
    busy = true
    await ask()
    busy = false
    if (!stopped) timer = setTimeout(() => void turn(), everyMillis)
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
