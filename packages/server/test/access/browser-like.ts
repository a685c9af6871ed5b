import { parseSetCookie } from 'cookie'

export type Page = { readonly url: string; readonly status: number; readonly text: string }

/** Follows redirects and keeps cookies per host and port, as a browser does without scripts. */
export function openBrowserLike(): {
  readonly get: (url: string, headers?: Readonly<Record<string, string>>) => Promise<Page>
  readonly submit: (page: Page, fields: Readonly<Record<string, string>>) => Promise<Page>
  readonly cookieOf: (url: string, name: string) => ReturnType<typeof parseSetCookie> | undefined
} {
  const jars = new Map<string, Map<string, ReturnType<typeof parseSetCookie>>>()
  const jarOf = (url: string): Map<string, ReturnType<typeof parseSetCookie>> => {
    const { host } = new URL(url)
    const jar = jars.get(host) ?? new Map<string, ReturnType<typeof parseSetCookie>>()
    jars.set(host, jar)
    return jar
  }
  const load = async (url: string, init: RequestInit = {}): Promise<Page> => {
    const { pathname } = new URL(url)
    const cookies = [...jarOf(url).values()].filter(({ path = '/' }) => pathname.startsWith(path))
    const cookie = cookies.map(({ name, value }) => `${name}=${value}`).join('; ')
    const response = await fetch(url, { redirect: 'manual', ...init, headers: { ...init.headers, cookie } })
    for (const line of response.headers.getSetCookie()) {
      const set = parseSetCookie(line)
      if (set.maxAge === 0 || (set.expires?.getTime() ?? Infinity) < Date.now()) jarOf(url).delete(set.name)
      else jarOf(url).set(set.name, set)
    }
    const location = response.headers.get('location')
    const text = await response.text()
    if (response.status < 300 || response.status > 399 || location === null)
      return { url, status: response.status, text }
    return await load(new URL(location, url).href)
  }
  return {
    get: (url, headers = {}) => load(url, { headers }),
    submit: (page, fields) => {
      const action = /<form[^>]*action="([^"]+)"/.exec(page.text)?.[1] ?? page.url
      const hidden = [...page.text.matchAll(/<input type="hidden" name="([^"]+)" value="([^"]*)"/g)]
      const body = new URLSearchParams(fields)
      for (const [, name = '', value = ''] of hidden) body.set(name, value)
      return load(new URL(action, page.url).href, { method: 'POST', body })
    },
    cookieOf: (url, name) => jarOf(url).get(name),
  }
}
