import { useEffect, useRef, useState } from 'preact/hooks'
import './sign-in.css'
import { sanitizeText } from '../lib/format/sanitize.ts'
import { pageState, replace, usePageTitle } from '../lib/url.ts'
import { loadSession, session, sessionError, signInWithToken } from './session.ts'

const ERROR_PARAM = 'sign-in-error'

/** Instead of every page while the server requires a session and there is none. */
export function SignInPage() {
  usePageTitle('Sign in')
  const [error, setError] = useState(takeErrorFromUrl)
  const field = useRef<HTMLInputElement>(null)
  // The session that the last response knew has ended since.
  const [hadUser] = useState(() => session.peek()?.user !== undefined)
  useEffect(() => {
    void loadSession()
    field.current?.focus()
  }, [])
  const submit = async (event: SubmitEvent): Promise<void> => {
    event.preventDefault()
    const token = field.current?.value.trim() ?? ''
    if (token === '') return setError('Enter a token.')
    setError('')
    try {
      await signInWithToken(token)
    } catch (cause) {
      setError((cause as Error).message)
      field.current?.select()
    }
  }
  const oidc = session.value?.methods.oidc
  return (
    <main class="sign-in" id="main">
      <section aria-labelledby="sign-in-title">
        <img src="mark.svg" alt="" width="32" height="32" />
        <h1 id="sign-in-title">Sign in to Spanlink</h1>
        {hadUser && <p>Your session has ended. Sign in again to return to this page.</p>}
        <p class="problem" role="alert">
          {sanitizeText(error || (sessionError.value?.message ?? ''), 400)}
        </p>
        {oidc !== undefined && (
          <a
            class="button primary"
            href={`api/session/oidc?${new URLSearchParams({ next: nextPage() })}`}
            target="_self"
          >
            Sign in with {sanitizeText(oidc.label, 80)}
          </a>
        )}
        <form onSubmit={(event) => void submit(event)}>
          <label for="sign-in-token">Token</label>
          <input
            ref={field}
            id="sign-in-token"
            name="token"
            type="password"
            class="mono"
            autoComplete="current-password"
            aria-describedby="sign-in-hint"
            spellcheck={false}
          />
          <button type="submit" class={oidc === undefined ? 'primary' : ''}>
            Sign in
          </button>
        </form>
        <p id="sign-in-hint" class="faint">
          An operator creates tokens with <code>spanlink token create --role read</code>.
        </p>
      </section>
    </main>
  )
}

/** The page that was asked for, relative to the base. */
function nextPage(): string {
  const { path, search } = pageState.value
  return path.slice(1) + search
}

/** Why the identity provider or the server refused; the URL is left without it. */
function takeErrorFromUrl(): string {
  const { path, search } = pageState.peek()
  const params = new URLSearchParams(search)
  const error = params.get(ERROR_PARAM) ?? ''
  if (!params.has(ERROR_PARAM)) return error
  params.delete(ERROR_PARAM)
  replace(params.size === 0 ? path : `${path}?${params}`)
  return error
}
