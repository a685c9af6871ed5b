import { signal } from '@preact/signals'
import type { ComponentType } from 'preact'
import { LoadingRows } from '../components/list/loading-rows.tsx'
import { Notice } from '../components/notice.tsx'

/**
 * A page whose script comes when it is first opened. What could not be had (the server was replaced
 * by a version with other files) is asked for again with a reload, which is what the words say.
 */
export function lazyPage<P extends object>(load: () => Promise<ComponentType<P>>): ComponentType<P> {
  const loaded = signal<ComponentType<P> | Error | undefined>(undefined)
  let asked = false
  return function LazyPage(props: P) {
    if (!asked) {
      asked = true
      load().then(
        (page) => (loaded.value = page),
        (cause: unknown) => {
          asked = false
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
