/** Said to the person in one line, with the exit code of the program. */
export class CommandError extends Error {
  readonly exitCode: number

  constructor(exitCode: number, message: string, cause?: unknown) {
    super(message, { cause })
    this.exitCode = exitCode
  }
}

/** docs/cli.md lists them. */
export const exitCodes = { failed: 1, usage: 2, notFound: 3, unreachable: 4 } as const

/** The JSON of `GET path` of the server at `url`. @throws CommandError */
export async function askServer<Answer>(
  url: string,
  path: string,
  query: Readonly<Record<string, string | number | undefined>> = {},
): Promise<Answer> {
  const response = await openServer(url, path, query)
  try {
    return (await response.json()) as Answer
  } catch (cause) {
    throw new CommandError(exitCodes.unreachable, `What answers at ${url} is not Spanlink.`, cause)
  }
}

/** As `askServer`, with the body still to be read. */
export async function openServer(
  url: string,
  path: string,
  query: Readonly<Record<string, string | number | undefined>> = {},
): Promise<Response> {
  const asked = new URL(`${url}${path}`)
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined) asked.searchParams.set(name, String(value))
  }
  const response = await fetch(asked).catch((cause: unknown) => {
    const detail = 'Is it running? --url or SPANLINK_URL says where.'
    throw new CommandError(exitCodes.unreachable, `No server answers at ${url}. ${detail}`, cause)
  })
  if (!response.ok) throw await errorOf(response)
  return response
}

async function errorOf(response: Response): Promise<CommandError> {
  const body = await response.text()
  const problem = problemOf(body)
  const detail = typeof problem['detail'] === 'string' ? problem['detail'] : `The server answered ${response.status}.`
  const isUnknown = response.status === 404 && problem['title'] === 'Not found'
  if (isUnknown) return new CommandError(exitCodes.notFound, detail)
  // 422: understood, and more than can be answered.
  const isWrong = problem['parameter'] !== undefined && response.status !== 422
  return new CommandError(isWrong ? exitCodes.usage : exitCodes.failed, detail)
}

function problemOf(body: string): Readonly<Record<string, unknown>> {
  try {
    return (JSON.parse(body) ?? {}) as Readonly<Record<string, unknown>>
  } catch {
    return {}
  }
}
