export type ServerSentEvent = { readonly event: string; readonly data: string }

/**
 * Parses https://html.spec.whatwg.org/multipage/server-sent-events.html as far as Spanlink's server
 * uses it.
 */
export async function* parseServerSentEvents(response: Response): AsyncGenerator<ServerSentEvent> {
  let rest = ''
  const decoder = new TextDecoder()
  for await (const bytes of response.body ?? []) {
    rest += decoder.decode(bytes, { stream: true })
    const blocks = rest.split('\n\n')
    rest = blocks.pop() ?? ''
    for (const block of blocks) {
      const lines = block.split('\n')
      const readField = (name: string): string =>
        lines
          .filter((line) => line.startsWith(`${name}: `))
          .map((line) => line.slice(name.length + 2))
          .join('\n')
      yield { event: readField('event'), data: readField('data') }
    }
  }
}
