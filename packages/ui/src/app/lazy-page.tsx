import { signal } from '@preact/signals'
import type { ComponentType } from 'preact'
import { LoadingRows, Notice } from '../components/notice.tsx'

/**
 * A page whose script is loaded when it is first opened. Loading fails after a server upgrade,
 * because script names change; a reload fixes it.
 */
export function lazyPage<P extends object>(load: () => Promise<ComponentType<P>>): ComponentType<P> {
  const loaded = signal<ComponentType<P> | Error | undefined>(undefined)
  let isRequested = false
  return function LazyPage(props: P) {
    if (!isRequested) {
      isRequested = true
      load().then(
        (page) => (loaded.value = page),
        (cause: unknown) => {
          isRequested = false
          loaded.value = new Error('the script of the page could not be loaded', { cause })
        },
      )
    }
    const Page = loaded.value
    if (Page instanceof Error) {
      return (
        <Notice icon="unplugged" kind="error" title="This page could not be loaded" isPage>
          <p>Can't reach the server, or it was updated.</p>
          <p>
            <button type="button" onClick={() => location.reload()}>
              Reload
            </button>
          </p>
        </Notice>
      )
    }
    if (Page !== undefined) return <Page {...props} />
    return <LoadingRows label="Loading page" />
  }
}
